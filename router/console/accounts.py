"""What administrators do to the accounts of others: first passwords, roles, the way out and back in.

Used by commands and by pages. Each is one transaction with its line of the audit, refused ones too. Gives no key to
anything sealed: only members of a team can do that (`people add --team`).
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.signin import passwords
from router.errors import Forbidden
from router.keyrecords import normal_handle
from router.model import AuditEntry
from router.store import accounts, sessions
from router.store.audit import note
from router.store.engine import transaction
from router.store.keys import add_keyless, anybody, lock_keymakers, person_exists, set_disabled
from router.store.roles import give_roles, hold_roles, holders, roles_of, take_roles
from router.vocabulary import Role

_SUBJECT: Final = re.compile(r"[!-~]{1,255}")
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class FirstPassword:
    """A random password to show once; it must be changed at the next sign-in."""

    text: str = field(repr=False)
    kept: str = field(repr=False)
    """What is stored of it."""

    def keep(self, connection: Connection, handle: str) -> None:
        """Let `handle` sign in with it."""
        accounts.set_password(connection, handle, self.kept, must_change=True)


def first_password() -> FirstPassword:
    """Return a new one."""
    new = passwords.new_first_password()
    return FirstPassword(new, passwords.hashed(new))


def begins_with(password: FirstPassword, roles: Collection[Role], *, by: str) -> Callable[[Connection, str], None]:
    """Return what gives a person who is being made their account, and roles besides those that come with a team."""

    def also(connection: Connection, handle: str) -> None:
        password.keep(connection, handle)
        give_roles(connection, handle, roles, by=by)
        if roles:
            note(connection, [AuditEntry(by, "roles_changed", f"person:{handle}", detail=_signs(roles))])

    return also


def add_without_key(engine: Engine, handle: str, password: FirstPassword, roles: Collection[Role], *, by: str) -> None:
    """Make a person who signs in with `password` and has `roles`, and no key: nothing sealed opens to them.

    Raises Forbidden: `reviewer_without_team`, `no_role`, `person_exists`, and `nobody_yet` as long as there are no
    keys, whose first holder must be the first person.
    """

    def make(connection: Connection, known: str) -> None:
        lock_keymakers(connection)
        faults = {
            "handle_malformed": known == UNKNOWN,
            "no_role": not roles,
            "reviewer_without_team": Role.REVIEWER in roles,
            "nobody_yet": not anybody(connection),
            "person_exists": person_exists(connection, known),
        }
        fault = next((code for code, is_so in faults.items() if is_so), None)
        if fault:
            raise Forbidden(fault)
        add_keyless(connection, known)
        password.keep(connection, known)
        give_roles(connection, known, roles, by=by)

    _done(engine, "person_added", handle, by, make, detail=_signs(roles), new=True)


def give_first_password(engine: Engine, handle: str, *, by: str) -> str:
    """Return a random password, to be shown once and changed at the next sign-in; every session of theirs ends.

    Raises Forbidden `unknown_person`, and `own_account`: one's own password is changed by whoever knows it, not by
    whoever sits down at a screen that was left open.
    """
    new = first_password()

    def change(connection: Connection, known: str) -> None:
        _require_other(by, known)
        new.keep(connection, known)
        accounts.right_code(connection, known)
        sessions.end_all(connection, known)

    _done(engine, "password_reset", handle, by, change)
    return new.text


def reset_second_factor(engine: Engine, handle: str, *, by: str) -> None:
    """Take a second factor away; its owner sets another at the next sign-in.

    Raises Forbidden `unknown_person`, `no_account`, and `own_account` as for a password.
    """

    def change(connection: Connection, known: str) -> None:
        _require_other(by, known)
        if not accounts.forget_factor(connection, known):
            raise Forbidden("no_account")
        sessions.end_all(connection, known)

    _done(engine, "second_factor_reset", handle, by, change)


def change_roles(
    engine: Engine,
    handle: str,
    *,
    give: Collection[Role],
    take: Collection[Role],
    by: str,
    seen: Collection[Role] | None = None,
) -> None:
    """Give and take roles, which counts from the person's next request on.

    `seen` are those that whoever asks saw; raises Forbidden `changed_since` if they are others by now. Raises Forbidden
    `own_roles` for whoever gives themselves a role, `last_administrator`, `unknown_person`.
    """

    def change(connection: Connection, known: str) -> None:
        hold_roles(connection)
        if seen is not None and roles_of(connection, known) != frozenset(seen):
            raise Forbidden("changed_since")
        if by == f"person:{known}" and set(give) - roles_of(connection, known):
            raise Forbidden("own_roles")
        take_roles(connection, known, take)
        give_roles(connection, known, give, by=by)
        if Role.ADMINISTRATOR in take and not holders(connection, Role.ADMINISTRATOR):
            raise Forbidden("last_administrator")

    _done(engine, "roles_changed", handle, by, change, detail=_signs(give, take))


def disable(engine: Engine, handle: str, *, by: str) -> None:
    """Let a person do nothing any more, at once; raises Forbidden `unknown_person` and `last_administrator`."""

    def change(connection: Connection, known: str) -> None:
        hold_roles(connection)
        was = holders(connection, Role.ADMINISTRATOR)
        set_disabled(connection, known, disabled=True)
        sessions.end_all(connection, known)
        if was and not holders(connection, Role.ADMINISTRATOR):
            raise Forbidden("last_administrator")

    _done(engine, "person_disabled", handle, by, change)


def enable(engine: Engine, handle: str, *, by: str) -> None:
    """Let a disabled person sign in again, with the keys and roles that they had; raises Forbidden."""

    def change(connection: Connection, known: str) -> None:
        set_disabled(connection, known, disabled=False)

    _done(engine, "person_enabled", handle, by, change)


def link(engine: Engine, handle: str, issuer: str, subject: str, *, by: str) -> None:
    """Let single sign-on's `subject` at `issuer` be this person; raises Forbidden."""

    def change(connection: Connection, known: str) -> None:
        if not _SUBJECT.fullmatch(issuer) or not _SUBJECT.fullmatch(subject):
            raise Forbidden("subject_malformed")
        holder = accounts.linked(connection, issuer, subject)
        if holder not in {None, known}:
            raise Forbidden("subject_of_another")
        accounts.link(connection, known, issuer, subject)
        sessions.end_all(connection, known)

    _done(engine, "subject_linked", handle, by, change)


