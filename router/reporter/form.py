"""The page's form: from what a browser sends to what the API would have been sent.

Keeps what was typed for one answer, in memory, so that nobody has to type it twice; never longer.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from router.reporter.words import LABELS
from router.web.forms import Form, read_form

LISTS: Final = frozenset({"urgency", "involves"})
DAY, TIME, ZONE = "day", "time", "zone"
KEY, RECEIPT = "key", "receipt"
START_OF_DAY: Final = "00:00"
"""Stands for a time that somebody does not know: it has always passed, whenever on that day they write."""

_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


@dataclass(frozen=True, slots=True, repr=False)
class Typed(Form):
    """What one person typed; prints nothing of it."""

    @property
    def key(self) -> str | None:
        """The page's own random key, the same for a double click."""
        return self.single.get(KEY) or None

    def concern(self, asked: Collection[str] = LABELS) -> dict[str, Any]:
        """Return the answers to what was asked as the body of a concern; empty ones left out."""
        sent: dict[str, Any] = {name: value for name, value in self.single.items() if name in asked and value}
        sent.update({name: list(values) for name, values in self.several.items() if values})
        if self.get(DAY) or self.get(TIME):
            # A time without its day is told of as malformed: it would be lost without a word.
            sent["occurred_at"] = f"{self.get(DAY)}T{self.get(TIME) or START_OF_DAY}"
        if "occurred_at" in sent and _LOCAL.fullmatch(sent["occurred_at"]):
            sent["occurred_at"] += f":00{self.single.get(ZONE, '')}"
        return sent


def read_typed(body: bytes, *, names: frozenset[str]) -> Typed:
    """Return the fields of a form; raises Refused on any that is not in `names` or stands twice."""
    sent = read_form(body, names=names, lists=LISTS)
    single = dict(sent.single)
    if _LOCAL.fullmatch(single.get("occurred_at", "")):
        # From another form than ours: shown and read back like what is typed into ours.
        single[DAY], single[TIME] = single.pop("occurred_at").split("T")
    return Typed(single, sent.several)


REPORT_FIELDS: Final = frozenset(LABELS) - {RECEIPT} | {DAY, TIME, ZONE, KEY}
FOLLOW_UP_FIELDS: Final = frozenset({RECEIPT})
