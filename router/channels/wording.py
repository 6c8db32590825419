"""What a ticket, its title and the notes in it say to people; the same for every ticket system.

Pure. A title says the reference and nothing of the matter. One text is one line: what a field holds cannot look like
another field.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, get_args

from router.channels import notices
from router.model import FileHash, Referral
from router.vocabulary import Notice

_SPOKEN: Final = frozenset({"notice", "awaited", "about", "tlp"})
"""Said in a sentence, or over all the others."""
_IN_TICKETS: Final = frozenset({Notice.RECALLED, Notice.TAKEN_OVER, Notice.CLOSED})
"""Whatever their revision."""


def is_note(referral: Referral) -> bool:
    """Say whether the referral belongs into a ticket that should be there already."""
    return referral.notice in _IN_TICKETS or (referral.notice is not None and referral.revision > 1)


def title(referral: Referral) -> str:
    """Return the ticket's or note's title; a later notice is found again by it, so it says which one it is."""
    again = is_note(referral) and referral.notice is not Notice.TAKEN_OVER
    later = f", notice {referral.revision}" if again else ""
    return f"{notices.title(referral)}{later}"


def text(referral: Referral, only: Iterable[str] | None = None) -> str:
    """Return the first text of a ticket: a sentence, if there is a notice, and the fields, or `only` some of them.

    The reference is always said.
    """
    texts = values(referral)
    shown = texts if only is None else {f: texts[f] for f in texts if f in {"reference", *only}}
    return _lines([*marking(referral), *_spoken(referral)[:1], *_labelled(shown)])


def note(referral: Referral) -> str:
    """Return what a note says: a notice's sentence, how bad the case is, and where to look; all, where that changed."""
    if referral.notice is Notice.CORRECTED:
        return text(referral)
    return _lines([*marking(referral), *_spoken(referral)])


def marking(referral: Referral) -> tuple[str, ...]:
    """Return what stands over anything that leaves the organisation: who may see it. Nothing inside."""
    return (referral.tlp.value,) if referral.tlp else ()


def second_title(referral: Referral) -> str:
    """Return the title of the note in a second ticket, by which it is found again."""
    return f"{referral.reference} second ticket"


def second_note(referral: Referral, kept: str) -> str:
    """Return what is said in a ticket that is closed because the case has the ticket `kept` already."""
    said = f"This ticket was made a second time for {referral.reference}. It is closed; go on in ticket {kept}."
    return _lines([*marking(referral), said])


def reopened_title(referral: Referral, time: int) -> str:
    """Return the title of the note in a ticket that we open again, the `time`th time."""
    return f"{referral.reference} open again, {time}"


def reopened_note(referral: Referral) -> str:
    """Return what is said in a ticket that was closed before its case."""
    said = f"This ticket was closed, and {referral.reference} is not. It is open again; close it after the case."
    return _lines([*marking(referral), said])


def closed_words(field: str) -> tuple[str, ...]:
    """Return what a ticket may show for the field, where that is a closed list of ours; empty for all others."""
    annotation = Referral.model_fields[field].annotation
    closed = [kind for kind in get_args(annotation) if isinstance(kind, type) and issubclass(kind, StrEnum)]
    return tuple(word.value for kind in closed for word in kind)


def values(referral: Referral) -> dict[str, str]:
    """Return each field that is set, as one line of text, in the model's order; `revision` says nothing to people."""
    there = {name: getattr(referral, name) for name in Referral.model_fields if name != "revision"}
    return {name: _text(name, value) for name, value in there.items() if value not in (None, ())}


def _spoken(referral: Referral) -> list[str]:
    """Return a notice's lines; none without a notice."""
    if referral.notice is None:
        return []
    texts = values(referral)
    return [notices.said(referral), *_labelled({f: texts[f] for f in ("severity", "link") if f in texts})]


def _labelled(texts: Mapping[str, str]) -> list[str]:
    return [f"{name.replace('_', ' ').capitalize()}: {said}" for name, said in texts.items() if name not in _SPOKEN]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _text(field: str, value: Any) -> str:
    if isinstance(value, datetime):
        return notices.moment(value)
    if isinstance(value, tuple):
        return ", ".join(_text(field, item) for item in value)
    if isinstance(value, FileHash):
        return f"{value.algorithm}:{value.value}"
    if field == "url":  # must not become something to click on
        return str(value).replace("://", "[:]//", 1)
    return str(value)
