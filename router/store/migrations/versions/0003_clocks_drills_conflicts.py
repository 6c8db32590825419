"""Deadlines that wait as rows, drills and notices that belong to no case, conflicts found later, likely duplicates.

Rewrites `referrals` once, for its generated column, and updates each row of `cases`, all under locks that let nobody
read or write either: stop the processes first. Measured half a minute for a million referrals, and needs their room on
the disk a second time until it ends. `downgrade` deletes drills and notices, and withdraws what waits for its time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PROGRESS = ("claimed_at", "acknowledged_at", "feedback_at", "closed_at")


def upgrade() -> None:
    _extend_cases()
    _extend_referrals()
    op.create_table(
        "case_duplicate_keys",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("within_s", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("case_duplicate_keys_reference_fkey")),
        sa.PrimaryKeyConstraint("key", "reference", name=op.f("case_duplicate_keys_pkey")),
    )
    op.create_index("case_duplicate_keys_case_idx", "case_duplicate_keys", ["reference"])
    op.create_table(
        "case_conflicts",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("found_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("case_conflicts_reference_fkey")),
        sa.PrimaryKeyConstraint("reference", "team", name=op.f("case_conflicts_pkey")),
    )
    op.create_index("audit_opened_idx", "audit", ["object"], postgresql_where=sa.text("action = 'case_opened'"))


def _extend_cases() -> None:
    op.alter_column("cases", "respond_by", new_column_name="claim_by")
    op.add_column("cases", sa.Column("decide_by", MOMENT, nullable=True))
    # Policies had no such deadline before: the one there was stands for both.
    op.execute("update cases set decide_by = claim_by")
    op.alter_column("cases", "decide_by", nullable=False)
    for name in PROGRESS:
        op.add_column("cases", sa.Column(name, MOMENT, nullable=True))
    op.add_column("cases", sa.Column("claimed_by", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("outcome", sa.Text(), nullable=True))
    op.create_foreign_key(op.f("cases_claimed_by_fkey"), "cases", "people", ["claimed_by"], ["handle"])
    op.create_check_constraint(op.f("cases_claim_check"), "cases", "(claimed_at is null) = (claimed_by is null)")
    op.create_index("cases_received_idx", "cases", ["received_at", "reference"])


def _extend_referrals() -> None:
    op.execute(_renamed("respond_by", "claim_by"))
    op.drop_constraint("referrals_reference_fkey", "referrals", type_="foreignkey")
    op.add_column(
        "referrals",
        sa.Column(
            "case_reference",
            sa.Text(),
            sa.Computed("case when reference like 'CR-%' then reference end", persisted=True),
            nullable=True,
        ),
    )
    op.create_foreign_key(
        op.f("referrals_case_reference_fkey"), "referrals", "cases", ["case_reference"], ["reference"]
    )
    op.create_check_constraint(op.f("referrals_reference_check"), "referrals", "reference ~ '^(CR|DRILL|NOTICE)-'")
    op.add_column("referrals", sa.Column("notice", sa.Text(), nullable=True))
    op.add_column("referrals", sa.Column("awaited", sa.Text(), nullable=True))
    op.add_column("referrals", sa.Column("acknowledged_at", MOMENT, nullable=True))
    op.add_column(
        "referrals", sa.Column("kept_from", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )
    drills = sa.text("notice = 'drill'")
    op.create_index("referrals_drills_idx", "referrals", ["first_due_at"], postgresql_where=drills)


def _renamed(old: str, new: str) -> str:
    return f"""
        update referrals set fields = (fields - '{old}') || jsonb_build_object('{new}', fields -> '{old}')
        where fields ? '{old}'"""  # noqa: S608 - our own words


def downgrade() -> None:
    op.drop_index("audit_opened_idx", "audit")
    op.drop_index("referrals_drills_idx", "referrals")
    op.drop_table("case_conflicts")
    op.drop_table("case_duplicate_keys")
    op.execute("delete from attempts using referrals r where r.id = referral and r.reference not like 'CR-%'")
    op.execute("delete from referrals where reference not like 'CR-%'")
    # Nobody would know any more what these wait for, nor how to read them.
    op.execute("""
        update referrals set state = 'recalled', outcome = 'downgraded', settled_at = clock_timestamp()
        where notice is not null and state in ('standby', 'due', 'leased')""")
    op.execute("update referrals set fields = fields - 'notice' - 'awaited' - 'decide_by'")
    op.drop_constraint(op.f("referrals_reference_check"), "referrals", type_="check")
    op.drop_constraint(op.f("referrals_case_reference_fkey"), "referrals", type_="foreignkey")
    for name in ("kept_from", "acknowledged_at", "awaited", "notice", "case_reference"):
        op.drop_column("referrals", name)
    op.create_foreign_key(op.f("referrals_reference_fkey"), "referrals", "cases", ["reference"], ["reference"])
    op.execute(_renamed("claim_by", "respond_by"))
    op.drop_index("cases_received_idx", "cases")
    op.drop_constraint(op.f("cases_claim_check"), "cases", type_="check")
    op.drop_constraint(op.f("cases_claimed_by_fkey"), "cases", type_="foreignkey")
    for name in (*PROGRESS, "claimed_by", "outcome", "decide_by"):
        op.drop_column("cases", name)
    op.alter_column("cases", "claim_by", new_column_name="respond_by")
