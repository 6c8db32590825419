"""The chain: linked once, signed outside the database, and every way to tamper with it is found."""

from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router import clock
from router.audit import hashchain
from router.audit.hashchain import Checkpoint, Finding, Line, Linked
from router.chainer import BATCH, Chainer
from router.errors import Broken, StoreFailed
from router.model import AuditEntry
from router.store import chain
from router.store.audit import note
from router.store.engine import transaction
from router.vocabulary import Login
from tests.audits import KEY, Audit, audit
from tests.conftest import Database
from tests.makers import change, login

__all__ = ["audit"]  # a fixture

HASH_CHANGED = {("line_changed", 2), ("line_changed", 3), ("checkpoint_contradicts", 2)}


def recomputed(audit: Audit) -> None:
    """Rewrite line 2 and every hash after it, as somebody would who read our source."""
    with transaction(audit.owner) as connection:
        lines = [linked.line for linked in chain.all_linked(connection)]
        lines[1] = replace(lines[1], actor="nobody")
        rows = hashchain.link(hashchain.GENESIS, 0, lines)
        for row in rows:
            change(
                connection,
                "update audit set actor = :actor, hash = :hash where seq = :seq",
                actor=row.line.actor,
                hash=row.hash,
                seq=row.seq,
            )


def test_an_untouched_chain_has_no_findings(audit: Audit) -> None:
    audit.chain(3, 1, 5)

    assert audit.verify() == []
    assert [checkpoint.size for checkpoint in audit.copy.read()] == [3, 4, 9]


def test_a_batch_has_one_checkpoint_and_at_most_its_size(audit: Audit) -> None:
    audit.write(BATCH + 1)

    assert [audit.chainer.link_batch() for _ in range(3)] == [BATCH, 1, 0]
    assert [checkpoint.size for checkpoint in audit.copy.read()] == [BATCH, BATCH + 1]


def test_an_entry_that_is_not_committed_is_not_linked_and_does_not_hold_up_others(audit: Audit) -> None:
    with transaction(audit.intake) as slow:
        note(slow, [AuditEntry("reporter", "case_received", "slow")])
        audit.write(1)

        assert audit.chainer.link_batch() == 1
    assert audit.chainer.link_batch() == 1
    assert audit.verify() == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("update audit set actor = 'nobody' where seq = 2", {("line_changed", 2)}),
        ("update audit set at = at + interval '1 microsecond' where seq = 2", {("line_changed", 2)}),
        ("update audit set at = 'infinity' where seq = 2", {("line_changed", 2)}),
        ("update audit set at = '-infinity' where seq = 2", {("line_changed", 2)}),
        ("update audit set hash = sha256('x') where seq = 2", HASH_CHANGED),
        ("update audit set hash = null where seq = 2", HASH_CHANGED),
        ("delete from audit where seq = 2", {("line_removed", 2)}),
        ("delete from audit where seq = 1", {("line_removed", 1)}),
        ("delete from audit where seq in (3, 4)", {("line_removed", 3)}),
        ("delete from audit where seq > 4", {("tail_cut_off", 5)}),
        ("delete from audit", {("tail_cut_off", 1)}),
        ("update audit_checkpoints set head = sha256('x') where size = 4", {("checkpoint_forged", 4)}),
        ("update audit_checkpoints set at = at + interval '1 s' where size = 4", {("checkpoint_forged", 4)}),
        ("delete from audit_checkpoints where size = 4", {("checkpoint_removed", 4)}),
        (
            "insert into audit_checkpoints select 99, head, at, signature from audit_checkpoints where size = 4",
            {("checkpoint_forged", 99)},
        ),
    ],
)
def test_each_change_is_found_at_its_line(audit: Audit, statement: str, found: set[tuple[str, int]]) -> None:
    audit.chain(2, 2, 2)

    audit.tamper(statement)

    assert audit.codes() == found


def test_swapped_lines_are_found(audit: Audit) -> None:
    audit.chain(5)

    audit.tamper(
        "update audit set seq = -1 where seq = 2",
        "update audit set seq = 2 where seq = 4",
        "update audit set seq = 4 where seq = -1",
    )

    assert {("line_changed", 2), ("line_changed", 4)} <= audit.codes()


