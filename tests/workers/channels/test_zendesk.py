"""What is Zendesk's own: public by default, keys that repeat a create, several of one id, closed for good, limits."""

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from router import clock
from router.channels import wording, zendesk
from router.errors import Declined, TryLater
from router.failpoints import FailPoint, on_reach
from router.model import Finding, LeasedReferral, Proof, Referral
from router.vocabulary import Notice, Proven
from tests.standins.zendesk import (
    APART,
    GROUP,
    ME,
    MOST_UPDATES,
    OTHER_GROUP,
    RECALLS,
    TOKEN,
    UPDATES_S,
    ZendeskStandIn,
    settings,
)
from tests.workers.channels.tickets.desks import FIRST, OTHER, RECALL, REFERENCE, REMINDER, leased
from tests.workers.rooms import SURROUNDINGS
from workers.channels.zendesk import ZendeskSender
from workers.channels.zendesk.system import ZendeskSystem


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[ZendeskStandIn]:
    monkeypatch.setenv("ZENDESK_TOKEN", TOKEN)
    with ZendeskStandIn() as running:
        yield running
        assert not running.broken


def configured(there: ZendeskStandIn, **more: Any) -> zendesk.Settings:
    return zendesk.Settings.model_validate(settings(there, **more))


def send(there: ZendeskStandIn, what: Referral | LeasedReferral = FIRST, **more: Any) -> Proof:
    given = configured(there, **more)
    job = leased(what) if isinstance(what, Referral) else what
    return ZendeskSender(given, SURROUNDINGS).send(job, zendesk.render(given, job.fields, key=job.id), deadline_s=10)


def find(there: ZendeskStandIn, **more: Any) -> list[str]:
    system = ZendeskSystem(configured(there, **more), SURROUNDINGS)
    return [ticket.own for ticket in system.find(REFERENCE, monotonic() + 10)]


def test_every_comment_says_that_it_is_not_public() -> None:
    """The flag left out means public, and the first one decides for the later ones."""
    given = zendesk.Settings.model_validate({"url": "https://a.zendesk.com", "token": "env:A", "group": GROUP})
    every = [orjson.loads(zendesk.render(given, what, key="").body) for what in (FIRST, REMINDER, RECALL)]

    assert [one["ticket"]["comment"]["public"] for one in every] == [False, False, False]


def test_a_ticket_that_a_trigger_made_public_stands_in_front_of_a_person(there: ZendeskStandIn) -> None:
    there.publish = True
    with pytest.raises(Declined, match=r"^made_public$"):
        send(there)

    assert len(there.there()) == 1


def test_what_was_said_publicly_was_not_said_to_staff(there: ZendeskStandIn) -> None:
    number = str(send(there).remote_id)
    public = {"body": f"{wording.title(REMINDER)}\n\nMARKED-7f3a", "public": True}
    there._apply(int(number), {"comment": public}, ME, [])
    proof = send(there, REMINDER)

    assert not proof.repeated
    assert [note.internal for note in there.there()[0].notes] == [False, True]


def test_nobody_asks_so_that_nobody_is_written_to(there: ZendeskStandIn) -> None:
    send(there)

    (made,) = [request.json["ticket"] for request in there.everything if request.method == "POST"]
    assert not {"requester", "requester_id", "submitter_id", "collaborators", "email_ccs", "recipient"} & made.keys()


def test_two_workers_that_both_found_nothing_make_one_ticket(there: ZendeskStandIn) -> None:
    """Their looks come before both creates: only the key keeps the second one from being a second ticket."""
    inner: list[Proof] = []

    def race(point: FailPoint) -> None:
        if point is FailPoint.AFTER_LOOK_UP and not inner:
            on_reach(None)
            inner.append(send(there))

    on_reach(race)
    outer = send(there)

    assert [outer.remote_id] == [inner[0].remote_id]
    assert there.lookups == ["miss", "hit"]
    assert len(there.there()) == 1


def test_only_a_create_carries_a_key(there: ZendeskStandIn) -> None:
    send(there)
    send(there, REMINDER)
    send(there, RECALL)

    keyed = [request.method for request in there.everything if "idempotency-key" in request.headers]
    assert keyed == ["POST"]


