"""The sender alone against a real Request Tracker 5: what it makes, says, checks, sees later and closes."""

from typing import Any

import pytest

from router import clock
from router.channels import rt as channel
from router.errors import TryLater
from router.model import LeasedReferral, Proof, Referral, Seen
from router.vocabulary import Awaited, Notice, Proven, Severity
from tests.peers.rtpeer import NAMES, Peer
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rt import NOTHING_THERE, RtSender

pytestmark = pytest.mark.peers


class Desk:
    """A channel to the queue Safeguarding; withdrawn tickets go to Withdrawn."""

    def __init__(self, rt: Peer, **more: Any) -> None:
        given = {"url": rt.url, "token": "env:RT_TOKEN", "queue": "Safeguarding", "recall_queue": "Withdrawn"}
        self._settings = channel.Settings.model_validate({**given, "custom_fields": NAMES, **more})
        self._sender = RtSender(self._settings, SURROUNDINGS)

    def send(self, referral: Referral) -> Proof:
        payload = channel.render(self._settings, referral, key="k")
        return self._sender.send(LeasedReferral("k", "desk", referral, 1, 1, clock.now()), payload, deadline_s=20)

    def look(self, referral: Referral, remote_id: str | None) -> Seen:
        leased = LeasedReferral("k", "desk", referral, 1, 1, clock.now(), remote_id=remote_id)
        return self._sender.look(leased, deadline_s=20)

    def check(self) -> list[tuple[str, str]]:
        return [(found.code, found.named) for found in self._sender.check(deadline_s=20)]


