"""What the database itself sees to for the console: versions of cases, approvals, and what the public part may have.

Triggers and functions alone; no table is touched.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TOUCHING = ("sealed_messages", "case_notes")
HANDED_OUT = (
    *("messages_for_receipt(bytea)", "behalf_link_ends(bytea)", "use_behalf_link(bytea, text)"),
    "identity_grants_for_receipt(bytea)",
)
USABLE = """
    l.used_at is null and l.ends_at > clock_timestamp() and exists (
        select from people p join people_roles r on r.handle = p.handle and r.role = 'reviewer'
        where p.handle = l.handle and p.disabled_at is null)"""

NEWS = (
    "state, claimed_at, claimed_by, acknowledged_at, feedback_at, closed_at, outcome, held_at, held_by, category, "
    "severity, site, route, policy, facts, decision, claim_by, decide_by, acknowledge_by, feedback_by, version"
)


def upgrade() -> None:
    _watch()
    _hand_out()
    _guard()


def _guard() -> None:
    """Let no referral leave its draft unless enough different people approved it, whatever a program believes."""
    op.execute("""
        create function draft_is_approved() returns trigger language plpgsql security definer
        set search_path = public, pg_temp as $$
        begin
            if not exists (
                select from drafts d where d.referral = new.id and d.ended = 'approved' and d.needed <= (
                    select count(distinct a.handle) from approvals a
                    where a.referral = d.referral and a.digest = d.digest and a.verdict = 'approved'
                      and 'person:' || a.handle <> d.drafted_by)) then
                raise exception 'not_approved' using errcode = 'check_violation';
            end if;
            return new;
        end $$""")
    op.execute("revoke all on function draft_is_approved() from public")
    op.execute("""
        create trigger approved before update on referrals for each row
        when (old.state = 'draft' and new.state not in ('draft', 'recalled')) execute function draft_is_approved()""")


def _watch() -> None:
    """Count the version of a case up with whatever is new of it, whoever wrote that."""
    op.execute("""
        create function case_is_newer() returns trigger language plpgsql set search_path = pg_catalog as $$
        begin
            new.version := old.version + 1;
            new.changed_at := clock_timestamp();
            return new;
        end $$""")
    # Not of `claim_until`: that somebody goes on working changes nothing for anybody.
    op.execute(f"create trigger newer before update of {NEWS} on cases for each row execute function case_is_newer()")
    # The reporter's side may write messages and change no case: the owner's right does it.
    op.execute("""
        create function case_has_more() returns trigger language plpgsql security definer
        set search_path = public, pg_temp as $$
        begin
            update cases set version = version where reference = new.reference;
            return null;
        end $$""")
    op.execute("revoke all on function case_has_more() from public")
    for table in TOUCHING:
        op.execute(
            f"create trigger more after insert or update on {table} for each row execute function case_has_more()"
        )


def _hand_out() -> None:
    """Let the public part have what one receipt or one link gives, and no row of the tables: `grants` says who may."""
    op.execute("""
        create function messages_for_receipt(lookup bytea)
        returns table (id bigint, reference text, written_at timestamptz, kind text, suite text, blob bytea)
        language sql stable security definer set search_path = public, pg_temp as $$
            select m.id, m.reference, m.written_at, m.kind, m.suite, m.for_receipt
            from sealed_messages m join cases c on c.reference = m.reference
            where c.receipt_lookup = lookup and m.from_staff order by m.id
        $$""")
    op.execute(f"""
        create function behalf_link_ends(link bytea) returns timestamptz
        language sql stable security definer set search_path = public, pg_temp as $$
            select l.ends_at from behalf_links l where l.digest = link and {USABLE}
        $$""")  # noqa: S608 - our own words
    op.execute(f"""
        create function use_behalf_link(link bytea, recorded text) returns text
        language sql security definer set search_path = public, pg_temp as $$
            update behalf_links l set used_at = clock_timestamp(), reference = recorded
            where l.digest = link and {USABLE} returning l.handle
        $$""")  # noqa: S608 - our own words
    op.execute("""
        create function identity_grants_for_receipt(lookup bytea) returns setof timestamptz
        language sql stable security definer set search_path = public, pg_temp as $$
            select i.decided_at from identity_requests i join cases c on c.reference = i.reference
            where c.receipt_lookup = lookup and i.verdict = 'granted' order by 1
        $$""")
    for function in HANDED_OUT:
        op.execute(f"revoke all on function {function} from public")


def downgrade() -> None:
    for function in HANDED_OUT:
        op.execute(f"drop function {function}")
    for table in TOUCHING:
        op.execute(f"drop trigger more on {table}")
    op.execute("drop trigger newer on cases")
    op.execute("drop trigger approved on referrals")
    for function in ("case_has_more", "case_is_newer", "draft_is_approved"):
        op.execute(f"drop function {function}()")