def unlink(engine: Engine, handle: str, *, by: str) -> None:
    """Take single sign-on away from a person; raises Forbidden `unknown_person`."""

    def change(connection: Connection, known: str) -> None:
        accounts.link(connection, known, None, None)
        sessions.end_all(connection, known)

    _done(engine, "subject_unlinked", handle, by, change)


def _done(
    engine: Engine,
    action: str,
    handle: str,
    by: str,
    change: Callable[[Connection, str], None],
    *,
    detail: str = "",
    new: bool = False,
) -> None:
    """Change something about a person and note it, or note that it was refused and why, and raise that."""
    known = normal_handle(handle) or UNKNOWN
    about = f"person:{known}"
    try:
        with transaction(engine) as connection:
            if not new:
                _require_person(connection, known)
            change(connection, known)
            note(connection, [AuditEntry(by, action, about, detail=detail)])
    except Forbidden as error:
        with transaction(engine) as connection:
            note(connection, [AuditEntry(by, action, about, f"refused_{error.code}", detail)])
        raise


def _signs(give: Collection[Role], take: Collection[Role] = ()) -> str:
    return " ".join([*(f"+{role.value}" for role in sorted(give)), *(f"-{role.value}" for role in sorted(take))])


def _require_other(by: str, handle: str) -> None:
    if by == f"person:{handle}":
        raise Forbidden("own_account")


def _require_person(connection: Connection, handle: str) -> None:
    if not person_exists(connection, handle):
        raise Forbidden("unknown_person")
