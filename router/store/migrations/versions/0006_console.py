"""What the console needs: roles, accounts, sessions, and what staff see and write of cases.

Whoever could open cases before is a reviewer and an administrator: nobody else is there to give roles. Claims made
before never end by themselves. Adds columns to `cases` without rewriting it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
TABLES = (
    "earlier_decisions",
    *("identity_requests", "approvals", "drafts", "behalf_links", "case_notes", "recusals", "case_views"),
    *("saved_views", "console_sessions", "recovery_codes", "accounts", "suspended_teams", "people_roles"),
)


def upgrade() -> None:
    _staff()
    _work()
    _records()
    _approvals()
    _columns()
    _audit()
    op.execute("""
        insert into people_roles (handle, role, given_by)
        select p.handle, role, 'migration' from people p, unnest(array['reviewer', 'administrator']) as role
        where exists (select from member_keys m where m.handle = p.handle)""")


def _staff() -> None:
    """How staff sign in."""
    op.create_table(
        "accounts",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("must_change", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_since", MOMENT, nullable=True),
        sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("changed_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("(issuer is null) = (subject is null)", name=op.f("accounts_subject_check")),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("accounts_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", name=op.f("accounts_pkey")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("accounts_issuer_subject_key")),
    )
    _sessions()


def _sessions() -> None:
    """Who is signed in, and what they may besides."""
    op.create_table(
        "console_sessions",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("seen_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("unlocked", sa.LargeBinary(), nullable=True),
        sa.Column("unlocked_until", MOMENT, nullable=True),
        sa.CheckConstraint("stage in ('password', 'enrol', 'full')", name=op.f("console_sessions_stage_check")),
        sa.CheckConstraint("way in ('local', 'oidc')", name=op.f("console_sessions_way_check")),
        sa.CheckConstraint(
            "(unlocked is null) = (unlocked_until is null)", name=op.f("console_sessions_unlocked_check")
        ),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("console_sessions_handle_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("console_sessions_pkey")),
    )
    op.create_index(op.f("console_sessions_handle_idx"), "console_sessions", ["handle"], unique=False)
    op.create_table(
        "people_roles",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "role in ('reviewer', 'approver', 'custodian', 'auditor', 'administrator')",
            name=op.f("people_roles_role_check"),
        ),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("people_roles_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "role", name=op.f("people_roles_pkey")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("recovery_codes_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "digest", name=op.f("recovery_codes_pkey")),
    )
    op.create_table(
        "suspended_teams",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("suspended_teams_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "team", name=op.f("suspended_teams_pkey")),
    )


def _work() -> None:
    """What staff see of cases, and what they write."""
    op.create_table(
        "saved_views",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("saved_views_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "name", name=op.f("saved_views_pkey")),
    )
    op.create_table(
        "case_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("written_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('note', 'task', 'hand_over')", name=op.f("case_notes_kind_check")),
        sa.CheckConstraint("(done_at is null) = (done_by is null)", name=op.f("case_notes_done_check")),
        sa.ForeignKeyConstraint(["assigned_to"], ["people.handle"], name=op.f("case_notes_assigned_to_fkey")),
        sa.ForeignKeyConstraint(["done_by"], ["people.handle"], name=op.f("case_notes_done_by_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("case_notes_reference_fkey")),
        sa.ForeignKeyConstraint(["written_by"], ["people.handle"], name=op.f("case_notes_written_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("case_notes_pkey")),
    )
    op.create_index(op.f("case_notes_reference_idx"), "case_notes", ["reference"], unique=False)
    op.create_table(
        "case_views",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seen_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("case_views_handle_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("case_views_reference_fkey")),
        sa.PrimaryKeyConstraint("handle", "reference", name=op.f("case_views_pkey")),
    )
    op.create_table(
        "recusals",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("recusals_handle_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("recusals_reference_fkey")),
        sa.PrimaryKeyConstraint("reference", "handle", name=op.f("recusals_pkey")),
    )


def _records() -> None:
    """What was taken down for a reporter, and what a case was decided by before."""
    op.create_table(
        "behalf_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("behalf_links_handle_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("behalf_links_reference_fkey")),
        sa.PrimaryKeyConstraint("digest", name=op.f("behalf_links_pkey")),
    )
    op.create_table(
        "earlier_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("decision", JSONB(), nullable=False),
        sa.Column("replaced_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["policy"], ["policies.digest"], name=op.f("earlier_decisions_policy_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("earlier_decisions_reference_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("earlier_decisions_pkey")),
    )
    op.create_index(op.f("earlier_decisions_reference_idx"), "earlier_decisions", ["reference"], unique=False)


def _approvals() -> None:
    """What waits for the yes of others."""
    op.create_table(
        "identity_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decided_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "verdict in ('granted', 'refused', 'expired')", name=op.f("identity_requests_verdict_check")
        ),
        sa.CheckConstraint("decided_by <> asked_by", name=op.f("identity_requests_other_check")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.handle"], name=op.f("identity_requests_asked_by_fkey")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.handle"], name=op.f("identity_requests_decided_by_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("identity_requests_reference_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("identity_requests_pkey")),
    )
    op.create_index(op.f("identity_requests_reference_idx"), "identity_requests", ["reference"], unique=False)
    op.create_index(
        "identity_requests_open_idx",
        *("identity_requests", ["reference", "asked_by"]),
        unique=True,
        postgresql_where=sa.text("verdict is null"),
    )
    _drafts()


def _drafts() -> None:
    """What would leave, and who said yes to it."""
    op.create_table(
        "drafts",
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column("drafted_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("needed", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ended in ('approved', 'refused', 'expired', 'withdrawn', 'replaced')", name=op.f("drafts_ended_check")
        ),
        sa.CheckConstraint("(ended_at is null) = (ended is null)", name=op.f("drafts_end_check")),
        sa.CheckConstraint("needed >= 1", name=op.f("drafts_needed_check")),
        sa.ForeignKeyConstraint(["referral"], ["referrals.id"], name=op.f("drafts_referral_fkey")),
        sa.PrimaryKeyConstraint("referral", name=op.f("drafts_pkey")),
    )
    op.create_index(
        "drafts_open_idx", "drafts", ["expires_at"], unique=False, postgresql_where=sa.text("ended_at is null")
    )
    op.create_table(
        "approvals",
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("verdict in ('approved', 'refused')", name=op.f("approvals_verdict_check")),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("approvals_handle_fkey")),
        sa.ForeignKeyConstraint(["referral"], ["drafts.referral"], name=op.f("approvals_referral_fkey")),
        sa.PrimaryKeyConstraint("referral", "digest", "handle", "verdict", name=op.f("approvals_pkey")),
    )
    op.create_index(
        "referrals_draft_idx",
        *("referrals", ["first_due_at", "id"]),
        unique=False,
        postgresql_where=sa.text("state = 'draft'"),
    )


def _columns() -> None:
    """Claims that end, legal holds, versions; who of staff wrote what to reporters."""
    op.add_column("cases", sa.Column("claim_until", MOMENT, nullable=True))
    op.add_column("cases", sa.Column("held_at", MOMENT, nullable=True))
    op.add_column("cases", sa.Column("held_by", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("version", sa.Integer(), server_default="0", nullable=False))
    op.add_column("cases", sa.Column("changed_at", MOMENT, server_default=NOW, nullable=False))
    op.add_column("sealed_messages", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("sealed_messages", sa.Column("written_by", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("sealed_messages_written_by_fkey"), "sealed_messages", "people", ["written_by"], ["handle"]
    )
    op.create_check_constraint(
        op.f("sealed_messages_kind_check"), "sealed_messages", "kind in ('acknowledgement', 'question', 'feedback')"
    )
    op.create_check_constraint(
        op.f("sealed_messages_staff_check"),
        "sealed_messages",
        "from_staff = (kind is not null) and from_staff = (written_by is not null)"
        " and from_staff = (for_receipt is not null)",
    )
    op.create_index(
        "cases_lapse_idx", "cases", ["claim_until"], unique=False, postgresql_where=sa.text("claim_until is not null")
    )
    op.create_foreign_key(op.f("cases_held_by_fkey"), "cases", "people", ["held_by"], ["handle"])


def _audit() -> None:
    """Find what was done with a case, by whom, and what was refused."""
    # Everything that was done with a case is read now, not its opening alone.
    op.drop_index("audit_opened_idx", "audit")
    op.drop_index("audit_received_idx", "audit")
    op.create_index("audit_object_idx", "audit", ["object", "id"], unique=False)
    # Nearly all lines tell of a case that came in or was sent; what else was done is found without them.
    others, refused = "action not in ('case_received', 'referral_sent')", "left(outcome, 7) in ('refused', 'failed_')"
    for name, columns, only in (
        ("others", ["id"], others),
        ("actor", ["actor", "id"], others),
        ("action", ["action", "id"], others),
        ("refused", ["id"], refused),
    ):
        op.create_index(f"audit_{name}_idx", "audit", columns, unique=False, postgresql_where=sa.text(only))


def _forget() -> None:
    """Take what would be told wrongly later: who drafted something, and who wrote a message, is not known any more."""
    op.execute("""
        update referrals r set state = 'recalled', outcome = 'withdrawn', settled_at = clock_timestamp()
        where r.state = 'draft' and exists (
            select from drafts d where d.referral = r.id and d.drafted_by <> 'policy')""")
    op.execute("delete from sealed_messages where from_staff")


def downgrade() -> None:
    _forget()
    op.drop_constraint(op.f("sealed_messages_staff_check"), "sealed_messages")
    op.drop_constraint(op.f("sealed_messages_kind_check"), "sealed_messages")
    for column in ("written_by", "kind"):
        op.drop_column("sealed_messages", column)
    op.drop_index("referrals_draft_idx", table_name="referrals")
    for table in TABLES:
        op.drop_table(table)
    for name in ("object", "others", "actor", "action", "refused"):
        op.drop_index(f"audit_{name}_idx", "audit")
    for action in ("opened", "received"):
        only = sa.text(f"action = 'case_{action}'")
        op.create_index(f"audit_{action}_idx", "audit", ["object"], unique=False, postgresql_where=only)
    op.drop_index("cases_lapse_idx", "cases")
    for column in ("changed_at", "version", "held_by", "held_at", "claim_until"):
        op.drop_column("cases", column)