@pytest.fixture
def desk(rt: Peer, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("RT_TOKEN", rt.token)
    return Desk(rt)


def a_case() -> Referral:
    return Referral(reference=clock.new_reference(), category="fraud", severity=Severity.HIGH)


def test_a_reminder_is_one_internal_comment_though_it_is_repeated(rt: Peer, desk: Desk) -> None:
    case = a_case()
    reminder = Referral(reference=case.reference, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
    first = desk.send(case)
    proofs = [desk.send(reminder), desk.send(reminder)]
    (ticket,) = rt.tickets(case.reference)

    assert proofs == [Proof(first.remote_id, Proven.VISIBLE), Proof(first.remote_id, Proven.VISIBLE, repeated=True)]
    assert rt.said(ticket["id"])[1:] == [("Comment", f"Reminder: a person should have taken {case.reference}.\n")]


def test_a_withdrawn_ticket_is_told_emptied_closed_and_put_apart(rt: Peer, desk: Desk) -> None:
    case = a_case()
    recall = Referral(reference=case.reference, revision=2, notice=Notice.RECALLED)
    first = desk.send(case)
    proofs = [desk.send(recall), desk.send(recall)]
    (ticket,) = rt.tickets(case.reference)
    shown = rt.shown(ticket["id"])

    assert proofs == [Proof(first.remote_id, Proven.VISIBLE), Proof(first.remote_id, Proven.VISIBLE, repeated=True)]
    assert {name for name in ticket if name not in {"id", "Subject"}} == {"Reference id"}
    assert shown["Status"] == "rejected"
    assert shown["Queue"]["id"] == rt.queue_id("Withdrawn")
    assert [how for how, _ in rt.said(ticket["id"])] == ["Create", "Comment"]
    assert shown["Requestor"] == shown["Cc"] == []


def test_a_withdrawal_without_a_ticket_makes_none(rt: Peer, desk: Desk) -> None:
    reference = clock.new_reference()

    with pytest.raises(TryLater, match=NOTHING_THERE):
        desk.send(Referral(reference=reference, revision=2, notice=Notice.RECALLED))
    assert rt.tickets(reference) == []


def test_a_drill_is_a_ticket_that_says_so(rt: Peer, desk: Desk) -> None:
    reference = clock.new_reference("DRILL")
    desk.send(Referral(reference=reference, notice=Notice.DRILL))
    (ticket,) = rt.tickets(reference)

    assert ticket["Subject"] == f"{reference} drill, not a case"
    assert rt.said(ticket["id"])[0][1].startswith("This is a drill, not a case")


def test_a_ticket_that_staff_merged_is_found_and_not_made_again(rt: Peer, desk: Desk) -> None:
    case, other = a_case(), a_case()
    number, into = desk.send(case).remote_id, desk.send(other).remote_id
    assert number
    assert into
    rt.merge(number, into)
    reminder = Referral(reference=case.reference, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)

    assert desk.send(case) == Proof(into, Proven.VISIBLE, repeated=True)
    assert desk.send(reminder) == Proof(into, Proven.VISIBLE)
    assert rt.said(into)[-1] == ("Comment", f"Reminder: a person should have taken {case.reference}.\n")
    with pytest.raises(TryLater, match=NOTHING_THERE):
        desk.send(Referral(reference=case.reference, revision=3, notice=Notice.RECALLED))
    assert rt.shown(into)["Status"] == "new"


def test_a_ticket_is_taken_by_an_owner_or_by_who_changes_its_status(rt: Peer, desk: Desk) -> None:
    seen = []
    for act in (lambda _: None, rt.take, lambda number: rt.put(number, "open"), lambda n: rt.put(n, "resolved")):
        case = a_case()
        number = str(desk.send(case).remote_id)
        act(number)
        seen.append(desk.look(case, number).proven)

    assert seen == [Proven.VISIBLE, *[Proven.ACKNOWLEDGED] * 3]


def test_a_second_ticket_is_told_where_to_go_on_and_closed(rt: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    second = rt.again(case.reference)
    seen = [desk.look(case, number) for _ in range(2)]

    assert seen == [
        Seen(number, Proven.VISIBLE, closed=(second,), resolved=False),
        Seen(number, Proven.VISIBLE, resolved=False),
    ]
    assert rt.shown(number)["Status"] == "new"
    assert rt.shown(second)["Status"] == "rejected"
    said = f"This ticket was made a second time for {case.reference}. It is closed; go on in ticket {number}.\n"
    assert rt.said(second) == [("Comment", said)]
    assert rt.shown(second)["Requestor"] == rt.shown(second)["Cc"] == []


def test_a_second_ticket_that_is_worked_in_is_left_and_said(rt: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    second = rt.again(case.reference)
    rt.take(second)

    assert desk.look(case, number) == Seen(number, Proven.VISIBLE, left=(second,), resolved=False)
    assert rt.shown(second)["Status"] == "new"


def test_what_staff_merged_or_made_is_no_second_ticket(rt: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    merged, theirs = rt.again(case.reference), rt.again(case.reference, by_staff=True)
    rt.merge(merged, number)

    assert desk.look(case, number) == Seen(number, Proven.VISIBLE, resolved=False)
    assert rt.shown(theirs)["Status"] == "new"


def test_the_open_ticket_is_kept_when_the_ledger_s_is_closed_or_gone(rt: Peer, desk: Desk) -> None:
    for status in ("rejected", "deleted"):
        case = a_case()
        number = str(desk.send(case).remote_id)
        second = rt.again(case.reference)
        rt.put(number, status)

        assert desk.look(case, number) == Seen(second, Proven.VISIBLE, resolved=False)
        assert rt.shown(second)["Status"] == "new"


def test_a_ticket_that_is_merged_into_another_is_taken_and_is_that_one(rt: Peer, desk: Desk) -> None:
    case, other = a_case(), a_case()
    number, into = str(desk.send(case).remote_id), str(desk.send(other).remote_id)
    rt.merge(number, into)

    assert desk.look(case, number) == Seen(into, Proven.ACKNOWLEDGED, resolved=False)


def test_a_ticket_that_was_deleted_is_gone(rt: Peer, desk: Desk) -> None:
    case = a_case()
    number = str(desk.send(case).remote_id)
    rt.put(number, "deleted")

    assert desk.look(case, number) == Seen(None)
    assert desk.look(case, "999999") == Seen(None)


def test_a_good_desk_has_no_findings(desk: Desk) -> None:
    desk.send(a_case())

    assert desk.check() == []


@pytest.mark.usefixtures("desk")
def test_a_check_says_what_is_missing(rt: Peer) -> None:
    found = {
        "field": Desk(rt, queue="Facilities").check(),
        "queue": Desk(rt, queue="Safegarding").check(),
        "right": Desk(rt, queue="Archive").check(),
        "recall": Desk(rt, recall_queue="Archive").check(),
        "recall field": Desk(
            rt, queue="Safeguarding", recall_queue="Withdrawn", custom_fields={"reference": "Link"}
        ).check(),
    }

    assert found == {
        "field": [("field_missing", "Severity")],
        "queue": [("queue_missing", "Safegarding")],
        "right": [("right_missing", "CreateTicket")],
        "recall": [("recall_right_missing", "CreateTicket")],
        "recall field": [("recall_field_missing", "Link")],
    }


def test_a_check_says_that_the_token_or_the_address_is_wrong(rt: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RT_TOKEN", "1-2-3")
    refused = Desk(rt).check()
    monkeypatch.setenv("RT_TOKEN", rt.token)

    assert refused == [("not_authorised", "token")]
    assert Desk(rt, url=f"{rt.url}/elsewhere").check() == [("not_rt", "url")]
