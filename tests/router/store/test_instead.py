"""What another channel gets instead comes when the first one was not told in time, or at once when it never will be."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from router import clock
from router.model import PlannedReferral, Referral
from router.store import referrals
from router.store.cases import record
from router.store.engine import transaction
from router.store.posting import Post, post
from router.store.referrals import Ended
from router.store.standby import flip_standby
from router.vocabulary import Awaited, Notice, ReferralState
from tests.makers import POLICY, a_case, change

HOUR = timedelta(hours=1)


def wait(
    channel: str,
    *,
    instead_of: str | None = None,
    awaited: Awaited = Awaited.DELIVERY,
    due_in: timedelta = HOUR,
    revision: int = 1,
) -> PlannedReferral:
    """Return a row on standby; its reference is filled in when it is posted."""
    notice = Notice.INSTEAD if instead_of else Notice.ESCALATION
    return PlannedReferral(
        channel=channel,
        kind="webhook",
        state=ReferralState.STANDBY,
        fields=Referral(reference="CR-0000-0000-0000", revision=revision, notice=notice, awaited=awaited),
        due_at=clock.now() + due_in,
        awaited=awaited,
        instead_of=instead_of,
    )


def a_case_with(owner: Engine, *waits: PlannedReferral) -> str:
    """Record a case that `desk` and `hr` should be told at once, and these rows beside it."""
    case = a_case(channels=("desk", "hr"))
    with transaction(owner) as connection:
        record(connection, [case])
        for planned in waits:
            fields = planned.fields.model_copy(update={"reference": case.reference})
            post(connection, [Post(case.reference, POLICY, planned.model_copy(update={"fields": fields}))])
    return case.reference


def set_state(owner: Engine, channel: str, state: str) -> None:
    with transaction(owner) as connection:
        change(connection, "update referrals set state = :state where channel = :channel", state=state, channel=channel)


def end(worker: Engine, channel: str, state: str) -> None:
    """Lease what is due for the channel and settle it so."""
    with transaction(worker) as connection:
        leased = referrals.lease(connection, channel, limit=9, lease_s=60)
        assert leased
        referrals.settle(connection, [Ended(one, state, "http_422", clock.now()) for one in leased])


def flipped(worker: Engine) -> list[tuple[str, str | None]]:
    with transaction(worker) as connection:
        return [(row.channel, row.outcome) for row in flip_standby(connection)]


def ripe(owner: Engine) -> Sequence[str]:
    """Return the channels whose waiting rows may come now."""
    query = "select channel from referrals where state = 'standby' and due_at <= clock_timestamp() order by channel"
    with transaction(owner) as connection:
        return connection.execute(text(query)).scalars().all()


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("sent", "not_needed"),
        ("acknowledged", "not_needed"),
        ("recalled", "not_needed"),
        ("due", None),
        ("leased", None),
        ("dead", None),
    ],
)
def test_another_channel_is_told_instead_unless_the_first_one_was(
    owner: Engine, worker: Engine, state: str, outcome: str | None
) -> None:
    a_case_with(owner, wait("phone", instead_of="desk", due_in=-HOUR))
    with transaction(owner) as connection:
        change(connection, "update referrals set lease_until = now() + interval '1 h' where channel = 'desk'")
    set_state(owner, "desk", state)

    assert flipped(worker) == [("phone", outcome)]


def test_whom_it_stands_in_for_is_all_that_counts(owner: Engine, worker: Engine) -> None:
    a_case_with(owner, wait("phone", instead_of="desk", due_in=-HOUR), wait("yard", instead_of="hr", due_in=-HOUR))
    set_state(owner, "desk", "sent")

    assert sorted(flipped(worker), key=str) == [("phone", "not_needed"), ("yard", None)]


def test_of_two_that_one_channel_stands_in_for_either_is_enough(owner: Engine, worker: Engine) -> None:
    """What is not needed overtakes nothing: else nobody would be told."""
    for not_told in ("desk", "hr"):
        a_case_with(
            owner,
            wait("phone", instead_of="desk", due_in=-HOUR, revision=1),
            wait("phone", instead_of="hr", due_in=-HOUR, revision=2),
        )
        with transaction(owner) as connection:
            change(connection, "update referrals set state = 'sent' where channel <> :c and state = 'due'", c=not_told)
        outcomes = [outcome for _, outcome in flipped(worker)]
        set_state(owner, not_told, "sent")

        assert sorted(outcomes, key=str) == [None, "not_needed"], not_told


def test_an_escalation_is_not_overtaken_by_what_nobody_needs(owner: Engine, worker: Engine) -> None:
    a_case_with(
        owner,
        wait("phone", due_in=-HOUR, revision=1),
        wait("phone", instead_of="hr", due_in=-HOUR, revision=2),
    )
    set_state(owner, "hr", "sent")

    assert sorted(flipped(worker), key=str) == [("phone", "not_needed"), ("phone", None)]


def test_the_audit_says_who_was_told_instead(owner: Engine, worker: Engine) -> None:
    reference = a_case_with(owner, wait("phone", instead_of="desk", due_in=-HOUR))

    flipped(worker)

    with transaction(owner) as connection:
        query = "select actor, object, outcome, detail from audit where action = 'told_instead'"
        entries = connection.execute(text(query)).all()
    assert list(map(tuple, entries)) == [("clock", reference, "ok", "delivery:phone")]


def test_what_is_dead_at_once_brings_forward_what_waits_for_its_delivery(owner: Engine, worker: Engine) -> None:
    a_case_with(
        owner,
        wait("phone", instead_of="desk"),
        wait("yard", instead_of="hr"),
        wait("board"),
        wait("legal", awaited=Awaited.CLAIM),
    )
    a_case_with(owner, wait("other-case"))

    with transaction(owner) as connection:
        change(
            connection,
            "update referrals set due_at = due_at + interval '1 day' where channel = 'desk' and reference ="
            " (select reference from referrals where channel = 'other-case')",
        )
    end(worker, "desk", "dead")

    assert ripe(owner) == ["board", "phone"]
    assert sorted(flipped(worker)) == [("board", None), ("phone", None)]


@pytest.mark.parametrize("state", ["sent", "due"])
def test_what_is_not_dead_brings_nothing_forward(owner: Engine, worker: Engine, state: str) -> None:
    a_case_with(owner, wait("phone", instead_of="desk"), wait("board"))

    end(worker, "desk", state)

    assert ripe(owner) == []


def test_a_dead_stand_in_brings_the_escalation_forward(owner: Engine, worker: Engine) -> None:
    a_case_with(owner, wait("phone", instead_of="desk", due_in=-HOUR), wait("board"), wait("yard", instead_of="hr"))
    flipped(worker)

    end(worker, "phone", "dead")

    assert ripe(owner) == ["board"]


def test_a_dead_reminder_brings_nothing_forward(owner: Engine, worker: Engine) -> None:
    a_case_with(owner, wait("board"))
    set_state(owner, "desk", "sent")
    with transaction(owner) as connection:
        change(
            connection,
            """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
               select 'reminder', reference, channel, kind, 2, policy, 'due', fields, 'reminder'
               from referrals where channel = 'desk'""",
        )

    end(worker, "desk", "dead")

    assert ripe(owner) == []


def test_whoever_is_just_withdrawing_what_waits_is_not_waited_for(owner: Engine, worker: Engine) -> None:
    """They may in turn wait for the dead row: both would wait for each other."""
    reference = a_case_with(owner, wait("board"))
    with transaction(owner) as other:
        change(other, "select from referrals where reference = :of and state = 'standby' for update", of=reference)

        end(worker, "desk", "dead")

    assert ripe(owner) == []