def test_another_ticket_has_another_key_since_a_key_with_another_body_is_refused(there: ZendeskStandIn) -> None:
    first, second = (zendesk.ticket(configured(there, group=group), FIRST) for group in (GROUP, OTHER_GROUP))

    assert zendesk.idempotency_key(first) == zendesk.idempotency_key(zendesk.ticket(configured(there), FIRST))
    assert zendesk.idempotency_key(first) != zendesk.idempotency_key(second)


def test_of_several_with_one_external_id_the_first_open_one_counts(there: ZendeskStandIn) -> None:
    send(there)
    first = there.there()[0].number
    second, third = there.copy(first), there.copy(first)
    there.resolve(first)
    proof = send(there, REMINDER)

    assert find(there) == [second, third, first]
    assert (proof.remote_id, proof.doubled) == (second, True)


def test_each_hit_must_show_the_reference_itself(there: ZendeskStandIn) -> None:
    send(there, FIRST.model_copy(update={"reference": OTHER}))
    there.show_all = True

    assert find(there) == []


def test_a_ticket_that_staff_moved_is_still_this_desks_and_no_other_ones(there: ZendeskStandIn) -> None:
    proof = send(there)
    there.move(str(proof.remote_id), OTHER_GROUP)

    assert find(there) == [proof.remote_id]
    assert find(there, group=OTHER_GROUP) == []


def test_what_comes_after_a_ticket_is_closed_for_good_makes_one_follow_up(there: ZendeskStandIn) -> None:
    proof = send(there)
    there.close_for_good(str(proof.remote_id))
    send(there, REMINDER)
    again = send(there, REMINDER)

    final, follow_up = there.there()
    assert (final.closed, final.notes) == (True, [])
    assert follow_up.text_internal
    assert "Reminder: a person should have taken" in follow_up.text
    assert (again.remote_id, again.repeated) == (follow_up.number, True)


def test_a_follow_up_whose_answer_was_lost_is_found(there: ZendeskStandIn) -> None:
    proof = send(there)
    there.close_for_good(str(proof.remote_id))
    there.lose = 1
    with pytest.raises(TryLater) as later:
        send(there, REMINDER)
    send(there, REMINDER)

    assert later.value.ambiguous
    assert len(there.there()) == 2


def test_a_ticket_that_is_closed_for_good_cannot_be_withdrawn_and_a_person_is_told(there: ZendeskStandIn) -> None:
    proof = send(there)
    there.close_for_good(str(proof.remote_id))
    with pytest.raises(Declined, match=r"^not_withdrawn$"):
        send(there, RECALL)


def test_a_closed_case_opens_no_follow_up_of_a_ticket_that_is_closed_for_good(there: ZendeskStandIn) -> None:
    proof = send(there)
    there.close_for_good(str(proof.remote_id))
    ended = send(there, Referral(reference=REFERENCE, revision=2, notice=Notice.CLOSED))

    assert (ended.remote_id, ended.repeated) == (proof.remote_id, True)
    assert len(there.tickets) == 1


def test_a_solved_ticket_is_opened_again_and_one_closed_for_good_is_not(there: ZendeskStandIn) -> None:
    system = ZendeskSystem(configured(there), SURROUNDINGS)
    number = str(send(there).remote_id)
    there.resolve(number)
    opened = system.reopen(system.read(number, monotonic() + 10), monotonic() + 10)
    there.close_for_good(number)
    final = system.reopen(system.read(number, monotonic() + 10), monotonic() + 10)

    assert (opened.closed, final.closed) == (False, True)


def test_a_recall_is_two_updates_and_puts_the_ticket_apart(there: ZendeskStandIn) -> None:
    send(there)
    send(there, RECALL, recall_group=RECALLS)

    assert [request.method for request in there.everything if request.method != "GET"] == ["POST", "PUT", "PUT"]
    assert next(iter(there.tickets.values()))["group_id"] == RECALLS


def test_the_limit_of_updates_of_one_ticket_is_waited_for(there: ZendeskStandIn) -> None:
    send(there)
    later = [REMINDER.model_copy(update={"revision": 2 + n}) for n in range(MOST_UPDATES + 1)]
    for one in later[:-1]:
        send(there, one)
    with pytest.raises(TryLater) as limited:
        send(there, later[-1])

    assert (limited.value.code, limited.value.retry_after_s) == ("http_429", UPDATES_S)
    assert not limited.value.ambiguous


