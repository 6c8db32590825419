"""Texts that reviewers start from when they write to a reporter: `texts.yaml`, with the dates of the case filled in.

Nothing but dates goes into them by itself. A wrong file replaces no good one; without a file there are none.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from router.configfile.shape import shape
from router.configfile.yamltext import read, read_file, shown
from router.errors import PolicyErrors
from router.model import Frozen
from router.telemetry import get_log
from router.vocabulary import MessageKind
from router.web.texts import LONGEST

FILE: Final = "texts.yaml"
MOST: Final = 100
PLACES: Final = ("today", "received", "acknowledge_by", "feedback_by")
"""Dates that may stand in a text, in braces."""
_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")


def _known_places(text: str) -> str:
    for place in _PLACE.findall(text):
        if place not in PLACES:
            raise PydanticCustomError(
                "odd_value", "only dates may stand in braces: {dates}", {"dates": ", ".join(PLACES)}
            )
    return text


class Canned(Frozen):
    """One text."""

    label: Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
    """What the console calls it."""
    kind: MessageKind
    """What sending it records."""
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST), AfterValidator(_known_places)]

    def filled(self, dates: Mapping[str, datetime | None]) -> str | None:
        """Return the text with its dates, None when the case has not all of them."""
        moments = {place: dates.get(place) for place in _PLACE.findall(self.text)}
        if None in moments.values():
            return None
        return _PLACE.sub(lambda found: _day(moments[found[1]]), self.text).strip()


@dataclass(frozen=True, slots=True)
class Offered:
    """The texts by name, in the file's order."""

    texts: Mapping[str, Canned]
    wrong: bool = False
    """The file is wrong, and these are those that stood in it before."""


class CannedTexts:
    """What the file says by now: read anew when it changed. Several threads may ask."""

    def __init__(self, config_dir: Path) -> None:
        self._path = config_dir / FILE
        self._lock = threading.Lock()
        self._read: tuple[int, int] | None = None
        self._offered = Offered(MappingProxyType({}))

    def __call__(self) -> Offered:
        """Return the texts; raises nothing."""
        with self._lock:
            stamp = _stamp(self._path)
            if stamp != self._read:
                self._read, self._offered = stamp, self._anew(found=stamp is not None)
            return self._offered

    def _anew(self, *, found: bool) -> Offered:
        if not found:
            return Offered(MappingProxyType({}))
        try:
            return Offered(parse_texts(read_file(self._path)))
        except PolicyErrors as error:
            get_log().error("texts_refused", code=error.problems[0].code, count=len(error.problems))
            return Offered(self._offered.texts, wrong=True)


def parse_texts(text: str) -> Mapping[str, Canned]:
    """Return the texts in `text`, by name; raises PolicyErrors with every problem."""
    document = read(text, FILE)
    made: dict[str, Canned] = {}
    if not isinstance(document.value, dict) and not document.problems:
        document.complain((), "wrong_kind", "texts by name are wanted here; without any, remove the file")
    for name, _ in document.entries():
        if not _NAME.fullmatch(str(name)):
            said = f"{shown(name)} cannot name a text: small letters, digits and _, a letter first"
            document.complain((name,), "odd_value", said)
        elif canned := shape(document, Canned, name):
            made[str(name)] = canned
    if len(made) > MOST:
        document.complain((), "too_long", f"at most {MOST} texts")
    if document.problems:
        raise PolicyErrors(document.problems)
    return MappingProxyType(made)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _day(moment: datetime | None) -> str:
    return f"{moment:%-d %B %Y}" if moment else ""
