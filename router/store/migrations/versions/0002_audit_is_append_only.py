"""The audit is append-only, and each owner has one active key."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("audit", "audit_checkpoints")


def upgrade() -> None:
    op.execute("""
        create function audit_is_append_only() returns trigger language plpgsql set search_path = pg_catalog as $$
        begin
            -- The one change allowed: the chainer links an entry that is not linked yet.
            if tg_op = 'UPDATE' and tg_table_name = 'audit' then
                if old.seq is null and old.hash is null and new.seq is not null and new.hash is not null
                   and (new.id, new.at, new.actor, new.action, new.object, new.outcome, new.detail)
                       is not distinct from (old.id, old.at, old.actor, old.action, old.object, old.outcome, old.detail)
                then
                    return new;
                end if;
            end if;
            raise exception 'audit_is_append_only' using errcode = 'restrict_violation';
        end $$""")
    for table in TABLES:
        op.execute(f"""
            create trigger append_only before update or delete on {table}
            for each row execute function audit_is_append_only()""")
        op.execute(f"""
            create trigger never_emptied before truncate on {table}
            for each statement execute function audit_is_append_only()""")
    op.execute("create unique index recipient_keys_active_idx on recipient_keys (owner) where retired_at is null")
    op.execute("create unique index member_keys_active_idx on member_keys (handle) where retired_at is null")


def downgrade() -> None:
    op.drop_index("member_keys_active_idx", table_name="member_keys")
    op.drop_index("recipient_keys_active_idx", table_name="recipient_keys")
    for table in TABLES:
        op.execute(f"drop trigger never_emptied on {table}")
        op.execute(f"drop trigger append_only on {table}")
    op.execute("drop function audit_is_append_only()")