def test_lines_swapped_with_their_hashes_in_place_are_found(audit: Audit) -> None:
    audit.chain(5)

    audit.tamper(
        "update audit a set object = b.object from audit b where (a.seq, b.seq) in ((2, 4), (4, 2))",
    )

    assert audit.codes() == {("line_changed", 2), ("line_changed", 4)}


def test_a_cut_off_tail_is_found_when_the_database_s_checkpoints_went_too(audit: Audit) -> None:
    audit.chain(2, 2, 2)

    audit.tamper("delete from audit where seq > 4", "delete from audit_checkpoints where size > 4")

    assert audit.codes() == {("tail_cut_off", 5), ("checkpoint_removed", 6)}


def test_a_chain_recomputed_from_scratch_is_found(audit: Audit) -> None:
    audit.chain(2, 2, 2)

    audit.tamper()
    recomputed(audit)

    assert audit.codes() == {("checkpoint_contradicts", size) for size in (2, 4, 6)}


def test_a_recomputed_chain_without_any_checkpoint_is_found(audit: Audit) -> None:
    audit.chain(2, 2)

    audit.tamper("delete from audit_checkpoints")
    recomputed(audit)
    audit.copy.path.unlink()

    assert audit.codes() == {("tail_unsigned", 1)}


def test_a_chain_signed_with_another_key_is_found(audit: Audit, database: Database) -> None:
    audit.chain(2)
    with login(database, Login.CHAINER) as engine:
        other = Chainer(engine, Ed25519PrivateKey.generate(), audit.copy)
        audit.write(1)
        other.link_batch()

    assert audit.codes() == {("checkpoint_forged", 3), ("tail_unsigned", 3)}


def test_an_entry_left_unchained_for_a_minute_is_found(audit: Audit) -> None:
    audit.chain(1)
    audit.write(2)
    assert audit.verify() == []

    audit.tamper("update audit set at = at - interval '61 s' where seq is null and object = 'CR-1'")

    assert [(finding.code, finding.seq, finding.id) for finding in audit.verify()] == [("left_unchained", None, 3)]


@pytest.mark.parametrize("at", ["infinity", "-infinity", "12000-01-01", "1000-01-01 BC"])
def test_an_entry_at_an_impossible_time_is_found_and_does_not_hold_up_the_chain(audit: Audit, at: str) -> None:
    audit.chain(1)
    audit.write(2)
    audit.tamper(f"update audit set at = '{at}' where seq is null and object = 'CR-1'")  # noqa: S608 - our own words

    assert audit.codes() == {("left_unchained", None)}
    assert audit.chainer.link_batch() == 2
    assert audit.codes() == set()


def test_nothing_is_linked_on_top_of_a_chain_that_was_not_signed(audit: Audit) -> None:
    audit.chain(2, 2)
    audit.tamper("delete from audit where seq > 2", "delete from audit_checkpoints where size > 2")
    audit.write(3)

    with pytest.raises(Broken, match="chain_contradicts_checkpoints"):
        audit.chainer.link_batch()
    assert audit.codes() == {("tail_cut_off", 3), ("checkpoint_removed", 4)}


def test_a_checkpoint_that_was_committed_but_not_copied_is_copied_next_time(audit: Audit) -> None:
    audit.chain(2)
    copied = audit.copy.path.read_bytes()
    audit.chain(2)
    audit.copy.path.write_bytes(copied + b"concern-router/audit/v1 4 torn")

    assert audit.chainer.link_batch() == 0
    assert [checkpoint.size for checkpoint in audit.copy.read()] == [2, 4]
    audit.chain(1)
    assert audit.verify() == []


def test_a_copy_that_fell_behind_is_found(audit: Audit) -> None:
    audit.chain(2, 2)
    first, _, _ = audit.copy.path.read_text().partition("\n")
    audit.copy.path.write_text(first + "\n")

    assert audit.verify() == []
    assert audit.verify(copied_before=clock.now()) == [Finding("checkpoint_not_copied", 4)]


