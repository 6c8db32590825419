"""Key material as it is stored: public halves, and private ones that only their owners unwrap.

Frozen values that vault and store hand to each other. No private key in clear is ever in one.
"""

import re
from dataclasses import dataclass
from hashlib import sha256

RECOVERY = "recovery"
"""The owner's name of the offline recovery recipient's key; no team may be called so."""
_HANDLE = re.compile(r"[a-z0-9._@\\-]{1,64}")


def normal_handle(handle: str) -> str | None:
    """Return a person's handle as it is stored (lower case, no blanks around it), None if it is not one."""
    meant = handle.strip().lower()
    return meant if _HANDLE.fullmatch(meant) else None


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext with the suite that made it."""

    suite: str
    blob: bytes

    @property
    def digest(self) -> str:
        """SHA-256 in hex, by which the audit knows what was sealed at the door."""
        return sha256(self.suite.encode() + b"\n" + self.blob).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyWrap:
    """A case's private key, sealed to one recipient's public key."""

    key_id: str
    sealed: Sealed


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A public key that a case key may be sealed to: a team's, or the offline recovery recipient's."""

    key_id: str
    owner: str
    """The team's name, or `recovery`."""
    suite: str
    public: bytes


@dataclass(frozen=True, slots=True)
class SealedCase:
    """All key material of a new case: nothing in it opens without a recipient's private key."""

    suite: str
    public: bytes
    wraps: tuple[KeyWrap, ...]
    content: Sealed | None


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """What the server keeps of a receipt: a look-up id and the public half; the receipt itself is not kept."""

    lookup: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class MemberKey:
    """A member's key pair; the private half is encrypted under a passphrase that nobody stores."""

    key_id: str
    handle: str
    suite: str
    public: bytes
    wrapped_private: bytes
    kdf: str
    """How the passphrase becomes a key: `argon2id:m=131072,t=3,p=1` (KiB, passes, lanes)."""
    salt: bytes


@dataclass(frozen=True, slots=True)
class TeamKeyWrap:
    """A team's private key, sealed to one member's public key."""

    team_key_id: str
    member_key_id: str
    sealed: Sealed
