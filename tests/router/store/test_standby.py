"""What waits for its time leaves that wait once, whoever sweeps, however late, and whatever the clock did."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from router import clock
from router.model import PlannedReferral, Referral
from router.store import referrals, standby
from router.store.cases import record
from router.store.engine import transaction
from router.store.posting import Post, post
from router.store.standby import Flipped, flip_standby
from router.vocabulary import Awaited, Notice, ReferralState, Severity
from tests.makers import POLICY, a_case, change

NOW = clock.now()
HOUR = timedelta(hours=1)


def wait(
    awaited: Awaited,
    ago: timedelta = HOUR,
    *,
    notice: Notice = Notice.ESCALATION,
    channel: str = "desk",
    revision: int = 2,
) -> PlannedReferral:
    """Return a row that was due so long ago; its reference is filled in when it is posted."""
    fields = Referral(reference="CR-0000-0000-0000", revision=revision, notice=notice, awaited=awaited)
    state = ReferralState.STANDBY
    return PlannedReferral(
        channel=channel, kind="webhook", state=state, fields=fields, due_at=NOW - ago, awaited=awaited
    )


def a_case_with(owner: Engine, *waits: PlannedReferral, told: str = "sent") -> str:
    """Record a case whose desk was told, and these rows beside it."""
    case = a_case()
    with transaction(owner) as connection:
        record(connection, [case])
        change(connection, "update referrals set state = :told where reference = :of", told=told, of=case.reference)
        for planned in waits:
            fields = planned.fields.model_copy(update={"reference": case.reference})
            post(connection, [Post(case.reference, POLICY, planned.model_copy(update={"fields": fields}))])
    return case.reference


def flip(engine: Engine, limit: int = standby.BATCH) -> list[Flipped]:
    with transaction(engine) as connection:
        return flip_standby(connection, limit=limit)


def fates(flipped: list[Flipped]) -> list[tuple[str | None, str | None]]:
    return [(row.notice, row.outcome) for row in flipped]


def audited(owner: Engine) -> list[Any]:
    with transaction(owner) as connection:
        query = "select actor, action, object, outcome, detail from audit where action <> 'case_received' order by id"
        return [tuple(row) for row in connection.execute(text(query))]


def test_what_has_come_is_due_and_what_has_not_waits(owner: Engine, worker: Engine) -> None:
    a_case_with(owner, wait(Awaited.CLAIM), wait(Awaited.DECIDE, -HOUR, revision=3))

    assert fates(flip(worker)) == [("escalation", None)]
    assert flip(worker) == []
    with transaction(owner) as connection:
        rows = connection.execute(
            text("select awaited, state, first_due_at = due_at from referrals where revision > 1")
        )
        assert set(map(tuple, rows)) == {("claim", "due", True), ("decide", "standby", False)}


def test_each_row_is_flipped_by_one_of_many_sweeps(owner: Engine, worker: Engine) -> None:
    for _ in range(30):
        a_case_with(owner, wait(Awaited.CLAIM), wait(Awaited.DECIDE, revision=3))

    with ThreadPoolExecutor(4) as pool:
        flipped = [row for rows in pool.map(lambda _: flip(worker, 7), range(20)) for row in rows]

    assert len(flipped) == 60
    assert max(Counter((row.reference, row.awaited) for row in flipped).values()) == 1
    assert len(audited(owner)) == 60


def test_a_batch_takes_the_oldest_and_leaves_the_rest(owner: Engine, worker: Engine) -> None:
    for hours in (1, 3, 2):
        a_case_with(owner, wait(Awaited.CLAIM, hours * HOUR))

    assert [len(flip(worker, 2)), len(flip(worker, 2)), len(flip(worker, 2))] == [2, 1, 0]


@pytest.mark.parametrize(
    ("notice", "action"),
    [(Notice.REMINDER, "reminded"), (Notice.OVERDUE, "deadline_passed"), (Notice.ESCALATION, "escalated")],
)
def test_the_audit_says_what_the_clock_did_to_whom(owner: Engine, worker: Engine, notice: Notice, action: str) -> None:
    reference = a_case_with(owner, wait(Awaited.DECIDE, notice=notice))

    flip(worker)

    assert audited(owner) == [("clock", action, reference, "ok", "decide:desk")]


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ("sent", "not_needed"),
        ("acknowledged", "not_needed"),
        ("recalled", "not_needed"),
        ("draft", "not_needed"),
        ("due", None),
        ("dead", None),
    ],
)
def test_an_undelivered_case_escalates_and_a_delivered_one_does_not(
    owner: Engine, worker: Engine, told: str, outcome: str | None
) -> None:
    a_case_with(owner, wait(Awaited.DELIVERY, channel="phone", revision=1), told=told)

    assert fates(flip(worker)) == [("escalation", outcome)]
    assert len(audited(owner)) == (outcome is None)


def test_after_downtime_a_channel_hears_the_last_word_on_each_thing_and_not_all_before_it(
    owner: Engine, worker: Engine
) -> None:
    reference = a_case_with(
        owner,
        wait(Awaited.CLAIM, 3 * HOUR, notice=Notice.REMINDER),
        wait(Awaited.CLAIM, 2 * HOUR, notice=Notice.OVERDUE, revision=3),
        wait(Awaited.CLAIM, HOUR, revision=4),
        wait(Awaited.CLAIM, -HOUR, revision=5),
        wait(Awaited.CLAIM, 2 * HOUR, channel="phone", revision=1),
        wait(Awaited.DECIDE, 3 * HOUR, notice=Notice.REMINDER, revision=6),
    )

    flipped = flip(worker)

    assert {(row.channel, row.awaited, row.notice, row.outcome) for row in flipped} == {
        ("desk", "claim", "reminder", "overtaken"),
        ("desk", "claim", "overdue", "overtaken"),
        ("desk", "claim", "escalation", None),
        ("phone", "claim", "escalation", None),
        ("desk", "decide", "reminder", None),
    }
    assert ("clock", "deadline_passed", reference, "overtaken", "claim:desk") in audited(owner)


def test_the_last_word_overtakes_also_when_batches_part_them(owner: Engine, worker: Engine) -> None:
    a_case_with(owner, wait(Awaited.CLAIM, 2 * HOUR), wait(Awaited.CLAIM, HOUR, revision=3))

    assert [fates(flip(worker, 1)), fates(flip(worker, 1))] == [[("escalation", "overtaken")], [("escalation", None)]]


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_a_channel_that_was_told_nothing_yet_hears_the_whole_and_not_only_the_last_word(
    owner: Engine, worker: Engine, limit: int
) -> None:
    whole = wait(Awaited.CLAIM, 3 * HOUR, channel="phone", revision=1)
    fields = whole.fields.model_copy(update={"category": "other", "severity": Severity.HIGH})
    short = [wait(Awaited.CLAIM, HOUR * n, channel="phone", revision=4 - n) for n in (2, 1)]
    a_case_with(owner, whole.model_copy(update={"fields": fields}), *short)

    flipped = [row for _ in range(3) for row in flip(worker, limit)]

    assert fates(flipped) == [("escalation", None), ("escalation", "overtaken"), ("escalation", "overtaken")]


def test_what_was_sent_long_ago_overtakes_nothing(owner: Engine, worker: Engine) -> None:
    whole = wait(Awaited.CLAIM, 3 * HOUR, channel="phone", revision=1)
    fields = whole.fields.model_copy(update={"category": "other", "severity": Severity.HIGH})
    a_case_with(owner, whole.model_copy(update={"fields": fields}), wait(Awaited.CLAIM, channel="phone"))
    flip(worker, 1)
    with transaction(owner) as connection:
        change(connection, "update referrals set state = 'sent' where state = 'due'")

    assert fates(flip(worker)) == [("escalation", None)]


def test_what_a_conflict_withdrew_overtakes_nothing(owner: Engine, worker: Engine) -> None:
    a_case_with(owner, wait(Awaited.CLAIM, 2 * HOUR), wait(Awaited.CLAIM, HOUR, revision=3))
    with transaction(owner) as connection:
        change(connection, "update referrals set state = 'recalled' where revision = 3")

    assert fates(flip(worker)) == [("escalation", None)]


def test_nothing_is_told_twice_when_the_clock_goes_ahead_and_comes_back(owner: Engine, worker: Engine) -> None:
    """What became due while the clock was a day ahead bears a time that has not come."""
    a_case_with(owner, wait(Awaited.CLAIM, -24 * HOUR))
    with transaction(owner) as connection:
        change(connection, "update referrals set state = 'due', first_due_at = due_at where state = 'standby'")

    assert flip(worker) == []
    with transaction(worker) as connection:
        held = referrals.lease(connection, "desk", limit=9, lease_s=60)
    assert len(held) == 1
    assert flip(worker) == []


@pytest.mark.usefixtures("worker")
def test_stopping_withdraws_what_waits_and_what_is_due_and_leaves_what_left(owner: Engine) -> None:
    reference = a_case_with(owner, *(wait(Awaited.CLAIM, -HOUR, revision=n) for n in range(2, 6)))
    other = a_case_with(owner, wait(Awaited.CLAIM))
    for revision, state in {3: "due", 4: "leased", 5: "sent"}.items():
        with transaction(owner) as connection:
            change(
                connection,
                "update referrals set state = :state, lease_until = now() where reference = :of and revision = :number",
                state=state,
                of=reference,
                number=revision,
            )
    with transaction(owner) as connection:
        assert standby.stop(connection, reference, (Awaited.CLAIM,), "claimed") == 2
        rows = connection.execute(text("select reference, state, outcome from referrals where revision > 1"))

    assert Counter(map(tuple, rows)) == {
        (reference, "recalled", "claimed"): 2,
        (reference, "leased", "claimed"): 1,
        (reference, "sent", None): 1,
        (other, "standby", None): 1,
    }


def test_the_search_reads_the_index_by_time_and_nothing_else(owner: Engine, worker: Engine) -> None:
    """With the clock asked in each row, no index would do: then every row that stands by would be read."""
    a_case_with(owner, wait(Awaited.CLAIM))
    with transaction(worker) as connection:
        change(connection, "set local enable_seqscan = off")
        lines = connection.execute(text(f"explain {standby._FLIP.text}"), {"limit": 1000}).scalars()
        plan = " ".join(line.strip() for line in lines)

    assert re.search(r"using referrals_standby_idx on referrals [^>]*Index Cond: \(due_at <= ", plan), plan
