"""Every page and state in a language whose every letter is odd: whatever is readable then was never translated.

One walk through all of it, on one database. What was never shown on the way is found, too.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any, Final

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.console import dialogue
from router.console.acting import IN_CONSOLE, By
from router.embedded.postgres import SUPERUSER
from router.reporter import languages as there
from router.reporter.languages import languages
from router.store import messages
from router.store.engine import transaction
from router.vocabulary import MessageKind
from tests.catalogues import sources, wanted
from tests.conftest import Database
from tests.publicpart import KEY, Start
from tests.router.reporter.test_agents import agent, link
from tests.router.reporter.test_behalf import OTHER_KEY, hidden
from tests.router.reporter.test_behalf import link as behalf_link
from tests.router.reporter.test_pages import LEAST, Page

__all__ = ["agent", "link"]

CODE: Final = "sv"
"""Whose catalogue is replaced; days and countries stay as this language has them."""
TYPED: Final = "文字 7"
HOUSE: Final = "Northlight (example)"
ELSEWHERE: Final = {
    "Nobody may punish you for a report. Please make a new report about it.",
    "The police of your country can tell you which authority is in charge.",
}
"""Shown by other configurations than the shipped one: without a category for retaliation, without authorities."""
BROWSER: Final = {"Accept": "text/html"}
MATERIAL: Final = f"data:image/png;base64,{'QUJD' * 40}"
_KEPT: Final = re.compile(r"(<[^>]+>|&[a-z]+;|%\(\w+\)[sd]|%%|\{\w+\})")
_NO_WORDS: Final = re.compile(
    r"\d{1,2} [a-z]+ \d{4}|UTC[+-]\d\d:\d\d|(?:[0-9A-Z]{4}-){5}[0-9A-Z]{4}|CR-[0-9A-Z-]+|\{\w+\}"
)
"""Days, offsets, receipts, references, and what a script fills in."""
_ATTRIBUTES: Final = ("aria-label", "title", "placeholder", "alt", "label", "summary")
_VOID: Final = frozenset({"input", "br", "img", "meta", "link", "hr", "wbr"})
_APART: Final = frozenset({"bdi", "time", "style", "script", "address"})
"""Elements whose words are somebody's: names, numbers, days."""


