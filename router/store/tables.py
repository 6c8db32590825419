"""Tables and constraints of the one database, but for the console's own; who may touch what stands in `grants.py`.

All times are PostgreSQL's `timestamptz`. Nothing in clear here was written by a reporter
except the facts, which are codes, ids and times.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)


def moment(name: str, *, nullable: bool = False, now: bool = False) -> Column[object]:
    """Return a column for a time; with `now` the database's own when the row is made."""
    default = text("clock_timestamp()") if now else None
    return Column(name, DateTime(timezone=True), nullable=nullable, server_default=default)


clients = Table(
    "clients",
    metadata,
    Column("name", Text, primary_key=True),
    Column("token_digest", LargeBinary, nullable=False, unique=True),
    Column("quota_per_minute", Integer, nullable=False),
    moment("created_at", now=True),
    moment("revoked_at", nullable=True),
)
"""Machine clients; the token itself is shown once and never stored."""

policies = Table(
    "policies",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("channels", Text, nullable=False),
    moment("stored_at", now=True),
)
"""Every policy that was ever active, as the two files were written."""

policy_activations = Table(
    "policy_activations",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("digest", Text, ForeignKey(policies.c.digest), nullable=False),
    moment("activated_at", now=True),
)
"""The last row is the active policy; insert only."""

people = Table(
    "people",
    metadata,
    Column("handle", Text, primary_key=True),
    moment("created_at", now=True),
    moment("disabled_at", nullable=True),
)
"""Staff who may open cases; their keys stand in `member_keys`."""

recipient_keys = Table(
    "recipient_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("public", LargeBinary, nullable=False),
    moment("created_at", now=True),
    moment("retired_at", nullable=True),
)
"""Public keys that case keys are sealed to: one active per team, one for `recovery`."""
_ACTIVE = text("retired_at is null")
Index("recipient_keys_active_idx", recipient_keys.c.owner, unique=True, postgresql_where=_ACTIVE)

