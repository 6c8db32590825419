"""Fills a database with as many cases as a year brings, by SQL: keys, people and policy are real, texts are not.

A third of the cases are open, a fifth of those are held by somebody; sites and categories are uneven, one of each rare.
What the intake's triggers do for a case they do here too.
"""

from typing import Any, Final

from sqlalchemy import Engine, text

from router import clock
from router.keymaking import FirstKeys, add_person, first_keys
from router.model import Content, Facts, NewCase
from router.store import cases, policies
from router.store.engine import transaction
from router.store.keys import active_recipients
from router.triage.decide import decide
from router.triage.policy import Policy, parse_policy
from router.vault.seal import seal_case
from tests.running import CHECKOUT

TEAMS: Final = ("security", "legal", "hr", "privacy", "safety", "finance", "ombuds", "plant")
AUDIENCES: Final = (
    *(("security",), ("legal",), ("hr",), ("privacy",), ("safety",), ("finance",), ("ombuds",), ("plant",)),
    *(("security", "legal"), ("security", "hr"), ("hr", "legal"), ("legal", "ombuds"), ("finance", "legal")),
    *(("privacy", "security"), ("plant", "safety"), ("hr", "ombuds"), ("security", "legal", "hr")),
    *(("security", "legal", "privacy"), ("hr", "legal", "ombuds"), ("finance", "legal", "security")),
)
"""Which teams cases go to, the most frequent first."""
EVERYWHERE: Final = "ana"
IN_ONE_TEAM: Final = "sven"
RARE_SITE: Final = "lighthouse"
RARE_CATEGORY: Final = "sexual_extortion"
CHUNK: Final = 20_000
TIMELINE: Final = 500

_PEOPLE: Final = "insert into people (handle) select 'reviewer' || n from generate_series(1, 40) n"
_CHUNK: Final = """
    with drawn as materialized (
        select n, random() as r_state, random() as r_severity, random() as r_age, random() as r_audience,
               random() as r_site, random() as r_category, random() as r_claimed, random() as r_owed,
               random() as r_found, md5(n::text) as mark
        from generate_series(cast(:first as int), cast(:last as int)) n),
    placed as materialized (
        select *, case when r_state < 0.33 then 'open' when r_state < 0.98 then 'closed' else 'withdrawn' end as state,
               case when r_severity < 0.70 then 0 when r_severity < 0.90 then 1 when r_severity < 0.98 then 2
                    else 3 end as severity,
               now() - case when r_state < 0.33 then 30 else 365 end * r_age * interval '1 day' as received_at,
               case when r_site < 0.0001 then 'lighthouse' when r_site < 0.9
                    then 'site_' || floor(power(r_site / 0.9, 2) * 20) end as site,
               case when r_category < 0.0001 then 'sexual_extortion'
                    else (array['csam_suspected', 'harassment', 'fraud', 'data_protection', 'security_incident',
                                'health_and_safety', 'grooming_suspected', 'other'])
                         [1 + floor(power(r_category, 2) * 8)::int] end as category,
               -- Bijective over 32 bits, so that no reference comes twice.
               upper(lpad(to_hex(n::bigint * 2654435761 % 4294967296), 8, '0') || left(mark, 4)) as code
        from drawn),
    fresh as materialized (
        select p.*, a.keys,
               'CR-' || left(code, 4) || '-' || substr(code, 5, 4) || '-' || substr(code, 9, 4) as reference
        from placed p
        join unnest(cast(:audiences as text[])) with ordinality as a(keys, place)
          on a.place = 1 + floor(power(p.r_audience, 2) * cast(:kinds as int))),
    made as (
        insert into cases (reference, received_at, state, claimed_at, claimed_by, acknowledged_at, feedback_at,
                           closed_at, outcome, category, severity, site, route, policy, facts, decision, claim_by,
                           decide_by, acknowledge_by, feedback_by, suite, public)
        select reference, received_at, state,
               case when state <> 'open' or r_claimed < 0.2 then received_at + interval '1 hour' end,
               case when state <> 'open' or r_claimed < 0.2 then 'reviewer' || 1 + n % 40 end,
               case when state <> 'open' or r_owed < 0.5 then received_at + interval '2 days' end,
               case when state <> 'open' and r_owed < 0.97 then received_at + interval '9 days' end,
               case when state = 'closed' then received_at + interval '9 days' end,
               case when state = 'closed' then 'substantiated' end,
               category, severity, site, 'route', :policy,
               jsonb_strip_nulls(jsonb_build_object(
                   'category', category, 'noticed_how', 'endpoint_hash_match', 'site', site,
                   'asset_tag', case when r_found < 0.3 then 'LT-' || left(mark, 8) end,
                   'source_ticket', case when r_found > 0.8 then 'INC' || n end,
                   'hashes', case when r_found < 0.3 then jsonb_build_array(jsonb_build_object(
                       'algorithm', 'sha256', 'value', mark || mark)) end)),
               '{"teams": [], "avoided": [], "trace": []}',
               received_at + interval '4 hours', received_at + interval '3 days', received_at + interval '7 days',
               received_at + interval '90 days', 's', ''
        from fresh),
    noted as (
        insert into audit (actor, action, object, outcome, detail)
        select 'reporter', 'case_received', reference, 'ok', mark || mark from fresh order by n)
    insert into case_key_wraps (reference, key_id, suite, blob)
    select f.reference, k.key_id, 's', decode(repeat(f.mark, 5), 'hex')
    from fresh f, unnest(string_to_array(f.keys, ' ')) as k(key_id)"""
