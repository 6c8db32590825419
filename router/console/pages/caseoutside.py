"""What a case page shows of drafts to outside bodies, and of who may learn who reported. Reads alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from router.console import drafting
from router.console.outgoing import outgoing
from router.console.pages.ask import Ask
from router.console.pages.destination import Destination, destination
from router.console.pages.missing import Missing, missing
from router.console.pages.part import Part, policy_of
from router.store import drafts, identities, ledger
from router.store.casehead import CaseHead
from router.store.drafts import POLICY, Draft, Vote
from router.triage.policy import Policy


@dataclass(frozen=True, slots=True)
class Row:
    """One draft of the case, and where it leads."""

    draft: Draft
    approved_by: tuple[str, ...]
    goes: Destination | None
    lacks: tuple[Missing, ...]
    theirs: str | None
    """What they call it."""


def outside(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    """Return the case's drafts, which of them whoever asks may take back, and where another may go."""
    policy = policy_of(ask, case)
    found = drafts.of_case(connection, case.reference)
    waiting = {draft.channel for draft in found if draft.open}
    mine = {POLICY, f"person:{ask.viewer.handle}"}
    theirs = {(row["channel"], row["revision"]): row["remote_id"] for row in ledger.whole(connection, case.reference)}
    rows = [
        _row(ask, policy, draft, drafts.votes(connection, draft.id), theirs.get((draft.channel, draft.revision)))
        for draft in found
    ]
    return {
        "rows": rows,
        "warnings": [
            f"Nothing can go to {_whom(row)} as it is: {_listed(row)}. See “Outside bodies”."
            for row in rows
            if row.lacks
        ],
        "takes_back": [draft for draft in found if draft.open and draft.drafted_by in mine],
        "to": [name for name in drafting.bodies(policy) if name not in waiting] if policy and case.open else [],
    }


def _row(ask: Ask, policy: Policy | None, draft: Draft, votes: list[Vote], theirs: str | None) -> Row:
    decided = policy.channels.get(draft.channel) if policy else None
    now = ask.desk.policies.in_force().channels.get(draft.channel) or decided
    sends = outgoing(now, draft.fields, key=draft.id) if draft.open else None
    written = sends.payload.body if sends else draft.body
    return Row(
        draft,
        tuple(vote.handle for vote in votes if vote.verdict == "approved" and vote.digest == draft.digest),
        destination(now, draft.fields, written) if now else None,
        missing(decided, now, draft.fields) if draft.open and not sends else (),
        theirs,
    )


def _whom(row: Row) -> str:
    return row.goes.name if row.goes else row.draft.channel


def _listed(row: Row) -> str:
    return ", ".join(f"{one.label} is missing" for one in row.lacks)


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
