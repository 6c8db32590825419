"""A real Request Tracker 5 from Debian packages, as tests see it and as its staff works in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

SCRIPT: Final = Path(__file__).parent / "rt5.sh"
NAMES: Final = {
    "reference": "Reference id",
    "category": "Category",
    "severity": "Severity",
    "claim_by": "Claim by",
    "link": "Link",
}
"""Our fields, and what their custom fields are called there."""


@dataclass(frozen=True)
class Peer:
    """The running RT, seen with the router's own account."""

    url: str
    token: str
    officer_token: str
    """One of staff, who may work on tickets."""
    home: Path
    mail: Path

    def tickets(self, reference: str) -> list[dict[str, str]]:
        """Return the custom fields of every ticket with this reference, with Subject and id."""
        query = f"'CF.{{Reference id}}' = '{reference}'"
        found = self._get("tickets", query=query)["items"]
        return [self._plain(self._get(f"ticket/{item['id']}")) for item in found]

    def create(self, ticket: Mapping[str, Any], *, by_staff: bool = False) -> str:
        """Make a ticket, with the router's own account if staff does not, and return its number."""
        headers = self._staff if by_staff else self._headers
        made = httpx2.post(f"{self.url}/REST/2.0/ticket", json=ticket, headers=headers).raise_for_status()
        return str(made.json()["id"])

    def again(self, reference: str, *, by_staff: bool = False) -> str:
        """Make a ticket of the reference in the queue Safeguarding by hand, and return its number."""
        ticket = {"Queue": "Safeguarding", "Subject": "by hand", "CustomFields": {"Reference id": reference}}
        return self.create(ticket, by_staff=by_staff)

    def take(self, number: str) -> None:
        """Become the ticket's owner, as a member of staff does."""
        self._act(f"ticket/{number}/take", {})
        assert self.shown(number)["Owner"]["id"] == "officer"

    def put(self, number: str, status: str) -> None:
        """Change the ticket's status, as a member of staff does."""
        self._act(f"ticket/{number}", {"Status": status})
        assert self.shown(number)["Status"] == status

    def merge(self, number: str, into: str) -> None:
        """Make two tickets one, as a member of staff does."""
        self._act(f"ticket/{number}", {"MergeInto": int(into)})
        assert str(self.shown(number)["id"]) == into

    def _act(self, place: str, wanted: Mapping[str, Any]) -> None:
        httpx2.put(f"{self.url}/REST/2.0/{place}", json=wanted, headers=self._staff).raise_for_status()

    def move(self, number: str, queue: str) -> None:
        """Put a ticket into another queue, as a member of staff does."""
        place = f"{self.url}/REST/2.0/ticket/{number}"
        httpx2.put(place, json={"Queue": queue}, headers=self._headers).raise_for_status()
        assert self._get(f"ticket/{number}")["Queue"]["id"] == str(self._get(f"queue/{queue}")["id"])

    def said(self, number: str) -> list[tuple[str, str]]:
        """Return what was said in a ticket, as how and what: `Create` and `Comment` stay among staff."""
        items = self._get(f"ticket/{number}/history", fields="Type", per_page="100")["items"]
        spoken = {item["id"]: item["Type"] for item in items if item["Type"] in {"Create", "Comment", "Correspond"}}
        texts = self._get(f"ticket/{number}/attachments", fields="Content,TransactionId", per_page="100")["items"]
        return [(spoken[text["TransactionId"]], text["Content"]) for text in texts if text["TransactionId"] in spoken]

    def shown(self, number: str) -> dict[str, Any]:
        """Return a ticket as RT shows it."""
        return dict(self._get(f"ticket/{number}"))

    def queue_id(self, name: str) -> str:
        return str(self._get(f"queue/{name}")["id"])

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}

    @property
    def _staff(self) -> dict[str, str]:
        return {"Authorization": f"token {self.officer_token}"}

    def _get(self, path: str, **parameters: str) -> Any:
        answer = httpx2.get(f"{self.url}/REST/2.0/{path}", params=parameters, headers=self._headers)
        return answer.raise_for_status().json()

    def _plain(self, ticket: Mapping[str, Any]) -> dict[str, str]:
        fields = {field["name"]: field["values"][0] for field in ticket["CustomFields"] if field["values"]}
        return {**fields, "id": str(ticket["id"]), "Subject": ticket["Subject"]}
