"""Proof, second looks and retries in the ledger; what stands in for a channel; how each channel does.

Adds columns without rewriting a table: the defaults are constants. `downgrade` withdraws what waits to go instead.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ADDED = ("about", "instead_of", "proof", "unsure", "retried_at", "retried_after", "look_at", "looks")


def upgrade() -> None:
    op.add_column("referrals", sa.Column("about", sa.Text(), nullable=True))
    op.add_column("referrals", sa.Column("instead_of", sa.Text(), nullable=True))
    op.add_column("referrals", sa.Column("proof", sa.Text(), nullable=True))
    op.add_column("referrals", sa.Column("unsure", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column("referrals", sa.Column("retried_at", MOMENT, nullable=True))
    op.add_column("referrals", sa.Column("retried_after", sa.Integer(), server_default="0", nullable=False))
    op.add_column("referrals", sa.Column("look_at", MOMENT, nullable=True))
    op.add_column("referrals", sa.Column("looks", sa.SmallInteger(), server_default="0", nullable=False))
    op.create_check_constraint(
        op.f("referrals_proof_check"), "referrals", "proof in ('accepted', 'visible', 'acknowledged')"
    )
    op.create_index(
        "referrals_look_idx", "referrals", ["channel", "look_at"], postgresql_where=sa.text("look_at is not null")
    )
    op.create_index(
        "referrals_dead_idx", "referrals", ["channel", "settled_at"], postgresql_where=sa.text("state = 'dead'")
    )
    op.create_index(
        "referrals_about_idx",
        "referrals",
        ["about", "notice", "first_due_at"],
        postgresql_where=sa.text("about is not null"),
    )
    op.create_index(
        "referrals_odd_idx",
        "referrals",
        ["channel", "first_due_at"],
        postgresql_where=sa.text("outcome in ('gone', 'second_closed', 'second_left')"),
    )
    op.add_column("attempts", sa.Column("took_ms", sa.Integer(), nullable=True))
    op.create_table(
        "channel_states",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("breaker", sa.Text(), server_default="closed", nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("opened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("since", MOMENT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("until", MOMENT, nullable=True),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("named", sa.Text(), nullable=True),
        sa.Column("tokens", sa.Double(), nullable=True),
        sa.Column("tokens_at", MOMENT, nullable=True),
        sa.Column("checked", sa.Text(), nullable=True),
        sa.Column("checked_at", MOMENT, nullable=True),
        sa.CheckConstraint("breaker in ('closed', 'open', 'half_open')", name=op.f("channel_states_breaker_check")),
        sa.CheckConstraint("(breaker = 'closed') = (until is null)", name=op.f("channel_states_until_check")),
        sa.PrimaryKeyConstraint("channel", name=op.f("channel_states_pkey")),
    )


def downgrade() -> None:
    op.drop_table("channel_states")
    op.drop_column("attempts", "took_ms")
    op.drop_index("referrals_odd_idx", "referrals")
    op.drop_index("referrals_about_idx", "referrals")
    op.drop_index("referrals_dead_idx", "referrals")
    op.drop_index("referrals_look_idx", "referrals")
    # Older versions know neither the words nor the wait.
    op.execute(
        "update referrals set state = 'recalled', settled_at = clock_timestamp(), outcome = 'downgraded' "
        "where (instead_of is not null or about is not null) and state in ('standby', 'due', 'leased')"
    )
    for column in reversed(ADDED):
        op.drop_column("referrals", column)
