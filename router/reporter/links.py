"""Signed links to the helpdesk's form: who files, until when, and a proof that we said so.

A link opens nothing but the form, and ends with its time or with its client. No secret of the client is in it.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Final

PLACE: Final = "/report/agent"
CLIENT, UNTIL, PROOF = "client", "until", "proof"
FIELDS: Final = frozenset({CLIENT, UNTIL, PROOF})
FOR_EVER: Final = 0
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,47}")
_UNTIL: Final = re.compile(r"0|[1-9][0-9]{0,11}")


def signed(secret: bytes, client: str, until: int) -> str:
    """Return the link's query; `until` is in seconds since 1970, FOR_EVER: as long as the client is there."""
    return f"{CLIENT}={client}&{UNTIL}={until}&{PROOF}={_proof(secret, client, str(until))}"


def client_in(secret: bytes, given: Mapping[str, str], *, now_s: float) -> str | None:
    """Return the client that a link names, None when we did not sign it or its time is over."""
    client, until, proof = (given.get(name, "") for name in (CLIENT, UNTIL, PROOF))
    if not _NAME.fullmatch(client) or not _UNTIL.fullmatch(until):
        return None
    right = hmac.compare_digest(_proof(secret, client, until).encode(), proof.encode(errors="surrogateescape"))
    return client if right and (int(until) == FOR_EVER or now_s < int(until)) else None


def _proof(secret: bytes, client: str, until: str) -> str:
    digest = hmac.new(secret, f"report link\n{client}\n{until}".encode(), "sha256").digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")