def test_a_ticket_that_a_rule_assigned_is_not_taken_by_anybody(there: ZendeskStandIn) -> None:
    number = str(send(there).remote_id)
    by_rule = {"type": "Change", "field_name": "assignee_id", "value": "202", "via": {"channel": "rule"}}
    there.audits[int(number)].append({"author_id": 202, "events": [by_rule]})
    seen = ZendeskSender(configured(there), SURROUNDINGS).look(leased(remote_id=number), deadline_s=10)

    assert seen.proven is Proven.VISIBLE


def test_what_changed_is_named_and_nothing_of_other_groups(there: ZendeskStandIn) -> None:
    number = str(send(there).remote_id)
    send(there, FIRST.model_copy(update={"reference": OTHER}), group=OTHER_GROUP)
    system = ZendeskSystem(configured(there), SURROUNDINGS)
    now = clock.now()

    assert system.changed(now, monotonic() + 10) == [number]
    assert system.changed(now + timedelta(hours=1), monotonic() + 10) == []


def test_an_ignored_filter_that_hides_our_ticket_behind_others_makes_no_second_one(there: ZendeskStandIn) -> None:
    for _ in range(100):
        there.ask("the printer")
    send(there)
    there.show_all = True
    with pytest.raises(TryLater, match="odd_reply"):
        send(there)

    assert len(there.tickets) == 101


def test_all_pages_of_what_changed_are_read(there: ZendeskStandIn) -> None:
    asked = [there.ask("the printer") for _ in range(150)]
    number = str(send(there).remote_id)

    assert set(ZendeskSystem(configured(there), SURROUNDINGS).changed(clock.now(), monotonic() + 10)) == {
        *asked,
        number,
    }


def test_a_concern_out_of_a_ticket_is_said_there_and_the_ticket_put_apart(there: ZendeskStandIn) -> None:
    number = there.ask("MARKED-7f3a")
    taken = Referral(reference=REFERENCE, notice=Notice.TAKEN_OVER, source_ticket=number)
    send(there, taken, taken_over_group=APART)
    again = send(there, taken, taken_over_group=APART)

    assert there.tickets[int(number)]["group_id"] == APART
    assert [note.internal for note in there.there()[0].notes] == [True]
    assert again.repeated


def test_a_ticket_of_others_that_is_closed_for_good_gets_no_follow_up(there: ZendeskStandIn) -> None:
    number = there.ask("MARKED-7f3a")
    there.close_for_good(number)
    taken = Referral(reference=REFERENCE, notice=Notice.TAKEN_OVER, source_ticket=number)
    with pytest.raises(Declined, match=r"^closed_for_good$"):
        send(there, taken)

    assert len(there.tickets) == 1


@pytest.mark.parametrize(
    ("spoil", "more", "found"),
    [
        (lambda there: setattr(there, "role", "end-user"), {}, Finding("right_missing", "agent")),
        (lambda _: None, {"group": 99}, Finding("queue_missing", "99")),
        (lambda _: None, {"recall_group": 98}, Finding("queue_missing", "98")),
        (lambda there: there.fields[12].update(type="date"), {}, Finding("field_unfit", "12")),
        (lambda there: there.fields[12].update(active=False), {}, Finding("field_missing", "12")),
        (
            lambda there: there.fields[12].update(type="tagger", custom_field_options=[{"value": "high"}]),
            {},
            Finding("values_missing", "12"),
        ),
    ],
)
def test_check_names_what_does_not_fit(there: ZendeskStandIn, spoil: Any, more: dict[str, Any], found: Finding) -> None:
    spoil(there)

    assert ZendeskSender(configured(there, **more), SURROUNDINGS).check(deadline_s=10) == (found,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"custom_fields": {"reference": 9}},
        {"custom_fields": {"category": 9, "severity": 9}},
        {"recall_group": GROUP},
        {"group": "5"},
        {"group": 0},
    ],
)
def test_settings_that_cannot_work_do_not_load(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        zendesk.Settings.model_validate({"url": "https://a.zendesk.com", "token": "env:A", "group": GROUP, **wrong})
