"""Signed messages that another system sends us: how each proves where it comes from, in one closed description.

Pure: judges raw bytes, a secret and the time that are passed in. Compares in constant time, judges the signature before
anything else, and reads nothing out of what is not signed. A hook is a hint: whoever gets one asks the system itself.
"""

import base64
import hmac
import re
from binascii import Error as OddBase64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Any, Final, Self

import orjson
from pydantic import StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.channels.setting import Within
from router.configfile.pointers import Pointer, at
from router.errors import Refused
from router.model import Frozen

TIMESTAMP: Final = "{timestamp}"
BODY: Final = "{body}"
AHEAD: Final = timedelta(minutes=5)
"""How far the sender's clock may be ahead of ours."""
LONGEST_WINDOW: Final = timedelta(days=2)
"""What was seen is remembered for longer than this."""
MOST_SIGNATURES: Final = 4
"""While a secret is changed, a sender may sign with each."""

_PARTS: Final = re.compile(r"(\{timestamp\}|\{body\})")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_TICKET: Final = re.compile(r"[A-Za-z0-9._#~:-]{1,64}")
_DELIVERY: Final = re.compile(r"[!-~]{1,255}")

HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]
"""An HTTP header's name."""
Headers = Callable[[str], Sequence[str]]
"""Returns every value that was sent under a header's name, whatever its case."""


class Algorithm(StrEnum):
    """How the proof is made."""

    SHA256 = "sha256"
    """HMAC-SHA256 under the secret."""
    SHA1 = "sha1"
    """HMAC-SHA1 under the secret, where a system offers nothing better."""
    TOKEN = "token"  # noqa: S105 - a word
    """No signature: the header holds the secret itself. Whoever saw one message can write others."""


class Encoding(StrEnum):
    """How a signature is written."""

    HEX = "hex"
    BASE64 = "base64"


class Clock(StrEnum):
    """How the time of sending is written."""

    UNIX = "unix"
    UNIX_MS = "unix_ms"
    ISO = "iso"
    """RFC 3339, with its zone."""


