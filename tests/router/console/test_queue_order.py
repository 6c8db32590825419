"""What stands in somebody's queue, in which order, and what finds it there."""

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Engine

from router import clock
from router.console import conflict, progress
from router.console.handingout import take_next
from router.store import queue
from router.store.engine import transaction
from router.store.queue import Counts, Listed
from router.store.queuefilter import Filter, Holder, Place, State
from router.vocabulary import Awaited, CaseOutcome, Severity
from tests.router.console.deployments import CONSOLE, Deployment

LATE = timedelta(days=9)


def page(engine: Engine, handle: str, wanted: Filter | None = None, after: Place | None = None) -> Listed:
    with transaction(engine) as connection:
        return queue.page(connection, handle, wanted or Filter(), after=after, now=clock.now())


def references(engine: Engine, handle: str, wanted: Filter | None = None) -> list[str]:
    """Return what stands on all pages together."""
    found: list[str] = []
    after = None
    for _ in range(1000):
        listed = page(engine, handle, wanted, after)
        found += [row.reference for row in listed.rows]
        after = listed.following
        if after is None:
            return found
    raise AssertionError("the pages have no end")


def found(engine: Engine, handle: str, sought: str) -> list[str]:
    with transaction(engine) as connection:
        return [row.reference for row in queue.find(connection, handle, sought).rows]


def claim(deployment: Deployment, reference: str, handle: str) -> None:
    progress.claim(deployment.console, reference=reference, handle=handle, login="")


def close(deployment: Deployment, reference: str, *, told: bool) -> None:
    outcome = CaseOutcome.ACTED
    progress.close(deployment.console, reference=reference, handle="ana", login="", outcome=outcome, told=told)


def test_the_most_urgent_stands_first_open_before_what_is_owed_before_what_is_done(deployment: Deployment) -> None:
    low, high, grave = (deployment.file(category).reference for category in ("other", "fraud", "grave"))
    later = deployment.file("other", ago=-timedelta(hours=1)).reference
    owed, done, done_later = (deployment.file("grave").reference for _ in range(3))
    close(deployment, owed, told=False)
    close(deployment, done, told=True)
    close(deployment, done_later, told=True)

    order = references(deployment.console, "ana", Filter(state=State.ANY))

    assert order == [grave, high, low, later, owed, done_later, done]


