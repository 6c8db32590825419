"""Who gets keys: the first ones, those of further teams, those of further people.

A passphrase and the recovery identity are given once, to be printed by the caller, and kept
nowhere. Everything else goes into one transaction with its audit entries. Opens no case.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine

from router.errors import Broken, Forbidden, SealBroken
from router.keyrecords import RECOVERY, MemberKey, RecipientKey, TeamKeyWrap, normal_handle
from router.model import AuditEntry
from router.store.audit import note
from router.store.engine import transaction
from router.store.keys import (
    active_recipients,
    add_recipients,
    add_team_wraps,
    anybody,
    lock_keymakers,
    member_key,
    person_exists,
    team_wraps,
)
from router.store.keys import add_person as insert_person
from router.store.roles import give_roles
from router.vault.keyring import (
    make_member,
    make_recovery,
    make_team_key,
    new_passphrase,
    open_team_key,
    share_team_key,
    unlock_member,
)
from router.vocabulary import Role

FIRST_ROLES = (Role.REVIEWER, Role.ADMINISTRATOR)
"""What the first person may do; they give others the other roles, and should take care to have no other themselves."""
Also = Callable[[Connection, str], None]
"""What is written about a new person, by handle, beside their keys: how they sign in."""
_ACTOR = "keys_init"
_NOT_PROVEN = frozenset({"unknown_person", "wrong_passphrase"})
"""Told apart in the audit only: an answer must not help to find out who has a key."""


@dataclass(frozen=True, slots=True)
class FirstKeys:
    """Secrets to print once; neither is stored."""

    passphrase: str = field(repr=False)
    """The first member's."""
    recovery_identity: str = field(repr=False)
    """Opens every case when all members are gone; belongs on paper, in a safe."""


def first_keys(
    engine: Engine,
    teams: Sequence[str],
    handle: str,
    *,
    show: Callable[[FirstKeys], None] = lambda _: None,
    also: Also = lambda _connection, _handle: None,
) -> FirstKeys | None:
    """Make a key for each of `teams`, the recovery recipient, and a first member of every team.

    `show` is called before anything is kept: keys whose secrets nobody saw would seal what nobody
    can open. If it raises, or the process ends in it, there are no keys, and a later call makes
    others. `also` adds to the person in the same transaction. None when there is a person already:
    then nothing was changed or shown. Two at once do no harm. Raises Broken for a handle or a
    team's name that cannot be, and what `transaction` raises.
    """
    member_handle = _require_handle(handle)
    _require_names(teams)
    with transaction(engine) as connection:
        lock_keymakers(connection)
        if anybody(connection):
            return None
        passphrase = new_passphrase()
        member = make_member(member_handle, passphrase)
        recovery, identity = make_recovery()
        insert_person(connection, member)
        give_roles(connection, member_handle, FIRST_ROLES, by=_ACTOR)
        also(connection, member_handle)
        add_recipients(connection, [recovery])
        _make_teams(connection, teams, member)
        note(
            connection,
            [AuditEntry(_ACTOR, "key_made", RECOVERY), AuditEntry(_ACTOR, "person_added", f"person:{member_handle}")],
        )
        made = FirstKeys(passphrase, identity)
        show(made)
    return made


def keys_for_new_teams(engine: Engine, teams: Sequence[str], handle: str) -> tuple[str, ...]:
    """Make a key for each of `teams` that has none and hand it to the member `handle`; return those teams.

    Needs no passphrase: only the member's public key. Raises Forbidden `unknown_person`, Broken,
    and what `transaction` raises.
    """
    member_handle = _require_handle(handle)
    _require_names(teams)
    with transaction(engine) as connection:
        lock_keymakers(connection)
        member = member_key(connection, member_handle)
        if member is None:
            raise Forbidden("unknown_person")
        there = active_recipients(connection)
        missing = tuple(team for team in dict.fromkeys(teams) if team not in there)
        _make_teams(connection, missing, member)
    return missing


def add_person(
    engine: Engine,
    *,
    handle: str,
    teams: Sequence[str],
    by: str,
    passphrase: str,
    also: Also = lambda _connection, _handle: None,
) -> str:
    """Make a person with access to `teams` and return their passphrase, to be shown once.

    `by` is a member of each of these teams and gives `passphrase`: nobody else can hand on a
    team's key. `also` adds to the person in the same transaction. Raises Forbidden (audited),
    Broken, and what `transaction` raises.
    """
    new_handle, giver = _require_handle(handle), normal_handle(by) or "unknown"
    try:
        wraps, member, new = _handed_on(engine, new_handle, teams, giver, passphrase)
    except (Forbidden, SealBroken) as error:
        with transaction(engine) as connection:
            refused = AuditEntry(f"person:{giver}", "person_added", f"person:{new_handle}", f"refused_{error.code}")
            note(connection, [refused])
        raise Forbidden("wrong_handle_or_passphrase" if error.code in _NOT_PROVEN else error.code) from None
    entries = [AuditEntry(f"person:{giver}", "person_added", f"person:{new_handle}", detail=f"team:{t}") for t in teams]
    with transaction(engine) as connection:
        lock_keymakers(connection)
        insert_person(connection, member)
        give_roles(connection, new_handle, (Role.REVIEWER,), by=f"person:{giver}")
        also(connection, new_handle)
        add_team_wraps(connection, wraps)
        note(connection, entries)
    return new


def _handed_on(
    engine: Engine, handle: str, teams: Sequence[str], giver: str, passphrase: str
) -> tuple[list[TeamKeyWrap], MemberKey, str]:
    """Return the teams' keys sealed to a new member, that member's key, and its passphrase."""
    with transaction(engine) as connection:
        giving = member_key(connection, giver)
        held = team_wraps(connection, giving.key_id) if giving else {}
        there = active_recipients(connection)
        known = person_exists(connection, handle)
    if giving is None:
        raise Forbidden("unknown_person")
    giver_private = unlock_member(giving, passphrase)
    if known:
        raise Forbidden("person_exists")
    team_keys = [_team_key(team, there) for team in dict.fromkeys(teams)]
    if not team_keys or any(key.key_id not in held for key in team_keys):
        raise Forbidden("not_a_member")
    new = new_passphrase()
    member = make_member(handle, new)
    opened = [open_team_key(held[key.key_id], key.suite, giver_private) for key in team_keys]
    return [share_team_key(team_key, member) for team_key in opened], member, new


def _team_key(team: str, there: Mapping[str, RecipientKey]) -> RecipientKey:
    if team == RECOVERY or team not in there:
        raise Forbidden("unknown_team")
    return there[team]


def _make_teams(connection: Connection, teams: Sequence[str], member: MemberKey) -> None:
    made = [make_team_key(team) for team in dict.fromkeys(teams)]
    add_recipients(connection, [recipient for recipient, _ in made])
    add_team_wraps(connection, [share_team_key(private, member) for _, private in made])
    entries = [
        AuditEntry(_ACTOR, "key_made", f"team:{recipient.owner}", detail=f"person:{member.handle}")
        for recipient, _ in made
    ]
    note(connection, entries)


def _require_handle(handle: str) -> str:
    meant = normal_handle(handle)
    if meant is None:
        raise Broken("handle_malformed", "a handle has up to 64 of the characters A-Z a-z 0-9 . _ @ \\ -")
    return meant


def _require_names(teams: Sequence[str]) -> None:
    if not teams:
        raise Broken("no_team", "name a team, or list teams in policy.yaml")
    if RECOVERY in teams:
        raise Broken("team_called_recovery", "give the team another name: `recovery` is the offline recipient's")
