"""A draft that waits for approvals is not forgotten: whoever is on duty is told, and nobody who must not know."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from router.console import drafting
from router.console.duty import APART
from tests.conftest import Database
from tests.router.console.approvers import POLICE, Border, a_border
from tests.router.console.deployments import CHANNELS

PAGED = CHANNELS.replace(POLICE, POLICE.replace("path: d", "path: d, page: ombuds-desk"))


@pytest.fixture
def border(database: Database, tmp_path: Path) -> Iterator[Border]:
    with a_border(database, tmp_path) as made:
        yield made


def tend(border: Border) -> set[str]:
    """Look after the drafts; return the channels that were rung."""
    rung: set[str] = set()
    drafting.tend(border.desk, rung.update)
    return rung


def told(border: Border) -> list[tuple[str, str, str | None]]:
    """Return which notices were posted by which channel about which, the oldest first."""
    query = "select notice, channel, about from referrals where reference like 'NOTICE%' order by first_due_at, channel"
    return [(row[0], row[1], row[2]) for row in border.deployment.rows(query)]


def pass_time(border: Border, passed: timedelta) -> None:
    """Let everything have happened so much earlier."""
    border.deployment.run("update referrals set first_due_at = first_due_at - cast(:by as interval)", by=passed)
    border.deployment.run("update drafts set drafted_at = drafted_at - cast(:by as interval)", by=passed)


def test_whoever_is_on_duty_is_told_of_a_critical_draft_at_once_and_every_four_hours(border: Border) -> None:
    border.put_in_force(PAGED)
    border.file()

    assert tend(border) == {"ombuds-desk"}
    assert told(border) == [("draft_waits", "ombuds-desk", "police")]
    pass_time(border, timedelta(hours=3, minutes=59))
    assert tend(border) == set()
    pass_time(border, timedelta(minutes=1))
    assert tend(border) == {"ombuds-desk"}
    assert len(told(border)) == 2
    [(said,)] = border.deployment.rows(
        "select distinct fields - 'reference' from referrals where notice = 'draft_waits'"
    )
    assert said == {"revision": 1, "notice": "draft_waits", "about": "police"}
    [(line,)] = border.deployment.rows("select distinct detail from audit where action = 'paged'")
    assert line == "draft_waits police by ombuds-desk"


def test_many_drafts_at_once_are_one_notice_and_what_comes_after_it_another(border: Border) -> None:
    for _ in range(3):
        border.file()
    assert tend(border) == {"legal-desk"}
    pass_time(border, timedelta(minutes=1))
    border.file()

    assert tend(border) == set()
    pass_time(border, APART)
    assert tend(border) == {"legal-desk"}
    assert told(border) == [("draft_waits", "legal-desk", "police")] * 2


def test_a_draft_that_is_not_urgent_is_told_of_after_its_time_and_then_daily(border: Border) -> None:
    draft = border.file()
    border.deployment.run("update cases set severity = 2 where reference = :ref", ref=draft.reference)

    assert tend(border) == set()
    pass_time(border, timedelta(hours=4))
    assert tend(border) == {"legal-desk"}
    pass_time(border, timedelta(hours=23))
    assert tend(border) == set()
    pass_time(border, timedelta(hours=1))
    assert tend(border) == {"legal-desk"}


def test_who_must_not_know_of_the_case_is_not_told_that_something_goes_outside(border: Border) -> None:
    border.file(involves=["legal"])
    draft = border.file()
    border.deployment.run(
        "insert into case_conflicts (reference, team, found_by) values (:ref, 'legal', 'person:sven')",
        ref=draft.reference,
    )

    assert tend(border) == {"ombuds-desk"}
    border.file()
    assert tend(border) == {"legal-desk"}


def test_whoever_cannot_be_reached_is_passed_over_unless_nobody_else_may_know(border: Border) -> None:
    shut = "insert into channel_states (channel, breaker, until) values (:name, 'open', now() + interval '1 h')"
    border.deployment.run(shut, name="legal-desk")
    border.file()
    assert tend(border) == {"ombuds-desk"}
    border.deployment.run(shut, name="ombuds-desk")

    pass_time(border, timedelta(hours=4))
    assert tend(border) == {"legal-desk"}


def test_nobody_is_told_of_a_draft_that_is_decided(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.refuse(draft, "una")

    assert tend(border) == set()
    assert told(border) == []


def test_a_draft_that_ends_undecided_is_told_of_once(border: Border) -> None:
    border.file()
    border.file()
    tend(border)
    border.deployment.run("update drafts set expires_at = now() - interval '1 s'")

    assert tend(border) == {"legal-desk"}
    assert tend(border) == set()
    assert told(border) == [("draft_waits", "legal-desk", "police"), ("draft_expired", "legal-desk", "police")]
