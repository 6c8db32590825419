"""Which login may do what: the narrowest that works, applied anew at each upgrade.

Logins are members of nothing. Column lists grant single columns; a missing entry means no right
at all. The owner holds the tables; nothing but migrations runs as the owner.
"""

from collections.abc import Mapping

from sqlalchemy import Connection, text
from sqlalchemy.sql.compiler import IdentifierPreparer

from router.store.outsidetables import metadata
from router.vocabulary import Login

ALL = ""
_POSTED = "id, reference, channel, kind, revision, policy, state, fields, notice, awaited, due_at, kept_from, "
_POSTED += "instead_of, about"
_KEYS = {"select": ALL, "insert": ALL, "update": "retired_at"}

GRANTS: dict[Login, dict[str, dict[str, str]]] = {
    # Takes concerns in: writes sealed texts that it cannot read back.
    Login.INTAKE: {
        "clients": {"select": ALL},
        "policies": {"select": ALL, "insert": "digest, policy, channels"},
        "policy_activations": {"select": ALL, "insert": "digest"},
        "recipient_keys": {"select": ALL},
        "cases": {
            "insert": ALL,
            "select": "reference, client, state, received_at, acknowledge_by, feedback_by",
        },
        "case_key_wraps": {"insert": ALL},
        "case_duplicate_keys": {"insert": ALL},
        "sealed_contents": {"insert": ALL},
        "referrals": {
            "insert": _POSTED,
            "select": "reference, channel, revision, state, notice, first_due_at, due_at, leased_at, lease_until, "
            "settled_at, retried_at, outcome, proof, look_at, about, awaited, ticket, ticket_at, case_closed_at, "
            "kept_from",
        },
        "channel_states": {"select": ALL},
        "hints": {"insert": "channel, seal, delivery, remote_id", "select": "channel, taken_at"},
        "idempotency": {"select": ALL, "insert": "key, body, answer", "delete": ALL},
        "kept_answers": {"select": ALL, "insert": ALL, "update": "sealed, ends_at", "delete": ALL},
        "flood_links": {"insert": "reference, flood, waits_until", "select": ALL},
        "flood_keys": {"select": ALL, "insert": ALL, "delete": ALL},
        "wrong_receipts": {"select": ALL, "insert": ALL, "update": "count", "delete": ALL},
        "audit": {"insert": "actor, action, object, outcome, detail", "select": "id, seq, at"},
    },
    # Delivers: sees projections and attempts, never a case, a fact outside them, or a sealed text.
    Login.WORKER: {
        "policies": {"select": "digest, channels"},
        "policy_activations": {"select": ALL},
        "referrals": {
            "select": ALL,
            "update": "state, first_due_at, due_at, attempts, lease_no, leased_at, lease_until, settled_at, "
            "remote_id, outcome, proof, unsure, acknowledged_at, look_at, looks, ticket, ticket_at, reopens",
        },
        "drafts": {"select": "referral, drafted_by, digest, needed, ended"},
        "approvals": {"select": "referral, digest, handle, verdict"},
        "hints": {"select": "channel, remote_id, received_at, taken_at", "update": "taken_at", "delete": ALL},
        "attempts": {"select": ALL, "insert": "referral, attempt, started_at, took_ms, outcome, remote_id"},
        "channel_states": {"select": ALL, "insert": ALL, "update": ALL},
        "filings": {
            "select": ALL,
            "insert": "referral, lease_no, test",
            "update": "state, report_id, opened_at, ended_at, code, tried_at",
        },
        "handovers": {"insert": "referral"},
        "preserved": {"insert": "referral, reference, part, lease_no, media_type, suite, blob"},
        "audit": {"insert": "actor, action, object, outcome, detail"},
    },
    # Reviews and administers: everything but what only the intake or the chainer needs.
    Login.CONSOLE: {
        "clients": {"select": "name, quota_per_minute, created_at, revoked_at", "insert": ALL, "update": "revoked_at"},
        "policies": {"select": ALL},
        "policy_activations": {"select": ALL},
        "people": {"select": ALL, "insert": ALL, "update": "disabled_at"},
        "people_roles": {"select": ALL, "insert": "handle, role, given_by", "delete": ALL},
        "suspended_teams": {"select": ALL, "insert": "handle, team", "delete": ALL},
        "accounts": {"select": ALL, "insert": ALL, "update": ALL},
        "recovery_codes": {"select": ALL, "insert": ALL, "update": "used_at", "delete": ALL},
        "console_sessions": {"select": ALL, "insert": ALL, "update": ALL, "delete": ALL},
        "saved_views": {"select": ALL, "insert": ALL, "update": "query, saved_at", "delete": ALL},
        "case_views": {"select": ALL, "insert": ALL, "update": "version, seen_at"},
        "recusals": {"select": ALL, "insert": "reference, handle"},
        "case_notes": {
            "select": ALL,
            "insert": "reference, kind, written_by, suite, blob, assigned_to, due_at",
            "update": "done_at, done_by",
        },
        "behalf_links": {"select": ALL, "insert": "digest, handle, ends_at", "delete": ALL},
        "drafts": {
            "select": ALL,
            "insert": "referral, drafted_by, reason, digest, body, needed, expires_at",
            "update": "digest, body, needed, expires_at, ended_at, ended",
        },
        "approvals": {"select": ALL, "insert": "referral, digest, handle, verdict, reason"},
        "filings": {"select": ALL},
        "handovers": {
            "select": ALL,
            "update": "body, desk, external_reference, handed_over_at, recorded_at, recorded_by",
        },
        "preserved": {
            "select": ALL,
            "insert": "referral, reference, part, lease_no, media_type, suite, blob",
            "update": "keep_until",
            "delete": ALL,
        },
        "identity_requests": {
            "select": ALL,
            "insert": "reference, asked_by, reason, expires_at",
            "update": "expires_at, decided_by, decided_at, verdict, decided_reason",
        },
        "recipient_keys": _KEYS,
        "member_keys": _KEYS,
        "team_key_wraps": {"select": ALL, "insert": ALL, "delete": ALL},
        "cases": {
            "select": ALL,
            "update": "state, claimed_at, claimed_by, claim_until, acknowledged_at, feedback_at, closed_at, outcome, "
            "held_at, held_by, category, severity, site, route, policy, facts, decision, claim_by, decide_by, "
            "acknowledge_by, feedback_by, reporter_wrote_at",
        },
        "earlier_decisions": {"select": ALL, "insert": "reference, policy, facts, decision, replaced_by"},
        "case_queue": {"select": ALL},
        "case_audiences": {"select": ALL},
        "case_duplicate_keys": {"select": ALL},
        "case_conflicts": {"select": ALL, "insert": "reference, team, found_by"},
        "case_key_wraps": {"select": ALL, "insert": ALL, "delete": ALL},
        "sealed_contents": {"select": ALL},
        "sealed_messages": {
            "select": ALL,
            "insert": "reference, from_staff, kind, written_by, suite, for_case, for_receipt",
        },
        "referrals": {
            "select": ALL,
            "insert": _POSTED,
            "update": "state, settled_at, outcome, acknowledged_at, kept_from, first_due_at, due_at, leased_at, "
            "retried_at, retried_after, look_at, case_closed_at, remote_id, proof",
        },
        "channel_states": {"select": ALL, "update": "until"},
        "flood_links": {"select": ALL, "update": "ended_at, ended_by, ended"},
        "wrong_receipts": {"select": ALL},
        # A person's own: what they handed over outside.
        "attempts": {"select": ALL, "insert": "referral, attempt, started_at, outcome, remote_id"},
        "audit": {"insert": "actor, action, object, outcome, detail", "select": ALL},
        "audit_checkpoints": {"select": ALL},
    },
    # Chains: sets `seq` and `hash` once per line (a trigger refuses a second time) and signs.
    Login.CHAINER: {
        "audit": {"select": ALL, "update": "seq, hash"},
        "audit_checkpoints": {"select": ALL, "insert": ALL},
    },
}

