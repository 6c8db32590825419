"""How a reporters' page is made: one visit, in one language, of pages that stand at an address for each language.

Keeps nothing of a visit, and puts nothing that was typed into an address or a title.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import APIRouter
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from router.reporter.house.file import EVERY
from router.reporter.house.house import House
from router.reporter.house.prose import isolated
from router.reporter.languages import Language, languages, preferred
from router.web import edge

BY_LANGUAGE: Final = {"Vary": "Accept-Language"}
Written = TypeVar("Written")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page, and the language of its answer."""

    request: Request = field(repr=False)
    language: Language
    house: House = field(repr=False)

    def say(self, text: str) -> str:
        """Return `text`, one of ours or one of the policy's, in the visit's language."""
        own = self.house.translations.get(self.language.code, {}).get(text)
        return own if own is not None else self.language.catalogue.gettext(text)

    def say_number(self, one: str, many: str, number: int) -> str:
        """Return the form of a sentence that belongs to `number`."""
        return self.language.catalogue.ngettext(one, many, number)

    def own(self, texts: Mapping[str, Written]) -> tuple[Written, Language | None]:
        """Return what the house wrote in the visit's language; else in another one, and which that is."""
        for code in (self.language.code, EVERY):
            if code in texts:
                return texts[code], None
        code = next((code for code in self.house.languages if code in texts), min(texts))
        return texts[code], languages()[code]

    def line(self, text: str, language: Language | None = None) -> Markup:
        """Return a line of the house's as markup, translated if it is written once for all languages."""
        return isolated(text if language else self.say(text))

    def day(self, moment: datetime | None) -> str | None:
        """Return a day in words; there is none where the law sets no such time."""
        return self.language.day(moment) if moment else None

    def path(self, place: str, language: str | None = None) -> str:
        """Return the address of a page of ours, in the visit's language or another one."""
        return f"/{language or self.language.code}{place}"

    @property
    def place(self) -> str:
        """Return the page's address without its language."""
        path = self.request.url.path
        first = path.split("/", 2)[1]
        return path.removeprefix(f"/{first}") if first in self.house.languages else path

    @property
    def other_languages(self) -> Sequence[Language]:
        """Return the languages that the page can be switched to; none where that would lose what is shown."""
        if self.request.method not in edge.READ:
            return ()
        return [languages()[code] for code in self.house.languages if code != self.language.code]

    def page(
        self, template: str, status_code: int = 200, headers: Mapping[str, str] | None = None, **values: Any
    ) -> Response:
        """Return a page made of one of our templates."""
        text = _templates.get_template(template).render(values, visit=self)
        return HTMLResponse(text, status_code, {**BY_LANGUAGE, **(headers or {})})

    def go(self, place: str) -> Response:
        """Lead to another page of ours, which is then asked for with GET."""
        return RedirectResponse(self.path(place), 303)


Act = Callable[[Visit], Awaitable[Response]]


def add_page(routes: APIRouter, house: House, place: str, act: Act, methods: Sequence[str] = edge.READ) -> None:
    """Let `act` answer at `place` in the language that the browser asks for, and at an address for each language."""
    routes.add_route(place or "/", _answering(act, house, None), list(methods), include_in_schema=False)
    for code in house.languages:
        routes.add_route(f"/{code}{place}", _answering(act, house, code), list(methods), include_in_schema=False)


def _answering(act: Act, house: House, code: str | None) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        chosen = code or language_of(request, house)
        return await act(Visit(request, languages()[chosen], house))

    return answer


def language_of(request: Request, house: House) -> str:
    """Return the language in front of an address, else the one that the browser asks for."""
    first = request.url.path.split("/", 2)[1]
    return first if first in house.languages else preferred(request.headers.get("accept-language", ""), house.languages)


@pass_context
def _said(context: Context, text: str) -> str:
    # Never the house's own: what stands in a template is markup with places to fill, and theirs is neither.
    visit: Visit = context["visit"]
    return visit.language.catalogue.gettext(text)


@pass_context
def _said_number(context: Context, one: str, many: str, number: int) -> str:
    visit: Visit = context["visit"]
    return visit.say_number(one, many, number)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(_said, _said_number, newstyle=True)  # type: ignore[attr-defined]
    return made


_templates: Final = _environment()
