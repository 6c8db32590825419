"""The queue's own table, kept by triggers, and indexes to search cases by.

Writes a row for each case that there is. The index of `cases` that was once meant for the queue goes.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ORDER = ["rank", "place", "reference"]
CLAIMED = sa.text("claimed_by is not null")
MOVED_BY = (
    *("state", "severity", "category", "site", "claimed_by", "claimed_at", "closed_at", "acknowledged_at"),
    *("feedback_at", "claim_by", "decide_by", "acknowledge_by", "feedback_by"),
)
"""Columns of a case that say where it stands."""
ROW = "c.reference, a.id, case_rank(c), case_place(c), c.category, c.site, c.claimed_by"
COLUMNS = "reference, audience, rank, place, category, site, claimed_by"


def upgrade() -> None:
    op.create_table(
        "case_audiences",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("keys", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("case_audiences_pkey")),
        sa.UniqueConstraint("keys", name=op.f("case_audiences_keys_key")),
    )
    op.create_table(
        "case_queue",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("audience", sa.Integer(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("site", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("reference", name=op.f("case_queue_pkey")),
    )
    _order()
    _fill()
    _index()
    _keep()


def _order() -> None:
    """Say where a case stands."""
    op.execute("""
        create function case_due(c cases) returns timestamptz language sql stable as $$
            select least(
                case when c.state = 'open' and c.claimed_at is null then c.claim_by end,
                case when c.state = 'open' then c.decide_by end,
                case when c.state <> 'withdrawn' and c.acknowledged_at is null then c.acknowledge_by end,
                case when c.state <> 'withdrawn' and c.feedback_at is null then c.feedback_by end)
        $$""")
    op.execute("""
        create function case_rank(c cases) returns smallint language sql stable as $$
            select (3 - c.severity + case when c.state = 'open' then 0
                                          when c.state = 'withdrawn' then 12
                                          when case_due(c) is not null then 4 else 8 end)::smallint
        $$""")
    op.execute("""
        create function case_place(c cases) returns bigint language sql stable as $$
            select case when case_due(c) is not null then (extract(epoch from case_due(c)) * 1000000)::bigint
                        when c.state = 'open' then 9223372036854775807
                        else -(extract(epoch from coalesce(c.closed_at, c.received_at)) * 1000000)::bigint end
        $$""")


def _fill() -> None:
    op.execute("""
        insert into case_audiences (keys)
        select distinct array_agg(key_id order by key_id) from case_key_wraps group by reference""")
    op.execute(f"""
        insert into case_queue ({COLUMNS})
        select {ROW} from cases c
        join (select reference, array_agg(key_id order by key_id) as keys from case_key_wraps group by reference) w
          on w.reference = c.reference
        join case_audiences a on a.keys = w.keys""")  # noqa: S608 - our own words


def _index() -> None:
    op.create_index("case_queue_order_idx", "case_queue", ["audience", *ORDER])
    op.create_index("case_queue_category_idx", "case_queue", ["audience", "category", *ORDER])
    op.create_index(
        "case_queue_site_idx", "case_queue", ["audience", "site", *ORDER], postgresql_where=sa.text("site is not null")
    )
    op.create_index("case_queue_holder_idx", "case_queue", ["claimed_by", "audience", *ORDER], postgresql_where=CLAIMED)
    op.create_index("case_queue_claimed_idx", "case_queue", ["audience", *ORDER], postgresql_where=CLAIMED)
    op.drop_index("cases_queue_idx", "cases")
    for name in ("asset_tag", "source_ticket"):
        op.execute(f"""
            create index cases_{name}_idx on cases (lower(facts ->> '{name}'), received_at) where facts ? '{name}'""")
    op.execute("""
        create index cases_hashes_idx on cases using gin ((facts -> 'hashes') jsonb_path_ops)
        where facts ? 'hashes'""")


def _keep() -> None:
    """Keep the table by triggers: the logins that write cases and keys may not write it, the owner's right does.

    A connection of the intake lives long, and plans the function's statements once, maybe while the tables are empty:
    what it must not choose then is switched off.
    """
    # Nearly always the cases are new, all their keys come at once, and others had the same readers before.
    op.execute(f"""
        create function case_has_readers() returns trigger language plpgsql security definer
        set search_path = public, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
        as $$
        declare
            done bigint;
        begin
            insert into case_queue ({COLUMNS})
            select {ROW}
            from (select k.reference, array_agg(k.key_id order by k.key_id) as keys from changed k group by 1) w
            join cases c on c.reference = w.reference
            join case_audiences a on a.keys = w.keys
            on conflict (reference) do nothing;
            get diagnostics done = row_count;
            if done = (select count(distinct reference) from changed) then
                return null;
            end if;
            insert into case_audiences (keys)
            select distinct array_agg(k.key_id order by k.key_id)
            from case_key_wraps k where k.reference in (select reference from changed) group by k.reference
            order by 1 on conflict do nothing;
            insert into case_queue ({COLUMNS})
            select {ROW}
            from (select k.reference, array_agg(k.key_id order by k.key_id) as keys
                  from case_key_wraps k where k.reference in (select reference from changed) group by k.reference) w
            join cases c on c.reference = w.reference
            join case_audiences a on a.keys = w.keys
            on conflict (reference) do update set audience = excluded.audience;
            return null;
        end $$""")  # noqa: S608 - our own words
    _follow()


def _follow() -> None:
    """The same for cases that lose readers or move on."""
    op.execute("""
        create function case_has_fewer_readers() returns trigger language plpgsql security definer
        set search_path = public, pg_temp set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
        as $$
        declare
            one text;
            left_over text[];
        begin
            for one in select distinct reference from changed order by 1 loop
                select array_agg(key_id order by key_id) into left_over from case_key_wraps where reference = one;
                if left_over is null then
                    delete from case_queue where reference = one;
                else
                    insert into case_audiences (keys) values (left_over) on conflict do nothing;
                    update case_queue set audience = (select id from case_audiences where keys = left_over)
                    where reference = one;
                end if;
            end loop;
            return null;
        end $$""")
    op.execute("""
        create function case_has_moved() returns trigger language plpgsql security definer
        set search_path = public, pg_temp as $$
        begin
            update case_queue
            set rank = case_rank(new), place = case_place(new), category = new.category, site = new.site,
                claimed_by = new.claimed_by
            where reference = new.reference;
            return null;
        end $$""")
    for name in ("case_has_readers", "case_has_fewer_readers", "case_has_moved"):
        op.execute(f"revoke all on function {name}() from public")
    op.execute("""
        create trigger queued after insert on case_key_wraps referencing new table as changed
        for each statement execute function case_has_readers()""")
    op.execute("""
        create trigger unqueued after delete on case_key_wraps referencing old table as changed
        for each statement execute function case_has_fewer_readers()""")
    moved = " or ".join(f"old.{name} is distinct from new.{name}" for name in MOVED_BY)
    op.execute(f"""
        create trigger moved after update on cases for each row when ({moved}) execute function case_has_moved()""")


def downgrade() -> None:
    op.execute("drop trigger moved on cases")
    for name in ("unqueued", "queued"):
        op.execute(f"drop trigger {name} on case_key_wraps")
    for name in ("case_has_moved", "case_has_fewer_readers", "case_has_readers"):
        op.execute(f"drop function {name}()")
    for name in ("case_place", "case_rank", "case_due"):
        op.execute(f"drop function {name}(cases)")
    for name in ("cases_hashes_idx", "cases_source_ticket_idx", "cases_asset_tag_idx"):
        op.drop_index(name, "cases")
    op.create_index("cases_queue_idx", "cases", [sa.text("severity DESC"), "received_at", "reference"], unique=False)
    op.drop_table("case_queue")
    op.drop_table("case_audiences")
