"""Key material as it is stored: public halves, and private ones that only their owners unwrap.

Frozen values that vault and store hand to each other. No private key in clear is ever in one.
"""

import re
from dataclasses import dataclass

from router.model import Sealed

RECOVERY = "recovery"
"""The owner's name of the offline recovery recipient's key; no team may be called so."""
_HANDLE = re.compile(r"[a-z0-9._@\\-]{1,64}")


def normal_handle(handle: str) -> str | None:
    """Return a person's handle as it is stored (lower case, no blanks around it), None if it is not one."""
    meant = handle.strip().lower()
    return meant if _HANDLE.fullmatch(meant) else None


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
