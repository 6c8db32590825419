"""The ledger of a case: what each channel was told or will be, when, with what proof, and the exact bytes of each.

The bytes are made anew from what is stored, by the channel as it was when they were sent, or as it is now.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Connection
from starlette.responses import Response

from router.catalogue import Channel
from router.console.outgoing import Outgoing, channel_now, outgoing
from router.console.pages import access, factwords
from router.console.pages.ask import Ask, page
from router.console.pages.part import Part
from router.console.pages.rendering import show
from router.console.rights import Right
from router.errors import RouterError
from router.model import Referral
from router.store import ledger, policies
from router.store.audit import note
from router.store.casehead import CaseHead
from router.store.engine import transaction
from router.store.ledger import Projected

SHOWN: Final = "referral_shown"


def _ledger(_ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    rows = ledger.whole(connection, case.reference)
    told = [row for row in rows if row["state"] != "standby" and not _never_sent(row)]
    return {
        "told": told,
        "waiting": [row for row in rows if row["state"] == "standby"],
        "withdrawn": [row for row in rows if _never_sent(row)],
        "warnings": [
            f"{channel} could not be told. See “Who was told”."
            for channel in sorted({row["channel"] for row in told if row["state"] == "dead"})
        ],
        "retry": sorted({row["channel"] for row in told if row["state"] == "dead" or _tries_again(row)}),
    }


def _never_sent(row: Mapping[str, Any]) -> bool:
    return bool(row["state"] == "recalled" and not row["attempts"])


def _tries_again(row: Mapping[str, Any]) -> bool:
    return bool(row["state"] == "due" and row["attempts"] > 0)


def show_referral(ask: Ask) -> Response:
    """Show one referral of the case, byte for byte; raises Forbidden, audited."""
    attempt = access.begin(ask, SHOWN)
    channel, revision = ask.path["channel"], _number(ask.path["revision"])
    if revision is None or not channel.isprintable():
        attempt.refuse("unknown_referral")
    with transaction(ask.desk.engine) as connection:
        rows = ledger.whole(connection, attempt.reference, channel, revision)
        found = ledger.projected(connection, attempt.reference, channel, revision) if rows else None
    if found is None:
        attempt.refuse("unknown_referral")
    sent = _as_sent(ask, found, channel)
    with transaction(ask.desk.engine) as connection:
        note(connection, [attempt.entry(detail=f"{channel}:{revision}")])
    return show(
        ask, "case/referral.html", reference=attempt.reference, row=rows[0], sent=sent, id=found.id, facts=factwords
    )


def _as_sent(ask: Ask, found: Projected, name: str) -> Outgoing | None:
    """Return what was sent, by the channel as it was then; what would be, if nothing was; None if nobody can say."""
    channel = _channel_then(ask, found, name) if found.tried_at else None
    try:
        fields = Referral.model_validate(found.fields)
        return outgoing(channel or channel_now(ask.desk.engine, ask.desk.policies, name), fields, key=found.id)
    except (RouterError, ValidationError):
        return None


def _channel_then(ask: Ask, found: Projected, name: str) -> Channel | None:
    with transaction(ask.desk.engine) as connection:
        digest = policies.digest_at(connection, found.tried_at) if found.tried_at else None
    try:
        return ask.desk.policies.of(digest or found.policy).channels.get(name)
    except RouterError:
        return None


def _number(given: str) -> int | None:
    """Return a revision of the address, None for what is none."""
    # More digits than there ever are.
    return int(given) if given.isascii() and given.isdecimal() and len(given) <= 6 else None  # noqa: PLR2004


LEDGER = Part("ledger", "case/ledger.html", _ledger, "Who was told")
PAGES = (page("GET", "/console/cases/{reference}/referrals/{channel}/{revision}", Right.WORK_ON_CASES, show_referral),)
