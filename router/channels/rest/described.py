"""What `channels.yaml` may say of a ticket system that no kind of its own knows, and what follows from it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from router.channels.hooks import HeaderName, Scheme
from router.channels.overhttp import OverHttp
from router.channels.rest.language import (
    Auth,
    Calls,
    Expected,
    FrozenEntries,
    HeaderText,
    NameOf,
    OwnName,
    OwnValue,
    Plain,
    ShownTicket,
    no_entries,
    part_names,
)
from router.channels.rest.templates import Node, names
from router.channels.setting import ReferralField, Within
from router.model import Referral

FIELDS: Final = frozenset(Referral.model_fields) - {"revision", "notice", "awaited", "about"}
"""What a template may name of a referral."""
WITHDRAWN: Final = "Withdrawn."
"""What the first text of a withdrawn ticket becomes, where `fill` writes it."""


class Described(OverHttp):
    """The description: where, who we are, the calls, and how a ticket is read."""

    desk: Plain | None = None
    """The group, project or queue where tickets are made: `{desk}` in any template."""
    auth: Auth
    headers: Annotated[Mapping[HeaderName, HeaderText], FrozenEntries] = Field(default_factory=no_entries)
    """Headers without a secret that go along with every call."""
    names: Annotated[Mapping[OwnName, OwnValue], FrozenEntries] = Field(default_factory=no_entries)
    """Names of your own: a value, or another word for what a field holds."""
    empty: Plain | None = None
    """What a field becomes when it is emptied; left out: null."""
    text: tuple[ReferralField, ...] | None = None
    """Which of the fields the ticket's first text shows, besides the reference; all when left out."""
    calls: Calls
    ticket: ShownTicket
    expects: tuple[Expected, ...] = ()
    """What a check asks for beside the tickets themselves."""
    search_lag: Within = timedelta(0)
    """How long a new ticket may stay hidden from `find`, or a note from `notes`; left out: not at all."""
    hook: Scheme | None = None
    """How the system signs its hooks, where it sends some; `hook_secret` names the secret."""


def names_of(settings: Described, node: Node | None) -> frozenset[str]:
    """Return the referral's fields that a template needs, through names of the file's own too."""
    found: set[str] = set()
    for name in names(node) if node is not None else ():
        own = settings.names.get(name)
        if name in FIELDS:
            found.add(name)
        elif isinstance(own, NameOf):
            found.add(own.of)
    return frozenset(found)


def known(settings: Described) -> frozenset[str]:
    """Return the names that every template may use: the desk, and those that stand for the same always."""
    constant = {name for name, own in settings.names.items() if not isinstance(own, NameOf)}
    return frozenset(constant | ({"desk"} if settings.desk is not None else set()))


def emptied(settings: Described) -> dict[str, Any]:
    """Return what each field, and each name that stands for one, becomes in a ticket that is withdrawn."""
    fields: dict[str, Any] = dict.fromkeys(set(settings.ticket.shows) - {"reference"}, settings.empty)
    for name, own in settings.names.items():
        if isinstance(own, NameOf):
            fields[name] = settings.empty if own.empty is None else own.empty
    return {**fields, "text": WITHDRAWN, "text_html": WITHDRAWN}


def place(settings: Described) -> str | None:
    """Return what no other channel may share: the address, and the desk where that tells tickets apart."""
    url = settings.url.rstrip("/")
    apart = settings.ticket.here is not None or "desk" in part_names(settings.ticket.shows["reference"])
    return f"{url} {settings.desk}" if apart and settings.desk is not None else url
