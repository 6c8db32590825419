"""What ties a person to a case so that they must have no say in it: keys, recusals, roles. Opens and decides nothing.

Functions take a connection and never commit.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, text

from router.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Ties:
    """One person and one case."""

    enabled: bool
    has_role: bool
    recused: bool
    keys_of: tuple[str, ...]
    """Teams whose key they hold or held, suspended or not."""
    kept_from: tuple[str, ...]
    """Teams that must know nothing of the case: said to be involved, or found to be later."""
    subject: str | None
    """The account that the concern names."""
    policy: str
    """By which the case was decided."""


KEPT_FROM: Final = """
    select team from case_conflicts f where f.reference = c.reference
    union select jsonb_array_elements_text(c.decision -> 'avoided')
    union select unnest(r.kept_from) from referrals r where r.reference = c.reference order by 1
"""
"""Of a case `c`: the teams that must know nothing of it."""


def kept_from(connection: Connection, reference: str) -> tuple[str, ...]:
    """Return the teams that must know nothing of the case."""
    query = text(f"select array({KEPT_FROM}) from cases c where c.reference = :reference")  # noqa: S608 - our own words
    return tuple(connection.execute(query, {"reference": reference}).scalar_one_or_none() or ())


def ties(connection: Connection, reference: str, handle: str, role: Role) -> Ties | None:
    """Return what ties `handle` to the case; None if there is no such person or no such case."""
    query = text(f"""
        select p.disabled_at is null as enabled,
            exists (select from people_roles r where r.handle = p.handle and r.role = :role) as has_role,
            exists (select from recusals x where x.handle = p.handle and x.reference = c.reference) as recused,
            array(select distinct k.owner from member_keys m
                  join team_key_wraps t on t.member_key_id = m.key_id
                  join recipient_keys k on k.key_id = t.team_key_id
                  where m.handle = p.handle) as keys_of,
            array({KEPT_FROM}) as kept_from,
            c.facts ->> 'subject_handle' as subject, c.policy
        from people p, cases c where p.handle = :handle and c.reference = :reference""")  # noqa: S608 - our own words
    values = {"handle": handle, "reference": reference, "role": role.value}
    row: Row[*tuple[Any, ...]] | None = connection.execute(query, values).one_or_none()
    if row is None:
        return None
    return Ties(
        *(row.enabled, row.has_role, row.recused, tuple(row.keys_of), tuple(row.kept_from)), row.subject, row.policy
    )
