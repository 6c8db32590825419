"""ServiceNow's traps: what it leaves out of queries and records, what a caller sees, what it works out by itself."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from router import clock
from router.channels import servicenow
from router.errors import Declined, TryLater
from router.model import Finding, LeasedReferral, Proof, Referral
from router.vocabulary import Notice, Proven, Severity
from tests.loopback import Answer
from tests.standins.servicenow import (
    ACCOUNT,
    APART,
    GROUP,
    NAMES,
    PRIORITIES,
    RECALLS,
    TOKEN,
    StandInServiceNow,
    settings,
)
from tests.workers.channels.tickets.desks import FIRST, OTHER, RECALL, REMINDER, leased
from tests.workers.channels.tickets.desks import REFERENCE as CASE
from tests.workers.rooms import SURROUNDINGS
from workers.channels.servicenow import ServicenowSender


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInServiceNow]:
    monkeypatch.setenv("SERVICENOW_PASSWORD", TOKEN)
    with StandInServiceNow() as running:
        yield running
        assert not running.broken


def made(there: StandInServiceNow, **more: Any) -> servicenow.Settings:
    return servicenow.Settings.model_validate({**settings(there), **more})


def sender(there: StandInServiceNow, **more: Any) -> ServicenowSender:
    return ServicenowSender(made(there, **more), SURROUNDINGS)


def send(there: StandInServiceNow, what: LeasedReferral, **more: Any) -> Proof:
    payload = servicenow.render(made(there, **more), what.fields, key=what.id)
    return sender(there, **more).send(what, payload, deadline_s=10)


def written(there: StandInServiceNow) -> list[dict[str, str]]:
    return [request.json for request in there.everything if request.method in {"POST", "PATCH"}]


def test_a_caller_would_see_the_title_and_that_it_is_closed_and_nothing_else(there: StandInServiceNow) -> None:
    number = str(send(there, leased()).remote_id)
    send(there, leased(REMINDER))
    send(there, leased(RECALL))

    assert there.portal(number) == [f"{CASE} confidential referral", "Solution provided", "See the work notes."]


def test_nothing_is_ever_written_as_a_comment_nor_for_a_caller_nor_as_a_priority(there: StandInServiceNow) -> None:
    send(there, leased())
    send(there, leased(REMINDER))
    send(there, leased(RECALL))
    columns = {name for body in written(there) for name in body}

    assert "work_notes" in columns
    assert not columns & {"comments", "caller_id", "watch_list", "priority", "description", "opened_for"}


@pytest.mark.parametrize(("severity", "priority"), list(zip(Severity, "4321", strict=True)))
def test_the_priority_comes_of_impact_and_urgency(there: StandInServiceNow, severity: Severity, priority: str) -> None:
    number = str(send(there, leased(Referral(reference=CASE, severity=severity))).remote_id)

    assert there.row(number).columns["priority"] == priority
    assert PRIORITIES[servicenow.IMPACT_AND_URGENCY[severity]] == priority


def test_a_record_is_closed_with_code_and_notes_together(there: StandInServiceNow) -> None:
    number = str(send(there, leased()).remote_id)
    send(there, leased(RECALL), close_code="Withdrawn")

    (closing,) = [body for body in written(there) if "state" in body]
    assert closing == {"state": "6", "close_code": "Withdrawn", "close_notes": "See the work notes."}
    assert there.row(number).columns["assignment_group"] == RECALLS


def test_a_column_that_is_dropped_silently_is_a_no_and_names_nothing(there: StandInServiceNow) -> None:
    there.unwritable.add(NAMES["severity"])
    with pytest.raises(Declined) as raised:
        send(there, leased())

    assert raised.value.args == ("field_dropped",)


@pytest.mark.parametrize("column", ["work_notes", "correlation_id", "correlation_display", "impact"])
def test_whatever_else_is_dropped_is_a_no_too(there: StandInServiceNow, column: str) -> None:
    there.unwritable.add(column)

    with pytest.raises(Declined, match=r"^field_dropped$"):
        send(there, leased())


def test_a_group_that_is_dropped_is_a_no(there: StandInServiceNow) -> None:
    there.unwritable.add("assignment_group")

    with pytest.raises(Declined, match=r"^wrong_queue$"):
        send(there, leased())


def test_a_note_that_is_dropped_is_a_no(there: StandInServiceNow) -> None:
    send(there, leased())
    there.unwritable.add("work_notes")

    with pytest.raises(Declined, match=r"^comment_dropped$"):
        send(there, leased(REMINDER))


def test_what_was_dropped_is_completed_when_it_can_be_and_what_staff_changed_stays(there: StandInServiceNow) -> None:
    there.unwritable |= {NAMES["severity"], "work_notes"}
    with pytest.raises(Declined):
        send(there, leased())
    there.unwritable.clear()
    there.rows[0].columns[NAMES["category"]] = "harassment"
    proof = send(there, leased())

    (ticket,) = there.there()
    assert proof.repeated
    assert (ticket.fields["severity"], ticket.fields["category"]) == ("high", "harassment")
    assert "Category: fraud" in ticket.text


def test_a_query_whose_column_is_unknown_shows_every_record_and_finds_none(there: StandInServiceNow) -> None:
    send(there, leased(FIRST.model_copy(update={"reference": OTHER})))
    there.known -= {"correlation_id", "correlation_display"}

    with pytest.raises(Declined, match=r"^field_dropped$"):
        send(there, leased())
    assert [len(row.journal) for row in there.rows] == [1, 1]


def test_check_finds_that_a_query_leaves_a_column_out(there: StandInServiceNow) -> None:
    send(there, leased())
    there.known.discard("correlation_id")

    assert sender(there).check(deadline_s=10) == (Finding("field_missing", "correlation_id"),)


def test_check_finds_a_column_that_is_shown_and_not_searched_by(there: StandInServiceNow) -> None:
    send(there, leased())
    there.unsearched.add("correlation_display")

    assert sender(there).check(deadline_s=10) == (Finding("field_missing", "correlation_display"),)


def test_another_desks_record_of_the_case_is_not_ours(there: StandInServiceNow) -> None:
    first = send(there, leased(), group=APART, taken_over_group=None)
    second = send(there, leased())

    assert first.remote_id != second.remote_id
    assert not second.repeated


def test_a_record_that_staff_assigned_to_another_group_is_still_the_cases(there: StandInServiceNow) -> None:
    number = str(send(there, leased()).remote_id)
    there.by(number, "ann", assignment_group="e" * 32)
    proof = send(there, leased())

    assert proof == Proof(number, Proven.VISIBLE, repeated=True)


def test_a_query_asks_for_the_reference_and_the_desk(there: StandInServiceNow) -> None:
    query = servicenow.find_query(made(there), CASE)

    assert query == f"correlation_id={CASE}^correlation_display=concern-router {GROUP}"


@pytest.mark.parametrize("value", ["CR^ORnumber!=", "a=b", "javascript:x", ""])
def test_nothing_that_could_begin_another_condition_gets_into_a_query(value: str) -> None:
    with pytest.raises(Declined, match=r"^unsafe_query$"):
        servicenow.condition("number", value)


def test_what_a_rule_assigns_is_taken_by_nobody(there: StandInServiceNow) -> None:
    number = str(send(there, leased()).remote_id)
    there.by(number, "system", assigned_to="d" * 32, state="2")
    before = sender(there).look(leased(remote_id=number), deadline_s=10)
    there.by(number, "ann")
    after = sender(there).look(leased(remote_id=number), deadline_s=10)

    assert (before.proven, after.proven) == (Proven.VISIBLE, Proven.ACKNOWLEDGED)


def test_what_somebody_only_wrote_is_no_sign_that_they_took_it(there: StandInServiceNow) -> None:
    number = str(send(there, leased()).remote_id)
    there.by(number, "ann")

    assert sender(there).look(leased(remote_id=number), deadline_s=10).proven is Proven.VISIBLE


@pytest.mark.parametrize("change", [{"state": "2"}, {"assigned_to": "d" * 32}, {}])
def test_a_second_record_that_anything_was_done_to_is_left_alone(
    there: StandInServiceNow, change: dict[str, str]
) -> None:
    number = str(send(there, leased()).remote_id)
    second = there.copy(number)
    there.by(second, "ann" if not change else "system", **change)
    seen = sender(there).look(leased(remote_id=number), deadline_s=10)

    assert (seen.closed, seen.left) == ((), (second,))


def test_staff_are_told_the_number_that_they_call_a_record_by(there: StandInServiceNow) -> None:
    number = str(send(there, leased()).remote_id)
    there.copy(number)
    sender(there).look(leased(remote_id=number), deadline_s=10)

    assert "go on in ticket INC0000001" in there.rows[1].journal[-1][1]


def test_a_ticket_that_a_concern_came_out_of_is_found_by_its_number_and_put_apart(there: StandInServiceNow) -> None:
    number = str(send(there, leased(FIRST.model_copy(update={"reference": OTHER}))).remote_id)
    there.row(number).columns["correlation_id"] = "theirs"  # of no case
    taken_over = Referral(reference=CASE, notice=Notice.TAKEN_OVER, source_ticket="INC0000001")
    proof = send(there, leased(taken_over))

    assert proof.remote_id == number
    assert there.row(number).columns["assignment_group"] == APART
    assert there.row(number).columns["correlation_id"] == "theirs"


def test_an_api_key_has_a_header_of_its_own(there: StandInServiceNow) -> None:
    send(there, leased(), account=None, api_key=True)

    assert {request.headers.get("x-sn-apikey") for request in there.everything} == {TOKEN}
    assert not [request for request in there.everything if "authorization" in request.headers]


def test_changes_are_asked_for_by_minutes_ago_and_believed_by_their_mark(there: StandInServiceNow) -> None:
    number = str(send(there, leased()).remote_id)
    send(there, leased(FIRST.model_copy(update={"reference": OTHER})), group=APART, taken_over_group=None)
    there.show_all = True
    changed = sender(there).changed(clock.now() - timedelta(minutes=5), deadline_s=10)

    assert list(changed) == [number]
    assert "^sys_updated_onRELATIVEGE@minute@ago@6^" in servicenow.changed_query(
        made(there), clock.now() - timedelta(minutes=5, seconds=1)
    )


def close_group(there: StandInServiceNow) -> None:
    there.groups[GROUP] = "false"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (close_group, [("queue_disabled", GROUP)]),
        (lambda there: there.groups.pop(RECALLS), [("queue_missing", RECALLS)]),
        (lambda there: there.groups.pop(APART), [("queue_missing", APART)]),
        (lambda there: there.known.discard("u_concern_kind"), [("field_missing", "u_concern_kind")]),
        (lambda there: there.known.discard("work_notes"), [("field_missing", "work_notes")]),
        (lambda there: there.answer_next(Answer(404)), [("not_servicenow", "url")]),
        (lambda there: there.answer_next(Answer(400)), [("table_missing", "incident")]),
    ],
)
def test_check_says_what_does_not_fit(
    there: StandInServiceNow, change: Callable[[StandInServiceNow], object], expected: list[tuple[str, str]]
) -> None:
    send(there, leased())
    change(there)
    writes = len(written(there))

    assert [(found.code, found.named) for found in sender(there).check(deadline_s=10)] == expected
    assert len(written(there)) == writes


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"custom_fields": {"reference": "u_reference"}}, "no_effect"),
        ({"custom_fields": {"category": "caller_id"}}, "mapped_twice"),
        ({"custom_fields": {"category": "u_a", "severity": "u_a"}}, "mapped_twice"),
        ({"fixed": {"caller_id": "d" * 32}}, "mapped_twice"),
        ({"fixed": {"comments": "x"}}, "mapped_twice"),
        ({"fixed": {"u_concern_kind": "x"}}, "mapped_twice"),
        ({"recall_group": GROUP}, "same_place"),
        ({"api_key": True}, "no_effect"),
        ({"states": {"resolved": "3"}}, "odd_states"),
        ({"states": {"open": "6"}}, "odd_states"),
    ],
)
def test_settings_that_cannot_work_do_not_load(there: StandInServiceNow, more: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        made(there, **more)

    assert [error["type"] for error in refused.value.errors()] == [code]


def test_what_the_table_demands_is_set_in_each_record(there: StandInServiceNow) -> None:
    number = str(send(there, leased(), fixed={"category": "security"}).remote_id)

    assert there.row(number).columns["category"] == "security"
    assert there.row(number).columns["sys_created_by"] == ACCOUNT


def test_a_value_cannot_become_html() -> None:
    body = servicenow.note("t", "Url: [CODE]<img>[/code]").body.decode()

    assert "[ CODE]<img>[ /code]" in body


def test_text_and_columns_alone_say_what_can_be_seen(there: StandInServiceNow) -> None:
    chosen = made(there, text=["site"])
    carries = frozenset({"site", "category", "severity", "country"})

    assert servicenow.fields_named(chosen) == {"category", "severity", "site"}
    assert servicenow.fields_shown(chosen, carries) == {"site", "category", "severity"}
    assert servicenow.fields_shown(made(there), carries) == carries


def test_a_condition_that_is_left_out_and_hides_our_record_behind_others_makes_no_second_one(
    there: StandInServiceNow,
) -> None:
    for number in range(50):
        send(there, leased(Referral(reference=f"CR-0000-0000-00{number:02}")))
    send(there, leased())
    there.unsearched = {"correlation_id"}
    with pytest.raises(TryLater, match="odd_reply"):
        send(there, leased())

    assert len(there.rows) == 51
