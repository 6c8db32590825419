"""A reporter without scripts, who answers one question after the other; one public part for all tests of a file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import pytest
from httpx2 import Response
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from router.app import public_app
from router.embedded.postgres import EmbeddedPostgres
from router.reporter.guided.kept import Begun, Kept, Shelf
from router.secretfiles import intake_secrets
from router.settings import Settings
from router.store.engine import connect
from router.vocabulary import Login
from tests.conftest import Database, a_database
from tests.publicpart import settings_of
from tests.router.reporter.test_pages import Page

ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "category": {"category": "csam_suspected"},
    "urgency": {"urgency": ["ongoing", "child_in_immediate_danger"]},
    "noticed_how": {"noticed_how": "helpdesk_repair"},
    "where_found": {"where_found": "laptop"},
    "asset_tag": {"asset_tag": "LT-0042"},
    "site": {"site": "plant"},
    "occurred_at": {"day": "2026-11-03", "time": "", "zone": "+01:00"},
    "evidence_state": {"evidence_state": "left_in_place"},
    "involves": {"involves": ["it_helpdesk"]},
    "narrative": {"narrative": "MARKED-7f3a story\r\nsecond line"},
    "identity": {"identity": "confidential"},
    "contact": {"contact": "MARKED-7f3a name"},
}
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


@dataclass(frozen=True)
class Part:
    """A public part that runs, and what stands behind it."""

    app: Starlette
    database: Database
    settings: Settings

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.database.owner_dsn) as connection:
            return connection.execute(query).fetchall()

    def run(self, statement: str) -> None:
        with psycopg.connect(self.database.superuser_dsn, autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="module")
def part(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Part]:
    with a_database(postgres) as database:
        settings = settings_of(database, tmp_path_factory.mktemp("part"))
        app = public_app(settings)
        with TestClient(app):
            yield Part(app, database, settings)


class Walker:
    """One browser: its cookies, and the page that it shows."""

    def __init__(self, part: Part, *, language: str = "en", cookies: bool = True) -> None:
        self.http = TestClient(part.app, client=("192.0.2.7", 4711), follow_redirects=True)
        self._prefix = f"/{language}"
        self._cookies = cookies
        self.passed: list[str] = []
        self.shown = self.get("/report/1")

    @property
    def text(self) -> str:
        return str(self.shown.text)

    @property
    def path(self) -> str:
        return str(self.shown.url.path).removeprefix(self._prefix)

    @property
    def asked(self) -> str:
        """The question that the page asks, or what else it is."""
        found = re.search(r'name="asked" value="([a-z_]+)"', self.text)
        return found[1] if found else "nothing"

    @property
    def title(self) -> str:
        found = TITLE.search(self.text)
        assert found
        return found[1]

    def get(self, place: str, **more: Any) -> Response:
        return self._now(self.http.get(self._prefix + place, **more))

    def post(self, place: str, **said: Any) -> Response:
        return self._now(self.http.post(self._prefix + place, data=said))

    def say(self, /, go: str = "on", **said: Any) -> Response:
        """Answer the question that the page asks."""
        return self.post(self.path, asked=self.asked, go=go, **said)

    def walk(self, until: str = "", **changed: Mapping[str, Any]) -> "Walker":
        """Go on from where the page is, to the page that asks `until`, or to the answers to be checked."""
        while self.asked not in {until, "nothing"}:
            self.passed.append(self.asked)
            self.say(**{**ANSWERS, **changed}.get(self.asked, {}))
            assert self.shown.status_code == 200, self.text
        return self

    def _now(self, answer: Response) -> Response:
        if not self._cookies:
            self.http.cookies.clear()
        self.shown = answer
        return answer


def check_page(text: str) -> None:
    """Every field has a label, every pointer a target, every id its one place, and the page one heading."""
    page = Page(text)
    assert set(page.unlabelled) <= page.labelled
    assert page.pointed_at <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert page.tags.count("h1") == 1


def asking(cookies: str) -> Request:
    return Request({"type": "http", "headers": [(b"cookie", cookies.encode())]})


def plant(part: Part, walker: Walker, begun: Begun) -> None:
    """Let this be what is kept for a browser."""
    engine = connect(part.database.dsn(Login.INTAKE), process="test")
    shelf = Shelf(engine, intake_secrets(part.settings.secrets_path).kept, https=False)
    secret = shelf.secret_of(asking(f"pages={walker.http.cookies['pages']}"))
    assert secret
    shelf.change(secret, partial(instead, begun))
    engine.dispose()


def instead(after: Kept, _before: Kept) -> Kept:
    return after
