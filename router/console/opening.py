"""A reviewer opens a case: who, why, then the audit, then the seal. The one importer of `vault.unseal`.

The audit entry is committed before anything is decrypted, so a view without an entry cannot be.
Refused attempts are entries too, each in a transaction of its own. Keeps no key and no text.
"""

from sqlalchemy import Engine

from router.console.attempt import Attempt, attempted
from router.errors import SealBroken
from router.keyrecords import MemberKey, normal_handle
from router.model import Content
from router.store.engine import transaction
from router.store.keys import member_key, team_wraps
from router.store.sealed import StoredSeal, StoredWrap, sealed_case
from router.vault.keyring import open_team_key, read_recovery, unlock_member
from router.vault.suite import Private
from router.vault.unseal import unseal_content, unwrap_case_key

SHORTEST_REASON, LONGEST_REASON = 3, 200


def open_case(engine: Engine, *, reference: str, handle: str, passphrase: str, reason: str) -> Content:
    """Return narrative and contact of a case to a member of one of its teams, character for character.

    `reason` (3 to 200 printable characters) goes into the audit with the handle. Raises Forbidden
    with a code; until the passphrase is right the code does not tell which cases or people there
    are. Raises SealBroken when the seal itself was tampered with, and what `transaction` raises.
    """
    attempt = _begin(engine, "person", handle, reference, reason)
    member, private = _identify(attempt, handle, passphrase)
    seal = _find(attempt)
    with transaction(engine) as connection:
        held = team_wraps(connection, member.key_id)
    stored = next((stored for stored in seal.wraps if stored.wrap.key_id in held), None)
    if stored is None:
        attempt.refuse("not_a_member")
    attempt.note(detail=reason.strip())
    try:
        team_key = open_team_key(held[stored.wrap.key_id], stored.suite, private)
        return _unseal(attempt.reference, seal, stored, team_key)
    except SealBroken as error:
        attempt.note(f"failed_{error.code}")
        raise


def open_case_with_recovery(engine: Engine, *, reference: str, handle: str, identity: str, reason: str) -> Content:
    """Return narrative and contact of a case to whoever holds the offline recovery identity.

    For the day when no member is left. `handle` says who uses it and is believed. Raises as
    `open_case` does.
    """
    attempt = _begin(engine, "recovery", handle, reference, reason)
    try:
        private = read_recovery(identity)
    except SealBroken:
        attempt.refuse("wrong_identity")
    seal = _find(attempt)
    stored = next((stored for stored in seal.wraps if stored.wrap.key_id == private.key_id), None)
    if stored is None:
        attempt.refuse("wrong_identity")
    attempt.note(detail=reason.strip())
    try:
        return _unseal(attempt.reference, seal, stored, private)
    except SealBroken as error:
        attempt.note(f"failed_{error.code}")
        raise


def _begin(engine: Engine, kind: str, handle: str, reference: str, reason: str) -> Attempt:
    """Return the attempt, with nothing in it that is not an id; refuse it without a reason."""
    attempt = attempted(engine, "case_opened", kind=kind, handle=handle, reference=reference)
    given = reason.strip()
    if not SHORTEST_REASON <= len(given) <= LONGEST_REASON or not given.isprintable():
        attempt.refuse("reason_malformed")
    return attempt


def _identify(attempt: Attempt, handle: str, passphrase: str) -> tuple[MemberKey, Private]:
    with transaction(attempt.engine) as connection:
        member = member_key(connection, normal_handle(handle) or "")
    if member is None:
        attempt.refuse("unknown_person", say="wrong_handle_or_passphrase")
    try:
        return member, unlock_member(member, passphrase)
    except SealBroken as error:
        attempt.refuse(error.code, say="wrong_handle_or_passphrase")


def _find(attempt: Attempt) -> StoredSeal:
    with transaction(attempt.engine) as connection:
        seal = sealed_case(connection, attempt.reference)
    if seal is None:
        attempt.refuse("unknown_case")
    return seal


def _unseal(reference: str, seal: StoredSeal, stored: StoredWrap, recipient: Private) -> Content:
    """Return the content. Anybody can seal to a public key, so what opens must also be what the audit says came in."""
    if not seal.untouched:
        raise SealBroken("content_replaced")
    case_key = unwrap_case_key(reference, seal.suite, stored.wrap, recipient)
    if seal.content is None:
        return Content(narrative=None, contact=None)
    return unseal_content(reference, seal.content, case_key)
