"""Promise 1, the keys: a member of a deciding team opens a case, or recovery; nobody else, and nothing stored."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Engine, Table, insert, select, text

from router import clock
from router.console.opening import open_case, open_case_with_recovery
from router.errors import Broken, Forbidden, SealBroken, StoreFailed
from router.keymaking import FirstKeys, add_person, first_keys, keys_for_new_teams
from router.model import Content
from router.store import cases, tables
from router.store.engine import connect, transaction
from router.store.keys import active_recipients
from router.store.staff import members
from router.store.stafftables import people_roles
from router.store.tables import member_keys, people, policies, recipient_keys, team_key_wraps
from router.vault.codes import decoded, normalised
from router.vault.seal import content_info, padded, seal_case
from router.vault.suite import seal
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import POLICY, a_case, change, login

TEAMS = ("security", "hr", "legal")
WRITTEN = Content("MARKED-7f3a narrative\n\ttab, \u00e9, \u6587\u5b57, \U0001f642 ", "MARKED-7f3a contact")


@dataclass
class Vault:
    """A deployment with three teams: `ana` is in all, `hana` in hr alone."""

    intake: Engine
    console: Engine
    owner: Engine
    first: FirstKeys
    hana: str

    def file(self, *teams: str, content: Content = WRITTEN) -> str:
        """Record a case sealed to `teams` and recovery, as the intake does; return its reference."""
        case = a_case(channels=())
        with transaction(self.intake) as connection:
            keys = active_recipients(connection)
            sealed = seal_case(case.reference, content, [keys[owner] for owner in (*teams, "recovery")])
            cases.record(connection, [replace(case, sealed=sealed)])
        return case.reference

    def open(self, reference: str, handle: str = "ana", passphrase: str | None = None) -> Content:
        known = {"ana": self.first.passphrase, "hana": self.hana}
        given = passphrase if passphrase is not None else known[handle]
        return open_case(self.console, reference=reference, handle=handle, passphrase=given, reason="a test")


_made: list[tuple[FirstKeys, str, dict[Table, list[dict[str, Any]]]]] = []


def made_once(console: Engine, owner: Engine) -> tuple[FirstKeys, str]:
    """Make the keys in the first test, and copy their rows in the others: a passphrase costs 0.3 s and 128 MiB."""
    if not _made:
        first = first_keys(console, TEAMS, "ana")
        assert first is not None
        hana = add_person(console, handle="hana", teams=["hr"], by="ana", passphrase=first.passphrase)
        with transaction(owner) as connection:
            rows = {
                table: [dict(row) for row in connection.execute(select(table)).mappings()]
                for table in (people, people_roles, recipient_keys, member_keys, team_key_wraps)
            }
        _made.append((first, hana, rows))
        return first, hana
    first, hana, rows = _made[0]
    with transaction(owner) as connection:
        for table, copied in rows.items():
            connection.execute(insert(table), copied)
    return first, hana


@pytest.fixture
def vault(database: Database) -> Iterator[Vault]:
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        connection.execute(insert(policies).values(digest=POLICY, policy="", channels=""))
    with login(database, Login.INTAKE) as intake, login(database, Login.CONSOLE) as console:
        first, hana = made_once(console, owner)
        yield Vault(intake, console, owner, first, hana)
    owner.dispose()


def same(one: Content, other: Content) -> bool:
    return (one.narrative, one.contact) == (other.narrative, other.contact)


def test_a_member_of_a_deciding_team_reads_it_exactly(vault: Vault) -> None:
    for_hr, for_both = vault.file("hr"), vault.file("security", "hr")

    assert same(vault.open(for_hr), WRITTEN)
    assert same(vault.open(for_hr, "hana"), WRITTEN)
    assert same(vault.open(for_both, "hana"), WRITTEN)
    assert same(vault.open(for_both.lower(), " HANA ", vault.hana.lower().replace("-", " ")), WRITTEN)


def test_a_member_of_another_team_does_not(vault: Vault) -> None:
    reference = vault.file("security", "legal")

    with pytest.raises(Forbidden, match="not_a_member"):
        vault.open(reference, "hana")


def test_a_case_without_content_opens_empty(vault: Vault) -> None:
    reference = vault.file("hr", content=Content(None, ""))

    assert not vault.open(reference, "hana")


def test_recovery_opens_every_case_when_all_members_are_gone(vault: Vault) -> None:
    reference = vault.file()
    with pytest.raises(Forbidden, match="not_a_member"):
        vault.open(reference)

    opened = open_case_with_recovery(
        vault.console, reference=reference, handle="boss", identity=vault.first.recovery_identity, reason="a test"
    )

    assert same(opened, WRITTEN)


@pytest.mark.parametrize("kind", [Login.INTAKE, Login.WORKER, Login.CHAINER])
def test_other_logins_cannot_even_read_the_ciphertext(vault: Vault, database: Database, kind: Login) -> None:
    vault.file("hr")

    with login(database, kind) as engine:
        for table in ("sealed_contents", "case_key_wraps", "sealed_messages", "team_key_wraps", "member_keys"):
            with pytest.raises(StoreFailed, match="database_refused_42501"), transaction(engine) as connection:
                connection.execute(text(f"select * from {table}"))  # noqa: S608 - our own words


def everything_stored(vault: Vault) -> bytes:
    """Return all rows of all tables, as PostgreSQL writes them: binary columns in hex."""
    with transaction(vault.owner) as connection:
        tables = connection.execute(text("select tablename from pg_tables where schemaname = 'public'")).scalars().all()
        rows = [connection.execute(text(f"select t::text from {table} t")).scalars().all() for table in tables]  # noqa: S608
    return "\n".join(row for table in rows for row in table).encode()


def test_nothing_that_opens_a_case_is_stored(vault: Vault) -> None:
    vault.file("hr")
    identity = normalised(vault.first.recovery_identity.removeprefix("CR-RECOVERY-"), 56)
    assert identity is not None
    recovery_key = decoded(identity)[:32]

    stored = everything_stored(vault)

    for secret in (vault.first.passphrase, vault.hana, vault.first.recovery_identity):
        assert secret.encode() not in stored
        assert secret.replace("-", "").encode() not in stored
    assert recovery_key.hex().encode() not in stored
    assert b"MARKED-7f3a" not in stored
    assert b"MARKED-7f3a".hex().encode() not in stored


def test_a_printed_secret_of_the_first_start_hides_itself(vault: Vault) -> None:
    assert vault.first.passphrase not in repr(vault.first)
    assert vault.first.recovery_identity not in repr(vault.first)


@pytest.mark.parametrize(
    "swap",
    [
        "update sealed_contents a set blob = b.blob from sealed_contents b where a.reference <> b.reference",
        "update case_key_wraps a set blob = b.blob from case_key_wraps b where a.reference <> b.reference",
        "update team_key_wraps a set blob = b.blob from team_key_wraps b where a.team_key_id <> b.team_key_id",
        "update recipient_keys a set suite = 'none'",
        "update cases set suite = 'none'",
    ],
)
def test_swapped_rows_do_not_open(vault: Vault, swap: str) -> None:
    reference, _ = vault.file("hr"), vault.file("hr")

    with transaction(vault.owner) as connection:
        change(connection, swap)

    with pytest.raises(SealBroken):
        vault.open(reference)


def test_content_sealed_by_somebody_else_or_taken_away_is_noticed(vault: Vault) -> None:
    """Anybody who can write to the database can seal to a case's public key; the audit knows what came in."""
    replaced, removed = vault.file("hr"), vault.file("hr")
    with transaction(vault.owner) as connection:
        case = connection.execute(select(tables.cases).where(tables.cases.c.reference == replaced)).one()
        plain = padded(b'{"narrative":"another","contact":null}')
        forged = seal(plain, case.suite, case.public, info=content_info(replaced))
        change(connection, "update sealed_contents set blob = :blob where reference = :r", blob=forged.blob, r=replaced)
        change(connection, "delete from sealed_contents where reference = :r", r=removed)

    for reference in (replaced, removed):
        with pytest.raises(SealBroken, match=r"^content_replaced$"):
            vault.open(reference)


