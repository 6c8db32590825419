"""The directory of outside bodies: what `bodies.yaml` says, held against what each kind of body needs.

Reads a file, and asks nobody outside. An entry that a person could do nothing with does not load.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from router.bodies.body import Body, BodyKind, Entry
from router.configfile.shape import shape
from router.configfile.yamltext import Document, read, read_file, shown
from router.errors import PolicyErrors

FILE: Final = "bodies.yaml"

_NEEDS: Final[Mapping[BodyKind, tuple[str, ...]]] = MappingProxyType(
    {
        BodyKind.API: ("address",),
        BodyKind.FORM: ("address",),
        BodyKind.PHONE: ("phone",),
        BodyKind.POLICE: ("phone", "address"),
    }
)
"""Of these at least one must be there, or nobody could reach such a body."""


@dataclass(frozen=True, slots=True)
class Directory:
    """All bodies by code, in the order of the file: of several, the first is the usual one."""

    bodies: Mapping[str, Body] = field(default_factory=lambda: MappingProxyType({}))
    lines: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Where each stands in the file."""

    def __iter__(self) -> Iterator[Body]:
        """Yield every body."""
        return iter(self.bodies.values())

    def get(self, code: str) -> Body | None:
        """Return the body, or None when the directory has none of that code."""
        return self.bodies.get(code)


NOBODY: Final = Directory()


def where(config_dir: Path) -> Path | None:
    """Return the directory's file: of the folder, else of the one around it; None when neither has one.

    So a set for another country beside the shipped one (`config/us`) needs no copy of what is the same for all.
    """
    return next((place for place in (config_dir / FILE, config_dir.parent / FILE) if place.is_file()), None)


def bodies_text(config_dir: Path) -> str | None:
    """Return the text of the directory's file, None when there is none; raises PolicyErrors when it is unreadable."""
    found = where(config_dir)
    return read_file(found) if found is not None else None


def parse_directory(text: str) -> Directory:
    """Return the bodies in `text`; raises PolicyErrors with every problem."""
    document = read(text, FILE)
    directory = read_directory(document)
    if document.problems:
        raise PolicyErrors(document.problems)
    return directory


def read_directory(document: Document) -> Directory:
    """Return the bodies that are right; every problem is added to `document`."""
    if not isinstance(document.value, dict) or not document.value:
        if not document.problems:
            document.complain((), "wrong_kind", "outside bodies by code are wanted here")
        return NOBODY
    made = {code: _body(document, code) for code in document.value}
    good = {code: body for code, body in made.items() if body is not None}
    lines = {code: document.line((code,)) for code in good}
    return Directory(MappingProxyType(good), MappingProxyType(lines))


def _body(document: Document, code: str) -> Body | None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,47}", code):
        said = f"{shown(code)} cannot name a body: small letters, digits, - and _, a letter first"
        document.complain((code,), "odd_value", said)
        return None
    entry = shape(document, Entry, code)
    if entry is None:
        return None
    needed = _NEEDS[entry.kind]
    if all(getattr(entry, name) is None for name in needed):
        said = f"{shown(code)} is of kind {entry.kind}: without {' or '.join(needed)} nobody could reach it"
        document.complain((code,), "unreachable_body", said)
        return None
    known: dict[str, Any] = {name: getattr(entry, name) for name in Entry.model_fields}
    return Body.model_construct(code=code, **known)
