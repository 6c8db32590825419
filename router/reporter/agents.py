"""The helpdesk's form at /report/agent: facts only, filled in from the ticket system's link, done in a minute.

Content has no place here: the page asks for none, and a link that holds any is refused and never shown. What stood in
the link is judged as the door would judge it before any of it is shown.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.responses import Response

from router import clock
from router.errors import Fault, Refused, RouterError
from router.reporter import links, words
from router.reporter.choices import Choices
from router.reporter.form import DAY, KEY, TIME, ZONE, Typed, read_typed
from router.reporter.formpage import form_page
from router.reporter.house.house import House
from router.reporter.rendering import Visit, add_page
from router.reporter.stateduty import duty_said
from router.reporter.telling import check_sender, read_sent
from router.vocabulary import NoticedHow

ASKED: Final = frozenset(words.AGENT_LABELS)
NAMES: Final = ASKED | links.FIELDS | {DAY, TIME, ZONE, KEY}
KEYS: Final = "form:"
"""How the keys of this page begin among its client's."""
MOST_QUERY: Final = 4096
"""Bytes of a link."""


@dataclass(frozen=True, slots=True)
class AgentsDesk:
    """What the page needs from the rest of the product."""

    choices: Callable[[], Choices]
    known: Callable[[str], Awaitable[bool]]
    """Says whether a client of this name is there and not revoked."""
    submit: Callable[[Mapping[str, Any], str, str | None], Awaitable[bytes]]
    """Takes a concern in as the client's; returns the body of the API's 201."""
    faults: Callable[[Mapping[str, Any]], Sequence[Fault]]
    """Says what the door would refuse of a part of a concern."""
    link_secret: bytes
    body_deadline_s: float


class AgentPages:
    """The handlers."""

    def __init__(self, desk: AgentsDesk, house: House) -> None:
        self._desk = desk
        self._house = house

    def routes(self) -> APIRouter:
        """Return the page; it is not part of the API's document."""
        routes = APIRouter()
        add_page(routes, self._house, links.PLACE, self.show)
        add_page(routes, self._house, links.PLACE, self.take, ["POST"])
        return routes

    async def show(self, visit: Visit) -> Response:
        """Show the form with what the link says, if all is as it should be."""
        try:
            typed = _read(visit.request.scope["query_string"][: MOST_QUERY + 1])
            await self._client(typed)
        except RouterError as error:
            return self._form(visit, Typed(), error)
        faults = tuple(self._desk.faults(typed.concern(ASKED)))
        wrong = {fault.field for fault in faults}
        kept = {name: text for name, text in typed.single.items() if name not in wrong | {KEY}}
        several = {name: texts for name, texts in typed.several.items() if name not in wrong}
        filled = Typed({"noticed_how": NoticedHow.HELPDESK_REPAIR.value, **kept}, several)
        return self._form(visit, filled, Refused("invalid_concern", *faults) if faults else None)

    async def take(self, visit: Visit) -> Response:
        """Take the facts in and show the reference, or what is wrong with them."""
        typed = Typed()
        try:
            sent = await read_sent(visit.request, self._desk.body_deadline_s)
            typed = _read(sent)
            check_sender(visit.request)
            client = await self._client(typed)
            # Whoever has the link must not use up the key of a message that the client is yet to send.
            key = typed.key and f"{KEYS}{typed.key}"
            answer = orjson.loads(await self._desk.submit(typed.concern(ASKED), client, key))
        except RouterError as error:
            return self._form(visit, typed, error)
        duty = duty_said(visit, answer.get("it_staff_duty"))
        return visit.page("taken_over.html", 201, reference=answer["reference"], duty=duty)

    async def _client(self, typed: Typed) -> str:
        client = links.client_in(self._desk.link_secret, typed.single, now_s=clock.now().timestamp())
        if client is None or not await self._desk.known(client):
            raise Refused("link_refused")
        return client

    def _form(self, visit: Visit, typed: Typed, error: RouterError | None = None) -> Response:
        return form_page(
            visit,
            "agent.html",
            self._desk.choices(),
            words.AGENT_LABELS,
            typed,
            error=error,
            usable=error is None or error.code not in {"link_refused", "unknown_field", "not_a_form", "not_utf8"},
            link={name: typed.single.get(name, "") for name in sorted(links.FIELDS)},
        )


def _read(given: bytes) -> Typed:
    if len(given) > MOST_QUERY:
        raise Refused("body_too_large")
    return read_typed(given, names=NAMES)
