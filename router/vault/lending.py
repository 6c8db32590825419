"""A member's private key for the time of a session: encrypted under a secret that only the member's browser holds.

The server keeps the ciphertext and not the secret, the browser the secret and not the ciphertext.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from router.errors import SealBroken
from router.vault.suite import Private, bound, private_from

_NONCE_BYTES = 12
_KEY_BYTES = 32


def lend(private: Private, secret: bytes) -> bytes:
    """Return the private key, encrypted under a key derived from `secret` (32 random bytes)."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_key(secret)).encrypt(nonce, private.raw, bound("lent key", private.suite))


def lent(blob: bytes, suite: str, secret: bytes) -> Private:
    """Return what was lent; raises SealBroken for another secret or changed bytes."""
    try:
        raw = AESGCM(_key(secret)).decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], bound("lent key", suite))
    except (InvalidTag, ValueError):
        raise SealBroken("not_lent") from None
    return private_from(suite, raw)


def _key(secret: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=bound("lending")).derive(secret)