def test_another_member_s_row_under_my_handle_does_not_open(vault: Vault) -> None:
    reference = vault.file("security")

    with transaction(vault.owner) as connection:
        change(connection, "update member_keys set retired_at = now() where handle = 'hana'")
        change(connection, "alter table member_keys drop constraint member_keys_handle_fkey")
        change(connection, "update member_keys set handle = 'hana', retired_at = null where handle = 'ana'")

    with pytest.raises(Forbidden, match="wrong_handle_or_passphrase"):
        vault.open(reference, "hana", vault.first.passphrase)


def test_without_its_wraps_a_case_is_shredded(vault: Vault) -> None:
    reference = vault.file("hr")

    with transaction(vault.console) as connection:
        change(connection, "delete from case_key_wraps where reference = :r", r=reference)

    with pytest.raises(Forbidden):
        vault.open(reference)
    with pytest.raises(Forbidden):
        open_case_with_recovery(
            vault.console, reference=reference, handle="b", identity=vault.first.recovery_identity, reason="a test"
        )


def test_who_is_disabled_opens_nothing(vault: Vault) -> None:
    reference = vault.file("hr")

    with transaction(vault.console) as connection:
        change(connection, "update people set disabled_at = now() where handle = 'hana'")

    with pytest.raises(Forbidden, match="wrong_handle_or_passphrase"):
        vault.open(reference, "hana")
    assert same(vault.open(reference), WRITTEN)


