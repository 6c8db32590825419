"""The same key and the same body get the same answer; the key itself is not kept.

What is stored says neither key, nor body, nor answer to whoever has the database alone, or the
database and the deployment's secret: the answer opens under the raw key only.
"""

import hmac
import os
import re
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from router.errors import Refused
from router.model import IdempotentAnswer

SHORTEST_ANONYMOUS: Final = 32
"""Characters of a key without a client; a UUID has 32 or 36."""
FEWEST_DIFFERENT: Final = 8
"""Different characters in such a key: 32 random hex digits have fewer once in ten million."""
FORGET_AFTER_H: Final = 24

_KEY: Final = re.compile(r"[!-~]{1,255}")
_NONCE_BYTES: Final = 12


def check_key(key: str, *, anonymous: bool) -> str:
    """Return `key` if it will do; raises Refused: a guessable key of one person would be another's receipt."""
    if not _KEY.fullmatch(key):
        raise Refused("idempotency_key_malformed")
    if anonymous and (len(key) < SHORTEST_ANONYMOUS or len(set(key)) < FEWEST_DIFFERENT):
        raise Refused("idempotency_key_weak")
    return key


def claim(secret: bytes, *, client: str | None, key: str, canonical: bytes, answer: bytes) -> IdempotentAnswer:
    """Return what is stored so that a repeat is known and answered."""
    name = _digest(secret, b"key", _scope(client), key.encode())
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(_answer_key(secret, client, key)).encrypt(nonce, answer, name)
    return IdempotentAnswer(key=name, body=_digest(secret, b"body", name, canonical), answer=sealed)


def replay(secret: bytes, *, client: str | None, key: str, new: IdempotentAnswer, body: bytes, answer: bytes) -> bytes:
    """Return the answer stored before; raises Refused when the key came with another body then."""
    if not hmac.compare_digest(new.body, body):
        raise Refused("idempotency_key_reused")
    cipher = AESGCM(_answer_key(secret, client, key))
    try:
        return cipher.decrypt(answer[:_NONCE_BYTES], answer[_NONCE_BYTES:], new.key)
    except InvalidTag:
        raise Refused("idempotency_key_reused") from None


def _scope(client: str | None) -> bytes:
    return b"anonymous" if client is None else b"client " + client.encode()


def _digest(secret: bytes, purpose: bytes, *parts: bytes) -> bytes:
    """Return a keyed digest over the digests of the parts, so that no two splits mean the same."""
    return hmac.new(secret, purpose + b"".join(sha256(part).digest() for part in parts), "sha256").digest()


def _answer_key(secret: bytes, client: str | None, key: str) -> bytes:
    """HKDF-SHA-256 (RFC 5869) of the raw key, one block long."""
    extracted = hmac.new(secret, key.encode(), "sha256").digest()
    return hmac.new(extracted, b"concern-router/v1/answer " + _scope(client) + b"\x01", "sha256").digest()
