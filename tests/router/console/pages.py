"""A console for tests: the real application on a real database, and browsers of people who are signed in.

Signing in itself is not done here: sessions are begun in the store, as signing in does.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from starlette.testclient import TestClient

from router.app import console_app
from router.console.duty import PAGED
from router.console.pages.rendering import FORM_TOKEN
from router.console.signin.cookie import Cookie, new_cookie
from router.console.unlocking import unlock
from router.settings import Settings
from router.store import sessions
from router.store.engine import transaction
from router.store.roles import give_roles, take_roles
from router.store.sessions import Stage, Way
from router.vocabulary import Login, Role
from tests.conftest import Database
from tests.router.console.deployments import Deployment

URL = "http://127.0.0.1:8001"


def main(page: str) -> str:
    """Return what a page says, without what changes with the time of day."""
    return page.partition("<main")[2]


@dataclass
class Browser:
    """One browser: keeps its cookie, sends forms as our pages make them."""

    client: TestClient
    cookie: Cookie = field(default_factory=new_cookie)

    def get(self, path: str, **query: str) -> httpx2.Response:
        return self._kept(self.client.get(path, params=query, headers=self._headers(), follow_redirects=False))

    def post(self, path: str, values: Mapping[str, Any] | None = None, **fields: Any) -> httpx2.Response:
        """Send a form with this browser's token; `values` for names that are no Python words."""
        sent = {FORM_TOKEN: self.cookie.form_token, **(values or {}), **fields}
        return self._kept(self.client.post(path, data=sent, headers=self._headers(), follow_redirects=False))

    def follow(self, answer: httpx2.Response) -> httpx2.Response:
        """Ask for the page that a form led to."""
        assert answer.status_code == 303, answer.text
        return self._kept(self.client.get(answer.headers["location"], headers=self._headers(), follow_redirects=False))

    def _headers(self) -> dict[str, str]:
        return {"cookie": f"console={self.cookie.token}", "sec-fetch-site": "same-origin"}

    def _kept(self, answer: httpx2.Response) -> httpx2.Response:
        given = re.search(r"console=([A-Za-z0-9_-]{43})", answer.headers.get("set-cookie", ""))
        if given:
            self.cookie = Cookie(given[1])
        self.client.cookies.clear()
        return answer


@dataclass
class Office:
    """A deployment with its console."""

    deployment: Deployment
    client: TestClient
    settings: Settings

    def browser(self) -> Browser:
        """Return the browser of nobody yet."""
        return Browser(self.client)

    def sign_in(self, handle: str, *roles: Role, stage: Stage = Stage.FULL) -> Browser:
        """Return a browser in which `handle` is signed in, with these roles alone (reviewer if none is named)."""
        browser = self.browser()
        with transaction(self.deployment.console) as connection:
            take_roles(connection, handle, set(Role) - set(roles))
            give_roles(connection, handle, roles or (Role.REVIEWER,), by="keys_init")
            sessions.begin(
                connection, browser.cookie.session, handle, stage=stage, way=Way.LOCAL, lasts_s=self.settings.session_s
            )
        return browser

    def unlock(self, browser: Browser, handle: str) -> None:
        """Let the person's sealed texts open in this browser, as the page that asks for the passphrase does."""
        engine, lasts_s = self.deployment.console, self.settings.unlocked_s
        with transaction(engine) as connection:
            session = sessions.find(connection, browser.cookie.session, idle_s=self.settings.session_idle_s)
        assert session is not None
        passphrase = self.deployment.passphrases[handle]
        browser.cookie = unlock(engine, session, browser.cookie, passphrase, lasts_s=lasts_s)

    def audit(self, *, but: frozenset[str] = frozenset()) -> list[tuple[str, str, str, str, str]]:
        """Return actor, action, object, outcome and detail of every line, oldest first.

        Not that somebody was told of a draft that waits: a chore of the console does that at any moment.
        """
        rows = self.deployment.rows("select actor, action, object, outcome, detail from audit order by id")
        return [row for row in rows if row[1] not in {*but, PAGED}]


@contextmanager
def an_office(deployment: Deployment, database: Database, settings: Mapping[str, Any]) -> Iterator[Office]:
    """Serve the console of `deployment`; `settings` need at least secrets_dir, state_dir and config_dir."""
    made = Settings.model_validate({"database_url_console": database.dsn(Login.CONSOLE), **settings})
    with TestClient(console_app(made), base_url=URL) as client:
        yield Office(deployment, client, made)
