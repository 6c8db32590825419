"""What was kept of what left: until when, by the law of the case's own policy; and a reviewer who opens it.

The clock says until when, and deletes it when that has passed and nobody holds the case: the database refuses all else.
Whoever opens a copy says why, and the audit knows before they see it.
"""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Engine

from router.console.attempt import Attempt
from router.console.opening import Reader, hold_key, still_opening
from router.console.policies import Policies
from router.errors import RouterError, SealBroken
from router.model import AuditEntry
from router.store import preserved
from router.store.audit import note
from router.store.engine import transaction
from router.store.preserved import Preserved
from router.triage.clocks import months_after
from router.triage.legal import Law

OPENED: Final = "outside_kept_opened"
DATED: Final = "outside_kept_until"
LET_GO: Final = "outside_kept_let_go"
CLOCK: Final = "clock"
AT_ONCE: Final = 200
"""Looked at in one transaction; there are few of them."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A copy that was opened, for one answer."""

    kept: Preserved
    body: bytes = field(repr=False)

    @property
    def written(self) -> str:
        """The bytes as text."""
        return self.body.decode("utf-8", "backslashreplace")


def tend(engine: Engine, policies: Policies) -> None:
    """Say until when new copies are kept, and let go those whose time has passed. A chore: done again.

    A copy whose policy this version cannot read stays without an end: better too long than gone.
    """
    with transaction(engine) as connection:
        for one, policy in preserved.undated(connection, AT_ONCE):
            law = _law(policies, policy)
            if law is None:
                continue
            until = months_after(one.kept_at, law.preserve_months)
            preserved.keep(connection, one.id, until)
            note(connection, [_entry(DATED, one, f" {until:%Y-%m-%d} {law.profile}")])
    with transaction(engine) as connection:
        gone = preserved.let_go(connection, AT_ONCE)
        note(connection, [_entry(LET_GO, one) for one in gone])


def _law(policies: Policies, digest: str) -> Law | None:
    try:
        return policies.of(digest).law
    except RouterError:
        return None


def _entry(action: str, one: Preserved, more: str = "") -> AuditEntry:
    return AuditEntry(CLOCK, action, one.reference, detail=_named(one) + more)


def open_kept(attempt: Attempt, reader: Reader, number: int, *, reason: str) -> Opened:
    """Return a copy of the attempt's case, after committing that it is opened and why.

    Raises Forbidden (`unknown_kept`) and SealBroken, each audited; also when the copy is not the one that was kept.
    """
    key = hold_key(attempt, reader)
    with still_opening(attempt) as connection:
        found = preserved.find(connection, number)
        mine = found if found is not None and found[0].reference == attempt.reference else None
        known = mine is not None and preserved.untouched(connection, attempt.reference, mine[1])
        note(connection, [attempt.entry(detail=f"{_named(mine[0])} {reason}")] if mine else [])
    if mine is None:
        attempt.refuse("unknown_kept")
    one, sealed = mine
    try:
        body = key.kept(one.referral, one.part, sealed)
    except SealBroken as error:
        attempt.note(f"failed_{error.code}", _named(one))
        raise
    if not known:
        # The case's public key is no secret: what opens need not have been kept by us.
        attempt.note("failed_content_replaced", _named(one))
        raise SealBroken("content_replaced")
    return Opened(one, body)


def _named(one: Preserved) -> str:
    return f"{one.channel}:{one.revision} {one.part}"
