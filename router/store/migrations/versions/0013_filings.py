"""Reports that are filed at an outside body in steps: asked for, opened, finished."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "filings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column("lease_no", sa.Integer(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), server_default="asked", nullable=False),
        sa.Column("report_id", sa.Text(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('asked', 'unopened', 'lost', 'opened', 'stray', 'finished', 'retracted', 'gone', 'expired')",
            name=op.f("filings_state_check"),
        ),
        sa.CheckConstraint("(report_id is null) = (opened_at is null)", name=op.f("filings_opened_check")),
        sa.CheckConstraint(
            "(state in ('asked', 'unopened', 'lost')) <= (report_id is null)",
            name=op.f("filings_nothing_opened_check"),
        ),
        sa.ForeignKeyConstraint(["referral"], ["referrals.id"], name=op.f("filings_referral_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("filings_pkey")),
    )
    op.create_index(op.f("filings_referral_idx"), "filings", ["referral"])
    alive = sa.text("state in ('asked', 'opened', 'finished')")
    op.create_index("filings_alive_idx", "filings", ["referral", "test"], unique=True, postgresql_where=alive)
    unsure = sa.text("state in ('asked', 'lost', 'opened', 'stray')")
    op.create_index("filings_unsure_idx", "filings", ["id"], postgresql_where=unsure)


def downgrade() -> None:
    op.drop_table("filings")
