"""Teams', members' and recovery keys: make, wrap, unlock, hand on.

A team's private key is sealed to each member's public key; a member's private key is encrypted
under a passphrase that we make, print once and store nowhere. Opens no case: that is `unseal`.
"""

import re
import secrets
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from router.clock import grouped_code
from router.errors import SealBroken
from router.keyrecords import RECOVERY, MemberKey, RecipientKey, TeamKeyWrap
from router.vault.codes import decoded, encoded, grouped, normalised
from router.vault.suite import DEFAULT, Private, Public, bound, new_pair, private_from, seal, unseal

PASSPHRASE_GROUPS = 6
"""Groups of four characters of 5 bits: 120 bits, so that a stolen table is no use even without the slow hash."""
RECOVERY_PREFIX: Final = "CR-RECOVERY-"
_RECOVERY_CHARACTERS = 56
_CHECK_BYTES = 3
_SALT_BYTES = 16
_NONCE_BYTES = 12
_KEY_BYTES = 32
_KDF = re.compile(r"argon2id:m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})")
_MOST_MEMORY_KIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What one guess of a passphrase costs."""

    memory_kib: int = 128 * 1024
    passes: int = 3
    lanes: int = 1


def new_passphrase() -> str:
    """Return a new passphrase: six groups of four characters."""
    return grouped_code(PASSPHRASE_GROUPS)


def make_team_key(team: str) -> tuple[RecipientKey, Private]:
    """Return a new key pair for `team`; seal the private half to a member, or nobody will ever read with it."""
    private, public = new_pair()
    return _recipient(team, public), private


def make_member(handle: str, passphrase: str, cost: Cost = Cost()) -> MemberKey:
    """Return a new key pair for the person `handle`, its private half under `passphrase` (0.3 s, 128 MiB)."""
    private, public = new_pair()
    kdf = f"argon2id:m={cost.memory_kib},t={cost.passes},p={cost.lanes}"
    salt, nonce = secrets.token_bytes(_SALT_BYTES), secrets.token_bytes(_NONCE_BYTES)
    bindings = _member_bindings(private.key_id, handle, kdf)
    wrapped = nonce + AESGCM(_stretched(passphrase, kdf, salt)).encrypt(nonce, private.raw, bindings)
    return MemberKey(private.key_id, handle, public.suite, public.raw, wrapped, kdf, salt)


def unlock_member(member: MemberKey, passphrase: str) -> Private:
    """Return the member's private key; raises SealBroken `wrong_passphrase`, also for changed bytes."""
    nonce, wrapped = member.wrapped_private[:_NONCE_BYTES], member.wrapped_private[_NONCE_BYTES:]
    bindings = _member_bindings(member.key_id, member.handle, member.kdf)
    try:
        raw = AESGCM(_stretched(passphrase, member.kdf, member.salt)).decrypt(nonce, wrapped, bindings)
    except (InvalidTag, ValueError):
        raise SealBroken("wrong_passphrase") from None
    private = private_from(member.suite, raw)
    if private.key_id != member.key_id:
        raise SealBroken("key_swapped")
    return private


def share_team_key(team_key: Private, member: MemberKey) -> TeamKeyWrap:
    """Return the team's private key sealed to one member, bound to both keys."""
    info = _team_key_info(team_key.key_id, member.key_id, team_key.suite)
    return TeamKeyWrap(team_key.key_id, member.key_id, seal(team_key.raw, member.suite, member.public, info=info))


def open_team_key(wrap: TeamKeyWrap, team_suite: str, member: Private) -> Private:
    """Return a team's private key (of suite `team_suite`) with a member's; raises SealBroken."""
    raw = unseal(wrap.sealed, member, info=_team_key_info(wrap.team_key_id, member.key_id, team_suite))
    private = private_from(team_suite, raw)
    if private.key_id != wrap.team_key_id:
        raise SealBroken("key_swapped")
    return private


def make_recovery() -> tuple[RecipientKey, str]:
    """Return a recovery recipient and its identity: the private key as text, to be kept on paper, offline."""
    private, public = new_pair()
    code = encoded(private.raw + sha256(private.raw).digest()[:_CHECK_BYTES])
    return _recipient(RECOVERY, public), RECOVERY_PREFIX + grouped(code)


def read_recovery(identity: str) -> Private:
    """Return the private key in a recovery identity as typed; raises SealBroken `identity_malformed`."""
    bare = re.sub(r"^\s*CR[\s-]*RECOVERY[\s-]*", "", identity, flags=re.IGNORECASE)
    code = normalised(bare, _RECOVERY_CHARACTERS)
    both = decoded(code) if code else b""
    raw, check = both[:_KEY_BYTES], both[_KEY_BYTES:]
    if not code or sha256(raw).digest()[:_CHECK_BYTES] != check:
        raise SealBroken("identity_malformed")
    return private_from(DEFAULT, raw)


def _recipient(owner: str, public: Public) -> RecipientKey:
    return RecipientKey(public.key_id, owner, public.suite, public.raw)


def _member_bindings(key_id: str, handle: str, kdf: str) -> bytes:
    return bound("member key", key_id, handle, kdf)


def _team_key_info(team_key_id: str, member_key_id: str, team_suite: str) -> bytes:
    return bound("team key", team_key_id, member_key_id, team_suite)


def _stretched(passphrase: str, kdf: str, salt: bytes) -> bytes:
    """Return the key that a passphrase stands for; raises SealBroken for one that we never made."""
    given = _KDF.fullmatch(kdf)
    if given is None:
        raise SealBroken("kdf_unknown")
    memory, passes, lanes = (int(number) for number in given.groups())
    if memory > _MOST_MEMORY_KIB:
        raise SealBroken("kdf_too_costly")
    meant = normalised(passphrase, 4 * PASSPHRASE_GROUPS)
    if meant is None:
        raise SealBroken("wrong_passphrase")
    argon2 = Argon2id(salt=salt, length=_KEY_BYTES, iterations=passes, lanes=lanes, memory_cost=memory)
    return argon2.derive(meant.encode())
