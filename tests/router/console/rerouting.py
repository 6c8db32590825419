"""Cases whose facts are corrected so that they are decided anew, and what waits for whom then."""

from typing import Any

from router.console.attempt import attempted
from router.console.opening import identify
from router.console.reroute import ACTION, Rerouted, Wanted, reroute
from router.model import NewCase
from router.store import conflicts
from router.store.engine import transaction
from router.triage.policy import Policy, parse_policy
from tests.router.console.deployments import CONSOLE, POLICY, Deployment

REASON = "it is about money after all"


def the_policy(deployment: Deployment, text: str = POLICY) -> Policy:
    return parse_policy(text, deployment.channels)


def wanted(deployment: Deployment, case: NewCase, policy: Policy | None = None, **corrected: Any) -> Wanted:
    before = the_policy(deployment)
    with transaction(deployment.console) as connection:
        stands = conflicts.decided_case(connection, case.reference)
    assert stands is not None
    facts = type(stands.facts).model_validate({**stands.facts.model_dump(), **corrected})
    return Wanted(facts, policy or before, before, CONSOLE)


def re_route(
    deployment: Deployment, case: NewCase, *, by: str = "ana", policy: Policy | None = None, **corrected: Any
) -> Rerouted:
    attempt = attempted(deployment.console, ACTION, kind="person", handle=by, reference=case.reference)
    reader = identify(attempt, by, deployment.passphrases[by])
    return reroute(attempt, reader, wanted(deployment, case, policy, **corrected), reason=REASON)


Row = tuple[str, int, str, str | None, str | None, str | None]


def rows(deployment: Deployment, case: NewCase) -> list[Row]:
    return deployment.rows(
        "select channel, revision, state, notice, awaited, outcome from referrals where reference = :reference"
        " order by channel, revision",
        reference=case.reference,
    )


def at(deployment: Deployment, case: NewCase, channel: str, *states: str) -> list[Row]:
    return [row for row in rows(deployment, case) if row[0] == channel and (not states or row[2] in states)]


def shape(plans: Any) -> list[tuple[str, str, str | None]]:
    return [(plan.channel, plan.state.value, plan.fields.notice) for plan in plans]
