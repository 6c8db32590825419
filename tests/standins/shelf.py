"""What the stand-ins of described systems share: a shelf of tickets, a search that can lag or answer something else.

And the recipes, as `channels.yaml` would hold them, with the stand-in's address in place of the vendor's.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from router.catalogue import Common
from router.configfile.yamltext import read
from tests.loopback import Answer, Loopback, Received
from tests.standins.standin import StandIn

RECIPES: Final = Path(__file__).parents[2] / "config" / "recipes"
ROUTER, OFFICER = 5, 6


def recipe(name: str, there: Loopback | str, **more: Any) -> dict[str, Any]:
    """Return a recipe's own settings for the system there, those of every channel left out."""
    document = read((RECIPES / f"{name}.yaml").read_text(), f"{name}.yaml")
    assert not document.problems
    (entry,) = document.value.values()
    own = {key: value for key, value in entry.items() if key not in Common.model_fields}
    return {**own, "url": there if isinstance(there, str) else there.url, **more}


class Shelf(StandIn):
    """Tickets by number, as a read of one shows them."""

    FIELDS: Mapping[str, str] = {"category": "concern_category", "severity": "concern_severity"}

    def __init__(self) -> None:
        super().__init__()
        self.tickets: list[dict[str, Any]] = []
        self.known = set(self.FIELDS)
        """Our fields that the system has a field for."""
        self.open_to_us = True
        self._hidden: dict[str, int] = {}

    def put_up(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """Put a ticket on the shelf, which searches do not show yet while they lag."""
        self._hidden[self.number(ticket)] = self.search_lag
        self.tickets.append(ticket)
        return ticket

    def searched(self, fits: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Return what a search shows: late, of others, or everything, as the test wants it."""
        shown = [one for one in self.tickets if self.show_all or fits(one) is not self.foreign]
        for one in shown:
            self._hidden[self.number(one)] -= 1
        return [one for one in shown if self._hidden[self.number(one)] < 0]

    def of(self, number: str) -> dict[str, Any] | None:
        return next((one for one in self.tickets if self.number(one) == number), None)

    def really(self, number: str) -> dict[str, Any]:
        found = self.of(number)
        assert found is not None
        return found

    @staticmethod
    def number(ticket: Mapping[str, Any]) -> str:
        return str(ticket["id"])

    def drop_field(self, name: str) -> None:
        self.known.discard(name)

    def forget_account(self) -> None:
        self.open_to_us = False

    def named(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """Return what custom fields hold, by our own fields' names."""
        return {ours: str(fields[there]) for ours, there in self.FIELDS.items() if fields.get(there) not in (None, "")}


def place(request: Received) -> list[str]:
    return urlsplit(request.path).path.strip("/").split("/")


def no(status: int = 404) -> Answer:
    return Answer(status, b'{"error":"no"}')
