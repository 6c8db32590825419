"""The exact bytes of a ticket or note, and what a ticket made of them must show."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType
from typing import Any

import orjson

from router.channels import wording
from router.channels.rest.described import emptied, known
from router.channels.rest.language import NameOf, Part
from router.channels.rest.settings import Settings
from router.channels.rest.templates import UNSET, Node, filled
from router.model import Payload, Referral

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class TicketPayload(Payload):
    """A create call's body, and the fields that it holds: where they show differs from where they are sent."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)


def ticket(settings: Settings, referral: Referral) -> TicketPayload:
    """Return the create call's body; what the referral does not set is left out."""
    texts = wording.values(referral)
    said = wording.text(referral, settings.text)
    own = {name: value for name, value in settings.names.items() if isinstance(value, NameOf)}
    unset = {name: value.unset for name, value in own.items() if value.unset is not None}
    values = {**unset, **of_fields(settings, texts), **_sentences(wording.title(referral), said)}
    shows = {name: value for name, value in texts.items() if name in settings.ticket.shows}
    return TicketPayload(_body(settings.calls.create.body, values), JSON, MappingProxyType(shows))


def note(settings: Settings, reference: str, title: str, text: str) -> Payload:
    """Return a note's body, which only staff can read."""
    values = {**constants(settings), **_sentences(title, text), "reference": reference}
    return Payload(_body(settings.calls.note.body, values), JSON)


def of_fields(settings: Settings, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return what all names stand for that need no more than the texts of the fields that are set."""
    values: dict[str, Any] = {**constants(settings), **texts}
    for name, own in settings.names.items():
        if isinstance(own, NameOf) and own.of in texts:
            word = own.is_.get(texts[own.of], own.otherwise)
            if word is not None:
                values[name] = word
    return values


def constants(settings: Settings) -> dict[str, Any]:
    """Return the names that stand for the same always."""
    own = {name: value for name, value in settings.names.items() if not isinstance(value, NameOf)}
    return {**own, **({"desk": settings.desk} if "desk" in known(settings) else {})}


def refill(settings: Settings, fields: Mapping[str, str], number: str) -> bytes | None:
    """Return the fill call's body that writes these fields and leaves all others; None when it would write none."""
    values = {**of_fields(settings, fields), "id": number}
    return _written(settings.calls.fill.body, values) if fields else None


def withdrawal(settings: Settings, number: str) -> bytes:
    """Return the fill call's body that empties every field but the reference."""
    return _body(settings.calls.fill.body, {**constants(settings), **emptied(settings), "id": number})


def shown_as(settings: Settings, name: str, value: str) -> Any:
    """Return what a ticket shows of a field that holds `value`, or of the list that must hold it; None: nothing."""
    part = settings.ticket.shows[name]
    wanted = part.is_ if part.is_ is not None else part.has
    return value if wanted is None else _known(wanted, of_fields(settings, {name: value}))


def shown_empty(settings: Settings, name: str) -> Any:
    """Return what a ticket shows of a field that was emptied, beside nothing."""
    part = settings.ticket.shows[name]
    if part.is_ is None:
        return settings.empty
    return _known(part.is_, {**constants(settings), **emptied(settings)})


def wanted_of(settings: Settings, part: Part) -> Any:
    """Return what must stand at a part that no field is in."""
    node = part.is_ if part.is_ is not None else part.has
    return None if node is None else _known(node, constants(settings))


def _known(node: Node, values: Mapping[str, Any]) -> Any:
    made = filled(node, values)
    return None if made is UNSET else made


def _sentences(title: str, text: str) -> dict[str, str]:
    return {"title": title, "text": text, "text_html": escape(text).replace("\n", "<br>")}


def _body(node: Node, values: Mapping[str, Any]) -> bytes:
    return _written(node, values) or b"{}"


def _written(node: Node, values: Mapping[str, Any]) -> bytes | None:
    made = filled(node, values)
    return None if made is UNSET else orjson.dumps(made)
