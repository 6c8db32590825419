"""A later look says whether somebody took the ticket, and closes a second one unless people work in it."""

from collections.abc import Iterator
from typing import Any

import pytest

from router import clock
from router.channels import rt
from router.errors import TryLater
from router.model import LeasedReferral, Referral, Seen
from router.vocabulary import Notice, Proven, Severity
from tests.servers import RT_TOKEN, Answer, StandInRT
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rt import RtSender
from workers.channels.rt.tickets import PER_PAGE

REFERENCE, OTHER = "CR-AAAA-BBBB-CCCC", "CR-0000-0000-0000"
FIELDS = {"reference": "Reference id", "category": "Category", "severity": "Severity"}
SECOND = f"This ticket was made a second time for {REFERENCE}. It is closed; go on in ticket"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT(queues=("Safeguarding", "Legal")) as server:
        yield server


def made(there: StandInRT, *references: str) -> None:
    """Make tickets, one for each reference, with our account."""
    for reference in references:
        there._create({"Queue": "Safeguarding", "Subject": "s", "CustomFields": {"Reference id": reference}})


def look(there: StandInRT, remote_id: str | None = "1", **fields: Any) -> Seen:
    settings = rt.Settings(url=there.url, token="env:RT_TOKEN", queue="Safeguarding", custom_fields=FIELDS)
    referral = Referral(reference=REFERENCE, category="fraud", severity=Severity.HIGH, **fields)
    leased = LeasedReferral("0" * 32, "desk", referral, 1, 1, clock.now(), remote_id=remote_id)
    return RtSender(settings, SURROUNDINGS).look(leased, deadline_s=10)


def statuses(there: StandInRT) -> list[str]:
    return [ticket["Status"] for ticket in there.tickets]


def test_a_ticket_that_nobody_touched_is_there_and_not_taken(there: StandInRT) -> None:
    made(there, REFERENCE)

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)
    assert {request.method for request in there.everything} == {"GET"}


def test_an_owner_took_it(there: StandInRT) -> None:
    made(there, REFERENCE)
    there.take(1)

    assert look(there) == Seen("1", Proven.ACKNOWLEDGED, resolved=False)


@pytest.mark.parametrize("status", ["open", "resolved", "rejected"])
def test_whoever_changed_its_status_took_it(there: StandInRT, status: str) -> None:
    made(there, REFERENCE)
    there.put(1, status)

    assert look(there) == Seen("1", Proven.ACKNOWLEDGED, resolved=status != "open")


@pytest.mark.parametrize("who", ["RT_System", "router"])
def test_rt_itself_and_our_own_account_take_nothing(there: StandInRT, who: str) -> None:
    made(there, REFERENCE)
    there.put(1, "open", who=who)

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)


def test_our_own_account_as_its_owner_takes_nothing(there: StandInRT) -> None:
    made(there, REFERENCE)
    there.tickets[0]["Owner"] = {"id": "router"}

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)


def test_who_only_wrote_in_it_did_not_take_it(there: StandInRT) -> None:
    made(there, REFERENCE)
    there.write(1)

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)