_TIMELINE: Final = """
    insert into audit (actor, action, object, outcome, detail)
    select 'person:reviewer' || n % 40, 'case_viewed', :reference, 'ok', ''
    from generate_series(1, cast(:count as int)) n"""


def keys_and_policy(intake: Engine, console: Engine) -> tuple[FirstKeys, Policy]:
    """Make real keys, the two people who look at the queue, and put the shipped policy in force."""
    first = first_keys(console, TEAMS, EVERYWHERE)
    assert first is not None
    add_person(console, handle=IN_ONE_TEAM, teams=TEAMS[:1], by=EVERYWHERE, passphrase=first.passphrase)
    policy_text = (CHECKOUT / "config/policy.yaml").read_text()
    channels_text = (CHECKOUT / "config/channels.yaml").read_text()
    policy = parse_policy(policy_text, channels_text)
    with transaction(intake) as connection:
        policies.keep(connection, policy.digest, policy_text, channels_text)
        policies.activate(connection, policy.digest)
    return first, policy


def fill(owner: Engine, policy: Policy, count: int) -> None:
    """Insert `count` cases with their keys, in pieces, and have the database look at what it has."""
    with transaction(owner) as connection:
        keys = active_recipients(connection)
        connection.execute(text(_PEOPLE))
        connection.execute(text("select setseed(0.5)"))
    audiences = [" ".join(keys[owner].key_id for owner in (*teams, "recovery")) for teams in AUDIENCES]
    statement = text(_CHUNK.replace("::", r"\:\:"))
    for first in range(1, count + 1, CHUNK):
        values: dict[str, Any] = {"first": first, "last": min(first + CHUNK - 1, count), "policy": policy.digest}
        with transaction(owner) as connection:
            connection.execute(statement, values | {"audiences": audiences, "kinds": len(AUDIENCES)})
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum (analyze)"))


def long_case(intake: Engine, owner: Engine, policy: Policy) -> str:
    """Record one case as the intake does, with TIMELINE entries of the audit; return its reference."""
    facts = Facts.model_validate({"category": "other", "noticed_how": "told_by_someone"})
    reference, now = clock.new_reference(), clock.now()
    decision = decide(
        policy, facts, reference=reference, received_at=now, statutory=True, console_url="http://127.0.0.1:8001"
    )
    with transaction(owner) as connection:
        keys = active_recipients(connection)
    sealed = seal_case(reference, Content("MARKED-7f3a", None), [keys["security"], keys["recovery"]])
    with transaction(intake) as connection:
        cases.record(connection, [NewCase(reference, now, None, facts, decision, sealed, None, None)])
    with transaction(owner) as connection:
        connection.execute(text(_TIMELINE), {"reference": reference, "count": TIMELINE})
    return reference
