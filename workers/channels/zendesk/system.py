"""Zendesk Support as a ticket system: what each act is there, and what shows that it was done.

A ticket that Zendesk closed for good takes nothing more: what comes later about its case makes a follow-up ticket, and
it cannot be withdrawn any more, nor opened. Zendesk's rules and its own account (-1) are nobody.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote

from router.channels import zendesk
from router.errors import Declined
from router.model import Finding, Payload, Referral
from workers.channels.base import Surroundings
from workers.channels.ticketing import Ticket
from workers.channels.zendesk.checks import check
from workers.channels.zendesk.tickets import FINAL, PER_PAGE, Doing, ZendeskTickets

MACHINE: Final = "-1"
TAKING: Final = frozenset({"assignee_id", "status"})
"""What a person changes who takes a ticket."""
SEARCH_LAG: Final = timedelta(minutes=5)
"""How late the search, by which changes are found, may show one."""
PAGES: Final = 10
"""Of tickets that changed: Zendesk's search shows no more than a thousand."""


class ZendeskSystem:
    """One group of one Zendesk."""

    def __init__(self, settings: zendesk.Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._tickets = ZendeskTickets(settings, surroundings)

    def first(self, referral: Referral) -> Payload:
        """Return the body of the create call."""
        return zendesk.ticket(self._settings, referral)

    def note(self, title: str, text: str) -> Payload:
        """Return the body of an update with an internal comment."""
        return zendesk.note(title, text)

    def check(self, until: float) -> tuple[Finding, ...]:
        """Return what is wrong with account, groups or ticket fields."""
        return check(self._tickets, self._settings, until)

    def find(self, reference: str, until: float) -> Sequence[Ticket]:
        """Return the tickets whose external id is the reference, and that were made in the group."""
        return self._tickets.find(reference, until)

    def read(self, remote_id: str, until: float) -> Ticket:
        """Return the ticket."""
        return self._tickets.read(remote_id, until)

    def create(self, payload: Payload, until: float) -> str:
        """Make a ticket and return its number."""
        return self._tickets.create(payload, until)

    def dropped(self, payload: Payload, ticket: Ticket) -> bool:
        """Say whether Zendesk dropped a ticket field; raises Declined when somebody outside may read the ticket."""
        if ticket.shown.get("is_public") is True:
            raise Declined("made_public")
        there = zendesk.shown(ticket.shown)
        return any(there.get(number) != value for number, value in zendesk.expected(payload).items())

    def complete(self, payload: Payload, ticket: Ticket, until: float) -> bool:
        """Fill the ticket fields that have no value."""
        there, wanted = zendesk.shown(ticket.shown), zendesk.expected(payload)
        missing = {number: value for number, value in wanted.items() if number not in there}
        if not missing or _final(ticket):
            return not missing
        changed = self._tickets.change(ticket.own, zendesk.fill(missing), until)
        return missing.keys() <= zendesk.shown(changed.shown).keys()

    def add_note(self, payload: Payload, ticket: Ticket, until: float) -> None:
        """Put an internal comment into the ticket, or into a follow-up where it is closed for good."""
        if not _final(ticket):
            self._tickets.change(ticket.own, payload, until)
            return
        reference = str(ticket.shown.get("external_id"))
        if not zendesk.is_about(payload, reference):
            raise Declined("closed_for_good")  # not one that we made
        self._tickets.create(zendesk.follow_up(self._settings, ticket.own, reference, payload), until)

    def noted(self, title: str, ticket: Ticket, until: float) -> bool:
        """Say whether an internal comment of ours begins with that title; of a closed ticket, in its follow-ups too."""
        looked_in = [ticket]
        if _final(ticket):
            others = self._tickets.find(str(ticket.shown.get("external_id")), until)
            looked_in += [other for other in others if other.own != ticket.own]
        return any(self._tickets.said(one.own, title, until) for one in looked_in)

    def close(self, ticket: Ticket, until: float) -> Ticket:
        """Solve the ticket, unless it is, and return it as it is then."""
        return ticket if ticket.closed else self._tickets.change(ticket.own, zendesk.change(status="solved"), until)

    def reopen(self, ticket: Ticket, until: float) -> Ticket:
        """Open a solved ticket and return it as it is then; one that is closed for good stays so."""
        if not ticket.closed or _final(ticket):
            return ticket
        return self._tickets.change(ticket.own, zendesk.change(status="open"), until)

    def withdraw(self, ticket: Ticket, until: float) -> bool:
        """Empty the ticket fields, solve the ticket, put it apart; return whether all that shows."""
        ticket = self._tickets.read(ticket.own, until)
        if not self._withdrawn(ticket) and not _final(ticket):
            ticket = self._tickets.change(
                ticket.own, zendesk.withdrawal(self._settings, solve=not ticket.closed), until
            )
        return self._withdrawn(ticket)

    def set_apart(self, ticket: Ticket, until: float) -> bool:
        """Put a ticket that a concern came out of into its group, if there is one; return whether it is there."""
        group = self._settings.taken_over_group
        if group is None or ticket.shown.get("group_id") == group:
            return True
        return self._tickets.change(ticket.own, zendesk.change(group_id=group), until).shown.get("group_id") == group

    def taken(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person took the ticket on, or changed its status."""
        return any(doing.field in TAKING for doing in self._by_people(ticket, until))

    def worked_on(self, ticket: Ticket, until: float) -> bool:
        """Say whether a person took the ticket on, changed its status, or wrote in it."""
        return any(doing.field in TAKING or doing.what == "Comment" for doing in self._by_people(ticket, until))

    def changed(self, since: datetime, until: float) -> Sequence[str]:
        """Return the numbers of the group's tickets that changed since then, or shortly before."""
        at = (since - SEARCH_LAG).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        wanted = quote(f"type:ticket group_id:{self._settings.group} updated>={at}", safe="")
        path = f"/search?query={wanted}&sort_by=updated_at&sort_order=asc&per_page={PER_PAGE}"
        numbers: list[str] = []
        for page in range(1, PAGES + 1):
            found = self._tickets.listed("results", f"{path}&page={page}", until)
            numbers += [str(one.get("id")) for one in found]
            if len(found) < PER_PAGE:
                break
        return numbers

    def _withdrawn(self, ticket: Ticket) -> bool:
        apart = self._settings.recall_group in {None, ticket.shown.get("group_id")}
        emptied = zendesk.shown(ticket.shown).keys().isdisjoint(self._settings.custom_fields.values())
        return emptied and ticket.closed and apart

    def _by_people(self, ticket: Ticket, until: float) -> list[Doing]:
        nobody = {"", MACHINE, ticket.maker}
        return [
            doing for doing in self._tickets.doings(ticket.own, until) if not doing.by_rule and doing.who not in nobody
        ]


def _final(ticket: Ticket) -> bool:
    return ticket.shown.get("status") == FINAL