FUNCTIONS: dict[Login, tuple[str, ...]] = {
    # What one receipt or one link gives, out of tables of which it may read no row.
    Login.INTAKE: (
        "custodians_are_there()",
        *("behalf_link_ends(bytea)", "use_behalf_link(bytea, text)", "identity_grants_for_receipt(bytea)"),
        *("case_for_receipt(bytea)", "dialogue_for_receipt(bytea)", "tickets_for_receipt(bytea, text[])"),
        "write_for_receipt(bytea, bytea, text, text, bytea, int)",
    ),
    # The public half of one case's key, to seal what was sent outside and what came back.
    Login.WORKER: ("case_seal_key(text)",),
    Login.CONSOLE: ("case_seal_key(text)",),
}
"""Functions that work with their owner's rights, and who may call them: nobody else."""


def apply(owner: Connection, logins: Mapping[Login, str]) -> None:
    """Take every right from every login in `logins` (role names), then give what GRANTS lists.

    Runs in the caller's transaction as the owner of the tables. Raises what the database raises
    when a role does not exist.
    """
    quoted = IdentifierPreparer(owner.dialect).quote
    database = quoted(str(owner.execute(text("select current_database()")).scalar_one()))
    owner.execute(text(f"revoke all on database {database} from public"))
    owner.execute(text("revoke all on schema public from public"))
    for login, role in logins.items():
        name = quoted(role)
        owner.execute(text(f"revoke all on all tables in schema public from {name}"))
        owner.execute(text(f"revoke all on all functions in schema public from {name}"))
        owner.execute(text(f"grant connect on database {database} to {name}"))
        owner.execute(text(f"grant usage on schema public to {name}"))
        for table in metadata.tables:
            for right, columns in GRANTS[login].get(table, {}).items():
                listed = f" ({columns})" if columns else ""
                owner.execute(text(f"grant {right}{listed} on {quoted(table)} to {name}"))
        for function in FUNCTIONS.get(login, ()):
            owner.execute(text(f"grant execute on function {function} to {name}"))
