"""What others would get because a channel did not, once that channel's readers are in conflict, or others come in."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from router import clock
from tests.conftest import Database
from tests.router.console.conflicts import take_out
from tests.router.console.deployments import CHANNELS, Deployment, a_deployment

STAND_INS = {"security-desk": "ombuds-desk", "legal-desk": "ombuds-desk, instead_after: 1h"}


@pytest.fixture
def deployment(database: Database) -> Iterator[Deployment]:
    channels = CHANNELS
    for name, other in STAND_INS.items():
        entry = next(part for part in channels.replace("\n  {", " {").splitlines() if part.startswith(name))
        channels = channels.replace("\n  {", " {").replace(entry, entry.replace("}", f", instead: {other}}}"))
    with a_deployment(database, channels) as made:
        yield made


def instead(deployment: Deployment, reference: str) -> list[tuple[str, str, str, str | None]]:
    return deployment.rows(
        "select instead_of, channel, state, outcome from referrals where reference = :reference"
        " and instead_of is not null order by revision",
        reference=reference,
    )


@pytest.mark.parametrize("became", ["due", "sent", "dead"])
def test_nothing_waits_any_more_to_go_instead_of_a_channel_that_is_taken_out(
    deployment: Deployment, became: str
) -> None:
    reference = deployment.file().reference
    deployment.sent(reference, "security-desk", became)
    take_out(deployment, reference)

    assert instead(deployment, reference)[0] == ("security-desk", "ombuds-desk", "recalled", "conflict")


def test_what_is_just_being_told_instead_is_not_tried_again(deployment: Deployment) -> None:
    reference = deployment.file().reference
    deployment.sent(reference, "security-desk", "dead")
    deployment.run(
        "update referrals set state = 'leased', lease_until = now() + interval '30 s', lease_no = 1"
        " where instead_of = 'security-desk'"
    )
    take_out(deployment, reference)
    settled = deployment.rows("select settled_at is not null from referrals where instead_of = 'security-desk'")

    assert instead(deployment, reference)[0] == ("security-desk", "ombuds-desk", "leased", "conflict")
    assert settled == [(True,)]


def test_who_comes_in_late_has_as_long_as_everybody_before_another_gets_it_instead(deployment: Deployment) -> None:
    case = deployment.file(ago=timedelta(minutes=20))
    before = clock.now()
    removed = take_out(deployment, case.reference)
    ((due_at, fields),) = deployment.rows("select due_at, fields from referrals where instead_of = 'legal-desk'")

    assert removed.told == ("legal-desk",)
    assert timedelta(minutes=59) < due_at - before < timedelta(minutes=61)
    assert fields["severity"] == "low"


def test_who_was_told_before_keeps_the_stand_in_planned_then(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    deployment.sent(reference, "legal-desk")
    take_out(deployment, reference)

    assert [row[:3] for row in instead(deployment, reference)] == [
        ("security-desk", "ombuds-desk", "recalled"),
        ("legal-desk", "ombuds-desk", "standby"),
    ]


def test_a_stand_in_that_is_told_itself_now_gets_nothing_instead(deployment: Deployment) -> None:
    reference = deployment.file().reference
    take_out(deployment, reference)
    take_out(deployment, reference, "legal")

    assert {row[2] for row in instead(deployment, reference)} == {"recalled"}
    assert deployment.rows("select count(*) from referrals where channel = 'ombuds-desk' and state = 'due'") == [(1,)]


def test_a_second_run_changes_nothing(deployment: Deployment) -> None:
    reference = deployment.file(ago=timedelta(minutes=20)).reference
    take_out(deployment, reference)
    before = instead(deployment, reference)
    take_out(deployment, reference)

    assert instead(deployment, reference) == before
