"""One ticket a case on a stand-in with RT's traps; tests/peers does the same on a real one."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from router import clock
from router.channels import rt
from router.errors import Declined, TryLater
from router.model import LeasedReferral, Proof, Referral
from router.vocabulary import Proven, Severity
from tests.servers import RT_TOKEN, Answer, StandInRT
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rt import RtSender

REFERENCE = "CR-AAAA-BBBB-CCCC"
FIELDS = {"reference": "Reference id", "category": "Category", "severity": "Severity"}
shown = partial(Proof, proven=Proven.VISIBLE)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT(queues=("Safeguarding", "Legal")) as server:
        yield server


def send(there: StandInRT, *, reference: str = REFERENCE, queue: str = "Safeguarding", **fields: Any) -> Proof:
    settings = rt.Settings(
        url=there.url, token="env:RT_TOKEN", queue=queue, custom_fields=fields.pop("custom_fields", FIELDS)
    )
    referral = Referral(reference=reference, category="fraud", severity=Severity.HIGH)
    payload = rt.render(settings, referral, key="0" * 32)
    leased = LeasedReferral("0" * 32, "desk", referral, 1, 1, clock.now())
    return RtSender(settings, SURROUNDINGS).send(leased, payload, deadline_s=10)


def test_makes_a_ticket_and_sees_it(there: StandInRT) -> None:
    assert send(there) == shown("1")
    assert there.values(there.tickets[0]) == {"Reference id": REFERENCE, "Category": "fraud", "Severity": "high"}


def test_finds_its_ticket_after_a_lost_answer(there: StandInRT) -> None:
    send(there, reference="CR-0000-0000-0000")
    there.answer_next(Answer(), Answer(), Answer(201, cut=True))
    with pytest.raises(TryLater, match=r"^no_answer$"):
        send(there)

    assert send(there) == shown("2", repeated=True)
    assert len(there.tickets) == 2


def test_a_field_that_rt_drops_is_a_no_and_names_nothing(there: StandInRT) -> None:
    there.custom_fields = ("Reference id", "Category")
    with pytest.raises(Declined) as raised:
        send(there)

    assert raised.value.args == ("field_dropped",)


def test_a_dropped_reference_is_a_no(there: StandInRT) -> None:
    with pytest.raises(Declined, match=r"^field_dropped$"):
        send(there, custom_fields={**FIELDS, "reference": "Misspelt"})


def test_believes_no_hit_that_does_not_show_the_reference(there: StandInRT, monkeypatch: pytest.MonkeyPatch) -> None:
    send(there, reference="CR-0000-0000-0000")
    monkeypatch.setattr(there, "_matches", lambda *_: True)

    assert send(there) == shown("2")


def test_of_several_the_lowest_open_one_counts_and_it_says_so(there: StandInRT) -> None:
    for _ in range(3):
        send(there)
        there.tickets[-1]["CustomFields"][0]["values"] = ["put away"]
    for ticket in there.tickets:
        ticket["CustomFields"][0]["values"] = [REFERENCE]
    there.tickets[0]["Status"] = "resolved"

    assert send(there) == shown("2", repeated=True, doubled=True)


def test_a_closed_ticket_is_still_the_case_s_ticket(there: StandInRT) -> None:
    send(there)
    there.tickets[0]["Status"] = "resolved"

    assert send(there) == shown("1", repeated=True)


def test_another_queue_gets_a_ticket_of_its_own(there: StandInRT) -> None:
    send(there)

    assert send(there, queue="Legal") == shown("2")


def test_a_ticket_that_staff_moved_is_still_the_one_made_here(there: StandInRT) -> None:
    send(there)
    there.move(1, "Legal")
    there.move(1, "Safeguarding")
    there.move(1, "Legal")
    for field in there.tickets[0]["CustomFields"][1:]:
        field["values"] = []  # what the other queue does not have

    assert send(there) == shown("1", repeated=True)


def test_a_ticket_moved_into_a_desk_s_queue_is_not_that_desk_s_own(there: StandInRT) -> None:
    send(there)
    there.move(1, "Legal")

    assert send(there, queue="Legal") == shown("2")
    assert send(there) == shown("1", repeated=True)
    assert send(there, queue="Legal") == shown("2", repeated=True)


def test_a_queue_that_we_may_not_use_holds_the_referral(there: StandInRT) -> None:
    with pytest.raises(TryLater, match=r"^not_authorised$"):
        send(there, queue="Nowhere")


@pytest.mark.parametrize("body", [b"<html>MARKED-7f3a</html>", b"[]", b'{"id": "1; drop"}', b"{}", b""])
def test_a_create_answered_with_nonsense_is_looked_up_next_time(there: StandInRT, body: bytes) -> None:
    reply = there.reply

    def nonsense(request: Any) -> Answer:
        answer = reply(request)
        return Answer(201, body) if request.method == "POST" else answer

    there.reply = nonsense  # type: ignore[method-assign]
    with pytest.raises(TryLater, match=r"^odd_reply$"):
        send(there)
    there.reply = reply  # type: ignore[method-assign]

    assert send(there) == shown("1", repeated=True)


def test_a_ticket_never_has_a_requestor(there: StandInRT) -> None:
    send(there)
    created = next(request for request in there.everything if request.method == "POST")

    assert not {"Requestor", "Requestors", "Cc", "AdminCc"} & set(created.json)
