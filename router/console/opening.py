"""A reviewer opens a case, or hands its key on: who, why, then the audit, then the seal.

The one importer of `vault.unseal`. The audit entry is committed before anything is shown, so a view without
an entry cannot be. Refused attempts are entries too, each in a transaction of its own. Keeps no key and no text.
"""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.attempt import Attempt, attempted
from router.errors import SealBroken
from router.keyrecords import RECOVERY, KeyWrap, MemberKey, RecipientKey, Sealed, TeamKeyWrap, normal_handle
from router.model import Content
from router.store.audit import note
from router.store.engine import transaction
from router.store.identities import may_see_contact
from router.store.keys import active_recipients, member_key, team_wraps
from router.store.progress import Access, access, standing
from router.store.sealed import StoredSeal, StoredWrap, sealed_case
from router.vault.keyring import open_team_key, read_recovery, unlock_member
from router.vault.seal import wrap_case_key
from router.vault.suite import Private, key_id
from router.vault.unseal import unseal_content, unseal_kept, unseal_message, unseal_note, unwrap_case_key
from router.vocabulary import Identity

OPENED: Final = "case_opened"


def open_case(engine: Engine, *, reference: str, handle: str, passphrase: str, reason: str) -> Content:
    """Return narrative and contact of a case to a member of one of its teams, character for character.

    Without the contact, where it is confidential and no custodian granted it to them: see `identity`.
    `reason` (3 to 200 printable characters) goes into the audit with the handle. Raises Forbidden
    with a code; until the passphrase is right the code does not tell which cases or people there
    are. Raises SealBroken when the seal itself was tampered with, and what `transaction` raises.
    """
    attempt = begin(engine, OPENED, kind="person", handle=handle, reference=reference, reason=reason)
    key = hold_key(attempt, identify(attempt, handle, passphrase))
    content = shown(attempt, key, reason)
    return to_be_seen(attempt, content, handle)


def open_case_with_recovery(engine: Engine, *, reference: str, handle: str, identity: str, reason: str) -> Content:
    """Return narrative and contact of a case to whoever holds the offline recovery identity.

    For the day when no member is left. `handle` says who uses it and is believed. Raises as
    `open_case` does.
    """
    attempt = begin(engine, OPENED, kind=RECOVERY, handle=handle, reference=reference, reason=reason)
    return shown(attempt, hold_key_with_recovery(attempt, identity=identity), reason)


class CaseKey:
    """The opened key of one case, for one act: seals itself to further recipients, and is shown to nobody."""

    __slots__ = ("_private", "_reference", "_seal")

    def __init__(self, reference: str, seal: StoredSeal, stored: StoredWrap, recipient: Private) -> None:
        """Open it; raises SealBroken, also when it is not the key that the case's content was sealed to."""
        self._reference = reference
        self._seal = seal
        self._private = unwrap_case_key(reference, seal.suite, stored.wrap, recipient)
        # Anybody can seal anything to a team's public key; handing that on would lock the new readers out.
        if self._private.key_id != key_id(seal.suite, seal.public):
            raise SealBroken("key_swapped")

    def sealed_to(self, recipients: Iterable[RecipientKey]) -> list[KeyWrap]:
        """Return the key sealed to each of `recipients`."""
        return [wrap_case_key(self._reference, self._private, recipient) for recipient in recipients]

    def content(self) -> Content:
        """Return what came in with the case; raises SealBroken.

        Anybody can seal to a public key, so what opens must also be what the audit says came in.
        """
        if not self._seal.untouched:
            raise SealBroken("content_replaced")
        if self._seal.content is None:
            return Content(narrative=None, contact=None)
        return unseal_content(self._reference, self._seal.content, self._private)

    def message(self, sealed: Sealed) -> str:
        """Return one message of the dialogue; raises SealBroken."""
        return unseal_message(self._reference, sealed, self._private)

    def note(self, sealed: Sealed) -> str:
        """Return what staff wrote on the case; raises SealBroken."""
        return unseal_note(self._reference, sealed, self._private)

    def kept(self, referral: str, part: str, sealed: Sealed) -> bytes:
        """Return what was sent outside, or came back, byte for byte; raises SealBroken."""
        return unseal_kept(self._reference, referral, part, sealed, self._private)


def shown(attempt: Attempt, key: CaseKey, reason: str) -> Content:
    """Commit that the case is opened and why; then return what came in with it.

    Raises Forbidden when they may not any more, SealBroken; each audited.
    """
    with still_opening(attempt) as connection:
        note(connection, [attempt.entry(detail=reason.strip())])
    try:
        return key.content()
    except SealBroken as error:
        attempt.note(f"failed_{error.code}")
        raise