def test_a_retired_team_key_still_opens_old_cases_but_gets_no_new_ones(vault: Vault) -> None:
    reference = vault.file("hr")

    with transaction(vault.console) as connection:
        change(connection, "update recipient_keys set retired_at = now() where owner = 'hr'")
        recipients = active_recipients(connection)

    assert set(recipients) == {"security", "legal", "recovery"}
    assert same(vault.open(reference, "hana"), WRITTEN)


def test_first_keys_are_made_once(vault: Vault) -> None:
    with transaction(vault.console) as connection:
        before = active_recipients(connection)

    assert first_keys(vault.console, TEAMS, "eve") is None
    with transaction(vault.console) as connection:
        assert active_recipients(connection) == before
        assert [(p.handle, p.teams) for p in members(connection)] == [
            ("ana", tuple(sorted(TEAMS))),
            ("hana", ("hr",)),
        ]


def test_a_new_team_s_key_goes_to_a_member_without_their_passphrase(vault: Vault) -> None:
    assert keys_for_new_teams(vault.console, (*TEAMS, "safety"), "hana") == ("safety",)

    reference = vault.file("safety")
    assert same(vault.open(reference, "hana"), WRITTEN)
    with pytest.raises(Forbidden, match="not_a_member"):
        vault.open(reference)
    with pytest.raises(Forbidden, match="unknown_person"):
        keys_for_new_teams(vault.console, ("more",), "nobody")


@pytest.mark.parametrize(
    ("handle", "teams", "by", "right", "code"),
    [
        ("eve", ["security"], "hana", True, "not_a_member"),
        ("eve", ["hr", "security"], "hana", True, "not_a_member"),
        ("eve", ["nowhere"], "ana", True, "unknown_team"),
        ("eve", ["recovery"], "ana", True, "unknown_team"),
        ("eve", [], "ana", True, "not_a_member"),
        ("hana", ["hr"], "ana", True, "person_exists"),
        ("eve", ["hr"], "ana", False, "wrong_handle_or_passphrase"),
        ("eve", ["hr"], "nobody", False, "wrong_handle_or_passphrase"),
    ],
)
def test_only_a_member_hands_on_a_team_s_key(
    vault: Vault, handle: str, teams: list[str], by: str, *, right: bool, code: str
) -> None:
    passphrase = {"ana": vault.first.passphrase, "hana": vault.hana}.get(by, "") if right else "0000"

    with pytest.raises(Forbidden, match=code):
        add_person(vault.console, handle=handle, teams=teams, by=by, passphrase=passphrase)
    with transaction(vault.console) as connection:
        assert [person.handle for person in members(connection)] == ["ana", "hana"]


@pytest.mark.parametrize("handle", ["", " ", "a b", "x" * 65, "\u00e9", "a\x00"])
def test_a_handle_that_cannot_be_is_refused(vault: Vault, handle: str) -> None:
    with pytest.raises(Broken, match="handle_malformed"):
        add_person(vault.console, handle=handle, teams=["hr"], by="ana", passphrase="x")


def test_no_team_may_be_called_recovery(vault: Vault) -> None:
    with pytest.raises(Broken, match="team_called_recovery"):
        first_keys(vault.console, ["recovery"], "ana")


def test_references_do_not_tell_when_they_were_made() -> None:
    assert len({clock.new_reference()[:7] for _ in range(50)}) > 40