class Scheme(Frozen):
    """How one system signs, and where in its message stands what we need."""

    signature: HeaderName
    """The header that holds the signature, or the token."""
    algorithm: Algorithm = Algorithm.SHA256
    encoding: Encoding = Encoding.HEX
    prefix: Annotated[str, StringConstraints(pattern=r"^[ -~]{0,32}$")] = ""
    """What stands before the signature, such as `sha256=` or `Bearer `."""
    several: bool = False
    """The header may hold several signatures with commas between, of which one must be right."""
    signed: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,64}$")] = BODY
    """What is signed: `{body}`, `{timestamp}{body}`, `{timestamp}.{body}` ..."""
    timestamp: HeaderName | None = None
    """The header that holds the time of sending; it must be signed."""
    timestamp_at: Pointer | None = None
    """Where in the body that time stands instead."""
    clock: Clock = Clock.UNIX
    window: Within = timedelta(minutes=5)
    """How old a message may be: longer where a system sends late, or again."""
    delivery: HeaderName | None = None
    """The header by which a system marks the same message sent again."""
    ticket: Pointer | None = None
    """Where in the body the ticket's id stands."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        parts = _PARTS.split(self.signed)
        if parts.count(BODY) != 1 or parts.count(TIMESTAMP) > 1 or any("{" in p or "}" in p for p in parts[::2]):
            raise PydanticCustomError("odd_value", "signed must hold {body} once, and {timestamp} at most once")
        if (self.timestamp is not None) != (TIMESTAMP in parts):
            raise PydanticCustomError("no_effect", "a timestamp's header must be signed, and what is signed be named")
        if self.timestamp is not None and self.timestamp_at is not None:
            raise PydanticCustomError("no_effect", "the time stands in a header or in the body, not in both")
        if self.algorithm is Algorithm.TOKEN and (self.timestamp is not None or self.several):
            raise PydanticCustomError("no_effect", "a token signs nothing: no timestamp, and one value only")
        if self.window > LONGEST_WINDOW:
            raise PydanticCustomError("odd_value", "a window of at most 2d is wanted here")
        return self


@dataclass(frozen=True, slots=True)
class Verified:
    """A message that is what its sender signed."""

    seal: bytes
    """32 bytes that are the same for the same signed message, and for no other."""
    delivery: bytes | None
    """32 bytes that are the same for each time that the system sends the same message; None: it does not mark that."""
    sent: Any
    """The decoded body."""


def verify(scheme: Scheme, secret: str, headers: Headers, body: bytes, *, now: datetime) -> Verified:
    """Return the message as verified; raises Refused: tell the sender the code, and keep nothing.

    `signature_missing`, `signature_wrong`: nobody with the secret wrote these bytes. `signature_old`: somebody did, at
    another time. `not_json`: somebody did, and it is no JSON. Whether it came before is for the caller to remember.
    """
    given = _only(headers, scheme.signature, "signature_missing")
    written_at = "" if scheme.timestamp is None else _only(headers, scheme.timestamp, "signature_missing")
    seal = _proven(scheme, secret.encode(), given, written_at.encode(errors="surrogateescape"), body)
    if seal is None:
        raise Refused("signature_wrong")
    if scheme.timestamp is not None and not _fresh(scheme, written_at, now):
        raise Refused("signature_old")
    try:
        sent = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("not_json") from None
    if scheme.timestamp_at is not None and not _fresh(scheme, _plain(at(sent, scheme.timestamp_at)), now):
        raise Refused("signature_old")
    return Verified(seal, _delivery(scheme, headers), sent)


def ticket_named(scheme: Scheme, sent: Any) -> str | None:
    """Return the id of the ticket that the message is about; None when it names none, or in another form."""
    found = _plain(at(sent, scheme.ticket)) if scheme.ticket is not None else ""
    return found if _TICKET.fullmatch(found) else None


def _only(headers: Headers, name: str, otherwise: str) -> str:
    given = headers(name)
    if len(given) != 1 or not given[0]:
        raise Refused(otherwise)
    return given[0]


def _proven(scheme: Scheme, secret: bytes, given: str, written_at: bytes, body: bytes) -> bytes | None:
    """Return the message's seal if one of the signatures is right."""
    written = given.split(",")[:MOST_SIGNATURES] if scheme.several else [given]
    if scheme.algorithm is Algorithm.TOKEN:
        # As digests, so that no time taken tells how long the secret is.
        known = sha256(scheme.prefix.encode() + secret).digest()
        right = hmac.compare_digest(known, sha256(given.encode(errors="surrogateescape")).digest())
        return sha256(body).digest() if right else None
    known = _signature(scheme, secret, written_at, body)
    right = False
    for one in written:
        right |= hmac.compare_digest(known, _decoded(scheme, one.strip() if scheme.several else one))
    return sha256(known).digest() if right else None


def _signature(scheme: Scheme, secret: bytes, written_at: bytes, body: bytes) -> bytes:
    whole = hmac.new(secret, digestmod=scheme.algorithm.value)
    for part in _PARTS.split(scheme.signed):
        whole.update({BODY: body, TIMESTAMP: written_at}.get(part, part.encode()))
    return whole.digest()


def _decoded(scheme: Scheme, written: str) -> bytes:
    """Return the bytes of a signature as it was sent; nothing of what is not written so."""
    if not written.startswith(scheme.prefix):
        return b""
    text = written[len(scheme.prefix) :]
    if scheme.encoding is Encoding.HEX:
        return bytes.fromhex(text) if re.fullmatch(r"([0-9a-fA-F]{2})+", text) else b""
    try:
        return base64.b64decode(text, validate=True)
    except (OddBase64, ValueError):
        return b""


def _fresh(scheme: Scheme, written: str, now: datetime) -> bool:
    sent_at = _moment(scheme.clock, written)
    return sent_at is not None and now - scheme.window <= sent_at <= now + AHEAD


def _moment(clock: Clock, written: str) -> datetime | None:
    try:
        if clock is Clock.ISO:
            return datetime.fromisoformat(written) if _ISO.fullmatch(written) else None
        if not _NUMBER.fullmatch(written):
            return None
        return datetime.fromtimestamp(int(written) / (1000 if clock is Clock.UNIX_MS else 1), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _delivery(scheme: Scheme, headers: Headers) -> bytes | None:
    given = headers(scheme.delivery) if scheme.delivery is not None else ()
    return sha256(given[0].encode()).digest() if len(given) == 1 and _DELIVERY.fullmatch(given[0]) else None


def _plain(found: Any) -> str:
    """Return a text or whole number as text; nothing of anything else."""
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
