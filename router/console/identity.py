"""A reviewer asks to learn who reported a case; a custodian says whether. The reporter is told of every yes.

Whoever asks does not decide, nor does anybody who is involved. Opens nothing: what was granted lets the opening show
the contact, to that person alone and for some days. Each act and its audit entry are one transaction.
"""

from typing import Final

from sqlalchemy import Connection, Engine

from router.console.acting import By, act, begin
from router.console.attempt import attempted
from router.console.involved import why_not
from router.console.policies import Policies
from router.errors import Forbidden
from router.keyrecords import normal_handle
from router.model import AuditEntry
from router.store import identities, progress
from router.store.audit import note
from router.store.engine import transaction
from router.store.identities import Request
from router.store.progress import Access, Standing
from router.triage.policy import Policy
from router.vocabulary import Role

ASKED: Final = "identity_asked"
GRANTED: Final = "identity_granted"
REFUSED: Final = "identity_refused"
EXPIRED: Final = "identity_expired"


def ask(engine: Engine, by: By, *, reason: str) -> int:
    """Ask a custodian; return the request. Raises Forbidden with a code, audited."""
    attempt = begin(engine, ASKED, by)
    why = attempt.check_reason(reason)
    made: list[int] = []
    lapse(engine)

    def change(connection: Connection, case: Standing, who: str) -> bool:
        if not identities.has_custodians(connection):
            raise Forbidden("no_custodian")
        if identities.may_see_contact(connection, case.reference, who):
            raise Forbidden("already_granted")
        request = identities.ask(connection, case.reference, who, why)
        if request is not None:
            made.append(request)
        return request is not None

    act(
        engine,
        ASKED,
        by,
        change=change,
        why_not=lambda _case: Forbidden("already_asked"),
        detail=lambda _case: f"{why} ",
        ready=attempt,
    )
    return made[0]


def decide(engine: Engine, policies: Policies, *, request: int, handle: str, grant: bool, reason: str) -> Request:
    """Say whether whoever asked may learn who reported. Raises Forbidden with a code, audited."""
    who = normal_handle(handle) or ""
    with transaction(engine) as connection:
        found = identities.find(connection, request)
    action = GRANTED if grant else REFUSED
    attempt = attempted(engine, action, kind="person", handle=who, reference=found.reference if found else "")
    if found is None:
        attempt.refuse("unknown_request")
    why = attempt.check_reason(reason)
    policy = policies.of(found.policy)
    about = f"person:{found.asked_by}"
    try:
        with transaction(engine) as connection:
            # The case first, as everything else that is done with it: a conflict is found before this, or after it.
            progress.standing(connection, found.reference)
            _check(connection, policy, identities.find(connection, request, lock=True), who, grant=grant)
            verdict = "granted" if grant else "refused"
            identities.decide(connection, request, handle=who, verdict=verdict, reason=why)
            note(connection, [attempt.entry(detail=f"{about} {why}")])
    except Forbidden as error:
        attempt.note(f"refused_{error.code}", about)
        raise
    return found


def why_not_decide(connection: Connection, policy: Policy, request: Request, who: str) -> str | None:
    """Return the code of why this person has no say about the request; None if they have."""
    if request.asked_by == who:
        return "asked_it"
    return why_not(connection, policy, request.reference, who, Role.CUSTODIAN)


def _check(connection: Connection, policy: Policy, request: Request | None, who: str, *, grant: bool) -> None:
    if request is None:
        raise Forbidden("unknown_request")
    if request.stands != "waiting":
        raise Forbidden("request_expired" if request.stands == "expired" else "already_decided")
    if code := why_not_decide(connection, policy, request, who):
        raise Forbidden(code)
    if grant and progress.access(connection, request.reference, request.asked_by) is not Access.READER:
        raise Forbidden("asker_may_not")


def lapse(engine: Engine) -> None:
    """End requests that nobody decided in time. A chore, and done before each new one."""
    with transaction(engine) as connection:
        over = identities.lapse(connection)
        note(connection, [AuditEntry("clock", EXPIRED, reference, detail=f"person:{who}") for reference, who in over])
