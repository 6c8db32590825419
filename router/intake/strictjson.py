"""JSON as RFC 8259 means it, and nothing that parsers disagree on.

Refuses what the standard library lets through: names that stand twice, NaN and Infinity, endless
numbers, lone surrogates, NUL. Never says what it found, only which rule it broke.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NoReturn

from router.errors import Refused

LONGEST_NUMBER: Final = 18
"""Digits; fits 64 bits. No field of ours is a number, so this only bounds the work."""
LONGEST_EXACT: Final = 16
"""Characters of a fraction: its point and 15 digits, which a float keeps (IEEE 754)."""

_ESCAPED_SUSPECTS: Final = re.compile(rb"\\u(?:[dD][89a-fA-F]|0000)")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def loads(body: bytes) -> object:
    """Return the JSON text in `body` as plain values; raises Refused with the rule it breaks."""
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise Refused("not_utf8")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refused("not_utf8") from None
    if "\0" in text:
        raise Refused("nul_character")
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise Refused("too_deep") from None
    except ValueError:
        raise Refused("not_json") from None
    if _ESCAPED_SUSPECTS.search(body):
        _refuse_odd_strings(value)
    return value


def loads_foreign(body: bytes) -> object:
    """Return the JSON text of a system that is not made for us; raises Refused with the rule it breaks.

    Less strict where only what is taken matters: numbers as long as they like, and odd characters in texts. A long
    number is returned as it is written: rounded, the ids of two alerts would be one.
    """
    try:
        return _foreign.decode(body.decode())
    except UnicodeDecodeError:
        raise Refused("not_utf8") from None
    except RecursionError:
        raise Refused("too_deep") from None
    except ValueError:
        raise Refused("not_json") from None


def strings(value: object) -> Iterator[str]:
    """Yield every string in `value`, names of members included, without recursion."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _refuse_odd_strings(value: object) -> None:
    for text in strings(value):
        if "\0" in text:
            raise Refused("nul_character")
        if _SURROGATES.search(text):
            raise Refused("lone_surrogate")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Refused("duplicate_key")
    return members


def _number(digits: str) -> float:
    if len(digits) > LONGEST_NUMBER:
        raise Refused("number_refused")
    number = float(digits)
    return int(digits) if digits.lstrip("-").isdigit() else number


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _fraction(digits: str) -> float | str:
    return float(digits) if len(digits) <= LONGEST_EXACT else digits


def _no_constant(_name: str) -> NoReturn:
    raise Refused("number_refused")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_number, parse_float=_number, parse_constant=_no_constant
)
_foreign: Final = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_whole, parse_float=_fraction, parse_constant=_no_constant
)
