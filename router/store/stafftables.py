"""Tables of the console: how staff sign in, what they may, what they write on a case, what they approve.

Free text of staff about a case is sealed to the case's key like a reporter's; in clear stand codes, ids and times.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from router.store.tables import audit, cases, metadata, moment, people, policies, referrals

__all__ = ["metadata"]


def _who(name: str = "handle", **options: Any) -> Column[Any]:
    return Column(name, Text, ForeignKey(people.c.handle), **options)


def _case(**options: Any) -> Column[Any]:
    return Column("reference", Text, ForeignKey(cases.c.reference), **options)


people_roles = Table(
    "people_roles",
    metadata,
    _who(primary_key=True),
    Column("role", Text, primary_key=True),
    Column("given_by", Text, nullable=False),
    moment("given_at", now=True),
    CheckConstraint("role in ('reviewer', 'approver', 'custodian', 'auditor', 'administrator')", name="role"),
)
"""What each person may do; looked up at each request, so that taking a role away works at once."""

suspended_teams = Table(
    "suspended_teams",
    metadata,
    _who(primary_key=True),
    Column("team", Text, primary_key=True),
    moment("since", now=True),
)
"""Teams whose key a person holds, and whose cases they may not see: single sign-on says they left the team."""

accounts = Table(
    "accounts",
    metadata,
    _who(primary_key=True),
    Column("password", Text, nullable=True),
    Column("must_change", Boolean, nullable=False, server_default="false"),
    Column("totp", LargeBinary, nullable=True),
    moment("totp_since", nullable=True),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    Column("failures", SmallInteger, nullable=False, server_default="0"),
    moment("locked_until", nullable=True),
    Column("issuer", Text, nullable=True),
    Column("subject", Text, nullable=True),
    moment("created_at", now=True),
    moment("changed_at", now=True),
    UniqueConstraint("issuer", "subject"),
    CheckConstraint("(issuer is null) = (subject is null)", name="subject"),
)
"""How each person signs in. `password` is Argon2id's own text; `totp` the second factor's secret, encrypted, confirmed
at `totp_since`; `totp_step` the last time step that was used, so that no code works twice. `issuer` and `subject` are
single sign-on's.
"""

recovery_codes = Table(
    "recovery_codes",
    metadata,
    _who(primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    moment("used_at", nullable=True),
)
"""Single-use codes instead of the second factor: digests of random ones, so no slow hash is needed."""

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    _who(nullable=False, index=True),
    Column("stage", Text, nullable=False),
    Column("way", Text, nullable=False),
    moment("begun_at", now=True),
    moment("seen_at", now=True),
    moment("ends_at"),
    Column("unlocked", LargeBinary, nullable=True),
    moment("unlocked_until", nullable=True),
    CheckConstraint("stage in ('password', 'enrol', 'full')", name="stage"),
    CheckConstraint("way in ('local', 'oidc')", name="way"),
    CheckConstraint("(unlocked is null) = (unlocked_until is null)", name="unlocked"),
)
"""Who is signed in. `id` is a digest of the cookie; `unlocked` the member's private key under a key that only the
cookie gives, until `unlocked_until`. `stage` says what is still missing before any page opens: the second factor
(`password`), or setting it up (`enrol`).
"""

saved_views = Table(
    "saved_views",
    metadata,
    _who(primary_key=True),
    Column("name", Text, primary_key=True),
    Column("query", Text, nullable=False),
    moment("saved_at", now=True),
)
"""Filters of the queue under a name, each person's own."""

case_views = Table(
    "case_views",
    metadata,
    _who(primary_key=True),
    _case(primary_key=True),
    Column("version", Integer, nullable=False),
    moment("seen_at", now=True),
)
"""Up to which version somebody has seen a case: what is newer is unread."""

recusals = Table(
    "recusals",
    metadata,
    _case(primary_key=True),
    _who(primary_key=True),
    moment("at", now=True),
)
"""Who took themselves out of a case; insert only."""

case_notes = Table(
    "case_notes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _case(nullable=False, index=True),
    Column("kind", Text, nullable=False),
    moment("written_at", now=True),
    _who("written_by", nullable=False),
    Column("suite", Text, nullable=False),
    Column("blob", LargeBinary, nullable=False),
    _who("assigned_to", nullable=True),
    moment("due_at", nullable=True),
    moment("done_at", nullable=True),
    _who("done_by", nullable=True),
    CheckConstraint("kind in ('note', 'task', 'hand_over')", name="kind"),
    CheckConstraint("(done_at is null) = (done_by is null)", name="done"),
)
"""Notes, tasks and words at a hand-over: their text sealed to the case's key."""