def test_what_is_due_next_is_the_earliest_of_what_was_not_done(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    seen = [page(deployment.console, "ana").rows[0].awaited]
    claim(deployment, reference, "ana")
    seen.append(page(deployment.console, "ana").rows[0].awaited)
    close(deployment, reference, told=False)
    seen.append(page(deployment.console, "ana").rows[0].awaited)
    progress.acknowledge(deployment.console, reference=reference, handle="ana", login="")
    seen.append(page(deployment.console, "ana").rows[0].awaited)
    progress.answer(deployment.console, reference=reference, handle="ana", login="")

    assert seen == [Awaited.CLAIM, Awaited.DECIDE, Awaited.ACKNOWLEDGE, Awaited.FEEDBACK]
    assert references(deployment.console, "ana") == []


def test_each_sees_the_cases_of_their_teams_and_no_other(deployment: Deployment) -> None:
    both, security = (deployment.file(category).reference for category in ("fraud", "other"))

    seen = {handle: references(deployment.console, handle) for handle in ("ana", "sven", "lena", "nobody")}

    assert seen == {"ana": [both, security], "sven": [both, security], "lena": [both], "nobody": []}


def test_a_filter_by_a_team_that_is_not_ones_own_shows_nothing(deployment: Deployment) -> None:
    deployment.file("fraud")

    assert references(deployment.console, "lena", Filter(team="security")) == []


def test_who_took_themselves_out_of_a_case_finds_it_nowhere(deployment: Deployment) -> None:
    reference = deployment.file("grave", asset_tag="LT-7").reference
    deployment.run("insert into recusals (reference, handle) values (:of, 'ana')", of=reference)

    with transaction(deployment.console) as connection:
        counted = queue.counts(connection, "ana", now=clock.now())
        urgent = queue.most_urgent(connection, "ana")

    assert references(deployment.console, "ana", Filter(state=State.ANY)) == []
    assert [found(deployment.console, "ana", sought) for sought in (reference, "LT-7")] == [[], []]
    assert counted == Counts(0, 0, 0, 0, 0, 0, 0)
    assert urgent is None
    assert references(deployment.console, "sven") == [reference]


def test_who_is_suspended_from_a_team_finds_its_cases_nowhere(deployment: Deployment) -> None:
    reference = deployment.file("grave").reference
    deployment.run("insert into suspended_teams (handle, team) values ('sven', 'security')")

    with transaction(deployment.console) as connection:
        urgent = queue.most_urgent(connection, "sven")

    assert references(deployment.console, "sven") == found(deployment.console, "sven", reference) == []
    assert urgent is None


def test_whose_key_was_retired_finds_nothing(deployment: Deployment) -> None:
    deployment.file("grave")
    deployment.run("update member_keys set retired_at = now() where handle = 'sven'")

    assert references(deployment.console, "sven") == []


def test_a_teams_key_that_came_after_the_case_does_not_show_it(deployment: Deployment) -> None:
    reference = deployment.file("grave").reference
    deployment.run("""
        insert into recipient_keys (key_id, owner, suite, public, retired_at)
        values ('before', 'security', 's', '', now())""")
    deployment.run("insert into case_key_wraps values (:of, 'before', 's', '')", of=reference)
    deployment.run("delete from case_key_wraps where key_id <> 'before'")

    assert references(deployment.console, "sven") == references(deployment.console, "ana") == []


def test_a_team_in_conflict_loses_the_case_from_its_queue_and_who_takes_over_has_it(deployment: Deployment) -> None:
    reference = deployment.file("other").reference

    conflict.conflict(
        deployment.console,
        reference=reference,
        team="security",
        who=conflict.Who("ana", deployment.passphrases["ana"], recovery=False),
        reason="a test",
        console_url=CONSOLE,
    )

    assert references(deployment.console, "sven") == []
    assert references(deployment.console, "lena") == [reference]


def test_a_case_whose_keys_are_all_gone_is_in_no_queue(deployment: Deployment) -> None:
    reference = deployment.file("other").reference

    deployment.run("delete from case_key_wraps where reference = :of", of=reference)

    assert deployment.rows("select * from case_queue") == []


MIXED = [
    ("grave", "plant", "ana"),
    ("grave", None, None),
    ("fraud", "plant", "sven"),
    ("fraud", "office", None),
    ("other", "office", "sven"),
    ("other", "plant", None),
]


@pytest.fixture
def mixed(deployment: Deployment) -> Deployment:
    """Cases of every kind, three of each; some late, some closed, some withdrawn, some seen."""
    for number, (category, site, holder) in enumerate(MIXED * 3):
        reference = deployment.file(category, ago=LATE if number % 4 == 0 else timedelta(minutes=number)).reference
        deployment.run("update cases set site = :site where reference = :of", site=site, of=reference)
        if holder:
            claim(deployment, reference, holder)
        if number % 5 == 0:
            deployment.run(
                "update cases set state = 'closed', closed_at = clock_timestamp() where reference = :of", of=reference
            )
        elif number % 7 == 0:
            deployment.run("update cases set state = 'withdrawn' where reference = :of", of=reference)
        if number % 3 == 0:
            deployment.run(
                """insert into case_views (handle, reference, version)
                   select 'ana', reference, version - :behind from cases where reference = :of""",
                of=reference,
                behind=number % 2,
            )
    return deployment


def lets_through(wanted: Filter, row: tuple[Any, ...]) -> bool:
    _reference, state, severity, category, site, holder, seen, security, due, _ended = row
    states = {
        State.WAITING: state == "open" or (state == "closed" and due),
        State.OPEN: state == "open",
        State.OWED: state == "closed" and due,
        State.CLOSED: state == "closed",
        State.WITHDRAWN: state == "withdrawn",
        State.ANY: True,
    }
    holders = {None: True, Holder.ME: holder == "ana", Holder.NOBODY: not holder, Holder.ANYBODY: holder}
    return all(
        (
            states[wanted.state],
            not wanted.severities or tuple(Severity)[severity] in wanted.severities,
            wanted.category in {None, category},
            wanted.site in {None, site},
            holders[wanted.claimed_by],
            not (wanted.unread and seen),
            not wanted.overdue or (due and due < clock.now()),
            not wanted.team or security,
        )
    )


def expected(deployment: Deployment, wanted: Filter) -> list[str]:
    """Return what ana's queue holds, worked out row by row from the cases themselves."""
    rows = deployment.rows("""
        select c.reference, c.state, c.severity, c.category, c.site, c.claimed_by, v.version >= c.version as seen,
               'security' = any(array(select jsonb_array_elements_text(decision -> 'teams'))) as security,
               least(case when c.state = 'open' and claimed_at is null then claim_by end,
                     case when c.state = 'open' then decide_by end,
                     case when c.state <> 'withdrawn' and acknowledged_at is null then acknowledge_by end,
                     case when c.state <> 'withdrawn' and feedback_at is null then feedback_by end) as due,
               coalesce(closed_at, received_at) as ended
        from cases c left join case_views v on v.reference = c.reference and v.handle = 'ana'""")
    kept = [row for row in rows if lets_through(wanted, row)]

    def stands(row: tuple[Any, ...]) -> tuple[Any, ...]:
        reference, state, severity, *_, due, ended = row
        group = {"open": 0, "withdrawn": 3}.get(state, 1 if due else 2)
        return group, -severity, due.timestamp() if due else -ended.timestamp(), reference

    return [row[0] for row in sorted(kept, key=stands)]


FILTERS = [
    Filter(state, severities, category, site, team, holder, unread, overdue)
    for state, severities, (category, site, team), holder, (unread, overdue) in product(
        State,
        (frozenset[Severity](), frozenset({Severity.CRITICAL, Severity.LOW})),
        (
            (None, None, None),
            ("fraud", None, None),
            (None, "plant", None),
            ("other", "plant", None),
            (None, None, "security"),
        ),
        (None, *Holder),
        ((False, False), (True, False), (False, True), (True, True)),
    )
]


def test_every_filter_lets_through_what_it_says_in_order(mixed: Deployment) -> None:
    wrong = [wanted for wanted in FILTERS if references(mixed.console, "ana", wanted) != expected(mixed, wanted)]

    assert wrong == []


def test_pages_together_hold_each_case_once_however_short_they_and_the_looks_are(
    mixed: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Patched: no test has as many cases as a page holds, let alone as many as are looked at for one.
    monkeypatch.setattr(queue, "PAGE", 2)
    monkeypatch.setattr(queue, "MOST_WALKED", 3)
    monkeypatch.setattr(queue, "LEAST_WALKED", 1)

    wrong = [wanted for wanted in FILTERS[::5] if references(mixed.console, "ana", wanted) != expected(mixed, wanted)]

    assert wrong == []


def test_what_was_filed_before_a_search_is_found_by_each_of_its_names_whatever_their_case(
    deployment: Deployment,
) -> None:
    digest = "ab" * 32
    hashes = [{"algorithm": "md5", "value": "cd" * 16}, {"algorithm": "sha256", "value": digest}]
    reference = deployment.file("other", asset_tag="LT-0042", source_ticket="INC#7", hashes=hashes).reference
    deployment.file("other", asset_tag="LT-00421", source_ticket="INC#77")

    hits = [found(deployment.console, "sven", it) for it in (reference, "lt-0042", "inc#7", digest.upper(), "cd" * 16)]
    misses = [found(deployment.console, "sven", it) for it in ("LT-004", "%", "LT-0042%", "inc_7", "ab", "")]

    assert hits == [[reference]] * 5
    assert misses == [[]] * 6


def test_a_search_finds_nothing_of_other_teams(deployment: Deployment) -> None:
    reference = deployment.file("other", asset_tag="LT-0042").reference

    assert [found(deployment.console, "lena", it) for it in (reference, "LT-0042")] == [[], []]


def test_counts_are_of_ones_own_teams(deployment: Deployment) -> None:
    deployment.file("fraud", ago=LATE)
    deployment.file("other")
    claim(deployment, deployment.file("grave").reference, "sven")

    with transaction(deployment.console) as connection:
        counted = {handle: queue.counts(connection, handle, now=clock.now()) for handle in ("sven", "lena")}

    assert counted == {"sven": Counts(1, 1, 0, 1, 1, 2, 1), "lena": Counts(0, 1, 0, 0, 1, 1, 0)}


def test_the_next_case_is_the_most_urgent_that_nobody_has(deployment: Deployment) -> None:
    low, high, grave = (deployment.file(category).reference for category in ("other", "fraud", "grave"))
    claim(deployment, grave, "ana")

    given = [take_next(deployment.console, handle="sven", login="", lasts_s=60) for _ in range(3)]

    assert given == [high, low, None]
    assert dict(deployment.rows("select reference, claimed_by from cases")) == {grave: "ana", high: "sven", low: "sven"}
    lines = deployment.rows("select action, object, outcome, detail from audit where actor = 'person:sven' order by id")
    assert [line for line in lines if line[0] == "case_claimed"] == [
        ("case_claimed", high, "ok", "next"),
        ("case_claimed", low, "ok", "next"),
        ("case_claimed", "unknown", "refused_nothing_waits", "next"),
    ]
