"""What reporters are told of how names are kept: whether anybody is custodian, and nothing of who."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the public part ask that one question of tables that it may not read."""
    op.execute("""
        create function custodians_are_there() returns boolean
        language sql stable security definer set search_path = public, pg_temp as $$
            select exists (select from people_roles r join people p on p.handle = r.handle
                           where r.role = 'custodian' and p.disabled_at is null)
        $$""")
    op.execute("revoke all on function custodians_are_there() from public")


def downgrade() -> None:
    """Take it away."""
    op.execute("drop function custodians_are_there()")
