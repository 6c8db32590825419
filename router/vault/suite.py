"""HPKE suites (RFC 9180) by the id that is stored with every ciphertext.

A further suite (the hybrid MLKEM768_X25519) is one more line in SUITES; what was sealed before
still names the suite that opens it. Knows nothing of cases and people.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from router.errors import SealBroken
from router.keyrecords import Sealed


@dataclass(frozen=True, slots=True)
class Private:
    """A private key in memory. Hold it no longer than one act needs."""

    suite: str
    key_id: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Public:
    """A public key; `key_id` is a digest of it, so an id cannot be moved to another key."""

    suite: str
    key_id: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class _Family:
    hpke: Suite
    generate: Callable[[], X25519PrivateKey]
    private: Callable[[bytes], X25519PrivateKey]
    public: Callable[[bytes], X25519PublicKey]


DEFAULT: Final = "x25519-hkdf_sha256-aes256gcm"
"""What new keys are made with."""

SUITES: Final[Mapping[str, _Family]] = {
    DEFAULT: _Family(
        Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM),
        X25519PrivateKey.generate,
        X25519PrivateKey.from_private_bytes,
        # Public keys repeat (a few teams), and parsing one takes longer than finding it again.
        lru_cache(64)(X25519PublicKey.from_public_bytes),
    )
}


def _family(suite: str) -> _Family:
    family = SUITES.get(suite)
    if family is None:
        raise SealBroken("suite_unknown")
    return family


def key_id(suite: str, public: bytes) -> str:
    """Return the id of a public key: 32 hex digits of a digest over suite and key."""
    return sha256(bound("key id", suite) + public).hexdigest()[:32]


def bound(purpose: str, *names: str) -> bytes:
    """Return bytes for HPKE's `info` or an AEAD's associated data that no other purpose or names give."""
    parts = [part.encode() for part in ("concern-router/v1", purpose, *names)]
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def new_pair() -> tuple[Private, Public]:
    """Return a fresh key pair of the default suite."""
    key = SUITES[DEFAULT].generate()
    public = key.public_key().public_bytes_raw()
    identity = key_id(DEFAULT, public)
    return Private(DEFAULT, identity, key.private_bytes_raw()), Public(DEFAULT, identity, public)


def private_from(suite: str, raw: bytes) -> Private:
    """Return a private key whose bytes were stored elsewhere; raises SealBroken."""
    try:
        public = _family(suite).private(raw).public_key().public_bytes_raw()
    except ValueError:
        raise SealBroken("key_malformed") from None
    return Private(suite, key_id(suite, public), raw)


def seal(plain: bytes, suite: str, public: bytes, *, info: bytes) -> Sealed:
    """Seal `plain` to the public key: 48 bytes longer; opens only with the same `info`. Raises SealBroken."""
    family = _family(suite)
    try:
        return Sealed(suite, family.hpke.encrypt(plain, family.public(public), info=info))
    except ValueError:
        raise SealBroken("key_malformed") from None


def unseal(sealed: Sealed, private: Private, *, info: bytes) -> bytes:
    """Return what was sealed; raises SealBroken on a wrong key, wrong `info` or any changed byte."""
    if sealed.suite != private.suite:
        raise SealBroken("suite_differs")
    family = _family(sealed.suite)
    try:
        return family.hpke.decrypt(sealed.blob, family.private(private.raw), info=info)
    except (InvalidTag, ValueError):
        raise SealBroken("does_not_open") from None
