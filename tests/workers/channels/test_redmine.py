"""Redmine's own traps on a stand-in; tests/peers has the real one, and tickets/ what all kinds have in common."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from router import clock
from router.channels import redmine
from router.errors import Declined, TryLater
from router.model import Proof, Seen
from router.vocabulary import Notice, Proven
from tests.standins.redmine import KEY, ROUTER, StandInRedmine, settings
from tests.standins.standin import answer
from tests.workers.channels.tickets.desks import OTHER, RECALL, REFERENCE, REMINDER, leased
from tests.workers.rooms import SURROUNDINGS
from workers.channels.redmine import RedmineSender, system


class Desk:
    """A channel to the stand-in."""

    def __init__(self, there: StandInRedmine, **more: Any) -> None:
        self._settings = redmine.Settings.model_validate(settings(there, **more))
        self.sender = RedmineSender(self._settings, SURROUNDINGS)

    def send(self, referral: Any = None, **more: Any) -> Proof:
        what = leased(**more) if referral is None else leased(referral, **more)
        payload = redmine.render(self._settings, what.fields, key=what.id)
        return self.sender.send(what, payload, deadline_s=10)

    def look(self, remote_id: str | None) -> Seen:
        return self.sender.look(leased(remote_id=remote_id), deadline_s=10)

    def check(self) -> list[tuple[str, str]]:
        return [(found.code, found.named) for found in self.sender.check(deadline_s=10)]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRedmine]:
    monkeypatch.setenv("REDMINE_KEY", KEY)
    with StandInRedmine() as server:
        yield server
        assert not server.broken


@pytest.fixture
def desk(there: StandInRedmine) -> Desk:
    return Desk(there)


def test_an_issue_that_is_not_kept_among_staff_is_no_success(there: StandInRedmine, desk: Desk) -> None:
    there.permissions.discard("set_issues_private")

    with pytest.raises(Declined, match=r"^field_dropped$"):
        desk.send()


def test_a_note_that_everybody_can_read_is_no_success(there: StandInRedmine, desk: Desk) -> None:
    desk.send()
    there.permissions.discard("set_notes_private")

    with pytest.raises(Declined, match=r"^comment_dropped$"):
        desk.send(REMINDER)


def test_a_search_that_shows_a_part_of_everything_makes_nothing(there: StandInRedmine, desk: Desk) -> None:
    """What it does not show may be the case's issue."""
    desk.send(leased().fields.model_copy(update={"reference": OTHER}))
    for _ in range(redmine.PER_PAGE):
        there.copy("1")
    there.no_filters.add(1)

    with pytest.raises(TryLater, match=r"^odd_reply$"):
        desk.send()
    assert len(there.issues) == redmine.PER_PAGE + 1


def test_an_issue_that_staff_moved_is_still_the_one_made_here(there: StandInRedmine, desk: Desk) -> None:
    number = str(desk.send().remote_id)
    there.move(number)

    assert desk.send() == Proof(number, Proven.VISIBLE, repeated=True)
    assert len(there.issues) == 1


def test_an_issue_that_was_made_elsewhere_is_not_ours(there: StandInRedmine, desk: Desk) -> None:
    number = str(desk.send().remote_id)
    there.move(number)
    there.issues[0]["journals"].clear()

    assert desk.send() == Proof("2", Proven.VISIBLE)


def test_a_field_that_was_added_since_is_filled_and_staff_s_values_stay(there: StandInRedmine, desk: Desk) -> None:
    there.fields.pop("severity")
    with pytest.raises(Declined, match=r"^field_dropped$"):
        desk.send()
    there.fields["severity"] = 3
    there.issues[0]["custom_fields"][1]["value"] = "other"
    proof = desk.send()

    assert proof.repeated
    assert there.there()[0].fields == {"reference": REFERENCE, "category": "other", "severity": "high"}


def test_a_quoted_or_public_title_is_no_note_of_ours(there: StandInRedmine, desk: Desk) -> None:
    number = str(desk.send().remote_id)
    title = f"{REFERENCE} confidential referral, notice 2"
    there.write(number, f"{title}\n\nread it", who=ROUTER)
    there.write(number, f"> {title}\n\nread it", private=True)

    assert desk.send(REMINDER) == Proof(number, Proven.VISIBLE)


def test_a_withdrawn_issue_has_no_description_and_goes_where_few_see_it(there: StandInRedmine) -> None:
    desk = Desk(there, recall_project="elsewhere")
    desk.send()
    desk.send(RECALL)
    (issue,) = there.issues

    assert (issue["description"], issue["project"]["name"], issue["is_private"]) == ("", "Elsewhere", True)
    assert desk.send(RECALL).repeated


