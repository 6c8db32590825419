"""Promise 8: every view and every change is in the audit before it happens, refused attempts too."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text

from router.console.opening import open_case, open_case_with_recovery
from router.errors import Forbidden, RouterError, SealBroken, StoreFailed
from router.keymaking import FirstKeys, add_person, first_keys
from router.model import Content
from router.store import cases
from router.store.engine import connect, transaction
from router.store.keys import active_recipients
from router.store.tables import policies
from router.vault.seal import seal_case
from router.vocabulary import Login
from tests.conftest import CHECKOUT, Database
from tests.makers import POLICY, a_case, change, login

WRITTEN = Content("MARKED-7f3a narrative", "MARKED-7f3a contact")


@dataclass
class Office:
    """A deployment where `ana` is in hr and legal, and one case that hr decides."""

    console: Engine
    owner: Engine
    first: FirstKeys
    reference: str

    def entries(self, action: str = "case_opened") -> list[tuple[str, ...]]:
        query = text("select actor, object, outcome, detail from audit where action = :action order by id")
        with transaction(self.console) as connection:
            return [tuple(row) for row in connection.execute(query, {"action": action})]


def file_case(engine: Engine, *teams: str) -> str:
    case = a_case(channels=())
    with transaction(engine) as connection:
        keys = active_recipients(connection)
        sealed = seal_case(case.reference, WRITTEN, [keys[owner] for owner in (*teams, "recovery")])
        cases.record(connection, [replace(case, sealed=sealed)])
    return case.reference


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_dsn, process="test-owner")
    with transaction(engine) as connection:
        connection.execute(insert(policies).values(digest=POLICY, policy="", channels=""))
    yield engine
    engine.dispose()


@pytest.fixture
def office(database: Database, owner: Engine) -> Iterator[Office]:
    with login(database, Login.CONSOLE) as console:
        first = first_keys(console, ("hr", "legal"), "ana")
        assert first is not None
        yield Office(console, owner, first, file_case(owner, "hr"))


def test_a_view_is_recorded_with_who_what_and_why(office: Office) -> None:
    open_case(
        office.console,
        reference=office.reference,
        handle="Ana",
        passphrase=office.first.passphrase,
        reason=" shift handover ",
    )

    assert office.entries() == [("person:ana", office.reference, "ok", "shift handover")]


def test_a_view_that_cannot_be_recorded_does_not_happen(office: Office) -> None:
    with transaction(office.owner) as connection:
        change(connection, "revoke insert on audit from console")

    with pytest.raises(StoreFailed, match="database_refused_42501"):
        open_case(
            office.console,
            reference=office.reference,
            handle="ana",
            passphrase=office.first.passphrase,
            reason="a test",
        )


def test_the_entry_is_committed_before_the_seal_is_broken_open(office: Office) -> None:
    with transaction(office.owner) as connection:
        change(connection, "update sealed_contents set blob = 'x'")

    with pytest.raises(SealBroken):
        open_case(
            office.console,
            reference=office.reference,
            handle="ana",
            passphrase=office.first.passphrase,
            reason="a test",
        )
    assert [(outcome, detail) for _, _, outcome, detail in office.entries()] == [
        ("ok", "a test"),
        ("failed_content_replaced", ""),
    ]


NOBODY = "CR-0000-0000-0000"


@pytest.mark.parametrize(
    ("given", "said", "recorded"),
    [
        ({"handle": "eve"}, "wrong_handle_or_passphrase", ("person:eve", "CASE", "refused_unknown_person")),
        ({"passphrase": "0000"}, "wrong_handle_or_passphrase", ("person:ana", "CASE", "refused_wrong_passphrase")),
        ({"reference": NOBODY}, "unknown_case", ("person:ana", NOBODY, "refused_unknown_case")),
        ({"reference": "MARKED-7f3a"}, "unknown_case", ("person:ana", "unknown", "refused_unknown_case")),
        ({"handle": "MARKED 7f3a"}, "wrong_handle_or_passphrase", ("person:unknown", "CASE", "refused_unknown_person")),
        ({"reason": ""}, "reason_malformed", ("person:ana", "CASE", "refused_reason_malformed")),
        ({"reason": "  x  "}, "reason_malformed", ("person:ana", "CASE", "refused_reason_malformed")),
        ({"reason": "MARKED-7f3a" * 20}, "reason_malformed", ("person:ana", "CASE", "refused_reason_malformed")),
        ({"reason": "MARKED-7f3a\nx"}, "reason_malformed", ("person:ana", "CASE", "refused_reason_malformed")),
        ({"reason": "MARKED-7f3a\u202e"}, "reason_malformed", ("person:ana", "CASE", "refused_reason_malformed")),
    ],
)
def test_a_refused_attempt_is_recorded_and_repeats_nothing_that_was_typed(
    office: Office, given: dict[str, str], said: str, recorded: tuple[str, ...]
) -> None:
    usual = {
        "reference": office.reference,
        "handle": "ana",
        "passphrase": office.first.passphrase,
        "reason": "a test",
    }

    with pytest.raises(Forbidden) as refused:
        open_case(office.console, **{**usual, **given})

    assert refused.value.code == said
    actor, thing, outcome = recorded
    assert office.entries() == [(actor, office.reference if thing == "CASE" else thing, outcome, "")]


def test_until_the_passphrase_is_right_a_case_that_is_there_looks_like_one_that_is_not(office: Office) -> None:
    said = []
    for reference in (office.reference, NOBODY):
        with pytest.raises(Forbidden) as refused:
            open_case(office.console, reference=reference, handle="ana", passphrase="0000", reason="a test")
        said.append(refused.value.code)

    assert len(set(said)) == 1


def test_the_use_of_recovery_is_recorded_as_such(office: Office) -> None:
    identity = office.first.recovery_identity
    for given in ("CR-RECOVERY-0000", identity):
        try:
            open_case_with_recovery(
                office.console, reference=office.reference, handle="boss", identity=given, reason="all others left"
            )
        except RouterError as error:
            assert error.code == "wrong_identity"  # noqa: PT017 - one of the two is refused

    assert office.entries() == [
        ("recovery:boss", office.reference, "refused_wrong_identity", ""),
        ("recovery:boss", office.reference, "ok", "all others left"),
    ]


def test_keys_and_people_leave_entries_and_refusals_too(office: Office) -> None:
    passphrase = office.first.passphrase
    add_person(office.console, handle="hana", teams=["hr", "legal"], by="ana", passphrase=passphrase)
    with pytest.raises(Forbidden):
        add_person(office.console, handle="eve", teams=["hr"], by="ana", passphrase="0000")

    assert office.entries("key_made") == [
        ("keys_init", "team:hr", "ok", "person:ana"),
        ("keys_init", "team:legal", "ok", "person:ana"),
        ("keys_init", "recovery", "ok", ""),
    ]
    assert office.entries("person_added") == [
        ("keys_init", "person:ana", "ok", ""),
        ("person:ana", "person:hana", "ok", "team:hr"),
        ("person:ana", "person:hana", "ok", "team:legal"),
        ("person:ana", "person:eve", "refused_wrong_passphrase", ""),
    ]


@dataclass
class Shell:
    """The command line with a state directory of its own."""

    env: dict[str, str]

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "router.cli", *arguments]
        return subprocess.run(
            command, env=self.env, cwd=CHECKOUT, input=given.encode(), capture_output=True, timeout=120, check=False
        )

    def json(self, *arguments: str, given: str = "") -> Any:
        done = self.run(*arguments, "--json", given=given)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def shell(database: Database, tmp_path: Path) -> Shell:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CONCERN_ROUTER_")}
    given = {f"CONCERN_ROUTER_DATABASE_URL_{login.name}": database.dsn(login) for login in Login}
    return Shell(
        {
            **kept,
            **given,
            "CONCERN_ROUTER_STATE_DIR": str(tmp_path),
            "CONCERN_ROUTER_CONFIG_DIR": str(CHECKOUT / "config"),
        }
    )


def chain_all(shell: Shell, engine: Engine) -> None:
    """Run the chainer's process until nothing is left to link, then stop it as an operator would."""
    command = [sys.executable, "-m", "router.cli", "audit", "chain"]
    with subprocess.Popen(command, env=shell.env, cwd=CHECKOUT, stderr=subprocess.DEVNULL) as process:
        left = 1
        while left:
            assert process.poll() is None
            with transaction(engine) as connection:
                left = connection.execute(text("select count(*) from audit where seq is null")).scalar_one()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_from_the_command_line_to_an_export_that_verifies_elsewhere(
    shell: Shell, owner: Engine, tmp_path: Path
) -> None:
    made = shell.json("keys", "init", "--member", "ana")
    reference = file_case(owner, made["teams"][0])
    ways: tuple[tuple[str, ...], ...] = (("ana",), ("boss", "--recovery"))
    for way, secret in zip(ways, (made["passphrase"], made["recovery_identity"]), strict=True):
        arguments = ("cases", "open", reference, "--as", *way, "--reason", "a test", "--passphrase-stdin")
        opened = shell.json(*arguments, given=secret)
        written = {"narrative": WRITTEN.narrative, "contact": WRITTEN.contact}
        known = {"identity": "confidential", "contact_withheld": False}
        assert opened == {"reference": reference, **written, **known}
        assert (WRITTEN.narrative or "").encode() in shell.run(*arguments, given=secret).stdout
    assert shell.json("cases", "list")[0]["reference"] == reference
    assert shell.json("keys", "init", "--member", "ana") == {"member": "ana", "teams": []}
    chain_all(shell, owner)

    verified = shell.json("audit", "verify")
    assert verified["ok"]
    assert verified["findings"] == []
    with transaction(owner) as connection:
        actions = set(connection.execute(text("select action from audit")).scalars())
    assert {"key_made", "person_added", "case_received", "case_opened", "cases_listed"} <= actions

    export, copy = tmp_path / "audit.jsonl", tmp_path / "checkpoints"
    copy.write_bytes((tmp_path / "audit/checkpoints").read_bytes())
    shell.run("cases", "list")
    chain_all(shell, owner)
    export.write_bytes(shell.run("audit", "export").stdout)
    chain_all(shell, owner)  # the export's own entry, after what was exported
    elsewhere = Shell({key: value for key, value in shell.env.items() if "DATABASE" not in key})
    arguments = ("audit", "verify", "--file", str(export), "--checkpoints", str(copy))
    assert elsewhere.json(*arguments) == {"ok": True, "size": verified["size"] + 1, "findings": []}
    export.write_bytes(export.read_bytes().replace(b"person:ana", b"person:eve", 1))
    found = elsewhere.run(*arguments)
    assert found.returncode == 1
    assert b"line_changed" in found.stdout
    export.write_bytes(b"".join(export.read_bytes().splitlines(keepends=True)[:-1]))
    cut = elsewhere.run(*arguments)
    assert b"tail_cut_off" in cut.stdout
    assert b"newer than the export" in cut.stderr


def test_verify_exits_1_and_names_the_line(shell: Shell, owner: Engine) -> None:
    made = shell.json("keys", "init")
    chain_all(shell, owner)

    with transaction(owner) as connection:
        change(connection, "alter table audit disable trigger user")
        change(connection, "update audit set actor = 'nobody' where seq = 2")

    found = shell.run("audit", "verify", "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["findings"] == [{"code": "line_changed", "seq": 2, "to": None, "id": None}]
    assert made["teams"]


def test_a_wrong_passphrase_at_the_command_line_fails_in_one_line(shell: Shell, owner: Engine) -> None:
    made = shell.json("keys", "init")
    reference = file_case(owner, made["teams"][0])

    arguments = ("cases", "open", reference, "--as", "reviewer", "--reason", "a test")
    refused = shell.run(*arguments, given="MARKED-7f3a")

    assert refused.returncode == 1
    assert refused.stdout == b""
    assert refused.stderr == b"concern-router: wrong_handle_or_passphrase\n"
