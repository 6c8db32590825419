"""A concern of a flood waits for a look: only as long as its severity allows, and nothing else of it changes."""

from datetime import timedelta

import pytest

from router.model import Decision
from router.reporter.following.standing import IN_WORDS, Stage
from router.triage.explain import in_words
from router.triage.parking import LONGEST, parked
from router.vocabulary import Awaited, Reason, ReferralState, Severity
from tests.policies import RECEIVED, decided, facts, shipped


def a_decision(severity: Severity, **changed: object) -> Decision:
    """Return what the shipped policy decides of harassment, as if it were so bad."""
    decision = decided(shipped(), facts(category="harassment"))
    return decision.model_copy(update={"severity": severity, **changed})


@pytest.mark.parametrize("severity", [Severity.LOW, Severity.MEDIUM, Severity.HIGH])
def test_channels_told_at_once_are_told_later_and_all_else_stays(severity: Severity) -> None:
    before = a_decision(severity)
    after, until = parked(before, received_at=RECEIVED)

    assert until is not None
    assert timedelta(0) < until - RECEIVED <= min(LONGEST[severity], (before.deadlines.claim_by - RECEIVED) / 2)
    for was, now in zip(before.referrals, after.referrals, strict=True):
        assert now.fields == was.fields
        if was.state is ReferralState.DUE:
            assert (now.state, now.due_at, now.awaited) == (ReferralState.STANDBY, until, None)
        elif was.awaited is Awaited.DELIVERY and was.due_at:
            assert now.due_at == was.due_at + (until - RECEIVED)
        else:
            assert now == was
    assert any(was.awaited is Awaited.DELIVERY for was in before.referrals)
    kept = {"referrals", "trace"}
    assert before.model_dump(exclude=kept) == after.model_dump(exclude=kept)


def test_it_never_waits_for_more_than_half_of_the_time_to_claim_it() -> None:
    soon = a_decision(Severity.LOW)
    deadlines = soon.deadlines.model_copy(update={"claim_by": RECEIVED + timedelta(hours=1)})

    _, until = parked(soon.model_copy(update={"deadlines": deadlines}), received_at=RECEIVED)

    assert until == RECEIVED + timedelta(minutes=30)


@pytest.mark.parametrize(
    "decision", [a_decision(Severity.CRITICAL), a_decision(Severity.LOW, reason=Reason.POLICY_ERROR)]
)
def test_what_is_critical_and_what_could_not_be_decided_never_waits(decision: Decision) -> None:
    assert parked(decision, received_at=RECEIVED) == (decision, None)


def test_nothing_waits_for_longer_than_reporters_are_told() -> None:
    assert "within a day" in IN_WORDS[Stage.WAITS]
    assert max(LONGEST.values()) == timedelta(days=1)


def test_the_explanation_says_that_it_waits_and_until_when() -> None:
    after, until = parked(a_decision(Severity.MEDIUM), received_at=RECEIVED)

    said = list(in_words(after.trace))[-1].said

    assert until is not None
    assert f"{until:%Y-%m-%dT%H:%M:%SZ}" in said
