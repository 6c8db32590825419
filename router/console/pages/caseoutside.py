"""What a case page shows of drafts to outside bodies, and of who may learn who reported. Reads alone."""

from collections.abc import Mapping

from sqlalchemy import Connection

from router.console import drafting
from router.console.pages.ask import Ask
from router.console.pages.missing import missing
from router.console.pages.part import Part, policy_of
from router.store import drafts, identities
from router.store.casehead import CaseHead
from router.store.drafts import POLICY, Draft
from router.triage.policy import Policy


def outside(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    """Return the case's drafts, which of them whoever asks may take back, and where another may go."""
    policy = policy_of(ask, case)
    found = drafts.of_case(connection, case.reference)
    waiting = {draft.channel for draft in found if draft.open}
    mine = {POLICY, f"person:{ask.viewer.handle}"}
    lacking = {draft.id: _missing(ask, policy, draft) for draft in found if draft.open}
    return {
        "lacking": lacking,
        "warnings": [
            f"Nothing can be sent to {draft.channel} as it is: {', '.join(lacking[draft.id])}. See “Outside bodies”."
            for draft in found
            if lacking.get(draft.id)
        ],
        "drafts": [(draft, drafts.votes(connection, draft.id)) for draft in found],
        "takes_back": [draft for draft in found if draft.open and draft.drafted_by in mine],
        "to": [name for name in drafting.bodies(policy) if name not in waiting] if policy and case.open else [],
    }


def _missing(ask: Ask, policy: Policy | None, draft: Draft) -> tuple[str, ...]:
    decided = policy.channels.get(draft.channel) if policy else None
    now = ask.desk.policies.in_force().channels.get(draft.channel) or decided
    return tuple(f"{one.label} is missing" for one in missing(decided, now, draft.fields))


def reporter(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    """Return whether whoever asks may see who reported, and what they asked."""
    handle = ask.viewer.handle
    asked = identities.of_case(connection, case.reference, handle)
    return {
        "custodians": identities.has_custodians(connection),
        "may": identities.may_see_contact(connection, case.reference, handle),
        "asked": asked,
        "waits": any(one.stands == "waiting" for one in asked),
        "days": identities.GRANTED_DAYS,
        "from_person": case.client is None,
    }


OUTSIDE = Part("outside", "case/outside.html", outside, title="Outside bodies")
IDENTITY = Part("identity", "case/identity.html", reporter, title="Who reported")
