"""Forms as browsers send them: names and values, and nothing that the page did not ask for.

Keeps what was typed for one answer, in memory, so that nobody has to type it twice; never longer.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl

from router.errors import Refused

MOST_FIELDS: Final = 64
_BAD_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """What one person typed; prints nothing of it."""

    single: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """Return what was typed into a field, without blanks around it; nothing if it was left out."""
        return self.single.get(name, "").strip()


def read_form(body: bytes, *, names: frozenset[str], lists: frozenset[str] = frozenset()) -> Form:
    """Return the fields of an urlencoded form; raises Refused on any that is not in `names` or stands twice.

    Those in `lists` may stand several times.
    """
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
        if name in lists:
            several[name] = (*several.get(name, ()), value)
        elif name in single:
            raise Refused("not_a_form")
        else:
            single[name] = value
    return Form(MappingProxyType(single), MappingProxyType(several))
