"""Key material as it is stored: public halves, and private ones that only their owners unwrap.

Frozen values that vault and store hand to each other. No private key in clear is ever in one.
"""

from dataclasses import dataclass

from router.model import Sealed

RECOVERY = "recovery"
"""The owner's name of the offline recovery recipient's key; no team may be called so."""


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
