"""What reporters write after their report: kinds of messages, what the public part may have of a case, the queue.

The public part loses its right to write messages: a function writes one, to the case of one receipt alone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
TO_REPORTER = "('acknowledgement', 'question', 'feedback')"
FROM_REPORTER = "('answer', 'addition', 'withdrawal')"
MOVED_BY = (
    *("state", "severity", "category", "site", "claimed_by", "claimed_at", "closed_at", "acknowledged_at"),
    *("feedback_at", "claim_by", "decide_by", "acknowledge_by", "feedback_by", "reporter_wrote_at"),
)
HANDED_OUT = (
    *("case_for_receipt(bytea)", "dialogue_for_receipt(bytea)", "tickets_for_receipt(bytea, text[])"),
    "write_for_receipt(bytea, bytea, text, text, bytea, int)",
)
KINDS, STAFF = "sealed_messages_kind_check", "sealed_messages_staff_check"


def upgrade() -> None:
    _messages()
    _queue("c.reporter_wrote_at is not null", MOVED_BY)
    op.execute("drop function messages_for_receipt(bytea)")
    _hand_out()
    _write()
    for function in HANDED_OUT:
        op.execute(f"revoke all on function {function} from public")


def _messages() -> None:
    """Say of each message of a reporter what it is, and of a case whether one waits to be read."""
    op.add_column("cases", sa.Column("reporter_wrote_at", MOMENT, nullable=True))
    op.add_column("sealed_messages", sa.Column("mark", sa.LargeBinary(), nullable=True))
    op.drop_constraint(op.f(STAFF), "sealed_messages")
    op.drop_constraint(op.f(KINDS), "sealed_messages")
    op.execute("update sealed_messages set kind = 'addition' where not from_staff")
    op.alter_column("sealed_messages", "kind", nullable=False)
    op.create_check_constraint(
        op.f(KINDS),
        "sealed_messages",
        f"case when from_staff then kind in {TO_REPORTER} else kind in {FROM_REPORTER} end",
    )
    op.create_check_constraint(
        op.f(STAFF),
        "sealed_messages",
        "from_staff = (written_by is not null) and from_staff = (for_receipt is not null)",
    )
    op.create_unique_constraint(op.f("sealed_messages_mark_key"), "sealed_messages", ["mark"])
    op.create_index(
        "sealed_messages_withdrawal_idx",
        *("sealed_messages", ["reference"]),
        unique=True,
        postgresql_where=sa.text("kind = 'withdrawal'"),
    )


def _queue(wrote: str, moved_by: tuple[str, ...]) -> None:
    """Let a closed case wait in the queue as long as nobody has read what its reporter wrote."""
    op.execute(f"""
        create or replace function case_rank(c cases) returns smallint language sql stable as $$
            select (3 - c.severity + case when c.state = 'open' then 0
                                          when c.state = 'withdrawn' then 12
                                          when case_due(c) is not null or {wrote} then 4 else 8 end)::smallint
        $$""")
    op.execute(f"""
        create or replace function case_place(c cases) returns bigint language sql stable as $$
            select case when case_due(c) is not null then (extract(epoch from case_due(c)) * 1000000)::bigint
                        when c.state = 'open' or c.state = 'closed' and {wrote} then 9223372036854775807
                        else -(extract(epoch from coalesce(c.closed_at, c.received_at)) * 1000000)::bigint end
        $$""")  # noqa: S608 - our own words
    op.execute("drop trigger moved on cases")
    moved = " or ".join(f"old.{name} is distinct from new.{name}" for name in moved_by)
    op.execute(f"""
        create trigger moved after update on cases for each row when ({moved}) execute function case_has_moved()""")


def _hand_out() -> None:
    """Let the public part have what one receipt gives: how far the case is, the dialogue, and who has heard of it."""
    op.execute("""
        create function case_for_receipt(lookup bytea)
        returns table (reference text, state text, received_at timestamptz, acknowledge_by timestamptz,
                       feedback_by timestamptz, acknowledged_at timestamptz, feedback_at timestamptz, taken boolean,
                       sent text[], suite text, public bytea)
        language sql stable security definer set search_path = public, pg_temp as $$
            select c.reference, c.state, c.received_at, c.acknowledge_by, c.feedback_by, c.acknowledged_at,
                   c.feedback_at,
                   c.claimed_by is not null or exists (
                       select from referrals r where r.reference = c.reference and r.proof = 'acknowledged'
                         and (r.notice is null or r.notice in ('instead', 'corrected')) and r.state <> 'recalled'),
                   array(select distinct r.channel from referrals r
                         where r.reference = c.reference and r.state in ('sent', 'acknowledged')
                           and (r.notice is null or r.notice in ('instead', 'corrected')) order by 1),
                   c.suite, c.public
            from cases c where c.receipt_lookup = lookup
        $$""")
    op.execute("""
        create function dialogue_for_receipt(lookup bytea)
        returns table (id bigint, reference text, written_at timestamptz, kind text, suite text, blob bytea)
        language sql stable security definer set search_path = public, pg_temp as $$
            select m.id, m.reference, m.written_at, m.kind, m.suite, m.for_receipt
            from sealed_messages m join cases c on c.reference = m.reference
            where c.receipt_lookup = lookup order by m.id
        $$""")
    # A channel that was told to forget the case is no business of its reporter any more.
    op.execute("""
        create function tickets_for_receipt(lookup bytea, notices text[])
        returns table (channel text, kind text, revision int, policy text, kept_from text[], severity text, link text,
                       heard boolean, hears_later boolean, told_at timestamptz, waiting boolean)
        language sql stable security definer set search_path = public, pg_temp as $$
            with said as (
                select r.* from referrals r join cases c on c.reference = r.reference where c.receipt_lookup = lookup)
            select s.channel, min(s.kind), max(s.revision), (array_agg(s.policy order by s.revision desc))[1],
                   array(select distinct team from said o, unnest(o.kept_from) team order by 1),
                   (array_agg(s.fields ->> 'severity' order by s.revision desc)
                        filter (where s.fields ? 'severity'))[1],
                   (array_agg(s.fields ->> 'link' order by s.revision desc) filter (where s.fields ? 'link'))[1],
                   bool_or(s.state in ('due', 'leased', 'sent', 'acknowledged')
                           and (s.notice is null or s.notice in ('instead', 'corrected', 'escalation')))
                   and not exists (
                       select from said w where w.channel = s.channel and w.notice = 'recalled'
                         and (w.state <> 'recalled' or w.leased_at is not null or w.outcome = 'given_up')
                         and not exists (select from said b where b.channel = w.channel and b.notice = 'corrected'
                                           and b.revision > w.revision)),
                   bool_or(s.state = 'standby' and s.notice is null),
                   max(s.first_due_at) filter (where s.notice = any(notices) and s.state <> 'recalled'),
                   coalesce(bool_or(s.notice = any(notices) and s.state in ('standby', 'due', 'leased')), false)
            from said s group by s.channel order by 1
        $$""")


def _write() -> None:
    """Let the public part write one message: once, not too many in a day, and no more than one withdrawal."""
    op.execute("""
        create function write_for_receipt(lookup bytea, mark bytea, kind text, suite text, blob bytea, most int)
        returns text language plpgsql security definer set search_path = public, pg_temp as $$
        #variable_conflict use_column
        declare
            one cases;
        begin
            select * into one from cases c where c.receipt_lookup = lookup for update;
            if not found then
                return 'unknown';
            elsif exists (select from sealed_messages m where m.mark = $2) then
                return 'repeated';
            elsif $3 = 'withdrawal' then
                if one.state <> 'open' then
                    return 'not_open';
                elsif exists (select from sealed_messages m where m.reference = one.reference and m.kind = $3) then
                    return 'asked_before';
                end if;
            elsif most <= (select count(*) from sealed_messages m
                           where m.reference = one.reference and not m.from_staff
                             and m.written_at > clock_timestamp() - interval '1 day') then
                return 'too_many';
            end if;
            insert into sealed_messages (reference, from_staff, kind, suite, for_case, mark)
            values (one.reference, false, $3, $4, blob, $2);
            update cases set reporter_wrote_at = clock_timestamp() where reference = one.reference;
            return 'kept';
        end $$""")


def downgrade() -> None:
    for function in HANDED_OUT:
        op.execute(f"drop function {function}")
    op.execute("""
        create function messages_for_receipt(lookup bytea)
        returns table (id bigint, reference text, written_at timestamptz, kind text, suite text, blob bytea)
        language sql stable security definer set search_path = public, pg_temp as $$
            select m.id, m.reference, m.written_at, m.kind, m.suite, m.for_receipt
            from sealed_messages m join cases c on c.reference = m.reference
            where c.receipt_lookup = lookup and m.from_staff order by m.id
        $$""")
    op.execute("revoke all on function messages_for_receipt(bytea) from public")
    op.drop_index("sealed_messages_withdrawal_idx", "sealed_messages")
    op.drop_constraint(op.f("sealed_messages_mark_key"), "sealed_messages")
    op.drop_constraint(op.f(STAFF), "sealed_messages")
    op.drop_constraint(op.f(KINDS), "sealed_messages")
    op.alter_column("sealed_messages", "kind", nullable=True)
    op.execute("update sealed_messages set kind = null where not from_staff")
    op.create_check_constraint(op.f(KINDS), "sealed_messages", f"kind in {TO_REPORTER}")
    op.create_check_constraint(
        op.f(STAFF),
        "sealed_messages",
        "from_staff = (kind is not null) and from_staff = (written_by is not null)"
        " and from_staff = (for_receipt is not null)",
    )
    op.drop_column("sealed_messages", "mark")
    # Older versions do not know the words; nor how such a case ended: that it was withdrawn, its state says.
    op.execute(
        "update referrals set state = 'recalled', settled_at = clock_timestamp(), outcome = 'downgraded' "
        "where notice in ('reporter_wrote', 'withdrawal_asked') and state in ('standby', 'due', 'leased')"
    )
    op.execute("update cases set outcome = 'no_action' where outcome = 'withdrawn'")
    _queue("false", MOVED_BY[:-1])
    op.drop_column("cases", "reporter_wrote_at")
