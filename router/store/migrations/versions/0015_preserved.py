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
        sa.Column("lease_no", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("keep_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("part in ('document', 'receipt')", name=op.f("preserved_part_check")),
        sa.CheckConstraint("keep_until >= kept_at + interval '28 days'", name=op.f("preserved_period_check")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("preserved_reference_fkey")),
        sa.ForeignKeyConstraint(["referral"], ["referrals.id"], name=op.f("preserved_referral_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("preserved_pkey")),
    )
    op.create_index(op.f("preserved_reference_idx"), "preserved", ["reference"])
    op.create_index("preserved_once_idx", "preserved", ["referral", "part", "lease_no"], unique=True)
    undated = sa.text("keep_until is null")
    op.create_index("preserved_undated_idx", "preserved", ["id"], postgresql_where=undated)
    op.create_index("preserved_keep_until_idx", "preserved", ["keep_until"])
    _guard()
    _lend_the_key()


def _guard() -> None:
    """Let nothing of it be changed but that it is kept for longer, and nothing be deleted before its time."""
    op.execute("""
        create function preserved_is_kept() returns trigger language plpgsql security definer
        set search_path = public, pg_temp as $$
        begin
            if tg_op = 'UPDATE' then
                if (old.keep_until is null or new.keep_until >= old.keep_until)
                   and (new.id, new.referral, new.reference, new.part, new.lease_no, new.media_type, new.suite,
                        new.blob, new.kept_at)
                       is not distinct from (old.id, old.referral, old.reference, old.part, old.lease_no,
                        old.media_type, old.suite, old.blob, old.kept_at)
                then
                    return new;
                end if;
            elsif tg_op = 'DELETE' then
                if old.keep_until <= clock_timestamp() and not exists (
                    select from cases c where c.reference = old.reference and c.held_at is not null)
                then
                    return old;
                end if;
            end if;
            raise exception 'preserved_is_kept' using errcode = 'restrict_violation';
        end $$""")
    op.execute("revoke all on function preserved_is_kept() from public")
    op.execute("""
        create trigger kept before update or delete on preserved
        for each row execute function preserved_is_kept()""")
    op.execute("""
        create trigger never_emptied before truncate on preserved
        for each statement execute function preserved_is_kept()""")


def _lend_the_key() -> None:
    """Let workers have the public half of one case's key, and no case: they may seal, and never open."""
    op.execute("""
        create function case_seal_key(which text) returns table (suite text, public bytea)
        language sql stable security definer set search_path = public, pg_temp as $$
            select c.suite, c.public from cases c where c.reference = which
        $$""")
    op.execute("revoke all on function case_seal_key(text) from public")


def downgrade() -> None:
    # Whoever goes back does not throw away what the law, or a hold, wants kept: take a copy, and empty it as the owner.
    op.execute("""
        do $$ begin
            if exists (select from preserved) then
                raise exception 'preserved_is_kept' using errcode = 'restrict_violation';
            end if;
        end $$""")
    op.execute("drop function case_seal_key(text)")
    op.execute("drop trigger never_emptied on preserved")
    op.execute("drop trigger kept on preserved")
    op.execute("drop function preserved_is_kept()")
    op.drop_table("preserved")
