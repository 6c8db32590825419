"""A ticket as a described system shows it: whether it is ours, and whether it holds what was sent."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from router.channels import rest
from router.channels.rest import rendering
from router.channels.rest.language import Part, part_names
from router.configfile.pointers import at
from router.errors import TryLater
from workers.channels.ticketing.system import Ticket

_ID: Final = re.compile(r"[A-Za-z0-9~_:-][A-Za-z0-9~_.:-]{0,127}")
"""Part of a path: `..` would lead elsewhere."""
_TAGS: Final = re.compile(r"<[^<>]*>|\s+")
_OURS: Final = re.compile(r"(CR|DRILL|NOTICE)(-[0-9A-HJKMNP-TV-Z]{4}){3} ")


class Reading:
    """What the settings say of tickets, for reading them."""

    def __init__(self, settings: rest.Settings) -> None:
        self._settings = settings
        self._as = settings.ticket

    def ticket(self, shown: Any) -> Ticket:
        """Return the ticket; raises TryLater `odd_reply` when it has no id or no status."""
        number, status = number_at(shown, self._as.id), at(shown, self._as.status)
        if status is None:
            raise TryLater("odd_reply")
        maker, assignee = self._word(shown, self._as.maker), self._word(shown, self._as.assignee)
        nobody = {"", "0", *map(word, self._as.nobody), maker}
        return Ticket(
            own=number,
            id=number,
            closed=word(status) in set(map(word, self._as.closed)),
            here=self._as.here is None or self.stands(shown, self._as.here),
            gone=self._as.gone is not None and word(at(shown, self._as.gone)) not in {"", "0", "false"},
            taken=assignee not in nobody or word(status) in set(map(word, self._as.taken)),
            maker=maker,
            name="" if self._as.name is None else word(at(shown, self._as.name)),
            shown=shown,
        )

    def is_of(self, reference: str, ticket: Ticket) -> bool:
        """Say whether the ticket shows the reference, and no other desk's mark."""
        return self._shows("reference", reference, ticket) and self._made_here(ticket)

    def is_internal(self, ticket: Ticket) -> bool:
        """Say whether the ticket shows that only staff read it, where it shows that at all."""
        return self._as.internal is None or self.stands(ticket.shown, self._as.internal)

    def lacking(self, fields: Mapping[str, str], ticket: Ticket) -> tuple[str, ...]:
        """Return the fields that the ticket does not show as sent."""
        return tuple(name for name, value in fields.items() if not self._shows(name, value, ticket))

    def unfilled(self, fields: Mapping[str, str], ticket: Ticket) -> tuple[str, ...]:
        """Return the fields that the ticket has no value for; what staff changed since stays theirs."""
        return tuple(name for name in fields if name != "reference" and self._is_empty(name, ticket))

    def still_filled(self, ticket: Ticket) -> bool:
        """Say whether a withdrawn ticket still shows one of our fields but the reference."""
        return any(name != "reference" and not self._is_empty(name, ticket) for name in self._as.shows)

    def stands(self, shown: Any, part: Part) -> bool:
        """Say whether what must stand at a part, whatever the case, does."""
        return self._stands(shown, part, rendering.wanted_of(self._settings, part))

    @staticmethod
    def _stands(shown: Any, part: Part, wanted: Any) -> bool:
        found = found_at(shown, part)
        if part.has is not None:
            return isinstance(found, list) and word(wanted) in set(map(word, found))
        return found is not None and word(found) == word(wanted)

    def _shows(self, name: str, value: str, ticket: Ticket) -> bool:
        wanted = rendering.shown_as(self._settings, name, value)
        if wanted is None:  # no word stands for the value, so nothing of it was sent
            return name != "reference"
        return self._stands(ticket.shown, self._as.shows[name], wanted)

    def _is_empty(self, name: str, ticket: Ticket) -> bool:
        found = found_at(ticket.shown, self._as.shows[name])
        empty = {"", word(rendering.shown_empty(self._settings, name))}
        return found in ([], {}) or word(found) in empty

    def _made_here(self, ticket: Ticket) -> bool:
        """Say whether the ticket was made at this desk, wherever staff put it since, as far as it shows that.

        Where the reference's own mark names the desk, that says it.
        """
        made = self._as.made
        if made is not None and found_at(ticket.shown, made) is not None:
            return self.stands(ticket.shown, made)
        return ticket.here or "desk" in part_names(self._as.shows["reference"])

    @staticmethod
    def _word(shown: Any, part: Part | None) -> str:
        return "" if part is None else word(found_at(shown, part))


def found_at(shown: Any, part: Part) -> Any:
    """Return what stands at the part; None when nothing does."""
    if not part.list_:
        return at(shown, part.at)
    for item in _items(shown, part.list_):
        wanted = (part.where or {}).items()
        if isinstance(item, dict) and all(word(item.get(key)) == word(value) for key, value in wanted):
            return at(item, part.at)
    return None


def _items(shown: Any, lists: Sequence[str]) -> Iterator[Any]:
    """Yield the items of a list, or of the lists that are in its items."""
    items = at(shown, lists[0])
    for item in items if isinstance(items, list) else ():
        if lists[1:]:
            yield from _items(item, lists[1:])
        else:
            yield item


def number_at(shown: Any, pointer: str) -> str:
    """Return the id that stands there, a number or a text; raises TryLater `odd_reply` when none does."""
    found = at(shown, pointer)
    number = word(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
    if not _ID.fullmatch(number):
        raise TryLater("odd_reply")
    return number


def word(value: Any) -> str:
    """Return a value as text, to hold it against another: systems show numbers as texts, and texts as numbers."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or isinstance(value, dict | list) else str(value)


def titled(text: Any, title: str) -> bool:
    """Say whether a note holds the title; `notice 2` is not `notice 20`."""
    found = word(text)
    return re.search(rf"{re.escape(title)}(?![0-9A-Za-z])", found) is not None


def is_ours(text: Any) -> bool:
    """Say whether a note begins as ours do, where the system does not say who wrote it."""
    return _OURS.match(_TAGS.sub(" ", word(text)).lstrip() + " ") is not None
