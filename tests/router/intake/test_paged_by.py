"""By whom a person is told, what counts as arrived, and what the gauges show."""

from io import StringIO

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine

from router.intake.pager import Pager
from tests.publicpart import logged
from tests.router.intake.pagers import DESK, a_pager, case, intake, owner, pager, pages, run, rung, tickets

__all__ = ["intake", "logged", "owner", "pager", "rung"]  # fixtures


@pytest.mark.parametrize(
    ("proof", "columns", "late"),
    [
        ("accepted", {"proof": "'accepted'"}, False),
        ("visible", {"proof": "'visible'"}, False),
        ("visible", {"proof": "'accepted'"}, True),
        ("visible", {"proof": "'visible'", "outcome": "'gone'"}, True),
        ("visible", {"proof": "'accepted'", "state": "'acknowledged'"}, False),
        ("acknowledged", {"proof": "'visible'"}, True),
        ("acknowledged", {"proof": "'visible'", "notice": "'instead'"}, True),
        ("acknowledged", {"proof": "'visible'", "notice": "'drill'"}, True),
        ("acknowledged", {"proof": "'visible'", "notice": "'reminder'"}, False),
        ("acknowledged", {"proof": "'visible'", "state": "'acknowledged'"}, False),
        ("acknowledged", {"proof": "'visible'", "look_at": "null"}, False),
    ],
)
def test_what_counts_as_arrived_is_what_the_channel_is_to_prove(
    intake: Engine, owner: Engine, proof: str, columns: dict[str, str], *, late: bool
) -> None:
    sent_so = {"state": "'sent'", "settled_at": "clock_timestamp()", "look_at": "clock_timestamp()"}
    case(owner, ago="16 min", **{**sent_so, **columns})
    a_pager(intake, [], tickets(proof)).look()

    assert bool(pages(owner)) is late


def test_nobody_has_to_take_what_was_withdrawn(intake: Engine, owner: Engine) -> None:
    sent_so = {"state": "'sent'", "settled_at": "clock_timestamp()", "look_at": "clock_timestamp()"}
    case(owner, ago="16 min", **sent_so)
    run(
        owner,
        """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
           select 'recall', reference, channel, kind, 2, policy, 'sent', fields, 'recalled' from referrals""",
    )
    a_pager(intake, [], tickets("acknowledged")).look()

    assert pages(owner) == []


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        (("security-desk",), "phone"),
        (("security-desk", "phone"), "other-phone"),
        (("security-desk", "phone", "other-phone"), "legal-desk"),
        (("security-desk", "phone", "other-phone", "legal-desk"), "ombuds-desk"),
        (("phone",), "other-phone"),
        (("legal-desk",), "ombuds-desk"),
        (("ombuds-desk",), "legal-desk"),
    ],
)
def test_nobody_is_told_by_a_channel_that_fails_itself(
    pager: Pager, owner: Engine, failing: tuple[str, ...], told: str
) -> None:
    for channel in failing:
        case(owner, channel, ago="16 min")
    pager.look()

    assert {to for _, about, to in pages(owner) if about == failing[0]} == {told}
    assert {about for _, about, _ in pages(owner)} == set(failing)


def test_a_channel_that_is_left_alone_tells_nobody_anything(pager: Pager, owner: Engine) -> None:
    run(
        owner,
        "insert into channel_states (channel, breaker, until, code) values ('phone', 'open', now(), 'unreachable')",
    )
    case(owner)
    pager.look()

    assert pages(owner) == [("delivery_late", DESK, "other-phone")]


def test_when_nobody_can_be_told_the_log_says_so_once_and_readiness_until_it_is_over(
    pager: Pager, owner: Engine, logged: StringIO
) -> None:
    for channel in ("security-desk", "phone", "other-phone", "legal-desk", "ombuds-desk"):
        case(owner, channel, ago="16 min")
    for _ in range(2):
        pager.look()
    degraded = pager.degraded()
    run(owner, "update referrals set state = 'sent', settled_at = now() where channel = 'ombuds-desk'")
    pager.look()

    assert degraded == ["nobody_to_page"]
    assert logged.getvalue().count('"nobody_to_page"') == 5
    assert pager.degraded() == []
    assert {to for _, _, to in pages(owner)} == {"ombuds-desk"}


def test_a_notice_that_fails_is_told_of_in_turn_and_no_more_often(pager: Pager, owner: Engine) -> None:
    case(owner)
    for _ in range(5):
        pager.look()
        run(owner, "update referrals set state = 'dead', settled_at = clock_timestamp() where about is not null")

    assert pages(owner) == [
        ("delivery_late", DESK, "phone"),
        ("undeliverable", "phone", "other-phone"),
        ("undeliverable", "other-phone", "phone"),
    ]


def test_a_channel_that_the_policy_dropped_is_looked_after_while_something_waits_for_it(
    pager: Pager, owner: Engine
) -> None:
    case(owner, "dropped", ago="16 min")
    pager.look()

    assert pages(owner) == [("delivery_late", "dropped", "legal-desk")]


def gauge(name: str, channel: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"channel": channel})


def test_the_gauges_show_each_channel_and_forget_one_that_is_no_more(
    pager: Pager, intake: Engine, owner: Engine
) -> None:
    case(owner, "dropped", ago="7 min")
    case(owner, "dropped", ago="3 min", state="'dead'", settled_at="clock_timestamp()")
    run(owner, "insert into channel_states (channel, breaker, until, code) values ('phone', 'half_open', now(), 'x')")
    pager.look()
    shown = {name: gauge(f"channel_{name}", "dropped") for name in ("due", "dead", "breaker")}
    oldest_s = gauge("channel_oldest_due_seconds", "dropped")
    run(owner, "delete from referrals where channel = 'dropped'")
    a_pager(intake, []).look()

    assert shown == {"due": 1, "dead": 1, "breaker": 0}
    assert oldest_s is not None
    assert 420 <= oldest_s < 480
    assert gauge("channel_breaker", "phone") == 1
    assert gauge("channel_due", DESK) == 0
    assert {gauge(f"channel_{name}", "dropped") for name in ("due", "oldest_due_seconds", "dead")} == {0}
