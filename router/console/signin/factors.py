"""The second factor: one-time codes of an authenticator app (RFC 6238), and codes for the day when it is lost.

The app's secret is kept encrypted under the console's key, so the database alone makes no code; of recovery codes a
keyed digest is kept. Neither is shown twice.
"""

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final

import pyotp
import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from router.clock import grouped_code
from router.errors import Broken

STEP_S: Final = 30
STEPS_OFF: Final = 1
"""Clocks of phones are off: the code before and the one after count too (RFC 6238, 5.2)."""
ISSUER: Final = "concern-router"
CODES: Final = 10
_CODE_GROUPS: Final = 4
"""80 bits."""
_NONCE_BYTES: Final = 12
_READ_AS: Final = str.maketrans("OIL", "011", " -")


def new_secret() -> str:
    """Return a new secret for an authenticator app: 160 bits in base32."""
    return pyotp.random_base32()


def kept(secret: str, handle: str, key: bytes) -> bytes:
    """Return the secret as it is stored: for this person alone, under the console's key."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(_derived(key, "totp")).encrypt(nonce, secret.encode(), handle.encode())


def read(stored: bytes, handle: str, key: bytes) -> str:
    """Return the secret; raises Broken when the console's key is another than it was stored under."""
    try:
        found = AESGCM(_derived(key, "totp")).decrypt(stored[:_NONCE_BYTES], stored[_NONCE_BYTES:], handle.encode())
    except (InvalidTag, ValueError):
        raise Broken("console_key_changed", "restore console.key from its backup, or reset second factors") from None
    return found.decode()


def step_of(code: str, secret: str, now: datetime) -> int | None:
    """Return the time step whose code this is, None if of none that counts now."""
    meant = "".join(code.split())
    here = int(now.timestamp()) // STEP_S
    app = pyotp.TOTP(secret, interval=STEP_S)
    steps = [
        step
        for step in range(here - STEPS_OFF, here + STEPS_OFF + 1)
        if hmac.compare_digest(app.generate_otp(step).encode(), meant.encode(errors="replace"))
    ]
    return max(steps, default=None)


def picture(secret: str, handle: str) -> str:
    """Return what an app scans, as SVG without a style or a script in it."""
    address = pyotp.TOTP(secret).provisioning_uri(name=handle, issuer_name=ISSUER)
    title = "QR code that holds the secret below"
    return str(segno.make(address, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", title=title))


def new_recovery_codes() -> tuple[str, ...]:
    """Return codes to print or write down."""
    return tuple(grouped_code(_CODE_GROUPS) for _ in range(CODES))


def digests(codes: Iterable[str], handle: str, key: bytes) -> list[bytes]:
    """Return what is stored of recovery codes, however they are typed."""
    source = _derived(key, "recovery code")
    return [hmac.digest(source, f"{handle} {code.upper().translate(_READ_AS)}".encode(), "sha256") for code in codes]


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, f"concern-router/v1/{purpose}".encode(), sha256)
