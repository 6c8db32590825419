"""One ticket, though an answer is lost, a ticket cannot be read back, or shows late; and one that was incomplete."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from router import clock
from router.channels import rt
from router.errors import NOT_SEEN, Declined, TryLater
from router.failpoints import FailPoint, on_reach
from router.model import LeasedReferral, Proof, Referral
from router.vocabulary import Awaited, Notice, Proven, Severity
from tests.servers import RT_TOKEN, Answer, Received, StandInRT
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rt import RtSender

REFERENCE, OTHER = "CR-AAAA-BBBB-CCCC", "CR-0000-0000-0000"
FIELDS = {"reference": "Reference id", "category": "Category", "severity": "Severity"}
FIRST = Referral(reference=REFERENCE, category="fraud", severity=Severity.HIGH)
REMINDER = Referral(reference=REFERENCE, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
RECALL = Referral(reference=REFERENCE, revision=3, notice=Notice.RECALLED)
FOUND = Proof("1", Proven.VISIBLE, repeated=True)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT(queues=("Safeguarding", "Legal")) as server:
        yield server


def leased(referral: Referral = FIRST, **more: Any) -> LeasedReferral:
    return replace(LeasedReferral("0" * 32, "desk", referral, 1, 1, clock.now()), **more)


def send(there: StandInRT, what: LeasedReferral, *, search_lag: str = "") -> Proof:
    given = {"url": there.url, "token": "env:RT_TOKEN", "queue": "Safeguarding", "custom_fields": FIELDS}
    settings = rt.Settings.model_validate({**given, **({"search_lag": search_lag} if search_lag else {})})
    payload = rt.render(settings, what.fields, key=what.id)
    return RtSender(settings, SURROUNDINGS).send(what, payload, deadline_s=10)


def answering(there: StandInRT, method: str, answer: Answer) -> None:
    """Answer this to requests of the method, after they took effect."""
    reply = there.reply

    def odd(request: Received) -> Answer:
        normal = reply(request)
        return answer if request.method == method else normal

    there.reply = odd  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(201, cut=True), "no_answer"),
        (Answer(500), "http_500"),
        (Answer(201, b"<html>"), "odd_reply"),
        (Answer(201, b"[]"), "odd_reply"),
        (Answer(201, b'{"id": "one"}'), "odd_reply"),
    ],
)
def test_a_create_that_may_have_taken_effect_is_said_to(there: StandInRT, answer: Answer, code: str) -> None:
    answering(there, "POST", answer)
    with pytest.raises(TryLater) as later:
        send(there, leased())

    assert (later.value.code, later.value.ambiguous, later.value.remote_id) == (code, True, None)


@pytest.mark.parametrize("answer", [Answer(200, cut=True), Answer(500), Answer(200, b"<html>")])
def test_a_look_up_that_fails_leaves_nothing_in_doubt(there: StandInRT, answer: Answer) -> None:
    answering(there, "GET", answer)
    with pytest.raises(TryLater) as later:
        send(there, leased())

    assert not later.value.ambiguous
    assert there.tickets == []


@pytest.mark.parametrize("right_until", [0, 1])
def test_a_ticket_that_cannot_be_read_back_is_named_and_not_made_again(there: StandInRT, right_until: int) -> None:
    there.lacking.add(("Safeguarding", "ShowTicket"))
    with pytest.raises(TryLater) as later:
        send(there, leased())
    again = leased(remote_id=later.value.remote_id, attempts=2)
    if right_until:
        there.lacking.clear()
        assert send(there, again) == FOUND
    else:
        with pytest.raises(TryLater, match=r"^not_authorised$"):
            send(there, again)

    assert (later.value.code, later.value.remote_id, later.value.ambiguous) == ("not_authorised", "1", False)
    assert len(there.tickets) == 1


def test_a_ticket_that_is_known_by_its_number_is_read_though_no_search_shows_it(there: StandInRT) -> None:
    there.search_lag = 9
    send(there, leased())

    assert send(there, leased(remote_id="1", attempts=2), search_lag="1m") == FOUND
    assert len(there.tickets) == 1


def test_nothing_is_made_while_an_earlier_one_may_be_hidden(there: StandInRT) -> None:
    with pytest.raises(TryLater, match=f"^{NOT_SEEN}$") as later:
        send(there, leased(unsure=1, attempts=2), search_lag="1m")

    assert not later.value.ambiguous
    assert there.tickets == []


def test_what_was_hidden_is_found_while_in_doubt(there: StandInRT) -> None:
    send(there, leased())

    assert send(there, leased(unsure=2, attempts=2), search_lag="1m") == FOUND


def test_a_comment_that_may_be_hidden_is_not_said_again(there: StandInRT) -> None:
    send(there, leased())
    with pytest.raises(TryLater, match=f"^{NOT_SEEN}$"):
        send(there, leased(REMINDER, unsure=2, attempts=2), search_lag="1m")

    assert there.comments(1) == []


def test_a_comment_that_does_not_show_at_once_is_in_doubt_where_things_show_late(
    there: StandInRT, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(there, leased())
    monkeypatch.setattr(there, "_transactions", lambda _: Answer(200, b'{"items": []}'))
    with pytest.raises(TryLater, match=f"^{NOT_SEEN}$") as later:
        send(there, leased(REMINDER), search_lag="1m")

    assert later.value.ambiguous


def test_a_withdrawal_waits_at_least_until_a_ticket_would_show(there: StandInRT) -> None:
    with pytest.raises(TryLater) as later:
        send(there, leased(RECALL), search_lag="4m")

    assert later.value.retry_after_s == 240


def test_a_ticket_that_staff_merged_meanwhile_is_not_made_again(there: StandInRT) -> None:
    send(there, leased(FIRST.model_copy(update={"reference": OTHER})))
    send(there, leased())
    there.merge(2, 1)

    assert send(there, leased(attempts=2)) == FOUND
    assert len(there.tickets) == 2


def test_a_reminder_goes_where_staff_merged_the_ticket(there: StandInRT) -> None:
    send(there, leased(FIRST.model_copy(update={"reference": OTHER})))
    send(there, leased())
    there.merge(2, 1)

    assert send(there, leased(REMINDER)) == Proof("1", Proven.VISIBLE)
    assert send(there, leased(REMINDER)) == FOUND
    assert len(there.comments(1)) == 1


def test_a_withdrawal_does_not_close_what_staff_merged_the_ticket_into(there: StandInRT) -> None:
    send(there, leased(FIRST.model_copy(update={"reference": OTHER})))
    send(there, leased())
    there.merge(2, 1)
    with pytest.raises(TryLater, match=r"^nothing_there$"):
        send(there, leased(RECALL))

    assert [ticket["Status"] for ticket in there.tickets] == ["new", "new"]


def test_a_field_that_was_given_to_the_queue_since_is_filled(there: StandInRT) -> None:
    there.absent.add(("Safeguarding", "Severity"))
    with pytest.raises(Declined, match=r"^field_dropped$"):
        send(there, leased())
    there.absent.clear()

    assert send(there, leased(attempts=2)) == FOUND
    assert there.values(there.tickets[0]) == {"Reference id": REFERENCE, "Category": "fraud", "Severity": "high"}


def test_a_field_that_is_still_missing_is_a_no_again(there: StandInRT) -> None:
    there.absent.add(("Safeguarding", "Severity"))
    for attempts in (1, 2):
        with pytest.raises(Declined, match=r"^field_dropped$"):
            send(there, leased(attempts=attempts))

    assert len(there.tickets) == 1


def test_what_staff_changed_meanwhile_stays(there: StandInRT) -> None:
    send(there, leased())
    there.tickets[0]["CustomFields"][2]["values"] = ["critical"]

    assert send(there, leased(attempts=2)) == FOUND
    assert there.values(there.tickets[0])["Severity"] == "critical"


def test_a_closed_second_ticket_doubles_nothing(there: StandInRT) -> None:
    send(there, leased())
    there.clone(1)
    before = send(there, leased(attempts=2))
    there.put(2, "rejected")

    assert before.doubled
    assert not send(there, leased(attempts=2)).doubled


def test_the_points_between_look_up_and_read_back_are_reached_once_each(there: StandInRT) -> None:
    reached: list[tuple[FailPoint, int]] = []
    on_reach(lambda point: reached.append((point, len(there.tickets))))
    try:
        send(there, leased())
        send(there, leased(attempts=2))
    finally:
        on_reach(None)

    assert reached == [(FailPoint.AFTER_LOOK_UP, 0), (FailPoint.AFTER_CREATE, 1)]
