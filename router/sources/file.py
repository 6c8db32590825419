"""The sources, for both sides: who may send what, what of it becomes a concern, and where a note goes back to.

Loads `sources.yaml`. Secrets stand in it by reference only and are not resolved here.
"""

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.catalogue import Catalogue, Channel
from router.channels import KINDS
from router.channels.hooks import HeaderName, Scheme
from router.channels.overhttp import OverHttp
from router.channels.setting import SecretReference
from router.configfile.cleartext import no_secrets
from router.configfile.pointers import Pointer
from router.configfile.shape import shape
from router.configfile.yamltext import Document, nearest, read, read_file, shown
from router.errors import PolicyErrors
from router.model import Frozen
from router.sources.taking import CLOSED, Fields
from router.vocabulary import Guarantee, Name, Proven, Scope

FILE: Final = "sources.yaml"
LONGEST_WINDOW: Final = timedelta(hours=23)
"""The same message is the same case for a day; what was signed longer ago must not become another."""
Member = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Texts = Mapping[str, Collection[str]]
"""For `category` and `site`, the words of the policy in force."""


class Poll(OverHttp):
    """How `sources poll` asks a system that sends nothing by itself: `url` is where it is."""

    path: Annotated[str, StringConstraints(pattern=r"^/[!-~]{0,1023}$")]
    """What is asked for, after `url`, with its query: the tickets that somebody marked over there."""
    items: Pointer
    """Where in the answer the list of tickets stands; each is one message."""
    header: HeaderName = "Authorization"
    """The header that lets us in there."""
    prefix: Annotated[str, StringConstraints(pattern=r"^[ -~]{0,32}$")] = ""
    """What stands in it before the secret, such as `Bearer `."""
    secret: SecretReference
    """Where the secret of that header stands."""
    token: SecretReference
    """Where our own client's token stands, with which each ticket is filed."""


class Entry(Frozen):
    """What `sources.yaml` says of one source."""

    client: Name
    """The client that it files as: its quota counts, its token lets it in, and revoking it shuts the source."""
    signed: Scheme | None = None
    """How it signs, where it can send no token; then `secret` says with what."""
    secret: SecretReference | None = None
    key: Annotated[tuple[Pointer, ...], Field(min_length=1, max_length=8)]
    """What makes two messages one: the ticket's id and the kind of event, say. All of it must be there."""
    lists: Mapping[Pointer, Member] = Field(default_factory=dict)
    """Lists that pointers go into by a member of their items instead of by a number: `/custom_fields: id`."""
    fields: Fields
    note_back: Name | None = None
    """The channel that tells in the ticket that it was taken over."""
    poll: Poll | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.signed is None) != (self.secret is None):
            raise PydanticCustomError("no_effect", "signed says how and secret with what: one needs the other")
        if self.signed is not None and self.signed.window > LONGEST_WINDOW:
            raise PydanticCustomError(
                "odd_value", "a repeat is known for a day: a window of at most 23h is wanted here"
            )
        if self.note_back is not None and (self.fields.source_ticket is None or self.fields.source_ticket.at is None):
            raise PydanticCustomError("missing", "note_back needs 'source_ticket', taken from the message")
        return self


class Source(Entry):
    """One source."""

    name: Name


Sources = Mapping[str, Source]


def sources_text(config_dir: Path) -> str | None:
    """Return the text of `sources.yaml`, None where there is none; raises PolicyErrors when it cannot be read."""
    path = config_dir / FILE
    return read_file(path) if path.exists() or path.is_symlink() else None


def notes_back(config_dir: Path) -> frozenset[str]:
    """Return the channels that `sources.yaml` names for the way back, right or wrong as it may be otherwise."""
    try:
        document = read(sources_text(config_dir) or "", FILE)
    except PolicyErrors:
        return frozenset()
    return frozenset(word for name, _ in document.entries() for _, word in document.words(name, "note_back"))


def parse_sources(text: str, catalogue: Catalogue | None = None, *, words: Texts = MappingProxyType({})) -> Sources:
    """Return the sources in `text`; raises PolicyErrors with every problem.

    With a `catalogue` the channels that are named must be there and fit; with `words`, so must categories and sites.
    """
    document = read(text, FILE)
    made: dict[str, Source] = {}
    if isinstance(document.value, dict) and document.value:
        no_secrets(document)
        for name in document.value:
            source = _source(document, name, words)
            if source is not None:
                made[name] = source
                if catalogue is not None:
                    _note_back(document, source, catalogue)
    elif not document.problems:
        document.complain((), "wrong_kind", "sources by name are wanted here; without any, remove the file")
    if document.problems:
        raise PolicyErrors(document.problems)
    return MappingProxyType(made)


def _source(document: Document, name: str, words: Texts) -> Source | None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,47}", name):
        said = f"{shown(name)} cannot name a source: small letters, digits, - and _, a letter first"
        document.complain((name,), "odd_value", said)
        return None
    entry = shape(document, Entry, name)
    if entry is None:
        return None
    _words_known(document, name, entry, words)
    return Source.model_construct(**{key: getattr(entry, key) for key in Entry.model_fields}, name=name)


def _words_known(document: Document, name: str, entry: Entry, words: Texts) -> None:
    """Every word that a field may get must be one that the field can have."""
    for field, taken in entry.fields.each():
        known: Any = [word.value for word in CLOSED[field]] if field in CLOSED else words.get(field)
        for word in taken.ours if known is not None else ():
            if word not in known:
                said = f"unknown value {shown(word)}{nearest(word, known)}"
                document.complain((name, "fields", field), "unknown_value", said)


def _note_back(document: Document, source: Source, catalogue: Catalogue) -> None:
    """The channel must be one that writes into tickets, inside, and may carry which one it is."""
    if source.note_back is None:
        return
    place, channel = (source.name, "note_back"), catalogue.get(source.note_back)
    if channel is None:
        said = f"unknown channel {shown(source.note_back)}{nearest(source.note_back, catalogue.channels)}"
        document.complain(place, "unknown_value", said)
    elif not writes_notes(channel):
        said = f"{channel.name!r} is no internal ticket system: it has no tickets to write a note into"
        document.complain(place, "no_notes", said)
    elif "source_ticket" not in channel.carries:
        said = f"{channel.name!r} may not carry 'source_ticket', so it would not know which ticket: add it there"
        document.complain(place, "not_carried", said)


def writes_notes(channel: Channel) -> bool:
    """Say whether the channel can put a note into a ticket of the organisation's own."""
    kind = KINDS[channel.kind]
    tickets = kind.GUARANTEE is Guarantee.FOUND and kind.PROVES is Proven.ACKNOWLEDGED
    return tickets and channel.scope is Scope.INTERNAL
