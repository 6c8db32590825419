"""The reporter's receipt: a secret shown once, from which a look-up id and a key pair follow.

The server keeps the look-up id and the public key; neither leads back to the receipt. A receipt
has 120 random bits, so no slow hash is needed. Nothing here keeps or logs one.
"""

import hmac
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from router.clock import grouped_code
from router.keyrecords import ReceiptKey, Sealed
from router.vault.codes import normalised
from router.vault.seal import message_info, read_text
from router.vault.suite import DEFAULT, Private, bound, private_from, unseal

RECEIPT_SUITE = DEFAULT
"""Of a receipt's key pair; its seed is a private key of this suite."""
GROUPS = 6
"""Groups of four characters of 5 bits: 120 bits."""
_CHARACTERS = 4 * GROUPS
_HALF_BYTES = 32
_NOBODYS = "U"
"""What begins so is no receipt: there is no U in them."""


def new_receipt() -> str:
    """Return a new receipt: six groups of four characters, unrelated to the case's reference."""
    return grouped_code(GROUPS)


def receipt_key(receipt: str, secret: bytes) -> ReceiptKey | None:
    """Return look-up id and public key of `receipt` under the deployment's `secret`; None if it is malformed.

    Whoever has the database but not the secret cannot even test a guess.
    """
    meant = normalised(receipt, _CHARACTERS)
    if meant is None:
        return None
    lookup, seed = _halves(meant, secret)
    return ReceiptKey(lookup, X25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


class ReceiptHolder:
    """Whoever typed the receipt in, for one answer: opens what staff wrote to them, and is shown to nobody."""

    __slots__ = ("_private", "lookup")

    def __init__(self, lookup: bytes, private: Private) -> None:
        self.lookup = lookup
        self._private = private

    def message(self, reference: str, sealed: Sealed) -> str:
        """Return one message of the dialogue; raises SealBroken."""
        return read_text(unseal(sealed, self._private, info=message_info(reference)))

    def mark(self, *parts: str) -> bytes:
        """Return a digest that is the same for the same parts alone; without the receipt nobody can test a guess."""
        kdf = HKDF(algorithm=SHA256(), length=_HALF_BYTES, salt=None, info=bound("receipt mark"))
        told = b"".join(sha256(part.encode(errors="surrogatepass")).digest() for part in parts)
        return hmac.digest(kdf.derive(self._private.raw), told, "sha256")


def receipt_holder(receipt: str, secret: bytes) -> ReceiptHolder:
    """Return who holds `receipt` under the deployment's `secret`, with the private half.

    For what cannot be a receipt that is nobody, found with the same work: their look-up id is no case's.
    """
    lookup, seed = _halves(normalised(receipt, _CHARACTERS) or _NOBODYS + receipt[:_CHARACTERS], secret)
    return ReceiptHolder(lookup, private_from(RECEIPT_SUITE, seed))


def _halves(meant: str, secret: bytes) -> tuple[bytes, bytes]:
    """Return look-up id and X25519 seed."""
    kdf = HKDF(algorithm=SHA256(), length=2 * _HALF_BYTES, salt=secret, info=bound("receipt"))
    both = kdf.derive(meant.encode())
    return both[:_HALF_BYTES], both[_HALF_BYTES:]
