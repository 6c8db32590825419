"""First schema: configuration, staff's keys, cases, sealed texts, the outbox, the audit."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_configuration()
    _create_staff()
    _create_cases()
    _create_sealed()
    _create_delivery()
    _create_audit()


def _create_configuration() -> None:
    op.create_table(
        "clients",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("quota_per_minute", sa.Integer(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("clients_pkey")),
        sa.UniqueConstraint("token_digest", name=op.f("clients_token_digest_key")),
    )
    op.create_table(
        "policies",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("policies_pkey")),
    )
    op.create_table(
        "policy_activations",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "activated_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(["digest"], ["policies.digest"], name=op.f("policy_activations_digest_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("policy_activations_pkey")),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("idempotency_pkey")),
    )
    op.create_index("idempotency_stored_idx", "idempotency", ["stored_at"], unique=False)


def _create_staff() -> None:
    op.create_table(
        "people",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("handle", name=op.f("people_pkey")),
    )
    op.create_table(
        "recipient_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("recipient_keys_pkey")),
    )
    op.create_table(
        "member_keys",
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_private", sa.LargeBinary(), nullable=False),
        sa.Column("kdf", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("member_keys_handle_fkey")),
        sa.PrimaryKeyConstraint("key_id", name=op.f("member_keys_pkey")),
    )
    op.create_table(
        "team_key_wraps",
        sa.Column("team_key_id", sa.Text(), nullable=False),
        sa.Column("member_key_id", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_key_id"], ["member_keys.key_id"], name=op.f("team_key_wraps_member_key_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["team_key_id"], ["recipient_keys.key_id"], name=op.f("team_key_wraps_team_key_id_fkey")
        ),
        sa.PrimaryKeyConstraint("team_key_id", "member_key_id", name=op.f("team_key_wraps_pkey")),
    )


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("client", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("severity", sa.SmallInteger(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("decision", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("respond_by", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acknowledge_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("feedback_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("receipt_lookup", sa.LargeBinary(), nullable=True),
        sa.Column("receipt_public", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("state in ('open', 'closed', 'withdrawn')", name=op.f("cases_state_check")),
        sa.CheckConstraint("(receipt_lookup is null) = (receipt_public is null)", name=op.f("cases_receipt_check")),
        sa.ForeignKeyConstraint(["client"], ["clients.name"], name=op.f("cases_client_fkey")),
        sa.ForeignKeyConstraint(["policy"], ["policies.digest"], name=op.f("cases_policy_fkey")),
        sa.PrimaryKeyConstraint("reference", name=op.f("cases_pkey")),
        sa.UniqueConstraint("receipt_lookup", name=op.f("cases_receipt_lookup_key")),
    )
    op.create_index("cases_queue_idx", "cases", [sa.text("severity DESC"), "received_at", "reference"], unique=False)


def _create_sealed() -> None:
    op.create_table(
        "case_key_wraps",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["key_id"], ["recipient_keys.key_id"], name=op.f("case_key_wraps_key_id_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("case_key_wraps_reference_fkey")),
        sa.PrimaryKeyConstraint("reference", "key_id", name=op.f("case_key_wraps_pkey")),
    )
    op.create_table(
        "sealed_contents",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("sealed_contents_reference_fkey")),
        sa.PrimaryKeyConstraint("reference", name=op.f("sealed_contents_pkey")),
    )
    op.create_table(
        "sealed_messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column(
            "written_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("from_staff", sa.Boolean(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("for_case", sa.LargeBinary(), nullable=False),
        sa.Column("for_receipt", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("sealed_messages_reference_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("sealed_messages_pkey")),
    )
    op.create_index(op.f("sealed_messages_reference_idx"), "sealed_messages", ["reference"], unique=False)


def _create_delivery() -> None:
    op.create_table(
        "referrals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "first_due_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.CheckConstraint("(state = 'leased') <= (lease_until is not null)", name=op.f("referrals_lease_check")),
        sa.CheckConstraint(
            "state in ('draft', 'standby', 'due', 'leased', 'sent', 'acknowledged', 'recalled', 'dead')",
            name=op.f("referrals_state_check"),
        ),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("referrals_reference_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("referrals_pkey")),
        sa.UniqueConstraint("reference", "channel", "revision", name=op.f("referrals_reference_channel_revision_key")),
    )
    op.create_index(
        "referrals_open_idx",
        "referrals",
        ["channel", "due_at"],
        unique=False,
        postgresql_where=sa.text("state in ('due', 'leased')"),
    )
    op.create_index(
        "referrals_standby_idx", "referrals", ["due_at"], unique=False, postgresql_where=sa.text("state = 'standby'")
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["referral"], ["referrals.id"], name=op.f("attempts_referral_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("attempts_pkey")),
    )
    op.create_index(op.f("attempts_referral_idx"), "attempts", ["referral"], unique=False)


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("audit_pkey")),
        sa.UniqueConstraint("seq", name=op.f("audit_seq_key")),
    )
    op.create_index(
        "audit_received_idx", "audit", ["object"], unique=False, postgresql_where=sa.text("action = 'case_received'")
    )
    op.create_index("audit_unchained_idx", "audit", ["id"], unique=False, postgresql_where=sa.text("seq is null"))
    op.create_table(
        "audit_checkpoints",
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("audit_checkpoints_pkey")),
    )


def downgrade() -> None:
    for table in (
        "audit_checkpoints",
        "audit",
        "attempts",
        "referrals",
        "sealed_messages",
        "sealed_contents",
        "case_key_wraps",
        "cases",
        "team_key_wraps",
        "member_keys",
        "recipient_keys",
        "people",
        "idempotency",
        "policy_activations",
        "policies",
        "clients",
    ):
        op.drop_table(table)
