"""Whoever tampers with the audit of what was done in the console is found: in the database, and in a copy of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from router import secretfiles
from router.audit import hashchain
from router.audit.checkpointfile import CheckpointFile
from router.chainer import Chainer
from router.store import chain
from router.store.engine import transaction
from router.vocabulary import Login, Role
from tests.conftest import CHECKOUT, Database
from tests.makers import change, login
from tests.router.console.pages import Office

VIEW, FAILED = "case_viewed", "sign_in_failed"


@dataclass
class Day:
    """What a day in the console left: an office, its audit linked and signed, and a copy that an auditor took."""

    office: Office
    env: dict[str, str]
    copy: Path
    at: dict[str, int]
    """The line of the chain that tells of the view, and of the failed sign-in."""

    def verify(self, *arguments: str) -> tuple[int, set[tuple[str, int]]]:
        """Run `audit verify` as an auditor does; return its status, and each finding with its line."""
        command = [sys.executable, "-m", "router.cli", "audit", "verify", "--json", *arguments]
        done = subprocess.run(command, env=self.env, cwd=CHECKOUT, capture_output=True, timeout=120, check=False)
        found = json.loads(done.stdout)
        return done.returncode, {(one["code"], one["seq"]) for one in found["findings"]}

    def tamper(self, *statements: str) -> None:
        with transaction(self.office.deployment.owner) as connection:
            for table in ("audit", "audit_checkpoints"):
                change(connection, f"alter table {table} disable trigger user")
            for statement in statements:
                change(connection, statement, view=self.at[VIEW], failed=self.at[FAILED])

    def edit(self, changed: Callable[[list[bytes]], list[bytes]]) -> None:
        """Change the lines of the copy; the first is the checkpoint, so that line n of the chain has the index n."""
        self.copy.write_bytes(b"".join(changed(self.copy.read_bytes().splitlines(keepends=True))))


@pytest.fixture
def day(office: Office, database: Database, tmp_path: Path) -> Day:
    """Somebody fails to sign in, a reviewer looks at a case, an auditor at that, and takes a copy."""
    reference = office.deployment.file("grave").reference
    failed = office.browser()
    failed.get("/console/sign-in")
    failed.post("/console/sign-in", handle="ana", password="MARKED-7f3a not it")
    assert office.sign_in("ana").get(f"/console/cases/{reference}").status_code == 200
    auditor = office.sign_in("lena", Role.AUDITOR)
    assert auditor.get("/console/audit", about=reference).status_code == 200
    key = secretfiles.audit_signing_key(office.settings.secrets_path)
    with login(database, Login.CHAINER) as engine:
        while Chainer(engine, key, CheckpointFile.below(office.settings.state_dir)).link_batch():
            pass
    copy = tmp_path / "audit.jsonl"
    copy.write_bytes(auditor.post("/console/audit/export").content)
    at = dict(office.deployment.rows("select action, max(seq) from audit where seq > 0 group by action"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONCERN_ROUTER_")}
    ours = {
        "DATABASE_URL_CONSOLE": database.dsn(Login.CONSOLE),
        "STATE_DIR": str(office.settings.state_dir),
        "SECRETS_DIR": str(office.settings.secrets_path),
    }
    return Day(office, {**kept, **{f"CONCERN_ROUTER_{name}": value for name, value in ours.items()}}, copy, at)


def test_an_untouched_audit_and_its_copy_verify(day: Day) -> None:
    actions = {line[1] for line in day.office.audit()}

    assert {VIEW, FAILED, "audit_listed", "audit_exported"} <= actions
    assert day.verify() == (0, set())
    assert day.verify("--file", str(day.copy)) == (0, set())
    assert not [line for line in day.office.audit() if "MARKED" in "".join(line)]


CHANGED = "update audit set actor = 'person:sven' where seq = :view"
REMOVED = "delete from audit where seq = :failed"
REORDERED = (
    "update audit set seq = -1 where seq = :view",
    "update audit set seq = :view where seq = :failed",
    "update audit set seq = :failed where seq = -1",
)
CUT = "delete from audit where seq > (select max(seq) from audit) - 2"


@pytest.mark.parametrize(
    ("statements", "code", "line"),
    [
        ((CHANGED,), "line_changed", VIEW),
        ((CHANGED.replace("actor = 'person:sven'", "at = at - interval '1 hour'"),), "line_changed", VIEW),
        ((REMOVED,), "line_removed", FAILED),
        ((REMOVED, "update audit set seq = seq - 1 where seq > :failed"), "line_changed", FAILED),
        (REORDERED, "line_changed", VIEW),
        (REORDERED, "line_changed", FAILED),
        ((CUT,), "tail_cut_off", None),
        ((CUT, "delete from audit_checkpoints"), "tail_cut_off", None),
    ],
)
def test_whoever_has_the_database_is_found_at_the_line(
    day: Day, statements: tuple[str, ...], code: str, line: str | None
) -> None:
    size = day.office.deployment.rows("select max(seq) from audit")[0][0]
    day.tamper(*(_spread(statement) for statement in statements))
    status, found = day.verify()

    assert status == 1
    assert (code, day.at[line] if line else size - 1) in found


def _spread(statement: str) -> str:
    """Renumber upwards, so that no number stands twice on the way."""
    if "seq - 1" not in statement:
        return statement
    return (
        "with moved as (select id, seq - 1 as seq from audit where seq > :failed order by seq) "
        "update audit a set seq = m.seq from moved m where a.id = m.id"
    )


def test_whoever_writes_the_whole_chain_anew_is_found_by_what_was_signed(day: Day) -> None:
    """They have our source and the database, and not the key: each hash is right again, and the end is another."""
    with transaction(day.office.deployment.owner) as connection:
        lines = [one.line for one in chain.all_linked(connection) if one.line.action != FAILED]
        anew = hashchain.link(hashchain.GENESIS, 0, lines)
        for table in ("audit", "audit_checkpoints"):
            change(connection, f"alter table {table} disable trigger user")
        change(connection, "delete from audit where action = :failed", failed=FAILED)
        change(connection, "update audit set seq = -seq where seq > 0")
        for one in anew:
            change(
                connection, "update audit set seq = :s, hash = :h where id = :i", s=one.seq, h=one.hash, i=one.line.id
            )
        change(connection, "delete from audit_checkpoints")
    status, found = day.verify()

    assert status == 1
    assert {code for code, _ in found} >= {"tail_cut_off", "checkpoint_removed"}


@pytest.mark.parametrize(
    ("act", "code"),
    [("change", "line_changed"), ("remove", "line_removed"), ("reorder", "line_removed"), ("cut", "tail_cut_off")],
)
def test_whoever_has_the_copy_is_found_without_the_database(day: Day, act: str, code: str) -> None:
    view, failed = day.at[VIEW], day.at[FAILED]

    def changed(lines: list[bytes]) -> list[bytes]:
        match act:
            case "change":
                lines[view] = lines[view].replace(b"person:ana", b"person:eve")
            case "remove":
                del lines[failed]
            case "reorder":
                lines[view], lines[failed] = lines[failed], lines[view]
            case _:
                del lines[-2:]
        return lines

    day.edit(changed)
    del day.env["CONCERN_ROUTER_DATABASE_URL_CONSOLE"]
    status, found = day.verify("--file", str(day.copy))

    assert status == 1
    assert code in {code for code, _ in found}


def test_a_reordered_copy_that_was_numbered_anew_is_found(day: Day) -> None:
    view, failed = day.at[VIEW], day.at[FAILED]

    def changed(lines: list[bytes]) -> list[bytes]:
        one, other = _numbered(lines[view], failed), _numbered(lines[failed], view)
        lines[failed], lines[view] = one, other
        return lines

    day.edit(changed)
    status, found = day.verify("--file", str(day.copy))

    assert status == 1
    assert {("line_changed", view), ("line_changed", failed)} <= found


def _numbered(line: bytes, seq: int) -> bytes:
    values: dict[str, Any] = json.loads(line)
    return json.dumps({**values, "seq": seq}).encode() + b"\n"
