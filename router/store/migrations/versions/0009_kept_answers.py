"""Answers that wait between two pages of a report."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_answers",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "octet_length(id) = 32 and octet_length(sealed) <= 65600", name=op.f("kept_answers_size_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("kept_answers_pkey")),
        prefixes=["unlogged"],
    )
    # Each page of a report writes its row anew; with room beside it, the new version needs no new entry in the index.
    op.execute("alter table kept_answers set (fillfactor = 50)")


def downgrade() -> None:
    op.drop_table("kept_answers")
