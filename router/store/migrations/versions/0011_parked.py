"""Concerns of a flood, which wait for a look; and how many receipts were wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WAITING = sa.text("ended_at is null and waits_until is not null")


def upgrade() -> None:
    op.create_table(
        "flood_links",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("flood", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.CheckConstraint("ended in ('let_go', 'closed')", name=op.f("flood_links_ended_check")),
        sa.CheckConstraint(
            "(ended_at is null) = (ended is null) and (ended_at is null) = (ended_by is null)",
            name=op.f("flood_links_end_check"),
        ),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("flood_links_reference_fkey")),
        sa.PrimaryKeyConstraint("reference", name=op.f("flood_links_pkey")),
    )
    op.create_index("flood_links_flood_idx", "flood_links", ["flood", "linked_at"])
    op.create_index("flood_links_waiting_idx", "flood_links", ["waits_until"], postgresql_where=WAITING)
    op.create_table(
        "flood_keys",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("flood_keys_size_check")),
        sa.PrimaryKeyConstraint("day", name=op.f("flood_keys_pkey")),
        prefixes=["unlogged"],
    )
    op.create_table(
        "wrong_receipts",
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("minute", name=op.f("wrong_receipts_pkey")),
    )


def downgrade() -> None:
    # Older versions do not know the word. What is parked goes on by itself when its time has come: they know how.
    op.execute(
        "update referrals set state = 'recalled', settled_at = clock_timestamp(), outcome = 'downgraded' "
        "where notice = 'flood' and state in ('standby', 'due', 'leased')"
    )
    for table in ("wrong_receipts", "flood_keys", "flood_links"):
        op.drop_table(table)
