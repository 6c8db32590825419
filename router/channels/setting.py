"""Settings that several kinds share: where a service is, and where a secret stands.

A secret itself is never a setting; what looks like one does not load, and is not shown.
"""

import re
from datetime import timedelta
from typing import Annotated, Any, Final, LiteralString
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from router.channels.reach import literal
from router.configfile.yamltext import nearest, shown
from router.model import Referral

_REFERENCE = re.compile(r"env:[A-Z][A-Z0-9_]{0,63}|(?:file|command):/[A-Za-z0-9_./-]{1,255}")
_EVERY = re.compile(r"([1-9][0-9]{0,3})([hd])")
_WITHIN = re.compile(r"([1-9][0-9]{0,3})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_RATE = re.compile(r"([1-9][0-9]{0,4})/(s|min|h)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3600}
_NUMBER_AT_END = re.compile(r"(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)\.?$")
HOME: Final = frozenset({"127.0.0.1", "::1", "localhost"})
NEVER: Final = "never"
_CONTENT: Final = frozenset({"narrative", "contact", "identity"})


def _reference(text: str) -> str:
    if not _REFERENCE.fullmatch(text):
        raise PydanticCustomError(
            "clear_secret",
            "a secret must be named, not written: env:NAME, file:/path or command:/path (not shown here)",
        )
    return text


def _service(text: str) -> str:
    parts = _parts(text, "https://tickets.example.org")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HOME):
        raise PydanticCustomError("odd_address", "an address must be https; http only to this machine")
    return text


def _mail_server(text: str) -> str:
    parts = _parts(text, "smtp://mail.example.org:587")
    if parts.scheme not in {"smtp", "smtps"} or parts.path:
        said = "smtp://mail.example.org:587 or, with TLS from the first byte, smtps://mail.example.org:465 is wanted"
        raise PydanticCustomError("odd_address", said)
    return text


def _parts(text: str, such_as: LiteralString) -> SplitResult:
    """Return the parts of an address that holds no secret, and a host that every resolver takes for the same."""
    wanted: LiteralString = "an address such as {such_as} is wanted"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise PydanticCustomError("odd_address", wanted, {"such_as": such_as}) from None
    if parts.username is not None or parts.password is not None:
        raise PydanticCustomError("clear_secret", "an address must not hold a name or password (not shown here)")
    if parts.query or parts.fragment:
        raise PydanticCustomError("odd_address", "an address must end with its path: no ? and no #")
    if not parts.hostname or port == 0 or not re.fullmatch(r"[!-~]+", text) or "%" in parts.netloc:
        raise PydanticCustomError("odd_address", wanted, {"such_as": such_as})
    if _NUMBER_AT_END.search(parts.hostname) and literal(parts.hostname) is None:
        # Resolvers read 127.1, 0x7f.1 and 2130706433 as addresses.
        raise PydanticCustomError("odd_address", "an address of numbers is written as 192.0.2.7")
    return parts


def _field(word: str) -> str:
    if word not in Referral.model_fields:
        hint = "; nothing of content can travel" if word in _CONTENT else nearest(word, Referral.model_fields)
        raise PydanticCustomError("unknown_value", "unknown field {found}{hint}", {"found": shown(word), "hint": hint})
    return word


def _every(value: Any) -> timedelta:
    return _span(_EVERY, value, "12h or 7d")


def _within(value: Any) -> timedelta:
    return _span(_WITHIN, value, "30s, 15m or 4h")


def _asked(value: Any) -> timedelta | None:
    return None if value == NEVER else _within(value)


def _span(pattern: re.Pattern[str], value: Any, such_as: str) -> timedelta:
    parts = pattern.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise PydanticCustomError("odd_value", "a time such as {such_as} is wanted here", {"such_as": such_as})
    return timedelta(**{_UNITS[parts[2]]: int(parts[1])})


def as_written(span: timedelta) -> str:
    """Return a time of whole seconds as it is written in a file, in the largest unit that it is whole in."""
    seconds = int(span.total_seconds())
    for letter, unit in reversed(_UNITS.items()):
        each = int(timedelta(**{unit: 1}).total_seconds())
        if seconds % each == 0:
            return f"{seconds // each}{letter}"
    raise AssertionError("seconds are whole in seconds")


def _rate(value: Any) -> float:
    parts = _RATE.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise PydanticCustomError("odd_value", "a rate such as 10/s, 300/min or 1000/h is wanted here")
    return int(parts[1]) / _SECONDS[parts[2]]


def _text(pattern: re.Pattern[str], such_as: str) -> dict[str, Any]:
    """Return the JSON Schema of a text that looks so."""
    return {"type": "string", "pattern": f"^{pattern.pattern}$", "description": such_as}


Every = Annotated[timedelta, BeforeValidator(_every), WithJsonSchema(_text(_EVERY, "Such as 12h or 7d."))]
"""How long from one time to the next, in real time: `12h`, `7d`."""
Within = Annotated[timedelta, BeforeValidator(_within), WithJsonSchema(_text(_WITHIN, "Such as 30s, 15m or 4h."))]
"""How long something may take, in real time: `30s`, `15m`, `4h`, `1d`."""
Asked = Annotated[
    timedelta | None,
    BeforeValidator(_asked),
    WithJsonSchema(
        {"type": "string", "pattern": f"^({_WITHIN.pattern}|{NEVER})$", "description": "Such as 1m, or never."}
    ),
]
"""How often somebody is asked, as `Within`; `never` is None."""
PerSecond = Annotated[float, BeforeValidator(_rate), WithJsonSchema(_text(_RATE, "Such as 10/s, 300/min or 1000/h."))]
"""How many a second: written `10/s`, `300/min` or `1000/h`."""
ReferralField = Annotated[str, AfterValidator(_field)]
"""The name of something a referral can hold."""
SecretReference = Annotated[str, AfterValidator(_reference)]
"""`env:NAME`, `file:/path` or `command:/path`; resolved by the worker just before it sends."""
WebService = Annotated[str, AfterValidator(_service)]
"""https anywhere, http to this machine only; no credentials, query or fragment; a name of other letters as xn--."""
MailServer = Annotated[str, AfterValidator(_mail_server)]
"""smtp://host:port, where TLS begins by STARTTLS, or smtps://host:port; no credentials."""