member_keys = Table(
    "member_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("handle", Text, ForeignKey(people.c.handle), nullable=False),
    Column("suite", Text, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("wrapped_private", LargeBinary, nullable=False),
    Column("kdf", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    moment("created_at", now=True),
    moment("retired_at", nullable=True),
)
"""A member's private key, encrypted under Argon2id of a passphrase that nobody stores."""
Index("member_keys_active_idx", member_keys.c.handle, unique=True, postgresql_where=_ACTIVE)

team_key_wraps = Table(
    "team_key_wraps",
    metadata,
    Column("team_key_id", Text, ForeignKey(recipient_keys.c.key_id), primary_key=True),
    Column("member_key_id", Text, ForeignKey(member_keys.c.key_id), primary_key=True),
    Column("suite", Text, nullable=False),
    Column("blob", LargeBinary, nullable=False),
)
"""A team's private key, sealed to each member's public key."""

cases = Table(
    "cases",
    metadata,
    Column("reference", Text, primary_key=True),
    moment("received_at"),
    Column("client", Text, ForeignKey(clients.c.name), nullable=True),
    Column("state", Text, nullable=False, server_default="open"),
    moment("claimed_at", nullable=True),
    Column("claimed_by", Text, ForeignKey(people.c.handle), nullable=True),
    moment("acknowledged_at", nullable=True),
    moment("feedback_at", nullable=True),
    moment("claim_until", nullable=True),
    moment("closed_at", nullable=True),
    Column("outcome", Text, nullable=True),
    moment("held_at", nullable=True),
    Column("held_by", Text, ForeignKey(people.c.handle), nullable=True),
    Column("version", Integer, nullable=False, server_default="0"),
    moment("changed_at", now=True),
    moment("reporter_wrote_at", nullable=True),
    Column("category", Text, nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("site", Text, nullable=True),
    Column("route", Text, nullable=False),
    Column("policy", Text, ForeignKey(policies.c.digest), nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("decision", JSONB, nullable=False),
    moment("claim_by"),
    moment("decide_by"),
    moment("acknowledge_by", nullable=True),
    moment("feedback_by", nullable=True),
    Column("suite", Text, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("receipt_lookup", LargeBinary, nullable=True, unique=True),
    Column("receipt_public", LargeBinary, nullable=True),
    CheckConstraint("state in ('open', 'closed', 'withdrawn')", name="state"),
    CheckConstraint("(claimed_at is null) = (claimed_by is null)", name="claim"),
    CheckConstraint("(held_at is null) = (held_by is null)", name="held"),
    CheckConstraint("(receipt_lookup is null) = (receipt_public is null)", name="receipt"),
)
"""One concern each. `public` is the case's own public key; nobody stores its private half in clear.
While `held_at` is set nothing of it may be deleted. `reporter_wrote_at` is when the reporter wrote last, as long as
nobody has read that. Triggers keep `version` and `changed_at`, not of `claim_until`."""
Index("cases_received_idx", cases.c.received_at, cases.c.reference)
Index("cases_lapse_idx", cases.c.claim_until, postgresql_where=text("claim_until is not null"))

case_duplicate_keys = Table(
    "case_duplicate_keys",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("reference", Text, ForeignKey(cases.c.reference), primary_key=True),
    moment("received_at"),
    Column("within_s", Integer, nullable=False),
)
"""What makes two cases look like one: those that share a key within the time are shown with each other."""
Index("case_duplicate_keys_case_idx", case_duplicate_keys.c.reference)

case_conflicts = Table(
    "case_conflicts",
    metadata,
    Column("reference", Text, ForeignKey(cases.c.reference), primary_key=True),
    Column("team", Text, primary_key=True),
    moment("found_at", now=True),
    Column("found_by", Text, nullable=False),
)
"""Teams found to be involved after the case was decided; insert only."""

case_key_wraps = Table(
    "case_key_wraps",
    metadata,
    Column("reference", Text, ForeignKey(cases.c.reference), primary_key=True),
    Column("key_id", Text, ForeignKey(recipient_keys.c.key_id), primary_key=True),
    Column("suite", Text, nullable=False),
    Column("blob", LargeBinary, nullable=False),
)
"""The case's private key, sealed to each deciding team and to recovery. Deleting all shreds the case."""

sealed_contents = Table(
    "sealed_contents",
    metadata,
    Column("reference", Text, ForeignKey(cases.c.reference), primary_key=True),
    Column("suite", Text, nullable=False),
    Column("blob", LargeBinary, nullable=False),
)
"""Narrative and contact, padded, sealed to the case's public key."""

referrals = Table(
    "referrals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("reference", Text, nullable=False),
    Column(
        "case_reference",
        Text,
        ForeignKey(cases.c.reference),
        Computed("case when reference like 'CR-%' then reference end", persisted=True),
        nullable=True,
    ),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("policy", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("notice", Text, nullable=True),
    Column("awaited", Text, nullable=True),
    Column("about", Text, nullable=True),
    Column("kept_from", ARRAY(Text), nullable=False, server_default="{}"),
    Column("instead_of", Text, nullable=True),
    moment("first_due_at", now=True),
    moment("due_at", now=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lease_no", Integer, nullable=False, server_default="0"),
    moment("leased_at", nullable=True),
    moment("lease_until", nullable=True),
    moment("settled_at", nullable=True),
    moment("acknowledged_at", nullable=True),
    Column("remote_id", Text, nullable=True),
    Column("outcome", Text, nullable=True),
    Column("proof", Text, nullable=True),
    Column("unsure", SmallInteger, nullable=False, server_default="0"),
    moment("retried_at", nullable=True),
    Column("retried_after", Integer, nullable=False, server_default="0"),
    moment("look_at", nullable=True),
    Column("looks", SmallInteger, nullable=False, server_default="0"),
    Column("ticket", Text, nullable=True),
    moment("ticket_at", nullable=True),
    Column("reopens", SmallInteger, nullable=False, server_default="0"),
    moment("case_closed_at", nullable=True),
    UniqueConstraint("reference", "channel", "revision"),
    CheckConstraint(
        "state in ('draft', 'standby', 'due', 'leased', 'in_hand', 'sent', 'acknowledged', 'recalled', 'dead')",
        name="state",
    ),
    CheckConstraint("(state = 'leased') <= (lease_until is not null)", name="lease"),
    CheckConstraint("reference ~ '^(CR|DRILL|NOTICE)-'", name="reference"),
    CheckConstraint("proof in ('accepted', 'visible', 'acknowledged')", name="proof"),
    CheckConstraint("ticket in ('open', 'resolved', 'reopened')", name="ticket"),
)
"""The outbox and the ledger. `fields` is the channel's projection: all that a worker ever sees of a case.

A drill or a notice has a reference of its own kind and belongs to no case. `awaited` says what keeps a
standby row from being sent once it was done; `notice` what the row says beside the facts, and `about` of which channel,
if it is about the router's own work; `kept_from` which teams in conflict must not read it; `instead_of` which channel's
failure it waits for. `proof` is what the channel showed; `unsure` how often it must still be seen to have nothing
before anything is made there; from `retried_at` on, `retried_after` attempts, a person's retry counts time and tries
anew; `look_at` is when the far side is looked at next, after `looks` looks. `ticket` is what the ticket was last seen
to be, since `ticket_at`, and `reopens` how often we opened it again; `case_closed_at` tells the worker, who sees no
case, that the case is closed.
"""
_OPEN = text("state in ('due', 'leased')")
Index("referrals_open_idx", referrals.c.channel, referrals.c.due_at, postgresql_where=_OPEN)
Index("referrals_drills_idx", referrals.c.first_due_at, postgresql_where=text("notice = 'drill'"))
Index("referrals_look_idx", referrals.c.channel, referrals.c.look_at, postgresql_where=text("look_at is not null"))
Index("referrals_dead_idx", referrals.c.channel, referrals.c.settled_at, postgresql_where=text("state = 'dead'"))
Index(
    "referrals_about_idx",
    *(referrals.c.about, referrals.c.notice, referrals.c.first_due_at),
    postgresql_where=text("about is not null"),
)
_DISAGREES = text("(ticket = 'resolved') = (case_closed_at is null)")
Index("referrals_disagrees_idx", referrals.c.channel, referrals.c.ticket_at, postgresql_where=_DISAGREES)
Index(
    "referrals_remote_idx",
    *(referrals.c.channel, referrals.c.remote_id),
    postgresql_where=text("state in ('sent', 'acknowledged') and remote_id is not null"),
)
_ODD = text("outcome in ('gone', 'second_closed', 'second_left')")
Index("referrals_odd_idx", referrals.c.channel, referrals.c.first_due_at, postgresql_where=_ODD)
Index("referrals_standby_idx", referrals.c.due_at, postgresql_where=text("state = 'standby'"))

attempts = Table(
    "attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("referral", Text, ForeignKey(referrals.c.id), nullable=False, index=True),
    Column("attempt", Integer, nullable=False),
    moment("started_at"),
    moment("ended_at", now=True),
    Column("took_ms", Integer, nullable=True),
    Column("outcome", Text, nullable=False),
    Column("remote_id", Text, nullable=True),
)
"""One line per try that ended; never a reply's body. `started_at` and `took_ms` are by the worker's clock."""

channel_states = Table(
    "channel_states",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("breaker", Text, nullable=False, server_default="closed"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("opened", Integer, nullable=False, server_default="0"),
    moment("since", now=True),
    moment("until", nullable=True),
    Column("code", Text, nullable=True),
    Column("named", Text, nullable=True),
    Column("tokens", Double, nullable=True),
    moment("tokens_at", nullable=True),
    Column("checked", Text, nullable=True),
    moment("checked_at", nullable=True),
    moment("poll_at", nullable=True),
    moment("polled_to", nullable=True),
    CheckConstraint("breaker in ('closed', 'open', 'half_open')", name="breaker"),
    CheckConstraint("(breaker = 'closed') = (until is null)", name="until"),
)
"""How each channel does, over all workers: its circuit breaker, its rate limit's bucket, its last check.
`failures` in a row; `opened` how often in a row it opened without a success between; `since` when the breaker last
changed; `until` when an open one lets a probe through, or a probe's own time is over; `code` and `named` why it
opened. `checked` is the digest of the channel's settings that passed their check. `poll_at` is when the far side is
next asked what changed there; all up to `polled_to` was heard.
"""

hints = Table(
    "hints",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("seal", LargeBinary, primary_key=True),
    Column("delivery", LargeBinary, nullable=True),
    Column("remote_id", Text, nullable=False),
    moment("received_at", now=True),
    moment("taken_at", nullable=True),
    UniqueConstraint("channel", "delivery"),
)
"""What a ticket system said of a ticket over there: look at it. `seal` and `delivery` are digests of the signature and
of the system's own mark of the message: by both, one that comes again is known. Kept for days after it was taken."""
Index("hints_untaken_idx", hints.c.channel, hints.c.received_at, postgresql_where=text("taken_at is null"))
Index("hints_received_idx", hints.c.received_at)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    moment("stored_at", now=True),
)
"""Answers to repeat, encrypted under the raw key that only the sender has; purged after 24 hours."""
Index("idempotency_stored_idx", idempotency.c.stored_at)

audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    moment("at", now=True),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("seq", BigInteger, nullable=True, unique=True),
    Column("hash", LargeBinary, nullable=True),
)
"""Inserted unchained with the change it tells of; the chainer sets `seq` and `hash` once, after the commit."""
Index("audit_object_idx", audit.c.object, audit.c.id)
Index("audit_unchained_idx", audit.c.id, postgresql_where=text("seq is null"))

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True),
    Column("head", LargeBinary, nullable=False),
    moment("at"),
    Column("signature", LargeBinary, nullable=False),
)
"""Signed statements of how long the chain was and where it ended; copied to a file outside."""