sealed_messages = Table(
    "sealed_messages",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _case(nullable=False, index=True),
    moment("written_at", now=True),
    Column("from_staff", Boolean, nullable=False),
    Column("suite", Text, nullable=False),
    Column("for_case", LargeBinary, nullable=False),
    Column("for_receipt", LargeBinary, nullable=True),
    Column("kind", Text, nullable=False),
    _who("written_by", nullable=True),
    Column("mark", LargeBinary, nullable=True, unique=True),
    CheckConstraint(
        "case when from_staff then kind in ('acknowledgement', 'question', 'feedback')"
        " else kind in ('answer', 'addition', 'withdrawal') end",
        name="kind",
    ),
    CheckConstraint("from_staff = (written_by is not null) and from_staff = (for_receipt is not null)", name="staff"),
)
"""The dialogue: each message sealed to the case's key, and staff's also to the receipt's. The reporter's own have no
writer, and a `mark` by which the same one is known when it comes twice."""
Index(
    "sealed_messages_withdrawal_idx",
    sealed_messages.c.reference,
    unique=True,
    postgresql_where=text("kind = 'withdrawal'"),
)

behalf_links = Table(
    "behalf_links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    _who(nullable=False),
    moment("made_at", now=True),
    moment("ends_at"),
    moment("used_at", nullable=True),
    _case(nullable=True),
)
"""Single-use links by which a member of staff writes down what a reporter tells them, in the public part."""

earlier_decisions = Table(
    "earlier_decisions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _case(nullable=False, index=True),
    Column("policy", Text, ForeignKey(policies.c.digest), nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("decision", JSONB, nullable=False),
    moment("replaced_at", now=True),
    Column("replaced_by", Text, nullable=False),
)
"""What a case was decided of and by before it was re-routed; insert only. The audit has a digest of each."""

drafts = Table(
    "drafts",
    metadata,
    Column("referral", Text, ForeignKey(referrals.c.id), primary_key=True),
    moment("drafted_at", now=True),
    Column("drafted_by", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("digest", Text, nullable=False),
    Column("body", LargeBinary, nullable=True),
    Column("needed", SmallInteger, nullable=False),
    moment("expires_at"),
    moment("ended_at", nullable=True),
    Column("ended", Text, nullable=True),
    CheckConstraint("ended in ('approved', 'refused', 'expired', 'withdrawn', 'replaced')", name="ended"),
    CheckConstraint("(ended_at is null) = (ended is null)", name="end"),
    CheckConstraint("needed >= 1", name="needed"),
)
"""What waits for approvals: `digest` is of the exact bytes, kept in `body`, and the channel that were shown, so that a
change is a draft that must be approved again. `drafted_by` is a person, who said the `reason`, or the policy. A trigger
lets no referral leave its draft unless it `ended` approved, by enough people.
"""
Index("drafts_open_idx", drafts.c.expires_at, postgresql_where=text("ended_at is null"))
Index("referrals_draft_idx", referrals.c.first_due_at, referrals.c.id, postgresql_where=text("state = 'draft'"))

approvals = Table(
    "approvals",
    metadata,
    Column("referral", Text, ForeignKey(drafts.c.referral), primary_key=True),
    Column("digest", Text, primary_key=True),
    _who(primary_key=True),
    Column("verdict", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    moment("at", now=True),
    CheckConstraint("verdict in ('approved', 'refused')", name="verdict"),
)
"""Who said what of which bytes; insert only."""

identity_requests = Table(
    "identity_requests",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _case(nullable=False, index=True),
    _who("asked_by", nullable=False),
    moment("asked_at", now=True),
    Column("reason", Text, nullable=False),
    moment("expires_at"),
    _who("decided_by", nullable=True),
    moment("decided_at", nullable=True),
    Column("verdict", Text, nullable=True),
    Column("decided_reason", Text, nullable=True),
    CheckConstraint("verdict in ('granted', 'refused', 'expired')", name="verdict"),
    CheckConstraint("decided_by <> asked_by", name="other"),
)
"""Who asked to learn who reported, why, and what a custodian said. Reasons are staff's own words about why they need
it: 3 to 200 characters, nothing of a concern. `expires_at` is when it lapses undecided, then until when it is granted.
"""
_UNDECIDED = text("verdict is null")
Index(
    "identity_requests_open_idx",
    *(identity_requests.c.reference, identity_requests.c.asked_by),
    unique=True,
    postgresql_where=_UNDECIDED,
)

_OTHERS = text("action not in ('case_received', 'referral_sent')")
"""Nearly all lines of the audit tell of a case that came in or was sent; what else was done is read through these."""
Index("audit_others_idx", audit.c.id, postgresql_where=_OTHERS)
Index("audit_actor_idx", audit.c.actor, audit.c.id, postgresql_where=_OTHERS)
Index("audit_action_idx", audit.c.action, audit.c.id, postgresql_where=_OTHERS)
Index("audit_refused_idx", audit.c.id, postgresql_where=text("left(outcome, 7) in ('refused', 'failed_')"))
