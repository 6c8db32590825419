"""Whether Zendesk is as `channels.yaml` has it: account, groups, ticket fields.

Changes nothing over there, and says nothing that Zendesk said: a finding has our own code and our own name for it.
Whether a trigger mails what we write, it does not say.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from router.channels import wording, zendesk
from router.errors import Declined, TryLater
from router.model import Finding
from workers.channels.findings import findings
from workers.channels.zendesk.tickets import ZendeskTickets

STAFF: Final = frozenset({"agent", "admin"})
TEXTS: Final = frozenset({"text", "textarea", "regexp"})
LIST: Final = "tagger"
"""A drop-down list."""


def check(tickets: ZendeskTickets, settings: zendesk.Settings, until: float) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first; empty is good. Raises TryLater when Zendesk does not say now."""
    if account := _account(tickets, until):
        return account
    return tuple(_found(tickets, settings, until))


def _account(tickets: ZendeskTickets, until: float) -> tuple[Finding, ...]:
    if secrets := findings(lambda: tickets.sign_in(until), "token"):
        return secrets
    there: list[Mapping[str, Any]] = []
    try:
        unreached = findings(
            lambda: there.append(tickets.object("user", "/users/me", until)), "url", tickets.wrong_file
        )
    except Declined:
        return (Finding("not_zendesk", "url"),)
    except TryLater as later:
        if later.code in {"http_404", "odd_reply"}:
            return (Finding("not_zendesk", "url"),)
        raise
    if unreached:
        return tuple(replace(one, named="token") if one.code == "not_authorised" else one for one in unreached)
    # Without a token that it knows, Zendesk may show an anonymous user instead of a 401.
    if there[0].get("id") is None:
        return (Finding("not_authorised", "token"),)
    return () if there[0].get("role") in STAFF else (Finding("right_missing", "agent"),)


def _found(tickets: ZendeskTickets, settings: zendesk.Settings, until: float) -> Iterator[Finding]:
    for group in (settings.group, settings.recall_group, settings.taken_over_group):
        there = None if group is None else _object(tickets, "group", f"/groups/{group}", until)
        if group is not None and there is None:
            yield Finding("queue_missing", str(group))
        elif there is not None and there.get("deleted") is True:
            yield Finding("queue_disabled", str(group))
    for field, number in settings.custom_fields.items():
        made = _object(tickets, "ticket_field", f"/ticket_fields/{number}", until)
        if made is None or made.get("active") is False:
            yield Finding("field_missing", str(number))
        elif made.get("type") == LIST:
            offered = {option.get("value") for option in made.get("custom_field_options") or ()}
            if not set(wording.closed_words(field)) <= offered:
                yield Finding("values_missing", str(number))
        elif made.get("type") not in TEXTS:
            yield Finding("field_unfit", str(number))


def _object(tickets: ZendeskTickets, name: str, path: str, until: float) -> Mapping[str, Any] | None:
    """Return what Zendesk shows, None of what is not there, or not for us."""
    try:
        return tickets.object(name, path, until)
    except TryLater as later:
        if later.code in {"http_404", "not_authorised"}:
            return None
        raise