def to_be_seen(attempt: Attempt, content: Content, handle: str) -> Content:
    """Return what somebody who opened the case may see: who reported only if they let that be known, or with a yes."""
    if content.identity is not Identity.CONFIDENTIAL:
        return content
    with transaction(attempt.engine) as connection:
        may = may_see_contact(connection, attempt.reference, normal_handle(handle) or "")
    return content if may else content.without_contact()


@contextmanager
def still_opening(attempt: Attempt) -> Iterator[Connection]:
    """Yield the transaction of the entry of an opening, in which nothing else becomes of the case.

    A conflict found at the same time knows of the opening, or comes first: then it raises Forbidden, audited.
    """
    kind, _, handle = attempt.actor.partition(":")
    with transaction(attempt.engine) as connection:
        standing(connection, attempt.reference)
        may = Access.READER if kind == RECOVERY else access(connection, attempt.reference, handle)
        if may is Access.READER:
            yield connection
            return
    attempt.refuse(may.value)


@dataclass(frozen=True, slots=True)
class Reader:
    """A member of staff whose own key is open: they gave their passphrase now, or unlocked their session with it."""

    member: MemberKey
    private: Private = field(repr=False)


def identify(attempt: Attempt, handle: str, passphrase: str) -> Reader:
    """Return the person, by their passphrase; raises Forbidden, audited, the same for a wrong one and nobody."""
    with transaction(attempt.engine) as connection:
        member = member_key(connection, normal_handle(handle) or "")
    if member is None:
        attempt.refuse("unknown_person", say="wrong_handle_or_passphrase")
    try:
        return Reader(member, unlock_member(member, passphrase))
    except SealBroken as error:
        attempt.refuse(error.code, say="wrong_handle_or_passphrase")


def hold_key(attempt: Attempt, reader: Reader, *, but: Collection[str] = ()) -> CaseKey:
    """Return the case's key, opened by a member of one of its teams who is not of the teams in `but` alone.

    Raises Forbidden and SealBroken as `open_case` does, each audited. Whoever calls commits the entry of what
    the key was used for, before anything that it opens is shown.
    """
    seal = _find(attempt)
    stored, held = _way_in(attempt, seal, reader.member, but=but)
    private = reader.private
    try:
        return CaseKey(attempt.reference, seal, stored, open_team_key(held, stored.suite, private))
    except SealBroken as error:
        attempt.note(f"failed_{error.code}")
        raise


def hold_key_with_recovery(attempt: Attempt, *, identity: str) -> CaseKey:
    """Return the case's key, opened with the offline recovery identity; raises as `hold_key` does."""
    private, seal, stored = _recover(attempt, identity)
    try:
        return CaseKey(attempt.reference, seal, stored, private)
    except SealBroken as error:
        attempt.note(f"failed_{error.code}")
        raise


def begin(engine: Engine, action: str, *, kind: str, handle: str, reference: str, reason: str) -> Attempt:
    """Return the attempt, with nothing in it that is not an id; refuse it without a reason."""
    attempt = attempted(engine, action, kind=kind, handle=handle, reference=reference)
    attempt.check_reason(reason)
    return attempt


def _way_in(
    attempt: Attempt, seal: StoredSeal, member: MemberKey, *, but: Collection[str] = ()
) -> tuple[StoredWrap, TeamKeyWrap]:
    """Return the case's key and the team's as they are sealed to a team of the member's.

    A member of teams in `but` alone is refused; one of another team too may use what they still have.
    """
    with transaction(attempt.engine) as connection:
        held = team_wraps(connection, member.key_id)
        teams = {owner for owner, key in active_recipients(connection).items() if key.key_id in held}
        may = access(connection, attempt.reference, member.handle)
    ways = [stored for stored in seal.wraps if stored.wrap.key_id in held]
    if not ways:
        attempt.refuse("not_a_member")
    if may is not Access.READER:
        attempt.refuse(may.value)
    if but and teams.issubset(but):
        attempt.refuse("in_conflict")
    way = min(ways, key=lambda stored: stored.owner in but)
    return way, held[way.wrap.key_id]


def _recover(attempt: Attempt, identity: str) -> tuple[Private, StoredSeal, StoredWrap]:
    try:
        private = read_recovery(identity)
    except SealBroken:
        attempt.refuse("wrong_identity")
    seal = _find(attempt)
    stored = next((stored for stored in seal.wraps if stored.wrap.key_id == private.key_id), None)
    if stored is None:
        attempt.refuse("wrong_identity")
    return private, seal, stored


def _find(attempt: Attempt) -> StoredSeal:
    with transaction(attempt.engine) as connection:
        seal = sealed_case(connection, attempt.reference)
    if seal is None:
        attempt.refuse("unknown_case")
    return seal
