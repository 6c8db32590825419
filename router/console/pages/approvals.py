"""Approvals: which drafts wait for somebody's yes, what exactly each would send and to whom, and the paper trail.

Shows an approver only what they have a say about; who is involved in a case learns nothing of its drafts here. Every
look is a line of the audit. Sends nothing.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from starlette.responses import Response

from router.console import approving
from router.console.approving import Desk, Seen
from router.console.attempt import attempted
from router.console.involved import as_told
from router.console.pages import factwords
from router.console.pages.ask import Ask, page
from router.console.pages.destination import destination
from router.console.pages.missing import missing
from router.console.pages.rendering import go, show
from router.console.pages.urgent import urgent
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Forbidden
from router.store import drafts, ledger
from router.store.casehead import head
from router.store.engine import transaction

LISTED: Final = "drafts_listed"
SHOWN: Final = "draft_shown"
UNKNOWN: Final = "unknown_draft"
ON_PAGE: Final = 50
ENDED: Final[Mapping[str | None, tuple[str, str]]] = MappingProxyType(
    {
        None: ("waits for approvals", "warn"),
        "approved": ("approved", "good"),
        "refused": ("refused", "alarm"),
        "expired": ("expired", "plain"),
        "withdrawn": ("withdrawn", "plain"),
        "replaced": ("replaced by a newer one", "plain"),
    }
)
"""How a draft ended, in words, and in which tone."""
_STAYS: Final = frozenset({"reason_malformed", "changed_since", "already_approved", "unrenderable", "read_by_involved"})
"""Refusals after which the draft is shown again, with what was typed; and all that say that it has ended."""


def show_drafts(ask: Ask) -> Response:
    """List what waits for whoever asks."""
    desk, after = _desk(ask), ask.query.get("after", "")
    rows, more = approving.listed(desk, ask.viewer.handle, after=after, limit=ON_PAGE)
    ask.note(LISTED, "drafts", detail=f"count={len(rows)}")
    return show(ask, "approvals/list.html", rows=rows, more=more, later=bool(after), facts=factwords)


def show_draft(ask: Ask) -> Response:
    """Show one draft: what would be sent, byte for byte, and who said what so far."""
    return _shown(ask)


def approve(ask: Ask) -> Response:
    """Say yes to exactly what was shown."""
    desk = _desk(ask)
    try:
        verdict = approving.approve(desk, **_given(ask))
    except Forbidden as error:
        return _again(ask, error)
    if verdict.released:
        ask.desk.ring([verdict.draft.channel])
    return go(f"/console/approvals/{verdict.draft.id}", said="draft_released" if verdict.released else "draft_approved")


def refuse(ask: Ask) -> Response:
    """Say no, which ends it."""
    try:
        verdict = approving.refuse(_desk(ask), **_given(ask))
    except Forbidden as error:
        return _again(ask, error)
    return go(f"/console/approvals/{verdict.draft.id}", said="draft_refused")


def trail(ask: Ask, found: Seen) -> dict[str, Any]:
    """Return what the paper trail of a draft shows: what, to whom, who said what, what became of it."""
    draft = found.draft
    votes = _votes(ask, draft.id)
    decided = found.policy.channels.get(draft.channel)
    known = found.channel or decided
    goes = destination(known, draft.fields, _bytes(found)) if known else None
    with transaction(ask.desk.engine) as connection:
        counted = approving.approvers(connection, found.policy, draft, _digest(found))
        rows = ledger.whole(connection, draft.reference, draft.channel)
    return {
        "draft": draft,
        "sends": found.sends,
        "goes": goes,
        "whom": draft.channel,
        "lacks": missing(decided, found.channel, draft.fields) if found.sends is None else (),
        "written": _written(found),
        "digest": _digest(found),
        "same": found.sends is not None and found.sends.digest == draft.digest,
        "votes": votes,
        "counted": counted,
        "needed": found.sends.channel.approvals if found.sends and draft.open else draft.needed,
        "stands": ENDED.get(draft.ended if not draft.open else None, ENDED[None]),
        "sent": next((row for row in rows if row["revision"] == draft.revision), None),
        "category": factwords.category(draft.category, found.policy),
        "facts": factwords,
        "printed": "print" in ask.query,
    }


def _shown(ask: Ask, status: int = 200, refused: Forbidden | None = None) -> Response:
    attempt = attempted(ask.desk.engine, SHOWN, kind="person", handle=ask.viewer.handle, reference="")
    found = approving.look(_desk(ask), ask.path["referral"])
    if found is None:
        attempt.refuse(UNKNOWN)
    draft = found.draft
    attempt = attempted(ask.desk.engine, SHOWN, kind="person", handle=ask.viewer.handle, reference=draft.reference)
    with transaction(ask.desk.engine) as connection:
        code = approving.why_not_approve(connection, found.policy, draft, ask.viewer.handle)
        case = head(connection, draft.reference) if draft.open else None
    if code is not None:
        attempt.refuse(code, say=as_told(code, UNKNOWN))
    attempt.note(detail=f"{draft.channel}:{draft.revision}")
    values = trail(ask, found)
    said = {vote.handle for vote in _votes(ask, draft.id) if vote.digest == values["digest"]}
    closed = approving.why_closed(draft, found.sends)
    return show(
        ask,
        "approvals/draft.html",
        status,
        **values,
        urgent=urgent(ask, case.facts, found.policy) if case else None,
        closed=told(Forbidden(closed)) if closed else None,
        mine=ask.viewer.handle in said,
        why=told(refused) if refused else None,
        mistake=told(refused) if refused and refused.code == "reason_malformed" else None,
    )


def _again(ask: Ask, error: Forbidden) -> Response:
    """Show the draft again after a form on it was refused, which is on record already."""
    if error.code not in _STAYS and not error.code.startswith("draft_"):
        raise Forbidden(as_told(error.code, UNKNOWN))
    return _shown(ask, 422 if error.code == "reason_malformed" else 409, error)


def _votes(ask: Ask, referral: str) -> list[drafts.Vote]:
    with transaction(ask.desk.engine) as connection:
        return drafts.votes(connection, referral)


def _given(ask: Ask) -> dict[str, str]:
    form = ask.form
    given = {"digest": form.get("digest"), "reason": form.get("reason")}
    return {"referral": ask.path["referral"], "handle": ask.viewer.handle, **given}


def _digest(found: Seen) -> str:
    """Return the digest that approvals are of: of what would leave now, or did when it ended."""
    return found.sends.digest if found.sends and found.draft.open else found.draft.digest or ""


def _written(found: Seen) -> str:
    """Return the bytes as text: as they would leave now, or as they were when it ended."""
    return (_bytes(found) or b"").decode("utf-8", "backslashreplace")


def _bytes(found: Seen) -> bytes | None:
    if found.draft.open or found.draft.body is None:
        return found.sends.payload.body if found.sends else None
    return found.draft.body


def _desk(ask: Ask) -> Desk:
    return Desk(ask.desk.engine, ask.desk.policies)


_ONE: Final = "/console/approvals/{referral}"
PAGES = (
    page("GET", "/console/approvals", Right.APPROVE, show_drafts),
    page("GET", _ONE, Right.APPROVE, show_draft),
    page("POST", f"{_ONE}/approve", Right.APPROVE, approve, "digest reason"),
    page("POST", f"{_ONE}/refuse", Right.APPROVE, refuse, "digest reason"),
)