def test_the_acts_of_staff_in_another_ticket_say_nothing_of_this_one(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    there.put(2, "open")

    assert look(there).proven is Proven.VISIBLE


def test_a_second_ticket_is_told_where_to_go_on_and_closed(there: StandInRT) -> None:
    made(there, REFERENCE, OTHER, REFERENCE)

    assert look(there) == Seen("1", Proven.VISIBLE, closed=("3",), resolved=False)
    assert statuses(there) == ["new", "new", "rejected"]
    assert there.comments(3) == [f"{SECOND} 1.\n"]
    assert there.comments(1) == []
    assert there.values(there.tickets[2]) == {"Reference id": REFERENCE}


def test_the_ledger_s_ticket_is_kept_though_another_has_a_lower_number(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)

    assert look(there, "2") == Seen("2", Proven.VISIBLE, closed=("1",), resolved=False)


def test_looking_once_more_changes_nothing_more(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    look(there)
    asked = len(there.everything)

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)
    assert {request.method for request in there.everything[asked:]} == {"GET"}


def test_a_look_that_ended_between_comment_and_closing_says_it_once(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    closes = there._change
    there._change = lambda *_: Answer(503)  # type: ignore[method-assign]
    with pytest.raises(TryLater):
        look(there)
    there._change = closes  # type: ignore[method-assign]

    assert look(there).closed == ("2",)
    assert len(there.comments(2)) == 1


def test_the_open_one_is_kept_when_the_ledger_s_was_closed(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE, REFERENCE)
    there.put(1, "rejected")

    assert look(there) == Seen("2", Proven.VISIBLE, closed=("3",), resolved=False)
    assert statuses(there) == ["rejected", "new", "rejected"]


@pytest.mark.parametrize("worked", ["take", "write", "open"])
def test_a_second_ticket_in_which_somebody_works_is_left_and_said(there: StandInRT, worked: str) -> None:
    made(there, REFERENCE, REFERENCE)
    if worked == "open":
        there.put(2, "open")
    else:
        getattr(there, worked)(2)

    assert look(there) == Seen("1", Proven.VISIBLE, left=("2",), resolved=False)
    assert statuses(there) == ["new", "open" if worked == "open" else "new"]
    assert "second time" not in "".join(there.comments(2))


def test_a_busy_first_ticket_does_not_hide_that_somebody_works_in_the_second(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    there.write(2)
    for _ in range(PER_PAGE):
        there.write(1)

    assert look(there).left == ("2",)
    assert statuses(there) == ["new", "new"]


def test_a_second_ticket_that_rt_will_not_close_is_said(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    there.statuses -= {"rejected", "resolved"}

    assert look(there) == Seen("1", Proven.VISIBLE, left=("2",), resolved=False)


def test_what_staff_made_of_a_ticket_is_theirs(there: StandInRT) -> None:
    made(there, REFERENCE)
    there.clone(1)

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)
    assert statuses(there) == ["new", "new"]


def test_another_desk_s_ticket_is_no_second_one(there: StandInRT) -> None:
    made(there, REFERENCE)
    there._create({"Queue": "Legal", "CustomFields": {"Reference id": REFERENCE}})

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)
    assert statuses(there) == ["new", "new"]


def test_a_second_ticket_that_staff_merged_into_the_first_is_none_any_more(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    there.merge(2, 1)

    assert look(there) == Seen("1", Proven.VISIBLE, resolved=False)
    assert statuses(there) == ["new", "new"]


def test_a_ticket_that_staff_merged_into_another_is_taken_and_is_that_one_now(there: StandInRT) -> None:
    made(there, REFERENCE, OTHER)
    there.merge(1, 2)

    assert look(there) == Seen("2", Proven.ACKNOWLEDGED, resolved=False)
    assert statuses(there) == ["new", "new"]


def test_a_second_ticket_is_told_of_the_one_that_the_first_was_merged_into(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE, OTHER)
    there.merge(1, 3)

    assert look(there) == Seen("3", Proven.ACKNOWLEDGED, closed=("2",), resolved=False)
    assert there.comments(2) == [f"{SECOND} 3.\n"]


@pytest.mark.parametrize("remote_id", ["1", "9", None])
def test_a_ticket_that_is_gone_is_said(there: StandInRT, remote_id: str | None) -> None:
    made(there, REFERENCE)
    there.put(1, "deleted")

    assert look(there, remote_id) == Seen(None)


def test_the_other_one_is_the_ticket_when_the_ledger_s_is_gone(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    there.put(1, "deleted")

    assert look(there) == Seen("2", Proven.VISIBLE, resolved=False)


def test_a_ticket_that_staff_put_where_we_may_not_look_is_left_in_peace(there: StandInRT) -> None:
    made(there, REFERENCE, REFERENCE)
    there.lacking.add(("Legal", "ShowTicket"))
    there.move(1, "Legal")

    assert look(there) == Seen("1")
    assert statuses(there) == ["new", "new"]


def test_a_withdrawn_ticket_is_not_looked_at(there: StandInRT) -> None:
    assert look(there, notice=Notice.RECALLED) == Seen("1")
    assert there.everything == []


def test_an_rt_that_is_away_is_looked_at_later(there: StandInRT) -> None:
    made(there, REFERENCE)
    there.answer_always(Answer(503))
    with pytest.raises(TryLater, match=r"^http_503$"):
        look(there)
