"""Promise 1 and 8 rest on it: each running process can do in the database what its work needs, and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import httpx2
import psycopg
import pytest
from psycopg import sql

from tests.running import CHECKOUT, Product, running

READ_ALL, READ_SOME, INSERT, UPDATE, DELETE = "select", "select some columns", "insert", "update", "delete"

MAY: dict[str, dict[str, set[str]]] = {
    "intake": {
        "clients": {READ_ALL},
        "policies": {READ_ALL, INSERT},
        "policy_activations": {READ_ALL, INSERT},
        "recipient_keys": {READ_ALL},
        "cases": {READ_SOME, INSERT},
        "case_key_wraps": {INSERT},
        "case_duplicate_keys": {INSERT},
        "sealed_contents": {INSERT},
        "referrals": {READ_SOME, INSERT},
        "channel_states": {READ_ALL},
        "hints": {READ_SOME, INSERT},
        "idempotency": {READ_ALL, INSERT, DELETE},
        "kept_answers": {READ_ALL, INSERT, UPDATE, DELETE},
        "flood_links": {READ_ALL, INSERT},
        "flood_keys": {READ_ALL, INSERT, DELETE},
        "wrong_receipts": {READ_ALL, INSERT, UPDATE, DELETE},
        "audit": {READ_SOME, INSERT},
    },
    "worker": {
        "policies": {READ_SOME},
        "policy_activations": {READ_ALL},
        "referrals": {READ_ALL, UPDATE},
        "attempts": {READ_ALL, INSERT},
        "channel_states": {READ_ALL, INSERT, UPDATE},
        "drafts": {READ_SOME},
        "approvals": {READ_SOME},
        "hints": {READ_SOME, UPDATE, DELETE},
        "filings": {READ_ALL, INSERT, UPDATE},
        "handovers": {INSERT},
        "preserved": {INSERT},
        "audit": {INSERT},
    },
    "console": {
        "clients": {READ_SOME, INSERT, UPDATE},
        "policies": {READ_ALL},
        "policy_activations": {READ_ALL},
        "people": {READ_ALL, INSERT, UPDATE},
        "recipient_keys": {READ_ALL, INSERT, UPDATE},
        "member_keys": {READ_ALL, INSERT, UPDATE},
        "team_key_wraps": {READ_ALL, INSERT, DELETE},
        "cases": {READ_ALL, UPDATE},
        "people_roles": {READ_ALL, INSERT, DELETE},
        "suspended_teams": {READ_ALL, INSERT, DELETE},
        "accounts": {READ_ALL, INSERT, UPDATE},
        "recovery_codes": {READ_ALL, INSERT, UPDATE, DELETE},
        "console_sessions": {READ_ALL, INSERT, UPDATE, DELETE},
        "saved_views": {READ_ALL, INSERT, UPDATE, DELETE},
        "case_views": {READ_ALL, INSERT, UPDATE},
        "recusals": {READ_ALL, INSERT},
        "case_queue": {READ_ALL},
        "case_audiences": {READ_ALL},
        "case_duplicate_keys": {READ_ALL},
        "case_conflicts": {READ_ALL, INSERT},
        "earlier_decisions": {READ_ALL, INSERT},
        "case_key_wraps": {READ_ALL, INSERT, DELETE},
        "sealed_contents": {READ_ALL},
        "sealed_messages": {READ_ALL, INSERT},
        "referrals": {READ_ALL, INSERT, UPDATE},
        "attempts": {READ_ALL, INSERT},
        "case_notes": {READ_ALL, INSERT, UPDATE},
        "behalf_links": {READ_ALL, INSERT, DELETE},
        "drafts": {READ_ALL, INSERT, UPDATE},
        "approvals": {READ_ALL, INSERT},
        "identity_requests": {READ_ALL, INSERT, UPDATE},
        "channel_states": {READ_ALL, UPDATE},
        "flood_links": {READ_ALL, UPDATE},
        "wrong_receipts": {READ_ALL},
        "filings": {READ_ALL},
        "handovers": {READ_ALL, UPDATE},
        "preserved": {READ_ALL, INSERT, UPDATE, DELETE},
        "audit": {READ_ALL, INSERT},
        "audit_checkpoints": {READ_ALL},
    },
    "chainer": {
        "audit": {READ_ALL, UPDATE},
        "audit_checkpoints": {READ_ALL, INSERT},
    },
}
"""What DESIGN section 3 grants, written down here a second time on purpose."""

MAY_CALL = {
    "intake": {"behalf_link_ends", "use_behalf_link", "identity_grants_for_receipt", "custodians_are_there"}
    | {"case_for_receipt", "dialogue_for_receipt", "tickets_for_receipt", "write_for_receipt"},
    "worker": {"case_seal_key"},
    "console": {"case_seal_key"},
}
"""Functions that work with their owner's rights, by who may call them."""

SEALED = (
    *("case_key_wraps", "sealed_contents", "sealed_messages", "case_notes", "member_keys", "team_key_wraps"),
    "preserved",
)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    root = tmp_path_factory.mktemp("least-privilege")
    copytree(CHECKOUT / "config", root / "config")
    with running(root) as product:
        # Each kind of process at work at least once, so that each is connected.
        httpx2.get(f"{product.console_url}/readyz")
        httpx2.post(f"{product.url}/api/v1/concerns", json={"category": "other", "noticed_how": "told_by_someone"})
        product.wait_delivered(1)
        yield product


