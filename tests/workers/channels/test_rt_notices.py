"""What is said of a case later stands in its ticket, once; a withdrawn ticket is emptied, closed and put apart."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from router import clock
from router.channels import rt
from router.errors import Declined, TryLater
from router.model import LeasedReferral, Proof, Referral
from router.vocabulary import Awaited, Notice, Proven, Severity
from tests.servers import RT_TOKEN, Answer, StandInRT
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rt import NOTHING_THERE, RtSender

REFERENCE = "CR-AAAA-BBBB-CCCC"
FIELDS = {"reference": "Reference id", "category": "Category", "severity": "Severity"}
FIRST = Referral(reference=REFERENCE, category="fraud", severity=Severity.HIGH)
REMINDER = Referral(reference=REFERENCE, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
RECALL = Referral(reference=REFERENCE, revision=3, notice=Notice.RECALLED)
shown = partial(Proof, proven=Proven.VISIBLE)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT(queues=("Safeguarding", "Legal", "Withdrawn")) as server:
        yield server


def send(there: StandInRT, referral: Referral, *, attempts: int = 1, **more: Any) -> Proof:
    given = {"url": there.url, "token": "env:RT_TOKEN", "queue": "Safeguarding", "custom_fields": FIELDS, **more}
    settings = rt.Settings(**given)
    leased = LeasedReferral("0" * 32, "desk", referral, 1, attempts, clock.now())
    sender = RtSender(settings, SURROUNDINGS)
    return sender.send(leased, rt.render(settings, referral, key="0" * 32), deadline_s=10)


def test_a_reminder_is_a_comment_in_the_case_s_ticket(there: StandInRT) -> None:
    send(there, FIRST)

    assert send(there, REMINDER) == shown("1")
    assert there.comments(1) == [f"Reminder: a person should have taken {REFERENCE}.\n"]
    assert len(there.tickets) == 1


def test_nothing_is_ever_sent_as_correspondence(there: StandInRT) -> None:
    for referral in (FIRST, REMINDER, RECALL):
        send(there, referral)

    assert not any("correspond" in request.path for request in there.everything)


def test_a_repeated_reminder_is_said_once(there: StandInRT) -> None:
    send(there, FIRST)
    send(there, REMINDER)

    assert send(there, REMINDER) == shown("1", repeated=True)
    assert len(there.comments(1)) == 1


def test_a_reminder_whose_answer_was_lost_is_said_once(there: StandInRT) -> None:
    send(there, FIRST)
    asked = len(there.everything)
    send(there, REMINDER)
    until_comment = [r.method for r in there.everything[asked:]].index("POST")
    there.answer_next(*[Answer()] * until_comment, Answer(201, cut=True))
    later = REMINDER.model_copy(update={"revision": 4})
    with pytest.raises(TryLater, match=r"^no_answer$"):
        send(there, later)

    assert send(there, later) == shown("1", repeated=True)
    assert len(there.comments(1)) == 2


def test_each_later_revision_is_said(there: StandInRT) -> None:
    send(there, FIRST)
    for revision in (20, 2, 3):
        send(there, REMINDER.model_copy(update={"revision": revision}))

    assert len(there.tickets) == 1
    assert len(there.comments(1)) == 3


def test_a_reminder_without_a_ticket_makes_one_and_says_so_there_once(there: StandInRT) -> None:
    assert send(there, REMINDER) == shown("1")
    assert send(there, REMINDER) == shown("1", repeated=True)
    assert there.spoken[0]["Content"].startswith("Reminder: ")
    assert there.comments(1) == []


def test_a_comment_that_does_not_show_is_a_no(there: StandInRT, monkeypatch: pytest.MonkeyPatch) -> None:
    send(there, FIRST)
    monkeypatch.setattr(there, "_say", lambda *_: None)

    with pytest.raises(Declined, match=r"^comment_dropped$"):
        send(there, REMINDER)


def test_an_escalation_that_comes_first_makes_the_ticket(there: StandInRT) -> None:
    escalation = FIRST.model_copy(update={"notice": Notice.ESCALATION, "awaited": Awaited.CLAIM})

    assert send(there, escalation) == shown("1")
    assert there.values(there.tickets[0]) == {"Reference id": REFERENCE, "Category": "fraud", "Severity": "high"}


def test_a_withdrawn_ticket_is_told_emptied_closed_and_put_apart(there: StandInRT) -> None:
    send(there, FIRST)

    assert send(there, RECALL, recall_queue="Withdrawn") == shown("1")
    (ticket,) = there.tickets
    assert there.comments(1) == [
        f"{REFERENCE} is withdrawn. Nothing is to be done about it here any more; please leave it closed.\n"
    ]
    assert there.values(ticket) == {"Reference id": REFERENCE}
    assert ticket["Status"] == "rejected"
    assert ticket["Queue"]["id"] == "3"


def test_without_another_queue_a_withdrawn_ticket_stays_where_it_is(there: StandInRT) -> None:
    send(there, FIRST)
    send(there, RECALL)

    assert there.tickets[0]["Queue"]["id"] == "1"
    assert there.tickets[0]["Status"] == "rejected"


def test_a_repeated_withdrawal_changes_nothing(there: StandInRT) -> None:
    send(there, FIRST)
    send(there, RECALL, recall_queue="Withdrawn")
    asked = len(there.everything)

    assert send(there, RECALL, recall_queue="Withdrawn") == shown("1", repeated=True)
    assert {request.method for request in there.everything[asked:]} == {"GET"}


def test_all_tickets_of_the_case_are_withdrawn_wherever_staff_put_them(there: StandInRT) -> None:
    for _ in range(2):
        send(there, FIRST.model_copy(update={"reference": "CR-0000-0000-0000"}))
        send(there, FIRST)
        there.tickets[-1]["CustomFields"][0]["values"] = ["put away"]
    for ticket in there.tickets[1:]:
        ticket["CustomFields"][0]["values"] = [REFERENCE]
    there.move(2, "Legal")
    there.tickets[2]["Status"] = "resolved"
    send(there, RECALL, recall_queue="Withdrawn")

    assert [t["Queue"]["id"] for t in there.tickets] == ["1", "3", "3"]
    assert [t["Status"] for t in there.tickets] == ["new", "rejected", "resolved"]


def test_another_desk_s_ticket_is_not_withdrawn(there: StandInRT) -> None:
    send(there, FIRST, queue="Legal")

    with pytest.raises(TryLater, match=NOTHING_THERE):
        send(there, RECALL)
    assert there.tickets[0]["Status"] == "new"


def test_a_ticket_that_is_not_found_is_looked_for_again_and_then_by_a_person(there: StandInRT) -> None:
    with pytest.raises(TryLater, match=NOTHING_THERE) as later:
        send(there, RECALL, recall_queue="Withdrawn")
    with pytest.raises(Declined, match=NOTHING_THERE):
        send(there, RECALL, recall_queue="Withdrawn", attempts=2)

    assert later.value.retry_after_s == 120
    assert there.tickets == []


def test_a_ticket_that_appears_late_is_withdrawn_all_the_same(there: StandInRT) -> None:
    with pytest.raises(TryLater, match=NOTHING_THERE):
        send(there, RECALL)
    send(there, FIRST)

    assert send(there, RECALL, attempts=2) == shown("1")
    assert there.tickets[0]["Status"] == "rejected"


def test_a_queue_that_knows_no_rejection_gets_its_ticket_resolved(there: StandInRT) -> None:
    send(there, FIRST)
    there.statuses.remove("rejected")
    send(there, RECALL)

    assert there.tickets[0]["Status"] == "resolved"


@pytest.mark.parametrize("kept", ["status", "field", "queue"])
def test_what_could_not_be_withdrawn_is_a_no_and_the_rest_is_done(there: StandInRT, kept: str) -> None:
    send(there, FIRST)
    recall_queue = "Withdrawn"
    if kept == "status":
        there.statuses -= {"rejected", "resolved"}
    elif kept == "field":
        there.read_only.add("Category")
    else:
        there.move = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(Declined, match=r"^not_withdrawn$"):
        send(there, RECALL, recall_queue=recall_queue)

    (ticket,) = there.tickets
    assert (ticket["Status"] == "rejected") == (kept != "status")
    assert ("Category" not in there.values(ticket)) == (kept != "field")
    assert (ticket["Queue"]["id"] == "3") == (kept != "queue")


def test_a_drill_is_a_ticket_that_says_so(there: StandInRT) -> None:
    drill = Referral(reference="DRILL-AAAA-BBBB-CCCC", notice=Notice.DRILL)

    assert send(there, drill) == shown("1")
    assert there.tickets[0]["Subject"] == "DRILL-AAAA-BBBB-CCCC drill, not a case"
    assert there.values(there.tickets[0]) == {"Reference id": "DRILL-AAAA-BBBB-CCCC"}
