"""Jira's traps: what the portal shows, public comments, a search that lags and matches words, each state's own ways."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from router import clock
from router.channels import jira_service_management as jira
from router.channels import wording
from router.errors import Declined, TryLater
from router.model import Finding, LeasedReferral, Payload, Proof, Referral
from router.vocabulary import Notice, Proven, Severity
from tests.loopback import Answer
from tests.standins.jira_service_management import (
    ANN,
    CATEGORY,
    REFERENCE,
    RULE,
    SELECT,
    SEVERITY,
    TEXT,
    TOKEN,
    Issue,
    StandInJira,
    settings,
)
from tests.workers.channels.tickets.desks import FIRST, OTHER, RECALL, REMINDER, leased
from tests.workers.channels.tickets.desks import REFERENCE as CASE
from tests.workers.rooms import SURROUNDINGS
from workers.channels.jira_service_management import JiraSender

NONE = Answer(200)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInJira]:
    monkeypatch.setenv("JIRA_TOKEN", TOKEN)
    with StandInJira() as running:
        yield running


def made(there: StandInJira, **more: Any) -> jira.Settings:
    return jira.Settings.model_validate({**settings(there), **more})


def send(there: StandInJira, what: LeasedReferral, **more: Any) -> Proof:
    chosen = made(there, **more)
    payload = jira.render(chosen, what.fields, key=what.id)
    return JiraSender(chosen, SURROUNDINGS).send(what, payload, deadline_s=10)


def check(there: StandInJira, **more: Any) -> tuple[Finding, ...]:
    return JiraSender(made(there, **more), SURROUNDINGS).check(deadline_s=10)


def test_the_portal_shows_the_title_and_the_reference_alone(there: StandInJira) -> None:
    send(there, leased())
    send(there, leased(REMINDER))
    send(there, leased(RECALL))

    assert there.portal("SD-1") == [f"{CASE} confidential referral", CASE]


def test_every_comment_says_that_it_is_not_public_and_goes_to_the_service_desk(there: StandInJira) -> None:
    send(there, leased())
    send(there, leased(REMINDER))
    comments = [one for one in there.everything if one.method == "POST" and one.path.endswith("/comment")]

    assert {one.path for one in comments} == {"/rest/servicedeskapi/request/SD-1/comment"}
    assert [one.json["public"] for one in comments] == [False, False]


def test_a_comment_that_is_shown_as_public_all_the_same_is_a_no(there: StandInJira, monkeypatch: Any) -> None:
    plain = there.act

    def act(request: Any) -> Answer:
        said = plain(request)
        if not (request.method == "POST" and request.path.endswith("/comment")):
            return said
        return Answer(said.status, said.body.replace(b'"public": false', b'"public": true'))

    monkeypatch.setattr(there, "act", act)
    with pytest.raises(Declined, match=r"^note_public$"):
        send(there, leased())


def test_what_somebody_said_in_public_is_not_what_we_say_to_staff(there: StandInJira) -> None:
    send(there, leased())
    said = jira.note(wording.title(REMINDER), "x").body.decode()
    there.issues[0].comments.append({"id": "9", "body": json.loads(said)["body"], "public": True, "author": ANN})
    proof = send(there, leased(REMINDER))

    assert not proof.repeated
    assert there.issues[0].comments[-1]["public"] is False


def test_a_field_that_is_set_back_silently_is_a_no_and_names_nothing(there: StandInJira) -> None:
    there.ignored.add(CATEGORY)
    with pytest.raises(Declined) as raised:
        send(there, leased())

    assert raised.value.args == ("field_dropped",)


def test_nobody_is_named_as_the_one_who_raised_it(there: StandInJira) -> None:
    send(there, leased())
    (raised,) = [one.json for one in there.everything if one.path == "/rest/servicedeskapi/request"]

    assert set(raised) == {"serviceDeskId", "requestTypeId", "requestFieldValues"}


def test_a_field_matched_by_words_alone_is_not_the_reference(there: StandInJira) -> None:
    there.issues.append(Issue(1, "SD", {"summary": "x", REFERENCE: f"{CASE}-OLD"}))
    proof = send(there, leased())

    assert proof == Proof("SD-2", Proven.VISIBLE)


def test_labels_priority_and_team_are_set_after_it_is_made(there: StandInJira) -> None:
    send(there, leased(), labels=["concern"], team={"field": "customfield_10070", "id": "7"})

    hidden = there.issues[0].hidden
    assert (hidden["labels"], hidden["customfield_10070"]) == (["concern"], {"id": "7"})
    assert hidden["priority"] == {"name": "High"}
    assert hidden[SEVERITY] == {"value": "high"}
    assert set(there.issues[0].fields) == {"summary", REFERENCE}


@pytest.mark.parametrize("calls_done", [1, 2])
def test_one_that_was_made_in_part_is_completed_even_while_no_search_shows_it(
    there: StandInJira, calls_done: int
) -> None:
    """The second call sets the fields, the third one says what is known."""
    there.search_lag = 2
    answers = _after_the_look_ups(calls_done)
    there.answer_next(*answers)
    with pytest.raises(TryLater) as later:
        send(there, leased())
    proof = send(there, leased(remote_id=later.value.remote_id))

    assert later.value.remote_id == "SD-1"
    assert (proof.remote_id, proof.repeated) == ("SD-1", True)
    (ticket,) = there.there()
    assert (ticket.fields["category"], ticket.fields["severity"]) == ("fraud", "high")
    assert "Category: fraud" in ticket.text
    assert there.issues[0].hidden["priority"] == {"name": "High"}


def _after_the_look_ups(calls_done: int) -> list[Answer]:
    return [NONE, NONE, *[Answer(201)] * calls_done, Answer(503)]


def test_one_that_is_complete_is_not_said_again_and_what_staff_changed_stays(there: StandInJira) -> None:
    send(there, leased())
    there.issues[0].hidden[CATEGORY] = "harassment"
    there.issues[0].hidden["priority"] = {"name": "Low"}
    send(there, leased())

    assert len(there.issues[0].comments) == 1
    assert there.issues[0].hidden[CATEGORY] == "harassment"
    assert there.issues[0].hidden["priority"] == {"name": "Low"}


def test_a_request_that_staff_moved_is_still_the_cases(there: StandInJira) -> None:
    send(there, leased())
    moved = there.move("SD-1", "LEG")
    proof = send(there, leased(REMINDER))
    seen = JiraSender(made(there), SURROUNDINGS).look(leased(remote_id="SD-1"), deadline_s=10)

    assert (proof.remote_id, seen.remote_id) == (moved, moved)
    assert len(there.issues) == 1


def test_a_request_that_was_made_in_another_desk_is_another_channels(there: StandInJira) -> None:
    there.issues.append(Issue(1, "LEG", {"summary": "x", REFERENCE: CASE}))
    there.move("LEG-1", "SD")
    proof = send(there, leased())

    assert proof == Proof("SD-2", Proven.VISIBLE)


@pytest.mark.parametrize(("state", "way"), [("Waiting for support", "21"), ("In progress", "31")])
def test_the_way_to_close_is_looked_up_for_the_state_that_it_is_in(there: StandInJira, state: str, way: str) -> None:
    send(there, leased())
    there.issues[0].status = state
    send(there, leased(RECALL))
    (moved,) = [one.json for one in there.everything if one.method == "POST" and "transitions" in one.path]

    assert moved == {"transition": {"id": way}}
    assert there.issues[0].status == "Resolved"


def test_a_closing_that_asks_for_a_resolution_gets_ours_and_the_state_that_is_wanted(there: StandInJira) -> None:
    there.resolution_asked = True
    send(there, leased())
    send(there, leased(RECALL), closed_status="Canceled", resolution="Done")

    assert there.issues[0].status == "Canceled"


def test_a_withdrawal_that_no_state_lets_close_is_a_no(there: StandInJira) -> None:
    send(there, leased())
    there.resolution_asked = True

    with pytest.raises(Declined, match=r"^http_400$"):
        send(there, leased(RECALL))


def test_a_withdrawn_request_is_put_on_the_level_for_it(there: StandInJira) -> None:
    send(there, leased())
    send(there, leased(RECALL), recall_level="10100")

    assert there.issues[0].hidden["security"] == {"id": "10100"}


def test_a_request_that_a_concern_came_out_of_is_told_and_put_on_its_level(there: StandInJira) -> None:
    there.issues.append(Issue(1, "LEG", {"summary": "x"}))
    taken_over = Referral(reference=CASE, notice=Notice.TAKEN_OVER, source_ticket="LEG-1")
    proof = send(there, leased(taken_over), taken_over_level="10101")

    assert proof.remote_id == "LEG-1"
    assert there.issues[0].hidden == {"security": {"id": "10101"}}
    assert [comment["public"] for comment in there.issues[0].comments] == [False]


def test_what_a_rule_assigns_is_taken_by_nobody(there: StandInJira) -> None:
    send(there, leased())
    there.change("SD-1", RULE, "assignee")
    there.change("SD-1", ANN, "Comment")
    before = JiraSender(made(there), SURROUNDINGS).look(leased(remote_id="SD-1"), deadline_s=10)
    there.change("SD-1", ANN, "status")
    after = JiraSender(made(there), SURROUNDINGS).look(leased(remote_id="SD-1"), deadline_s=10)

    assert (before.proven, after.proven) == (Proven.VISIBLE, Proven.ACKNOWLEDGED)


def test_a_second_request_in_which_somebody_wrote_is_left_to_them(there: StandInJira) -> None:
    send(there, leased())
    second = there.copy("SD-1")
    there.issues[1].comments.append({"id": "9", "body": "mine", "public": False, "author": ANN})
    seen = JiraSender(made(there), SURROUNDINGS).look(leased(remote_id="SD-1"), deadline_s=10)

    assert (seen.closed, seen.left) == ((), (second,))


def test_a_limit_between_the_calls_names_what_was_made(there: StandInJira) -> None:
    there.answer_next(NONE, NONE, Answer(201), Answer(429, b"", {"Retry-After": "30"}))
    with pytest.raises(TryLater) as later:
        send(there, leased())

    assert (later.value.code, later.value.retry_after_s, later.value.remote_id) == ("http_429", 30.0, "SD-1")


def test_changes_are_asked_for_by_minutes_ago_because_moments_are_in_the_accounts_time_zone(there: StandInJira) -> None:
    send(there, leased())
    changed = JiraSender(made(there), SURROUNDINGS).changed(clock.now() - timedelta(minutes=5), deadline_s=10)

    assert list(changed) == ["SD-1"]
    assert 'updated >= "-6m"' in jira.changed_query("SD", clock.now() - timedelta(minutes=5, seconds=1))


def test_a_search_may_lag_for_two_minutes_unless_said_otherwise(there: StandInJira) -> None:
    chosen = jira.Settings.model_validate({key: v for key, v in settings(there).items() if key != "search_lag"})

    assert jira.search_lag_s(chosen) == 120.0


def drop_reference(there: StandInJira) -> None:
    del there.form[REFERENCE]


def show_category(there: StandInJira) -> None:
    there.form[CATEGORY] = {"required": False}


def require_description(there: StandInJira) -> None:
    there.form["description"] = {"required": True}


def swap_types(there: StandInJira) -> None:
    there.custom |= {CATEGORY: SELECT, SEVERITY: TEXT}


@pytest.mark.parametrize(
    ("change", "more", "expected"),
    [
        (drop_reference, {}, [("field_not_asked_for", REFERENCE)]),
        (show_category, {}, [("field_public", CATEGORY)]),
        (require_description, {}, [("field_required", "")]),
        (swap_types, {}, [("field_unfit", CATEGORY), ("field_unfit", SEVERITY)]),
        (lambda there: there.rights.discard("SERVICEDESK_AGENT"), {}, [("right_missing", "SERVICEDESK_AGENT")]),
        (lambda there: there.custom.pop(CATEGORY), {}, [("field_missing", CATEGORY)]),
        (lambda _: None, {"service_desk": 3}, [("queue_missing", "3")]),
        (lambda _: None, {"request_type": 11}, [("request_type_missing", "11")]),
        (lambda _: None, {"priorities": {"critical": "Blocker"}}, [("values_missing", "priorities")]),
        (lambda there: setattr(there, "searchable", False), {}, []),
    ],
)
def test_check_says_what_does_not_fit(
    there: StandInJira,
    change: Callable[[StandInJira], object],
    more: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    change(there)

    assert [(found.code, found.named) for found in check(there, **more)] == expected
    assert not [one for one in there.everything if one.method != "GET"]


def test_check_tells_another_service_from_jira(there: StandInJira) -> None:
    there.answer_always(Answer(404))
    assert check(there) == (Finding("not_jira", "url"),)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"custom_fields": {"category": CATEGORY}, "selects": []}, "missing_reference"),
        ({"custom_fields": {"reference": REFERENCE, "category": REFERENCE}, "selects": []}, "mapped_twice"),
        ({"custom_fields": {"reference": REFERENCE, "hashes": CATEGORY}, "selects": []}, "too_long"),
        ({"selects": ["reference"]}, "no_effect"),
        ({"selects": ["site"]}, "no_effect"),
        ({"team": {"field": CATEGORY, "id": "7"}}, "mapped_twice"),
    ],
)
def test_settings_that_cannot_work_do_not_load(there: StandInJira, more: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        made(there, **more)

    assert [error["type"] for error in refused.value.errors()] == [code]


def test_a_value_cannot_become_a_mention_link_or_picture() -> None:
    body = jira.note("t", "Url: [~accountid:1] {x} !a.png!").body.decode()

    assert r"\\[~accountid:1] \\{x} \\!a.png\\!" in body


def test_a_reference_cannot_leave_its_quotes(there: StandInJira) -> None:
    query = jira.find_query(made(there), 'a" OR project = "B')

    assert query.count('"') == 4


def test_the_payload_holds_the_three_bodies_that_will_be_sent(there: StandInJira) -> None:
    referral = Referral(reference=OTHER, severity=Severity.LOW)
    payload: Payload = jira.ticket(made(there), referral)
    parts = jira.parts(payload)

    assert parts.request["requestFieldValues"] == {"summary": f"{OTHER} confidential referral", REFERENCE: OTHER}
    assert parts.fields == {SEVERITY: {"value": "low"}, "priority": {"name": "Low"}}
    assert parts.comment["public"] is False


def test_text_and_fields_alone_say_what_can_be_seen(there: StandInJira) -> None:
    chosen = made(there, text=["site"])
    carries = frozenset({"site", "category", "severity", "country"})

    assert jira.fields_named(chosen) == {"category", "severity", "site"}
    assert jira.fields_shown(chosen, carries) == {"site", "category", "severity"}
    assert jira.fields_shown(made(there), carries) == carries
    assert "Category" not in jira.parts(jira.ticket(chosen, FIRST)).comment["body"]


def test_what_is_no_key_is_kept_nowhere_and_asked_for_nowhere(
    there: StandInJira, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stand-in names its requests as Jira does; this one names one by a text.
    monkeypatch.setattr(Issue, "key", "SD-1 MARKED-7f3a")
    with pytest.raises(TryLater, match="odd_reply") as later:
        send(there, leased())

    assert later.value.ambiguous
    assert later.value.remote_id is None
    assert not [one for one in there.everything if "MARKED" in one.path]


def test_a_search_by_words_that_hides_our_request_behind_others_makes_no_second_one(there: StandInJira) -> None:
    for number in range(50):
        send(there, leased(FIRST.model_copy(update={"reference": f"CR-0000-0000-00{number:02}"})))
    send(there, leased())
    there.show_all = True
    with pytest.raises(TryLater, match="odd_reply"):
        send(there, leased())

    assert len(there.issues) == 51
