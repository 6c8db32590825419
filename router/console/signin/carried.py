"""What single sign-on is agreed on, what a browser carries there and back, and what the issuer vouches for.

Values only: the calls are made by `oidc`, which is loaded where a provider is configured, for its libraries take 18 MB.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Client:
    """What the issuer and we agreed on."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    second_factor: frozenset[str]
    """Values of `acr` or `amr` that say that a second factor was asked for."""
    groups_claim: str
    ca: str | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """A browser's secret for one sign-in; state, nonce and PKCE's verifier follow from it, and do not lead back."""

    token: str = field(repr=False)

    @property
    def state(self) -> str:
        """What must come back with the answer."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """What must stand in the token."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """What proves that whoever redeems the code began the sign-in: RFC 7636."""
        return self._derived("verifier")

    def _derived(self, purpose: str) -> str:
        digest = hmac.digest(self.token.encode(), f"concern-router/v1/oidc {purpose}".encode(), "sha256")
        return urlsafe_b64encode(digest).decode().rstrip("=")


def new_carried() -> Carried:
    """Return a fresh secret of 256 bits."""
    return Carried(secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom the issuer vouches for."""

    subject: str = field(repr=False)
    second_factor: bool
    groups: frozenset[str] = field(repr=False)
