"""What the console needs: roles, accounts, sessions, and what staff see and write of cases.

Whoever could open cases before is a reviewer and an administrator: nobody else is there to give roles. Claims made
before never end by themselves. Adds columns to `cases` without rewriting it.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
NOW = sa.text("clock_timestamp()")
TABLES = (
    "earlier_decisions",
    *("identity_requests", "approvals", "drafts", "behalf_links", "case_notes", "recusals", "case_views"),
    *("saved_views", "console_sessions", "recovery_codes", "accounts", "suspended_teams", "people_roles"),
)
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
    op.create_table(
        "accounts",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("must_change", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_since", MOMENT, nullable=True),
        sa.Column("totp_step", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failures", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("locked_until", MOMENT, nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("changed_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("(issuer is null) = (subject is null)", name=op.f("accounts_subject_check")),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("accounts_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", name=op.f("accounts_pkey")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("accounts_issuer_subject_key")),
    )
    op.create_table(
        "console_sessions",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("begun_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("seen_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("unlocked", sa.LargeBinary(), nullable=True),
        sa.Column("unlocked_until", MOMENT, nullable=True),
        sa.CheckConstraint("stage in ('password', 'enrol', 'full')", name=op.f("console_sessions_stage_check")),
        sa.CheckConstraint("way in ('local', 'oidc')", name=op.f("console_sessions_way_check")),
        sa.CheckConstraint(
            "(unlocked is null) = (unlocked_until is null)", name=op.f("console_sessions_unlocked_check")
        ),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("console_sessions_handle_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("console_sessions_pkey")),
    )
    op.create_index(op.f("console_sessions_handle_idx"), "console_sessions", ["handle"], unique=False)
    op.create_table(
        "people_roles",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "role in ('reviewer', 'approver', 'custodian', 'auditor', 'administrator')",
            name=op.f("people_roles_role_check"),
        ),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("people_roles_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "role", name=op.f("people_roles_pkey")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("recovery_codes_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "digest", name=op.f("recovery_codes_pkey")),
    )
    op.create_table(
        "saved_views",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("saved_views_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "name", name=op.f("saved_views_pkey")),
    )
    op.create_table(
        "suspended_teams",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("since", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("suspended_teams_handle_fkey")),
        sa.PrimaryKeyConstraint("handle", "team", name=op.f("suspended_teams_pkey")),
    )
    op.create_table(
        "behalf_links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("behalf_links_handle_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("behalf_links_reference_fkey")),
        sa.PrimaryKeyConstraint("digest", name=op.f("behalf_links_pkey")),
    )
    op.create_table(
        "case_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("written_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.Column("suite", sa.Text(), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("assigned_to", sa.Text(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.Column("done_at", MOMENT, nullable=True),
        sa.Column("done_by", sa.Text(), nullable=True),
        sa.CheckConstraint("kind in ('note', 'task', 'hand_over')", name=op.f("case_notes_kind_check")),
        sa.CheckConstraint("(done_at is null) = (done_by is null)", name=op.f("case_notes_done_check")),
        sa.ForeignKeyConstraint(["assigned_to"], ["people.handle"], name=op.f("case_notes_assigned_to_fkey")),
        sa.ForeignKeyConstraint(["done_by"], ["people.handle"], name=op.f("case_notes_done_by_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("case_notes_reference_fkey")),
        sa.ForeignKeyConstraint(["written_by"], ["people.handle"], name=op.f("case_notes_written_by_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("case_notes_pkey")),
    )
    op.create_index(op.f("case_notes_reference_idx"), "case_notes", ["reference"], unique=False)
    op.create_table(
        "case_views",
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("seen_at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("case_views_handle_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("case_views_reference_fkey")),
        sa.PrimaryKeyConstraint("handle", "reference", name=op.f("case_views_pkey")),
    )
    op.create_table(
        "identity_requests",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("decided_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "verdict in ('granted', 'refused', 'expired')", name=op.f("identity_requests_verdict_check")
        ),
        sa.CheckConstraint("decided_by <> asked_by", name=op.f("identity_requests_other_check")),
        sa.ForeignKeyConstraint(["asked_by"], ["people.handle"], name=op.f("identity_requests_asked_by_fkey")),
        sa.ForeignKeyConstraint(["decided_by"], ["people.handle"], name=op.f("identity_requests_decided_by_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("identity_requests_reference_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("identity_requests_pkey")),
    )
    op.create_index(op.f("identity_requests_reference_idx"), "identity_requests", ["reference"], unique=False)
    op.create_index(
        "identity_requests_open_idx",
        *("identity_requests", ["reference", "asked_by"]),
        unique=True,
        postgresql_where=sa.text("verdict is null"),
    )
    op.create_table(
        "recusals",
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("recusals_handle_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("recusals_reference_fkey")),
        sa.PrimaryKeyConstraint("reference", "handle", name=op.f("recusals_pkey")),
    )
    op.create_table(
        "earlier_decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("decision", JSONB(), nullable=False),
        sa.Column("replaced_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("replaced_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["policy"], ["policies.digest"], name=op.f("earlier_decisions_policy_fkey")),
        sa.ForeignKeyConstraint(["reference"], ["cases.reference"], name=op.f("earlier_decisions_reference_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("earlier_decisions_pkey")),
    )
    op.create_index(op.f("earlier_decisions_reference_idx"), "earlier_decisions", ["reference"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column("drafted_at", MOMENT, server_default=NOW, nullable=False),
        sa.Column("drafted_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("needed", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ended in ('approved', 'refused', 'expired', 'withdrawn', 'replaced')", name=op.f("drafts_ended_check")
        ),
        sa.CheckConstraint("(ended_at is null) = (ended is null)", name=op.f("drafts_end_check")),
        sa.CheckConstraint("needed >= 1", name=op.f("drafts_needed_check")),
        sa.ForeignKeyConstraint(["referral"], ["referrals.id"], name=op.f("drafts_referral_fkey")),
        sa.PrimaryKeyConstraint("referral", name=op.f("drafts_pkey")),
    )
    op.create_index(
        "drafts_open_idx", "drafts", ["expires_at"], unique=False, postgresql_where=sa.text("ended_at is null")
    )
    op.create_table(
        "approvals",
        sa.Column("referral", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("handle", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, server_default=NOW, nullable=False),
        sa.CheckConstraint("verdict in ('approved', 'refused')", name=op.f("approvals_verdict_check")),
        sa.ForeignKeyConstraint(["handle"], ["people.handle"], name=op.f("approvals_handle_fkey")),
        sa.ForeignKeyConstraint(["referral"], ["drafts.referral"], name=op.f("approvals_referral_fkey")),
        sa.PrimaryKeyConstraint("referral", "digest", "handle", "verdict", name=op.f("approvals_pkey")),
    )
    op.create_index(
        "referrals_draft_idx",
        *("referrals", ["first_due_at", "id"]),
        unique=False,
        postgresql_where=sa.text("state = 'draft'"),
    )
    op.add_column("cases", sa.Column("claim_until", MOMENT, nullable=True))
    op.add_column("cases", sa.Column("held_at", MOMENT, nullable=True))
    op.add_column("cases", sa.Column("held_by", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("version", sa.Integer(), server_default="0", nullable=False))
    op.add_column("cases", sa.Column("changed_at", MOMENT, server_default=NOW, nullable=False))
    op.add_column("sealed_messages", sa.Column("kind", sa.Text(), nullable=True))
    op.add_column("sealed_messages", sa.Column("written_by", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("sealed_messages_written_by_fkey"), "sealed_messages", "people", ["written_by"], ["handle"]
    )
    op.create_check_constraint(
        op.f("sealed_messages_kind_check"), "sealed_messages", "kind in ('acknowledgement', 'question', 'feedback')"
    )
    op.create_check_constraint(
        op.f("sealed_messages_staff_check"),
        "sealed_messages",
        "from_staff = (kind is not null) and from_staff = (written_by is not null)"
        " and from_staff = (for_receipt is not null)",
    )
    op.create_index(
        "cases_lapse_idx", "cases", ["claim_until"], unique=False, postgresql_where=sa.text("claim_until is not null")
    )
    # Everything that was done with a case is read now, not its opening alone.
    op.drop_index("audit_opened_idx", "audit")
    op.drop_index("audit_received_idx", "audit")
    op.create_index("audit_object_idx", "audit", ["object", "id"], unique=False)
    # Nearly all lines tell of a case that came in or was sent; what else was done is found without them.
    others, refused = "action not in ('case_received', 'referral_sent')", "left(outcome, 7) in ('refused', 'failed_')"
    for name, columns, only in (
        ("others", ["id"], others),
        ("actor", ["actor", "id"], others),
        ("action", ["action", "id"], others),
        ("refused", ["id"], refused),
    ):
        op.create_index(f"audit_{name}_idx", "audit", columns, unique=False, postgresql_where=sa.text(only))
    op.create_foreign_key(op.f("cases_held_by_fkey"), "cases", "people", ["held_by"], ["handle"])
    op.execute("""
        insert into people_roles (handle, role, given_by)
        select p.handle, role, 'migration' from people p, unnest(array['reviewer', 'administrator']) as role
        where exists (select from member_keys m where m.handle = p.handle)""")
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


def _forget() -> None:
    """Take what would be told wrongly later: who drafted something, and who wrote a message, is not known any more."""
    op.execute("""
        update referrals r set state = 'recalled', outcome = 'withdrawn', settled_at = clock_timestamp()
        where r.state = 'draft' and exists (
            select from drafts d where d.referral = r.id and d.drafted_by <> 'policy')""")
    op.execute("delete from sealed_messages where from_staff")


def downgrade() -> None:
    _forget()
    for function in HANDED_OUT:
        op.execute(f"drop function {function}")
    op.drop_constraint(op.f("sealed_messages_staff_check"), "sealed_messages")
    op.drop_constraint(op.f("sealed_messages_kind_check"), "sealed_messages")
    for column in ("written_by", "kind"):
        op.drop_column("sealed_messages", column)
    for table in TOUCHING[:1]:
        op.execute(f"drop trigger more on {table}")
    op.execute("drop trigger newer on cases")
    op.execute("drop trigger approved on referrals")
    op.drop_index("referrals_draft_idx", table_name="referrals")
    for table in TABLES:
        op.drop_table(table)
    op.execute("drop function case_has_more()")
    op.execute("drop function case_is_newer()")
    op.execute("drop function draft_is_approved()")
    for name in ("object", "others", "actor", "action", "refused"):
        op.drop_index(f"audit_{name}_idx", "audit")
    for action in ("opened", "received"):
        only = sa.text(f"action = 'case_{action}'")
        op.create_index(f"audit_{action}_idx", "audit", ["object"], unique=False, postgresql_where=only)
    op.drop_index("cases_lapse_idx", "cases")
    for column in ("changed_at", "version", "held_by", "held_at", "claim_until"):
        op.drop_column("cases", column)
