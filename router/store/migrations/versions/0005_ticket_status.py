"""What became of tickets over there, hints that something did, and when to ask.

Adds columns without rewriting a table, and two indexes of `referrals`; writes a line to each referral of a case that is
closed. `downgrade` withdraws notes that only this version knows, and forgets what was heard.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("referrals", sa.Column("ticket", sa.Text(), nullable=True))
    op.add_column("referrals", sa.Column("ticket_at", MOMENT, nullable=True))
    op.add_column("referrals", sa.Column("reopens", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("referrals", sa.Column("case_closed_at", MOMENT, nullable=True))
    op.execute("""
        update referrals r set case_closed_at = c.closed_at
        from cases c where c.reference = r.case_reference and c.closed_at is not null""")
    op.create_check_constraint(
        op.f("referrals_ticket_check"), "referrals", "ticket in ('open', 'resolved', 'reopened')"
    )
    op.create_index(
        "referrals_disagrees_idx",
        "referrals",
        ["channel", "ticket_at"],
        postgresql_where=sa.text("(ticket = 'resolved') = (case_closed_at is null)"),
    )
    op.create_index(
        "referrals_remote_idx",
        "referrals",
        ["channel", "remote_id"],
        postgresql_where=sa.text("state in ('sent', 'acknowledged') and remote_id is not null"),
    )
    op.add_column("channel_states", sa.Column("poll_at", MOMENT, nullable=True))
    op.add_column("channel_states", sa.Column("polled_to", MOMENT, nullable=True))
    op.create_table(
        "hints",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.Column("delivery", sa.LargeBinary(), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=False),
        sa.Column("received_at", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("channel", "seal", name=op.f("hints_pkey")),
        sa.UniqueConstraint("channel", "delivery", name=op.f("hints_channel_delivery_key")),
    )
    op.create_index(
        "hints_untaken_idx", "hints", ["channel", "received_at"], postgresql_where=sa.text("taken_at is null")
    )
    op.create_index("hints_received_idx", "hints", ["received_at"])


def downgrade() -> None:
    op.drop_table("hints")
    op.drop_column("channel_states", "polled_to")
    op.drop_column("channel_states", "poll_at")
    op.drop_index("referrals_remote_idx", "referrals")
    op.drop_index("referrals_disagrees_idx", "referrals")
    # Older versions do not know the words.
    op.execute(
        "update referrals set state = 'recalled', settled_at = clock_timestamp(), outcome = 'downgraded' "
        "where notice in ('closed', 'closed_there', 'closed_here') and state in ('standby', 'due', 'leased')"
    )
    for column in ("case_closed_at", "reopens", "ticket_at", "ticket"):
        op.drop_column("referrals", column)