class Pseudo(NullTranslations):
    """Writes every letter in another way, and remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.said: set[str] = set()

    def info(self) -> dict[str, str]:
        return {"last-translator": there.UNREVIEWED}

    def gettext(self, message: str) -> str:
        self.said.add(message)
        return odd(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        self.said.add(msgid1)
        return odd(msgid1 if n == 1 else msgid2)


def odd(text: str) -> str:
    """Return a text in full-width letters; markup and places to fill stay as they are."""
    parts = _KEPT.split(text)
    parts[::2] = [
        "".join(chr(ord(sign) + 0xFEE0) if sign.isascii() and sign.isalpha() else sign for sign in part)
        for part in parts[::2]
    ]
    return "".join(parts)


class Readable(HTMLParser):
    """The words of a page that a person could still read."""

    def __init__(self, text: str, house: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._house = house
        self._open: list[bool] = []
        self.feed(text)

    @property
    def _silent(self) -> bool:
        return any(self._open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        own = (
            tag in _APART
            or (tag != "html" and "lang" in given)
            or (tag == "textarea" and "hidden" in given)
            or "prose" in given.get("class", "").split()
        )
        if not self._silent and not own:
            for name, value in given.items():
                if name in _ATTRIBUTES or (name.startswith("data-") and " " in value):
                    self._look(value)
        if tag not in _VOID:
            self._open.append(own)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._look(data)

    def _look(self, text: str) -> None:
        left = _NO_WORDS.sub("", text.replace(self._house, ""))
        if re.search(r"[A-Za-z]", left) and text.strip() not in _COUNTRIES:
            self.found.append(text.strip())


_COUNTRIES: Final = frozenset(map(str, languages()[CODE].locale.territories.values()))


@contextmanager
def pseudo() -> Iterator[Pseudo]:
    """Have the pages of one language say everything oddly."""
    catalogue = Pseudo()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(there, "_catalogue", lambda code: catalogue if code == CODE else NullTranslations())
        languages.cache_clear()
        try:
            yield catalogue
        finally:
            languages.cache_clear()


class Walker:
    """Somebody who sees every page, and keeps a list of what could be read."""

    def __init__(self, public: TestClient, house: str) -> None:
        self.public = public
        self.readable: dict[str, set[str]] = {}
        self.other_statuses: list[tuple[str, int, list[str]]] = []
        self._house = house

    def get(self, place: str, expected: int = 200) -> str:
        return self._seen(place, self.public.get(f"/{CODE}{place}", headers=BROWSER), expected)

    def post(self, place: str, expected: int = 200, **sent: Any) -> str:
        return self._seen(place, self.public.post(f"/{CODE}{place}", data=sent), expected)

    def _seen(self, place: str, answer: Any, expected: int) -> str:
        if answer.status_code != expected:
            self.other_statuses.append(
                (place, answer.status_code, re.findall(r"<h1>.*</h1>|role=.alert.*", answer.text))
            )
        assert f'<html lang="{CODE}"' in answer.text, place
        for text in Readable(answer.text, self._house).found:
            self.readable.setdefault(text, set()).add(place)
        return str(answer.text)

    def guided(self, category: str, **said: Any) -> None:
        """Answer one question after another, the wrong way first, up to the answers that are checked."""
        page, place = self.get("/report/1"), "/report/1"
        while asked := re.search(r'name="asked" value="([a-z_]+)"', page):
            name = asked[1]
            number = re.search(r'action="/\w+(/report/\d+)"', page)
            assert number
            place = number[1]
            radios = re.findall(rf'type="radio" id="[^"]*" name="{name}" value="([^"]+)"', page)
            answers = {"category": category, "narrative": TYPED, **said}
            sent = answers.get(name, radios[0] if radios else "")
            if name in {"category", "contact", "noticed_how", "narrative"}:
                self.post(place, 422, asked=name, go="on", **{name: "" if name != "narrative" else "x" * 4001})
            page = self.post(place, asked=name, go="on", **({name: sent} if sent else {}))
        assert f'action="/{CODE}/report/check"' in page, page


def receipt_in(text: str) -> str:
    found = re.search(r">((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})<", text)
    assert found
    return found[1]


def look_around(walker: Walker) -> None:
    for place in ("/report", "/report/all", "/follow-up", "/elsewhere", "/privacy", "/who-sees-what", "/poster/a4"):
        walker.get(place)
    walker.get("/poster/letter")
    walker.get("/away")
    walker.get("/report/check", 410)
    walker.get("/nowhere", 404)


def report_on_one_page(walker: Walker) -> None:
    wrong = {
        "category": "MARKED",
        "urgency": ["live_now", "live_now"],
        "involves": ["hr"],
        "url": "x",
        "asset_tag": "/",
        "identity": "confidential",
        "narrative": "\x01",
        "key": KEY,
    }
    walker.post("/report", 422, **wrong)
    walker.post("/report", 422, **LEAST, narrative=MATERIAL, key=KEY)
    walker.post("/report", 422, **LEAST, contact=TYPED, identity="anonymous", key=KEY)
    walker.post("/report", 422, **LEAST, url="https://a:b@c.test/", day="2999-01-01", time="10:00", zone="+00:00")
    walker.post("/report", 422, unknown="x")
    walker.post("/report", 413, **LEAST, narrative="x" * 70_000)
    walker.post("/report", 201, **LEAST, key=KEY)
    walker.post("/report", 409, **{**LEAST, "category": "fraud"}, key=KEY)


def report_step_by_step(walker: Walker) -> None:
    danger = {"urgency": ["child_in_immediate_danger"], "where_found": "laptop", "identity": "confidential"}
    walker.guided("csam_suspected", **danger, contact=TYPED, asset_tag="0042")
    walker.get("/report")
    walker.post("/report/8", 422, asked="narrative", go="on", narrative=MATERIAL)
    walker.post("/report/check", 201, go="on")
    walker.get("/report")
    walker.get("/report/check", 201)
    walker.post("/report/done", go="")
    for category in ("harassment", "fraud", "data_protection", "health_and_safety", "other"):
        walker.guided(category, where_found="web_page", identity="named", contact=TYPED)
        walker.post("/report/done", go="")
    walker.post("/report/2", 410, asked="noticed_how", go="on", noticed_how="told_by_someone")
    walker.public.cookies.clear()
    walker.post("/report/1", asked="category", go="on", category="fraud")


def follow_up(walker: Walker, console: Engine, database: Database) -> None:
    receipt = receipt_in(walker.post("/report", 201, **LEAST))
    [(reference,)] = rows(database, "select reference from cases order by received_at desc limit 1")
    walker.post("/follow-up", 404, receipt="MARKED")
    walker.post("/follow-up", 422, unknown="x")
    walker.post("/follow-up", receipt=receipt)
    rows(database, "update referrals set state = 'sent', settled_at = now() where reference = %s", reference)
    walker.post("/follow-up", receipt=receipt)
    for kind in (MessageKind.ACKNOWLEDGEMENT, MessageKind.FEEDBACK, MessageKind.QUESTION):
        with transaction(console) as connection:
            last = messages.standing(connection, reference).last
        dialogue.send(console, By(reference, "first", IN_CONSOLE), kind=kind, text=TYPED, after=last)
    asked = """
        insert into identity_requests (reference, asked_by, reason, expires_at, decided_by, decided_at, verdict)
        values (%s, 'first', 'x', now(), 'other', now(), 'granted')"""
    rows(database, "insert into people (handle) values ('other')")
    rows(database, asked, reference)
    changed = "update sealed_messages set for_receipt = for_receipt || '\\x00' where id = %s"
    rows(database, changed, rows(database, "select min(id) from sealed_messages")[0][0])
    walker.post("/follow-up", receipt=receipt)
    walker.post("/follow-up/write", 422, receipt=receipt, message="", kind="answer", key=KEY)
    walker.post("/follow-up/write", 422, receipt=receipt, message=MATERIAL, kind="answer", key=KEY)
    walker.post("/follow-up/write", receipt=receipt, message=TYPED, kind="answer", key=KEY)
    walker.post("/follow-up/harm", 422, receipt=receipt, narrative="", key=KEY)
    walker.post("/follow-up/harm", 201, receipt=receipt, narrative=TYPED, involves="hr", key=KEY[::-1])
    walker.post("/follow-up/withdraw", 422, receipt=receipt, reason=MATERIAL, key=KEY)
    walker.post("/follow-up/withdraw", receipt=receipt, reason="", key=KEY[:-1] + "1")
    closed = "update cases set state = %s, closed_at = now(), outcome = 'acted' where reference = %s"
    for state in ("closed", "withdrawn"):
        rows(database, closed, state, reference)
        walker.post("/follow-up", receipt=receipt)
    walker.post("/follow-up/withdraw", receipt=receipt, reason="", key=KEY[:-1] + "2")


def take_a_ticket_over(walker: Walker, link: str) -> None:
    walker.get("/report/agent", 403)
    walker.get(f"/report/agent?{link}&source_ticket=4711&category=MARKED", 422)
    fields = Page(walker.get(f"/report/agent?{link}&source_ticket=4711")).fields
    sent: dict[str, Any] = {name: str(fields[name].get("value") or "") for name in ("client", "until", "proof", "key")}
    walker.post("/report/agent", 422, **sent, source_ticket="/")
    walker.post("/report/agent", 201, **sent, **LEAST, source_ticket="4711")


def take_a_report_down(walker: Walker, console: Engine) -> None:
    walker.get("/report/behalf", 403)
    secret = behalf_link(console)
    walker.get(f"/report/behalf?link={secret}")
    walker.post("/report/behalf", 422, link=secret, step="read_back")
    told: dict[str, Any] = {
        **LEAST,
        "narrative": TYPED,
        "urgency": "ongoing",
        "day": "2026-11-03",
        "time": "10:00",
        "zone": "+01:00",
    }
    read = hidden(walker.post("/report/behalf", **told, key=OTHER_KEY, link=secret, step="read_back"))
    walker.post("/report/behalf", 422, **read, step="record")
    walker.post("/report/behalf", **read, step="change")
    walker.post("/report/behalf", 409, **{**read, "key": KEY}, step="record", confirmed="yes")
    walker.post("/report/behalf", 201, **read, step="record", confirmed="yes")
    walker.post("/report/behalf", 403, **{**told, "key": KEY[::-1]}, link=secret, step="read_back")


def find_the_database_away(walker: Walker, database: Database) -> None:
    page = walker.get("/report/1")
    assert 'name="asked" value="category"' in page
    let_in(database, whether=False)
    try:
        walker.post("/report/1", 503, asked="category", go="on", category="fraud")
        walker.get("/report/check", 503)
        walker.post("/report", 503, **LEAST)
        walker.post("/follow-up", 503, receipt="0000-0000-0000-0000-0000-0000")
    finally:
        let_in(database, whether=True)


def let_in(database: Database, *, whether: bool) -> None:
    """Let the database take connections, or end all that there are and take none."""
    server = database.server.address(SUPERUSER, "postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        name = sql.Identifier(database.name)
        connection.execute(sql.SQL("alter database {} with allow_connections = {}").format(name, whether))
        if not whether:
            ended = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
            connection.execute(ended, (database.name,))


def rows(database: Database, query: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_dsn) as connection:
        done = connection.execute(query, values)
        return done.fetchall() if done.description else []


def test_no_page_in_no_state_shows_a_word_that_is_not_in_the_catalogues(
    start: Start, link: str, console: Engine, database: Database
) -> None:
    public = start()
    with pseudo() as catalogue:
        walker = Walker(public, HOUSE)
        look_around(walker)
        report_on_one_page(walker)
        report_step_by_step(walker)
        follow_up(walker, console, database)
        take_a_ticket_over(walker, link)
        take_a_report_down(walker, console)
        find_the_database_away(walker, database)

    assert walker.other_statuses == []
    assert walker.readable == {}
    of_templates = {
        sources(one)[0] for one in wanted() if one.id and any(file.endswith(".html") for file, _ in one.locations)
    }
    assert of_templates - catalogue.said == ELSEWHERE