def test_a_forged_checkpoint_is_never_copied_outside(audit: Audit) -> None:
    audit.chain(2)
    copied = audit.copy.path.read_bytes()
    audit.chain(2)
    audit.copy.path.write_bytes(copied)
    audit.tamper("insert into audit_checkpoints select 3, head, at, signature from audit_checkpoints where size = 4")

    audit.chainer.link_batch()

    assert [checkpoint.size for checkpoint in audit.copy.read()] == [2, 4]


def test_what_is_linked_while_the_chain_is_checked_is_no_finding(audit: Audit) -> None:
    class Meanwhile(list[Checkpoint]):
        def __iter__(self) -> Iterator[Checkpoint]:
            # Read after the database's checkpoints and before its lines.
            audit.chain(1)
            return super().__iter__()

    audit.chain(2)
    outside = Meanwhile(audit.copy.read())

    with transaction(audit.console) as connection:
        checked = chain.verify_stored(connection, KEY.public_key(), outside, copied_before=clock.now())

    assert checked == (2, [])
    assert audit.verify() == []


def test_a_full_disk_for_the_copy_is_said_and_made_up_for(audit: Audit) -> None:
    audit.copy.path.parent.mkdir()
    audit.copy.path.mkdir()
    audit.write(1)

    with pytest.raises(Broken, match="checkpoints_un"):
        audit.chainer.link_batch()
    audit.copy.path.rmdir()
    audit.chainer.link_batch()
    audit.chain(1)

    assert audit.verify() == []


def test_a_line_of_another_kind_in_the_copy_is_said(audit: Audit) -> None:
    audit.chain(1)
    with audit.copy.path.open("ab") as file:
        file.write(b"concern-router/audit/v1 1 AAAA now AAAA\n")

    with pytest.raises(Broken, match="checkpoints_malformed"):
        audit.copy.read()
    with pytest.raises(Broken, match="checkpoints_malformed"):
        audit.chainer.link_batch()


def test_only_the_owner_of_the_state_directory_reads_the_copy(audit: Audit) -> None:
    audit.chain(1)

    assert audit.copy.path.stat().st_mode & 0o777 == 0o600
    assert audit.copy.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set hash = sha256('x') where seq = 1",
        "update audit set seq = 7 where seq = 1",
        "update audit set seq = null, hash = null where seq = 1",
        "update audit set seq = 7 where seq is null",
        "update audit set hash = sha256('x') where seq is null",
        "update audit set actor = 'nobody' where seq is null",
        "update audit set seq = 7, hash = sha256('x'), at = now() where seq is null",
        "delete from audit",
        "truncate audit",
        "update audit_checkpoints set at = now()",
        "delete from audit_checkpoints",
        "truncate audit_checkpoints",
    ],
)
def test_the_database_itself_refuses_every_change_but_linking(audit: Audit, statement: str) -> None:
    audit.chain(1)
    audit.write(1)

    with pytest.raises(StoreFailed, match="database_refused_23001"), transaction(audit.owner) as connection:
        change(connection, statement)


def test_what_is_hashed_and_signed_is_what_the_documentation_says() -> None:
    at = clock.now().replace(year=2026, month=1, day=2, hour=3, minute=4, second=5, microsecond=6)
    line = Line(7, at, "person:ana", "case_opened", "CR-0000-0000-0001", "ok", "on call \u2013 \u00e9")

    hashed = hashchain.next_hash(b"\0" * 32, 1, line)
    written = (
        '{"action":"case_opened","actor":"person:ana","at":"2026-01-02T03:04:05.000006Z",'
        '"detail":"on call \u2013 \u00e9","id":7,"object":"CR-0000-0000-0001","outcome":"ok","seq":1}'
    )
    checkpoint = hashchain.sign(KEY, 1, hashed, at)

    assert hashed == sha256(b"\0" * 32 + written.encode()).digest()
    assert hashchain.from_text(hashchain.as_text(checkpoint)) == checkpoint
    assert hashchain.is_signed(checkpoint, KEY.public_key())
    assert hashchain.imported(hashchain.exported(Linked(1, hashed, line))) == Linked(1, hashed, line)
