"""People who say whether something may leave, and a worker that would send it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from router.console import approving
from router.console.approving import Desk, Verdict
from router.console.policies import Policies
from router.errors import Forbidden
from router.store import drafts, policies
from router.store.drafts import Draft
from router.store.engine import transaction
from router.triage.policy import parse_policy
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.router.console.deployments import POLICY, Deployment, a_deployment
from workers.deliver import Deliverer
from workers.inforce import Channels
from workers.turn import Pace

WHY = "seen and compared"
POLICE = "police: {kind: folder, scope: external, carries: [category], readable_by: [security], path: d}"
"""How the deployment's channel that leads outside stands in CHANNELS."""

PACE = Pace(lease_s=30, lease_batch=16, sends_at_once=4)


def person(deployment: Deployment, *handles: str, role: str = "approver") -> None:
    """Let there be people with this role who hold no team's key."""
    for handle in handles:
        deployment.run("insert into people (handle) values (:h) on conflict do nothing", h=handle)
        deployment.run(
            "insert into people_roles (handle, role, given_by) values (:h, :r, 'test') on conflict do nothing",
            h=handle,
            r=role,
        )


@dataclass
class Border:
    """A deployment whose channel `police` leads outside, the approvers, and the worker in between."""

    deployment: Deployment
    worker: Engine
    state: Path

    @property
    def desk(self) -> Desk:
        return Desk(self.deployment.console, Policies(self.deployment.console))

    def drafts(self, reference: str) -> list[Draft]:
        with transaction(self.deployment.console) as connection:
            return drafts.of_case(connection, reference)

    def file(self, **facts: Any) -> Draft:
        """Record a case that the policy drafts for the police."""
        [draft] = self.drafts(self.deployment.file("grave", **facts).reference)
        return draft

    def digest(self, draft: Draft) -> str:
        found = approving.look(self.desk, draft.id)
        assert found is not None
        assert found.sends is not None
        return found.sends.digest

    def approve(self, draft: Draft, handle: str, *, digest: str | None = None) -> Verdict:
        return approving.approve(
            self.desk, referral=draft.id, handle=handle, digest=digest or self.digest(draft), reason=WHY
        )

    def refuse(self, draft: Draft, handle: str) -> Verdict:
        return approving.refuse(
            self.desk, referral=draft.id, handle=handle, digest=self.digest(draft), reason="not our business"
        )

    def send(self) -> dict[str, bytes]:
        """Let the worker send what it would; return what arrived outside so far, by file."""
        made = Deliverer(
            self.worker, Channels(self.worker, look_every_s=0.0), PACE, state_dir=self.state, stopping=lambda: False
        )
        made.deliver("police")
        return {path.name: path.read_bytes() for path in sorted(self.state.rglob("CR-*.json"))}

    def put_in_force(self, channels: str) -> None:
        """Let other channels be in force."""
        digest = parse_policy(POLICY, channels).digest
        with transaction(self.deployment.intake) as connection:
            policies.keep(connection, digest, POLICY, channels)
            policies.activate(connection, digest)

    def state_of(self, draft: Draft) -> tuple[str, str | None, str | None]:
        """Return the referral's state, its outcome, and how the draft ended."""
        query = (
            "select r.state, r.outcome, d.ended from referrals r left join drafts d on d.referral = r.id"
            " where r.id = :id"
        )
        [row] = self.deployment.rows(query, id=draft.id)
        return row[0], row[1], row[2]


@contextmanager
def a_border(database: Database, state: Path, **more: Any) -> Iterator[Border]:
    """Yield a deployment with its border; `tom`, `una` and `vera` may approve."""
    with a_deployment(database, **more) as deployment, login(database, Login.WORKER) as worker:
        person(deployment, "tom", "una", "vera")
        yield Border(deployment, worker, state)


def refused(border: Border, draft: Draft, handle: str, *, digest: str | None = None) -> str:
    """Return the code by which somebody's approval is refused, which must be in the audit."""
    with pytest.raises(Forbidden) as caught:
        border.approve(draft, handle, digest=digest)
    code = caught.value.code
    last = border.deployment.rows("select actor, action, object, outcome from audit order by id desc limit 1")
    assert last == [(f"person:{handle.strip().lower()}", "draft_approved", draft.reference, f"refused_{code}")]
    return code
