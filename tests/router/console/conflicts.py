"""Teams that are found in conflict and taken out of a case, and what its channels hear of it."""

from typing import Any

from router.console.conflict import Removed, Who, conflict
from tests.router.console.deployments import CONSOLE, Deployment

REASON = "found out at the first talk"


def take_out(
    deployment: Deployment, reference: str, team: str = "security", *, by: str = "ana", **given: Any
) -> Removed:
    who = given.pop("who", None) or Who(by, deployment.passphrases[by], recovery=False)
    return conflict(
        deployment.console, reference=reference, team=team, who=who, console_url=CONSOLE, **{"reason": REASON, **given}
    )


def told(deployment: Deployment, reference: str) -> list[tuple[str, int, str, str | None, str | None, str | None]]:
    return deployment.rows(
        "select channel, revision, state, notice, awaited, outcome from referrals where reference = :reference"
        " order by channel, revision",
        reference=reference,
    )


def of(deployment: Deployment, reference: str, channel: str) -> list[tuple[int, str, str | None, str | None]]:
    return [(row[1], row[2], row[3], row[4]) for row in told(deployment, reference) if row[0] == channel]
