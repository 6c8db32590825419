"""Referrals that a person hands over outside, and what they record of that."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

NOW = sa.text("clock_timestamp()")
STATES = "'draft', 'standby', 'due', 'leased', 'sent', 'acknowledged', 'recalled', 'dead'"


def upgrade() -> None:
    _states(f"{STATES}, 'in_hand'")
    op.create_table(
        "handovers",
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column(
            "in_hand_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("desk", sa.Text(), nullable=True),
        sa.Column("external_reference", sa.Text(), nullable=True),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=True),
        sa.CheckConstraint("(recorded_at is null) = (recorded_by is null)", name=op.f("handovers_recorded_check")),
        sa.CheckConstraint(
            "(recorded_at is null) = (handed_over_at is null)", name=op.f("handovers_handed_over_check")
        ),
        sa.CheckConstraint("(recorded_at is null) = (body is null)", name=op.f("handovers_body_check")),
        sa.ForeignKeyConstraint(["recorded_by"], ["people.handle"], name=op.f("handovers_recorded_by_fkey")),
        sa.ForeignKeyConstraint(["referral"], ["referrals.id"], name=op.f("handovers_referral_fkey")),
        sa.PrimaryKeyConstraint("referral", name=op.f("handovers_pkey")),
    )
    in_hand = sa.text("state = 'in_hand'")
    op.create_index("referrals_in_hand_idx", "referrals", ["channel", "first_due_at"], postgresql_where=in_hand)


def downgrade() -> None:
    # Older versions do not know the words: a person must look at what is in hand, and is told nothing of the others.
    ended = "outcome = 'downgraded', settled_at = clock_timestamp()"
    op.execute(f"update referrals set state = 'dead', {ended} where state = 'in_hand'")  # noqa: S608 - our own words
    op.execute(
        f"update referrals set state = 'recalled', {ended} "  # noqa: S608 - our own words
        "where notice in ('draft_waits', 'draft_expired', 'hand_over_waits') and state in ('standby', 'due', 'leased')"
    )
    op.drop_index("referrals_in_hand_idx", table_name="referrals")
    op.drop_table("handovers")
    _states(STATES)


def _states(states: str) -> None:
    op.drop_constraint(op.f("referrals_state_check"), "referrals", type_="check")
    op.create_check_constraint(op.f("referrals_state_check"), "referrals", f"state in ({states})")
