"""A deployment as `concern-router up` makes it, its staff, and a browser for each of them."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from playwright.sync_api import Browser, BrowserContext, Page
from sqlalchemy import Engine, text

from router.console.signin.cookie import new_cookie
from router.store import sessions
from router.store.engine import connect, transaction
from router.store.roles import give_roles, take_roles
from router.store.sessions import Stage, Way
from router.vocabulary import Role
from tests.running import Product

FIRST = "reviewer"
NARRATIVE = "MARKED-7f3a what a person wrote <b>MARKED-7f3a</b>"
CONTACT = "MARKED-7f3a contact"
SESSION_S = 3600


@dataclass
class Staff:
    """Everybody who works with one deployment."""

    product: Product
    chromium: Browser
    owner: Engine
    passphrases: dict[str, str]
    passwords: dict[str, str] = field(default_factory=dict)
    open_contexts: list[BrowserContext] = field(default_factory=list)

    def add(self, handle: str, *teams: str) -> None:
        """Add a person to these teams."""
        asked = [word for team in teams for word in ("--team", team)]
        made = self.product.cli_json(
            "people", "add", handle, *asked, "--as", FIRST, "--passphrase-stdin", given=self.passphrases[FIRST] + "\n"
        )
        self.passphrases[handle], self.passwords[handle] = made["passphrase"], made["password"]

    def context(self, **options: Any) -> BrowserContext:
        """Return a browser of its own, of nobody yet; closed after the test."""
        made = self.chromium.new_context(base_url=self.product.console_url, **options)
        made.set_default_timeout(10_000)
        self.open_contexts.append(made)
        return made

    def signed_in(self, handle: str, *roles: Role, **options: Any) -> Page:
        """Return a page of a browser in which `handle` is signed in with these roles alone (reviewer if none)."""
        cookie = new_cookie()
        with transaction(self.owner) as connection:
            take_roles(connection, handle, set(Role) - set(roles))
            give_roles(connection, handle, roles or (Role.REVIEWER,), by=FIRST)
            sessions.begin(connection, cookie.session, handle, stage=Stage.FULL, way=Way.LOCAL, lasts_s=SESSION_S)
        context = self.context(**options)
        context.add_cookies(
            [
                {
                    "name": "console",
                    "value": cookie.token,
                    "url": self.product.console_url,
                    "httpOnly": True,
                    "sameSite": "Strict",
                }
            ]
        )
        return context.new_page()

    def unlock(self, page: Page, handle: str) -> None:
        """Unlock as people do."""
        page.goto("/console/unlock")
        page.get_by_label("Passphrase").fill(self.passphrases[handle])
        page.get_by_role("button", name="Unlock").click()
        page.get_by_role("button", name="Lock").wait_for()

    def report(self, category: str, **facts: Any) -> tuple[str, str]:
        """File a concern as a person does; return its reference and the receipt."""
        sent = {"category": category, "noticed_how": "colleague_witness", "narrative": NARRATIVE, "contact": CONTACT}
        headers = {"Idempotency-Key": os.urandom(16).hex()}
        answer = httpx2.post(f"{self.product.url}/api/v1/concerns", json=sent | facts, headers=headers)
        assert answer.status_code == httpx2.codes.CREATED, answer.text
        told = answer.json()
        return told["reference"], told["receipt"]

    def file(self, category: str = "fraud", **facts: Any) -> str:
        """File a concern as a person does; return its reference."""
        return self.report(category, **facts)[0]

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return what the owner's login reads."""
        with transaction(self.owner) as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def audit(self, reference: str) -> list[tuple[str, str, str]]:
        """Return actor, action and outcome of each line on a case, oldest first."""
        query = "select actor, action, outcome from audit where object = :reference order by id"
        return [(row[0], row[1], row[2]) for row in self.rows(query, reference=reference)]


@contextmanager
def staff_of(product: Product, chromium: Browser) -> Iterator[Staff]:
    """Yield the staff of a running product, which is its first reviewer alone so far."""
    given = json.loads((product.state / "servers.json").read_text())
    owner = connect(given["database_url"], process="test-owner", pool_size=2)
    try:
        yield Staff(product, chromium, owner, {FIRST: product.passphrase()})
    finally:
        owner.dispose()