def dsns(state: Path) -> dict[str, str]:
    """The logins that `up` handed to its processes, by role name."""
    servers = json.loads((state / "servers.json").read_text())
    found = [str(value) for key, value in servers.items() if key.startswith("database_url")]
    return {str(psycopg.conninfo.conninfo_to_dict(dsn)["user"]): dsn for dsn in found}


def running_logins(product: Product) -> dict[str, str]:
    """Role and purpose of each process of ours that is connected now."""
    owner = json.loads((product.state / "servers.json").read_text())["database_url"]
    superuser = product.state / "postgres" / "superuser.dsn"
    with psycopg.connect(superuser.read_text().strip() if superuser.exists() else owner) as connection:
        rows = connection.execute(
            "select distinct usename from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        ).fetchall()
    return {str(role): next((kind for kind in MAY if kind in role), "unknown") for (role,) in rows}


def tables(connection: psycopg.Connection) -> dict[str, list[str]]:
    rows = connection.execute(
        """select c.relname, array_agg(a.attname::text order by a.attnum)
           from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace group by 1"""
    ).fetchall()
    return {str(name): list(columns) for name, columns in rows}


def allowed(connection: psycopg.Connection, statement: sql.Composed) -> bool:
    """Try it for real; undo it. Any failure but a missing right means that the right was there."""
    try:
        connection.execute(statement)
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.GeneratedAlways):
        return False  # a generated column is refused before anybody asks who is writing
    except psycopg.Error:
        return True
    finally:
        connection.rollback()
    return True


def rights(connection: psycopg.Connection, table: str, columns: list[str]) -> set[str]:
    name = sql.Identifier(table)
    names = [sql.Identifier(column) for column in columns]
    found: set[str] = set()
    readable = [allowed(connection, sql.SQL("select {} from {} limit 0").format(c, name)) for c in names]
    if all(readable):
        found.add(READ_ALL)
    elif any(readable):
        found.add(READ_SOME)
    if any(allowed(connection, sql.SQL("insert into {} ({}) values (null)").format(name, c)) for c in names):
        found.add(INSERT)
    if any(allowed(connection, sql.SQL("update {} set {} = null where false").format(name, c)) for c in names):
        found.add(UPDATE)
    if allowed(connection, sql.SQL("delete from {} where false").format(name)):
        found.add(DELETE)
    if allowed(connection, sql.SQL("truncate {}").format(name)):
        found.add("truncate")
    return found


def test_each_running_process_may_do_what_design_grants_and_nothing_else(product: Product) -> None:
    by_role = dsns(product.state)
    connected = running_logins(product)

    assert set(connected.values()) == set(MAY), "one login for each kind of process, and no other is connected"
    for role, kind in connected.items():
        with psycopg.connect(by_role[role]) as connection:
            found = {table: rights(connection, table, columns) for table, columns in tables(connection).items()}
        assert {table: may for table, may in found.items() if may} == MAY[kind]


def test_what_works_with_the_owners_rights_may_be_called_by_those_it_is_for_alone(product: Product) -> None:
    by_role = dsns(product.state)

    for role, kind in running_logins(product).items():
        with psycopg.connect(by_role[role]) as connection:
            rows = connection.execute(
                "select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef "
                "and has_function_privilege(current_user, oid, 'execute')"
            ).fetchall()
        assert {str(name) for (name,) in rows} == MAY_CALL.get(kind, set())


def test_intake_and_worker_cannot_read_a_byte_that_is_sealed(product: Product) -> None:
    for role, dsn in dsns(product.state).items():
        if "intake" not in role and "worker" not in role:
            continue
        with psycopg.connect(dsn) as connection:
            for table in SEALED:
                columns = tables(connection)[table]
                for column in columns:
                    query = sql.SQL("select {} from {}").format(sql.Identifier(column), sql.Identifier(table))
                    assert not allowed(connection, query), (role, table, column)


def test_nobody_becomes_somebody_else(product: Product) -> None:
    by_role = dsns(product.state)
    everybody = [*by_role, "postgres", "pg_read_all_data", "pg_write_all_data", "pg_read_server_files"]
    for role in running_logins(product):
        with psycopg.connect(by_role[role]) as connection:
            for other in everybody:
                if other == role:
                    continue
                with pytest.raises(psycopg.Error):
                    connection.execute(sql.SQL("set role {}").format(sql.Identifier(other)))
                connection.rollback()
            connection.execute("reset role")
            connection.execute("reset session authorization")
            assert connection.execute("select current_user, session_user").fetchone() == (role, role)
            for statement in (
                "create table public.mine (x int)",
                "create temp table mine (x int)",
                "copy (select 1) to program 'true'",
                "select pg_read_file('postgresql.conf')",
                "select * from pg_authid",
                "alter role current_user createrole",
                "create role another",
            ):
                with pytest.raises(psycopg.Error):
                    connection.execute(statement)
                connection.rollback()


def test_no_login_is_member_of_anything_or_super(product: Product) -> None:
    with psycopg.connect(json.loads((product.state / "servers.json").read_text())["database_url"]) as connection:
        members = connection.execute("select count(*) from pg_auth_members where member > 16383").fetchone()
        powers = connection.execute(
            "select count(*) from pg_roles where rolname = any(%s) "
            "and (rolsuper or rolcreaterole or rolcreatedb or rolbypassrls or rolreplication)",
            [[*dsns(product.state)]],
        ).fetchone()

    assert members == (0,)
    assert powers == (0,)
    role_of_owner = next(role for role in dsns(product.state) if role not in running_logins(product))
    assert "owner" in role_of_owner
