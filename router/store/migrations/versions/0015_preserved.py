"""What was sent outside and what came back, sealed, and kept for as long as the law or a person wants."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "preserved",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.CheckConstraint("part in ('document', 'receipt')", name=op.f("preserved_part_check")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("preserved_reference_fkey")),
        sa.ForeignKeyConstraint(["referral"], ["referrals.id"], name=op.f("preserved_referral_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("preserved_pkey")),
    )
    op.create_index(op.f("preserved_reference_idx"), "preserved", ["reference"])
    op.create_index("preserved_once_idx", "preserved", ["referral", "part"], unique=True)


def downgrade() -> None:
    op.drop_table("preserved")
