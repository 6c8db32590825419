"""Makers of harmless data: what a test does not name is filled in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from router import clock
from router.keyrecords import KeyWrap, Sealed, SealedCase
from router.model import Deadlines, Decision, Facts, IdempotentAnswer, NewCase, PlannedReferral, Referral
from router.store.engine import connect, transaction
from router.store.tables import policies, recipient_keys
from router.vocabulary import Login, NoticedHow, ReferralState, Severity
from tests.conftest import Database

POLICY = "a" * 64
KEY = "team-key-1"


@contextmanager
def login(database: Database, kind: Login) -> Iterator[Engine]:
    """Yield an engine with one login's rights."""
    engine = connect(database.dsn(kind), process=f"test-{kind}")
    try:
        yield engine
    finally:
        engine.dispose()


def prepare(database: Database) -> None:
    """Store the policy and the recipient key that made cases refer to."""
    engine = connect(database.owner_dsn, process="test-owner")
    with transaction(engine) as connection:
        connection.execute(insert(policies).values(digest=POLICY, policy="", channels=""))
        connection.execute(insert(recipient_keys).values(key_id=KEY, owner="recovery", suite="s", public=b"p"))
    engine.dispose()


def a_case(
    *,
    channels: tuple[str, ...] = ("desk",),
    state: ReferralState = ReferralState.DUE,
    key: bytes | None = None,
    body: bytes = b"body",
    facts: dict[str, Any] | None = None,
) -> NewCase:
    """Return a case with one referral to each channel."""
    reference, now = clock.new_reference(), clock.now()
    sealed = Sealed("s", b"sealed")
    planned = tuple(
        PlannedReferral(
            channel=channel, kind="webhook", state=state, fields=Referral(reference=reference, category="other")
        )
        for channel in channels
    )
    return NewCase(
        reference=reference,
        received_at=now,
        client_id=None,
        facts=Facts(category="other", noticed_how=NoticedHow.HELPDESK_REPAIR, **(facts or {})),
        decision=Decision(
            policy=POLICY,
            severity=Severity.LOW,
            route="fallback",
            teams=("security",),
            avoided=(),
            deadlines=Deadlines(claim_by=now + timedelta(days=1), decide_by=now + timedelta(days=9)),
            referrals=planned,
            trace=(),
        ),
        sealed=SealedCase("s", b"public", (KeyWrap(KEY, sealed),), sealed),
        receipt=None,
        idempotent=IdempotentAnswer(key, body, b"answer to " + reference.encode()) if key else None,
    )


def change(connection: Connection, statement: str, **values: object) -> None:
    """Run one statement of the test's own."""
    connection.execute(text(statement), values)