@pytest.mark.parametrize(("closed_as", "state"), [(None, 5), (6, 6)])
def test_an_issue_is_closed_as_the_settings_say_or_as_its_workflow_allows(
    there: StandInRedmine, closed_as: int | None, state: int
) -> None:
    desk = Desk(there, **({} if closed_as is None else {"closed_as": closed_as}))
    desk.send()
    desk.send(RECALL)

    assert there.issues[0]["status"]["id"] == state


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(lambda there: there.closing_states.clear(), id="open"),
        pytest.param(lambda there: there.read_only.add(3), id="filled"),
    ],
)
def test_an_issue_that_the_workflow_does_not_let_us_close_or_empty_is_told(
    there: StandInRedmine, desk: Desk, kept: Any
) -> None:
    desk.send()
    kept(there)

    with pytest.raises(Declined, match=r"^not_withdrawn$"):
        desk.send(RECALL)


def test_an_owner_whom_the_project_sets_has_not_taken_it(there: StandInRedmine, desk: Desk) -> None:
    number = str(desk.send().remote_id)
    there.issues[0]["assigned_to"] = {"id": 6, "name": "officer"}

    assert desk.look(number).proven is Proven.VISIBLE


def test_what_our_own_account_changed_is_no_sign_that_somebody_took_it(there: StandInRedmine, desk: Desk) -> None:
    number = str(desk.send().remote_id)
    there.put(number, 2, who=ROUTER)

    assert desk.look(number).proven is Proven.VISIBLE


def test_what_staff_wrote_is_no_sign_that_somebody_took_it_and_keeps_a_second_open(
    there: StandInRedmine, desk: Desk
) -> None:
    number = str(desk.send().remote_id)
    second = there.copy(number)
    for one in (number, second):
        there.write(one, "read it")

    assert desk.look(number) == Seen(number, Proven.VISIBLE, left=(second,), resolved=False)


def test_an_issue_that_was_deleted_is_gone(there: StandInRedmine, desk: Desk) -> None:
    number = str(desk.send().remote_id)
    there.delete(number)

    assert desk.look(number) == Seen(None)


def test_a_poll_reads_every_page_of_what_changed(there: StandInRedmine, desk: Desk) -> None:
    desk.send()
    numbers = ["1", *(there.copy("1") for _ in range(2 * redmine.PER_PAGE))]
    there.take("1")
    since = clock.now() - timedelta(seconds=5)

    assert list(desk.sender.changed(since, deadline_s=10)) == [*numbers[1:], "1"]
    assert desk.sender.changed(since + timedelta(days=1), deadline_s=10) == []


def test_an_issue_of_others_is_told_that_it_was_taken_over_and_set_apart(there: StandInRedmine) -> None:
    desk = Desk(there, taken_over_project="elsewhere")
    theirs = desk.send(leased().fields.model_copy(update={"reference": OTHER})).remote_id
    there.issues[0]["custom_fields"] = []
    taken_over = leased().fields.model_copy(update={"notice": Notice.TAKEN_OVER, "source_ticket": theirs})
    proof = desk.send(taken_over)
    (issue,) = there.there()

    assert proof.remote_id == theirs
    assert [note.internal for note in issue.notes] == [True]
    assert there.issues[0]["project"]["name"] == "Elsewhere"
    assert not issue.closed


@pytest.mark.parametrize(
    ("broken", "found"),
    [
        (lambda there: there.permissions.discard("set_notes_private"), ("right_missing", "set_notes_private")),
        (lambda there: there.permissions.discard("edit_issues"), ("right_missing", "edit_issues")),
        (lambda there: there.drop_field("category"), ("field_missing", "category")),
        (lambda there: there.no_filters.add(1), ("no_filter", "reference")),
    ],
)
def test_a_check_says_what_is_missing(there: StandInRedmine, desk: Desk, broken: Any, found: tuple[str, str]) -> None:
    desk.send()
    broken(there)

    assert desk.check() == [found]


def test_an_administrator_needs_no_role(there: StandInRedmine, desk: Desk) -> None:
    there.admin = True

    assert desk.check() == []


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"project": "nowhere"}, ("project_missing", "nowhere")),
        ({"tracker": 9}, ("tracker_missing", "9")),
        ({"priorities": {"low": 1, "medium": 2, "high": 3, "critical": 9}}, ("priority_missing", "critical")),
        ({"closed_as": 2}, ("state_missing", "closed_as")),
        ({"recall_project": "nowhere"}, ("project_missing", "nowhere")),
        ({"taken_over_project": "nowhere"}, ("project_missing", "nowhere")),
    ],
)
def test_a_check_says_which_setting_is_wrong(
    there: StandInRedmine, more: dict[str, Any], found: tuple[str, str]
) -> None:
    assert Desk(there, **more).check() == [found]


def test_what_is_no_redmine_is_said(there: StandInRedmine, desk: Desk) -> None:
    there.answer_always(answer(404, {}))

    assert desk.check() == [("not_redmine", "url")]


def test_an_issue_of_an_older_redmine_that_does_not_say_whether_it_is_closed_is_not_guessed_at(
    there: StandInRedmine, desk: Desk
) -> None:
    number = str(desk.send().remote_id)
    there.issues[0]["status"] = {"id": 1, "name": "New"}

    with pytest.raises(TryLater, match=r"^odd_reply$"):
        desk.look(number)


def test_redmine_counts_whole_seconds() -> None:
    assert timedelta(seconds=1) == system.CHANGED_BEFORE
