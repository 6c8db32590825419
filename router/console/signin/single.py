"""Somebody comes in by single sign-on: who they are here, and what the issuer says about roles and teams.

The issuer's `sub` is the key, and only subjects that are linked to a person get in. Roles and teams follow the mapping
at each sign-in, and each change is a line of the audit. A key to a team's cases is never given here: whoever holds one
and has left the team may not use it; whoever joined gets one by `people add`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from router.console import accounts as acts
from router.console.signin.carried import Vouched
from router.errors import Forbidden
from router.model import AuditEntry
from router.store import accounts, staff
from router.store.accounts import Account
from router.store.audit import note
from router.store.engine import transaction
from router.store.roles import roles_of, suspend_teams
from router.vocabulary import Role

if TYPE_CHECKING:
    from router.console.oidc import Provider

BY = "single_sign_on"


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """The one provider, and what its groups mean here."""

    provider: "Provider"
    name: str
    """As it stands on the sign-in page."""
    roles: Mapping[str, Role]
    """By group; empty: roles are given here."""
    teams: Mapping[str, str]
    """By group; empty: nobody has left a team unless their key was taken."""


def enter(engine: Engine, single: SingleSignOn, vouched: Vouched) -> Account:
    """Return whose account it is, with roles and teams as the issuer has them; raises Forbidden `unknown_subject`."""
    with transaction(engine) as connection:
        account = accounts.find_subject(connection, single.provider.issuer, vouched.subject)
    if account is None:
        raise Forbidden("unknown_subject")
    if single.roles:
        _follow_roles(engine, account.handle, frozenset(single.roles[g] for g in vouched.groups if g in single.roles))
    if single.teams:
        _follow_teams(engine, single, account.handle, vouched.groups)
    return account


def _follow_roles(engine: Engine, handle: str, wanted: frozenset[Role]) -> None:
    """Let the person have these roles; the last administrator stays one, and that is on record."""
    with transaction(engine) as connection:
        before = roles_of(connection, handle)
    give, take = wanted - before, before - wanted
    if not give and not take:
        return
    try:
        acts.change_roles(engine, handle, give=give, take=take, by=BY)
    except Forbidden as error:
        rest = take - {Role.ADMINISTRATOR}
        if error.code == "last_administrator" and (give or rest):
            acts.change_roles(engine, handle, give=give, take=rest, by=BY)


def _follow_teams(engine: Engine, single: SingleSignOn, handle: str, groups: frozenset[str]) -> None:
    of_groups = {single.teams[group] for group in groups if group in single.teams}
    with transaction(engine) as connection:
        person = staff.member(connection, handle)
        if person is None:
            return
        left = {team for team in person.teams if team in set(single.teams.values()) and team not in of_groups}
        gone, back = left - set(person.suspended), set(person.suspended) - left
        suspend_teams(connection, handle, suspend=gone, restore=back)
        note(
            connection,
            [
                *(AuditEntry(BY, "team_suspended", f"person:{handle}", detail=f"team:{team}") for team in sorted(gone)),
                *(AuditEntry(BY, "team_restored", f"person:{handle}", detail=f"team:{team}") for team in sorted(back)),
            ],
        )
