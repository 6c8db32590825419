"""Whether Request Tracker is as `channels.yaml` has it: account, queues, custom fields, rights.

Changes nothing over there, and says nothing that RT said: a finding has our own code and our own name for it. RT
answers alike for what is not there and for what our account may not see.

What RT does not say without being asked to change something shows at the first send, best at a drill's: whether the
account may fill custom fields (ModifyCustomField), and, in a queue without a ticket, whether it may see one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from router.channels import rt, wording
from router.errors import Declined, TryLater
from router.model import Finding
from workers.channels.findings import findings
from workers.channels.rt.tickets import RtTickets

WRONG_KINDS: Final = frozenset({"Date", "DateTime", "IPAddress", "IPAddressRange", "Image", "Binary"})
"""Kinds of custom field that show something else than the text that was put in, or take none."""
STARTED: Final = frozenset({"new", "open"})
"""States of RT's own life cycle from which there is always a next one."""


def check(tickets: RtTickets, settings: rt.Settings, until: float) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first; empty is good. Raises TryLater when RT does not say now."""
    if account := _account(tickets, until):
        return account
    queue = _queue(tickets, settings.queue, until)
    if queue is None:
        return (Finding("queue_missing", settings.queue),)
    found = [*_of_queue(queue, settings), *_of_fields(tickets, queue, settings, until)]
    if not found:
        found += _of_tickets(tickets, queue, settings, until)
    return (*found, *_of_recalls(tickets, settings, until))


def _account(tickets: RtTickets, until: float) -> tuple[Finding, ...]:
    """Return what is wrong with the token, or with the way to RT."""
    if secrets := findings(lambda: tickets.token(until), "token"):
        return secrets
    try:
        there: list[Mapping[str, Any]] = []
        if unreached := findings(lambda: there.append(tickets.object("/rt", until)), "url", tickets.wrong_file):
            return tuple(replace(one, named="token") if one.code == "not_authorised" else one for one in unreached)
    except Declined:
        return (Finding("not_rt", "url"),)
    except TryLater as later:
        if later.code in {"http_404", "odd_reply"}:
            return (Finding("not_rt", "url"),)
        raise
    return () if "Version" in there[0] else (Finding("not_rt", "url"),)


def _queue(tickets: RtTickets, name: str, until: float) -> Mapping[str, Any] | None:
    try:
        return tickets.object(f"/queue/{quote(name, safe='')}", until)
    except TryLater as later:
        if later.code in {"not_authorised", "http_404"}:
            return None
        raise


def _of_queue(queue: Mapping[str, Any], settings: rt.Settings) -> Iterator[Finding]:
    if str(queue.get("Disabled", "0")) != "0":
        yield Finding("queue_disabled", settings.queue)
    elif not _may_create(queue):
        yield Finding("right_missing", "CreateTicket")


def _of_fields(tickets: RtTickets, queue: Mapping[str, Any], settings: rt.Settings, until: float) -> Iterator[Finding]:
    there = _fields(queue)
    if not there:
        yield Finding("right_missing", "SeeCustomField")
        return
    for field, name in settings.custom_fields.items():
        if name not in there:
            yield Finding("field_missing", name)
        else:
            yield from _of_field(tickets, there[name], field, name, until)


def _of_field(tickets: RtTickets, number: str, field: str, name: str, until: float) -> Iterator[Finding]:
    """Tell what a field would do to what is put in, if RT lets us see how it is made: many accounts may not."""
    try:
        made = tickets.object(f"/customfield/{number}", until)
    except TryLater as later:
        if later.code in {"not_authorised", "http_404"}:
            return
        raise
    if str(made.get("MaxValues", "1")) != "1" or made.get("Type") in WRONG_KINDS:
        yield Finding("field_unfit", name)
    listed = made.get("Values")
    if (
        made.get("Type") == "Select"
        and isinstance(listed, list)
        and not set(wording.closed_words(field)) <= set(listed)
    ):
        yield Finding("values_missing", name)


def _of_tickets(tickets: RtTickets, queue: Mapping[str, Any], settings: rt.Settings, until: float) -> Iterator[Finding]:
    """Tell what the newest ticket that we can see in the queue says of our rights; nothing when there is none."""
    query = rt.newest_query(settings)
    newest = tickets.items("tickets", until, per_page=1, query=query, orderby="id", order="DESC", fields="Status")
    number = str(newest[0].get("id", "")) if newest else ""
    if not (number.isascii() and number.isdigit()):
        return
    ticket = tickets.read(number, until)
    offered = _offered(ticket.shown)
    if "comment" not in offered:
        yield Finding("right_missing", "CommentOnTicket")
    if queue.get("Lifecycle") == "default" and ticket.shown.get("Status") in STARTED and "lifecycle" not in offered:
        yield Finding("right_missing", "ModifyTicket")


def _of_recalls(tickets: RtTickets, settings: rt.Settings, until: float) -> Iterator[Finding]:
    apart = settings.taken_over_queue
    if apart is not None and _queue(tickets, apart, until) is None:
        yield Finding("queue_missing", apart)
    if settings.recall_queue is None:
        return
    queue = _queue(tickets, settings.recall_queue, until)
    if queue is None:
        yield Finding("queue_missing", settings.recall_queue)
        return
    if not _may_create(queue):
        yield Finding("recall_right_missing", "CreateTicket")
    if settings.custom_fields["reference"] not in _fields(queue):
        yield Finding("recall_field_missing", settings.custom_fields["reference"])


def _fields(queue: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers of the custom fields that tickets of the queue have, by name."""
    listed = queue.get("TicketCustomFields")
    fields = [field for field in (listed if isinstance(listed, list) else []) if isinstance(field, dict)]
    return {str(field.get("name")): quote(str(field.get("id")), safe="") for field in fields}


def _may_create(queue: Mapping[str, Any]) -> bool:
    return "create" in _offered(queue)


def _offered(shown: Mapping[str, Any]) -> frozenset[str]:
    """Return what RT offers to do with what it shows: only what our account has the right to."""
    links = shown.get("_hyperlinks")
    return frozenset(
        str(link.get("ref")) for link in (links if isinstance(links, list) else []) if isinstance(link, dict)
    )
