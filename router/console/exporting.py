"""What of a case people let leave the organisation, as documents of the exchange: see `router.channels.exchange`.

Only what was approved, and of that what its channel carries. Shows nothing to anybody whose look is not in the audit,
and writes no file: whoever asked gets the documents.
"""

from typing import Any, Final

from router.channels import exchange
from router.console.approving import Desk
from router.console.attempt import Attempt
from router.console.outgoing import channel_now
from router.errors import Broken
from router.store import drafts
from router.store.drafts import Draft
from router.store.engine import transaction
from router.vocabulary import ReferralState

EXPORTED: Final = "referral_exported"
_STAYED: Final = frozenset({ReferralState.DRAFT.value, ReferralState.RECALLED.value})


def exported(desk: Desk, attempt: Attempt, *, channel: str | None = None, draft: str | None = None) -> list[Any]:
    """Return a document for each approved referral of the attempt's case, the oldest first, or for those asked for.

    Each is noted. Raises Broken `nothing_left` when there is none, `unreadable_referral` when another version wrote it.
    """
    with transaction(desk.engine) as connection:
        known = drafts.of_case(connection, attempt.reference)
    found = [one for one in known if exportable(one) and channel in {None, one.channel} and draft in {None, one.id}]
    if not found:
        said = "nothing of it that was approved leads there" if known else "nothing of it leads outside"
        attempt.refuse(
            "nothing_left", say=Broken("nothing_left", f"{said}; `concern-router deliveries show` says more")
        )
    documents = [_document(desk, attempt, one) for one in found]
    for one in found:
        attempt.note(detail=_named(one))
    return documents


def exportable(draft: Draft) -> bool:
    """Say whether people let it leave."""
    return draft.ended == "approved" and draft.state not in _STAYED


def _document(desk: Desk, attempt: Attempt, draft: Draft) -> dict[str, Any]:
    channel = channel_now(desk.engine, desk.policies, draft.channel)
    if draft.fields is None or channel is None:
        hint = "another version of concern-router wrote it, or nothing names its channel any more"
        attempt.refuse("unreadable_referral", detail=_named(draft), say=Broken("unreadable_referral", hint))
    fields = channel.narrowed(draft.fields)
    # What was drafted before markings were there gets its category's now.
    tlp = fields.tlp or desk.policies.of(draft.case_policy).tlp(draft.category)
    return exchange.document(fields.model_copy(update={"tlp": tlp}))


def _named(draft: Draft) -> str:
    return f"{draft.channel}:{draft.revision}"
