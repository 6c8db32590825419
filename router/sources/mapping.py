"""From a source's message to a concern: takes what the source's pointers name, and looks at nothing else.

Pure. What does not fit is said by our field and the pointer of `sources.yaml`, never by what stood there.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from router.configfile.pointers import at
from router.errors import Fault, Refused
from router.sources.file import Source, Sources
from router.sources.taking import NOTHING, SEVERAL, TIMES, Taken, Written

LONGEST: Final = 4096
"""Characters of a value that is looked at; each field has its own limit beside it."""
LONGEST_KEY: Final = 256
_NO_ZONE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?")
_SECONDS: Final = re.compile(r"\d{1,13}(\.\d{1,9})?")
TICKET_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What can be the id of a ticket that a note goes back into: it becomes part of an address."""


@dataclass(frozen=True, slots=True, repr=False)
class Message:
    """What was taken of a message; prints nothing of it."""

    concern: Mapping[str, Any]
    """The body of a concern."""
    key: str
    """The same for the same thing told again."""


def take(source: Source, sent: object) -> Message:
    """Return the concern that `sent`, a decoded message, holds; raises Refused that names each pointer at fault."""
    faults: list[Fault] = []
    concern: dict[str, Any] = {}
    for field, taken in source.fields.each():
        for value in _values(source, field, taken, sent, faults):
            if field in SEVERAL:
                concern.setdefault(field, [])
                concern[field] += [value] if value not in concern[field] else []
            else:
                concern[field] = value
    hashes = list(_hashes(source, sent, faults))
    if hashes:
        concern["hashes"] = hashes
    key = _key(source, sent, faults)
    if source.note_back is not None and not TICKET_ID.fullmatch(concern.get("source_ticket", "-")):
        faults.append(Fault("source_ticket", "malformed"))
    if faults:
        raise refused(source, faults)
    return Message(concern, key)


def refused(source: Source, faults: Sequence[Fault], *, code: str = "") -> Refused:
    """Return the refusal with the pointer of each field that has one."""
    placed = [Fault(fault.field, fault.code, fault.pointer or _pointer(source, fault.field)) for fault in faults]
    codes = {fault.code for fault in placed}
    return Refused(code or (codes.pop() if len(codes) == 1 else "invalid_concern"), *dict.fromkeys(placed))


def reduced(source: Source, sent: object) -> object:
    """Return `sent` with nothing in it but what the source's pointers lead to; lists keep their numbering."""
    wanted = [pointer.split("/")[1:] for pointer in source_pointers(source)]
    by = {tuple(pointer.split("/")[1:]): member for pointer, member in source.lists.items()}
    return _reduced(sent, wanted, by, ())


def note_back_of(sources: Sources, client: str, ticket: str) -> str | None:
    """Return the channel that writes into `ticket` for what the client files itself; None when there is none."""
    named = (source.note_back for source in sources.values() if source.client == client and source.note_back)
    return next(named, None) if TICKET_ID.fullmatch(ticket) else None


def source_pointers(source: Source) -> frozenset[str]:
    """Return every pointer at which something is taken."""
    fields = {taken.at for _, taken in source.fields.each() if taken.at is not None}
    return frozenset({*fields, *source.key, *(source.fields.hashes or {}).values()})


def _pointer(source: Source, field: str) -> str:
    return next((taken.at for name, taken in source.fields.each() if name == field and taken.at is not None), "")


def _values(source: Source, field: str, taken: Taken, sent: object, faults: list[Fault]) -> Iterator[str]:
    if taken.always is not None:
        yield taken.always
        return
    pointer = taken.at or ""
    found = found_at(source, sent, pointer)
    several = found if isinstance(found, list) and field in SEVERAL else [found]
    for value in several:
        text = _text(value)
        if value is None or value == "":
            if not taken.optional and (value is None or field not in SEVERAL):
                faults.append(Fault(field, "missing", pointer))
        elif text is None:
            faults.append(Fault(field, "wrong_type", pointer))
        else:
            yield from _said(field, taken, text, faults)


def _said(field: str, taken: Taken, text: str, faults: list[Fault]) -> Iterator[str]:
    said: str | None = text
    if taken.words is not None:
        said = taken.words.get(text, taken.otherwise)
    elif field in TIMES:
        said = _time(text, taken.written or Written.RFC3339)
    if said is None:
        faults.append(Fault(field, "malformed" if field in TIMES else "unknown_value", taken.at or ""))
    elif said != NOTHING or taken.words is None:
        yield said


def _hashes(source: Source, sent: object, faults: list[Fault]) -> Iterator[dict[str, str]]:
    for algorithm, pointer in (source.fields.hashes or {}).items():
        value = found_at(source, sent, pointer)
        if isinstance(value, str) and value:
            yield {"algorithm": algorithm.value, "value": value}
        elif value not in (None, ""):
            faults.append(Fault("hashes", "wrong_type", pointer))


def _key(source: Source, sent: object, faults: list[Fault]) -> str:
    whole = sha256(f"source {source.name}".encode())
    for pointer in source.key:
        text = _text(found_at(source, sent, pointer))
        if not text or len(text) > LONGEST_KEY:
            faults.append(Fault("unknown", "malformed" if text else "missing", pointer))
        else:
            whole.update(sha256(text.encode(errors="surrogatepass")).digest())
    return whole.hexdigest()


def found_at(source: Source, sent: object, pointer: str) -> Any:
    """Return what stands at `pointer`, through the source's `lists`; None when nothing does, or several might."""
    for place, member in source.lists.items():
        if pointer.startswith(f"{place}/"):
            name, slash, rest = pointer[len(place) + 1 :].partition("/")
            items = at(sent, place)
            named = [item for item in items if _is_named(item, member, name)] if isinstance(items, list) else []
            return at(named[0], slash + rest) if len(named) == 1 else None
    return at(sent, pointer)


def _is_named(item: object, member: str, name: str) -> bool:
    wanted = name.replace("~1", "/").replace("~0", "~")
    return isinstance(item, dict) and _text(item.get(member)) == wanted


def _text(value: Any) -> str | None:
    """Return a short text, a number or a yes or no as text; None of anything else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return value if isinstance(value, str) and len(value) <= LONGEST else None


def _time(text: str, written: Written) -> str | None:
    if written is Written.RFC3339:
        return text
    if written is Written.UTC:
        return f"{text}Z" if _NO_ZONE.fullmatch(text) else None
    if not _SECONDS.fullmatch(text):
        return None
    try:
        return datetime.fromtimestamp(float(text) / (1000 if written is Written.UNIX_MS else 1), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def _reduced(sent: Any, wanted: list[list[str]], by: Mapping[tuple[str, ...], str], place: tuple[str, ...]) -> Any:
    if any(not steps for steps in wanted):
        return sent
    below: dict[str, list[list[str]]] = {}
    for steps in wanted:
        below.setdefault(steps[0], []).append(steps[1:])
    if isinstance(sent, dict):
        names = {step: step.replace("~1", "/").replace("~0", "~") for step in below}
        return {
            name: _reduced(sent[name], below[step], by, (*place, step)) for step, name in names.items() if name in sent
        }
    if isinstance(sent, list) and place in by:
        member = by[place]
        return [
            {member: item[member], **_reduced(item, below[step], by, (*place, step))}
            for item in sent
            for step in below
            if _is_named(item, member, step)
        ]
    if isinstance(sent, list):
        return [
            _reduced(item, below[str(n)], by, (*place, str(n))) if str(n) in below else None
            for n, item in enumerate(sent)
        ]
    return None
