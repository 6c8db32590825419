"""The page's form: from what a browser sends to what the API would have been sent.

Keeps what was typed for one answer, in memory, so that nobody has to type it twice; never longer.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl

from router.errors import Refused
from router.reporter.words import LABELS

MOST_FIELDS: Final = 64
LISTS: Final = frozenset({"urgency", "involves"})
ZONE, KEY, RECEIPT = "zone", "key", "receipt"

_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, repr=False)
class Typed:
    """What one person typed; prints nothing of it."""

    single: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str | None:
        """The page's own random key, the same for a double click."""
        return self.single.get(KEY) or None

    def concern(self, asked: Collection[str] = LABELS) -> dict[str, Any]:
        """Return the answers to what was asked as the body of a concern; empty ones left out."""
        sent: dict[str, Any] = {name: value for name, value in self.single.items() if name in asked and value}
        sent.update({name: list(values) for name, values in self.several.items() if values})
        if "occurred_at" in sent and _LOCAL.fullmatch(sent["occurred_at"]):
            sent["occurred_at"] += f":00{self.single.get(ZONE, '')}"
        return sent


def read_form(body: bytes, *, names: frozenset[str]) -> Typed:
    """Return the fields of an urlencoded form; raises Refused on any that is not in `names` or stands twice."""
    if _BAD_ESCAPE.search(body):
        raise Refused("not_a_form")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise Refused("not_utf8") from None
    except ValueError:
        raise Refused("not_a_form") from None
    single: dict[str, str] = {}
    several: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        if name not in names:
            raise Refused("unknown_field")
        if name in LISTS:
            several[name] = (*several.get(name, ()), value)
        elif name in single:
            raise Refused("not_a_form")
        else:
            single[name] = value
    return Typed(MappingProxyType(single), MappingProxyType(several))


REPORT_FIELDS: Final = frozenset(LABELS) - {RECEIPT} | {ZONE, KEY}
FOLLOW_UP_FIELDS: Final = frozenset({RECEIPT})
