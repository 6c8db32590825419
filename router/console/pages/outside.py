"""The parts of a case page on what leaves the organisation and on who reported; and the forms that go with them.

A draft is shown byte for byte before it is made. Sends nothing, and opens nothing that is sealed.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import orjson
from starlette.responses import Response

from router.console import approving, drafting, identity
from router.console.acting import IN_CONSOLE, By
from router.console.approving import Desk
from router.console.exporting import EXPORTED, exportable, exported
from router.console.pages import access, approvals
from router.console.pages.ask import Ask, page
from router.console.pages.ask import Desk as Console
from router.console.pages.case import case_page
from router.console.pages.casework import again
from router.console.pages.destination import destination
from router.console.pages.missing import missing
from router.console.pages.part import policy_of
from router.console.pages.rendering import show
from router.console.pages.urgent import urgent
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Broken, Forbidden
from router.store.casehead import head
from router.store.engine import transaction

PREVIEWED: Final = "draft_previewed"
TEND_EVERY_S: Final = 60.0
_SHUT_OUT: Final = frozenset({"unknown_case", "not_a_member", "recused", "not_a_reviewer", "disabled_person"})


def show_preview(ask: Ask) -> Response:
    """Show what a draft to the channel in the query would send, were it made now."""
    return _preview(ask, ask.query.get("channel", ""))


def make(ask: Ask) -> Response:
    """Make the draft that was shown."""
    channel = ask.form.get("channel")
    try:
        drafting.draft(
            _desk(ask),
            _by(ask),
            channel=channel,
            digest=ask.form.get("digest"),
            reason=ask.form.get("reason"),
            console_url=ask.desk.console_url,
        )
    except Forbidden as error:
        if error.code in _SHUT_OUT:
            raise
        if error.code in {"reason_malformed", "changed_since"}:
            return _preview(ask, channel, error)
        return again(ask, error)
    return access.back(ask, "draft_made", "outside")


def withdraw(ask: Ask) -> Response:
    """Take a draft back."""
    try:
        drafting.withdraw(_desk(ask), _by(ask), referral=ask.form.get("referral"), reason=ask.form.get("reason"))
    except Forbidden as error:
        if error.code in _SHUT_OUT:
            raise
        return again(ask, error)
    return access.back(ask, "draft_withdrawn", "outside")


def show_trail(ask: Ask) -> Response:
    """Show the paper trail of one of the case's drafts."""
    attempt = access.begin(ask, approvals.SHOWN)
    found = approving.look(_desk(ask), ask.path["referral"])
    if found is None or found.draft.reference != attempt.reference:
        attempt.refuse("unknown_draft")
    attempt.note(detail=f"{found.draft.channel}:{found.draft.revision}")
    return show(ask, "approvals/paper.html", may_export=exportable(found.draft), **approvals.trail(ask, found))


def export(ask: Ask) -> Response:
    """Hand out what people let leave by one draft, as the exchange's document."""
    attempt = access.begin(ask, EXPORTED)
    try:
        [found] = exported(_desk(ask), attempt, draft=ask.path["referral"])
    except Broken as error:
        return case_page(ask, status=409, refused=Forbidden(error.code))
    named = {"content-disposition": f'attachment; filename="{found["reference"]}.{found["revision"]}.json"'}
    return Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), media_type="application/json", headers=named)


def ask_identity(ask: Ask) -> Response:
    """Ask a custodian who reported."""
    try:
        identity.ask(ask.desk.engine, _by(ask), reason=ask.form.get("reason"))
    except Forbidden as error:
        if error.code in _SHUT_OUT:
            raise
        return again(ask, error)
    return access.back(ask, "identity_asked", "identity")


def _preview(ask: Ask, channel: str, refused: Forbidden | None = None) -> Response:
    attempt = access.begin(ask, PREVIEWED)
    with transaction(ask.desk.engine) as connection:
        case = head(connection, attempt.reference)
    if case is None:
        attempt.refuse("unknown_case")
    try:
        to = drafting.way(_desk(ask), case.policy, channel)
        with transaction(ask.desk.engine) as connection:
            shown = drafting.preview(connection, case, to, console_url=ask.desk.console_url)
    except Forbidden as error:
        attempt.note(f"refused_{error.code}")
        return case_page(ask, status=409, refused=error)
    attempt.note(detail=f"{channel}:{shown.plan.fields.revision}")
    known = to.now or to.decided
    status = 200 if refused is None else 422 if refused.code == "reason_malformed" else 409
    return show(
        ask,
        "approvals/preview.html",
        status,
        case=case,
        channel=channel,
        urgent=urgent(ask, case.facts, policy_of(ask, case)),
        sends=shown.sends,
        goes=destination(known, shown.plan.fields, shown.sends.payload.body if shown.sends else None),
        whom=channel,
        lacks=missing(to.decided, to.now, shown.plan.fields) if shown.sends is None else (),
        why=told(refused) if refused else None,
        mistake=told(refused) if refused and refused.code == "reason_malformed" else None,
    )


def _desk(ask: Ask) -> Desk:
    return Desk(ask.desk.engine, ask.desk.policies)


def _by(ask: Ask) -> By:
    # A form without a version is not from a page of ours: it saw nothing.
    seen = ask.form.get(access.VERSION) or "nothing"
    return By(ask.path["reference"], ask.viewer.handle, IN_CONSOLE, seen, ask.desk.limits.claim_s)


def chores(console: Console) -> list[tuple[Callable[[], None], float]]:
    """Return that drafts are looked after: their time is set and kept, and people are told."""
    return [(partial(drafting.tend, Desk(console.engine, console.policies), console.ring), TEND_EVERY_S)]


_CASE: Final = "/console/cases/{reference}"
PAGES = (
    page("GET", f"{_CASE}/draft", Right.WORK_ON_CASES, show_preview),
    page("POST", f"{_CASE}/draft", Right.WORK_ON_CASES, make, "channel digest reason version"),
    page("POST", f"{_CASE}/withdraw-draft", Right.WORK_ON_CASES, withdraw, "referral reason version"),
    page("GET", f"{_CASE}/drafts/{{referral}}", Right.WORK_ON_CASES, show_trail),
    page("GET", f"{_CASE}/drafts/{{referral}}/export", Right.WORK_ON_CASES, export),
    page("POST", f"{_CASE}/identity", Right.WORK_ON_CASES, ask_identity, "reason version"),
)
