"""What left with a receipt is kept, sealed, in the transaction that says so; and nobody changes or deletes it early."""

from dataclasses import dataclass, field

import pytest
from sqlalchemy import Engine, text

from router.errors import SealBroken, StoreFailed
from router.keyrecords import Sealed
from router.model import Finding, LeasedReferral, Payload, Proof
from router.store import preserved
from router.store.engine import transaction
from router.vault.suite import Private, new_pair
from router.vault.unseal import unseal_kept
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.servers import Sink
from tests.workers.rooms import Room
from workers import deliver

OVER = "update preserved set keep_until = kept_at + interval '28 days' where part = '{}'"
AGED = (
    "alter table preserved disable trigger kept",
    "update preserved set kept_at = kept_at - interval '29 days', keep_until = keep_until - interval '29 days'",
    "alter table preserved enable trigger kept",
)
RECEIPT = b"<done>MARKED-4c1d</done>"


@dataclass
class Receipting:
    """Answers each send with a receipt, as a body does that files a report."""

    receipt: bytes | None = RECEIPT
    sent: list[bytes] = field(default_factory=list)

    def send(self, _leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:  # noqa: ARG002 - the protocol's
        self.sent.append(payload.body)
        return Proof("7", receipt=self.receipt)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:  # noqa: ARG002 - the protocol's
        return ()


@pytest.fixture
def sender(monkeypatch: pytest.MonkeyPatch) -> Receipting:
    made = Receipting()
    monkeypatch.setattr(deliver, "SENDERS", {"webhook": lambda *_: made})
    return made


@pytest.fixture
def key(room: Room, sink: Sink, sender: Receipting) -> Private:
    """Deliver one referral of a case with a real key; return that key."""
    room.post()
    private, public = new_pair()
    room.run("update cases set suite = :suite, public = :public", suite=public.suite, public=public.raw)
    room.deliverer(room.catalogue(sink)).deliver("desk")
    assert len(sender.sent) == 1
    return private


def rows(room: Room) -> dict[str, tuple[int, str, str, Sealed]]:
    with transaction(room.owner) as connection:
        found = connection.execute(text("select id, referral, reference, part, suite, blob from preserved order by id"))
        return {row.part: (row.id, row.referral, row.reference, Sealed(row.suite, row.blob)) for row in found}


def test_what_was_sent_and_what_came_back_open_again_with_the_cases_key_alone(
    room: Room, sender: Receipting, key: Private
) -> None:
    kept = rows(room)

    assert room.states() == {"sent": 1}
    opened = {part: unseal_kept(ref, referral, part, sealed, key) for part, (_, referral, ref, sealed) in kept.items()}
    assert opened == {"document": sender.sent[0], "receipt": RECEIPT}
    number, referral, reference, sealed = kept["document"]
    with pytest.raises(SealBroken):
        unseal_kept(reference, referral, "receipt", sealed, key)
    with pytest.raises(SealBroken):
        unseal_kept(reference, referral, "document", sealed, new_pair()[0])
    with transaction(room.owner) as connection:
        assert preserved.untouched(connection, reference, sealed)
        assert not preserved.untouched(connection, reference, Sealed(sealed.suite, b"another"))
        assert all(b"MARKED" not in one.blob for *_, one in kept.values())
        assert preserved.find(connection, number)


@pytest.mark.parametrize("receipt", [None, RECEIPT])
def test_without_a_receipt_or_a_case_nothing_is_kept(
    room: Room, sink: Sink, sender: Receipting, receipt: bytes | None
) -> None:
    sender.receipt = receipt
    room.post()
    if receipt:
        room.run(
            "update referrals set reference = 'DRILL-0000-0000-0000', fields = jsonb_set(fields, '{reference}', "
            "'\"DRILL-0000-0000-0000\"')"
        )

    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"sent": 1}
    assert rows(room) == {}


def test_what_cannot_be_sealed_is_sent_all_the_same_and_the_audit_says_so(
    room: Room, sink: Sink, sender: Receipting
) -> None:
    room.post()  # its key is of no suite that there is

    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert sender.sent
    assert room.states() == {"sent": 1}
    with transaction(room.owner) as connection:
        told = connection.execute(text("select outcome, detail from audit where action = 'outside_kept'")).fetchall()
    assert [tuple(line) for line in told] == [
        ("failed_suite_unknown", "desk:1 document"),
        ("failed_suite_unknown", "desk:1 receipt"),
    ]


def refused(engine: Engine, statement: str) -> bool:
    try:
        with transaction(engine) as connection:
            connection.execute(text(statement))
    except StoreFailed:
        return True
    return False


@pytest.mark.usefixtures("key")
def test_nobody_changes_it_or_deletes_it_before_its_time_or_while_the_case_is_held(
    room: Room, database: Database
) -> None:
    for statement in (
        "update preserved set blob = '\\x00'",
        "update preserved set kept_at = kept_at - interval '1 day'",
        "delete from preserved",
        "truncate preserved",
        "update preserved set keep_until = kept_at - interval '1 day'",
    ):
        assert refused(room.owner, statement), statement
    with login(database, Login.CONSOLE) as console:
        # No login that may say until when may say that it was over all along.
        assert refused(console, "update preserved set keep_until = kept_at + interval '1 day'")
        assert not refused(console, OVER.format("document"))
        assert not refused(
            console, "update preserved set keep_until = kept_at + interval '1 year' where part = 'receipt'"
        )
        assert refused(console, OVER.format("receipt"))
        assert refused(console, "delete from preserved where part = 'receipt'")
        for statement in AGED:
            room.run(statement)
        room.run("insert into people (handle) values ('eva')")
        room.run("update cases set held_at = clock_timestamp(), held_by = 'eva'")
        assert refused(console, "delete from preserved where part = 'document'")
        with transaction(console) as connection:
            assert preserved.let_go(connection, 10) == []
        room.run("update cases set held_at = null, held_by = null")
        with transaction(console) as connection:
            gone = preserved.let_go(connection, 10)
    assert [one.part for one in gone] == ["document"]
    assert set(rows(room)) == {"receipt"}


@pytest.mark.usefixtures("key")
def test_workers_have_one_cases_public_key_and_no_case(room: Room) -> None:
    with transaction(room.engine) as connection:
        asked = preserved.seal_key(connection, rows(room)["document"][2])
        nobody = preserved.seal_key(connection, "CR-0000-0000-0000")

    assert asked is not None
    assert nobody is None
    for statement in ("select blob from preserved", "select public from cases", "delete from preserved"):
        assert refused(room.engine, statement), statement


def test_what_a_body_answered_is_kept_even_when_somebody_else_had_the_lease_by_then(
    room: Room, sink: Sink, sender: Receipting, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.post()
    _, public = new_pair()
    room.run("update cases set suite = :suite, public = :public", suite=public.suite, public=public.raw)

    def too_slow(leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:  # noqa: ARG001 - the protocol's
        room.run("update referrals set lease_no = lease_no + 1 where id = :id", id=leased.id)
        return Proof("7", receipt=RECEIPT)

    monkeypatch.setattr(sender, "send", too_slow)
    room.deliverer(room.catalogue(sink)).deliver("desk")

    assert room.states() == {"leased": 1}
    assert set(rows(room)) == {"document", "receipt"}
