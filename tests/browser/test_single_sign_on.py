"""Single sign-on with a real provider in a real browser, across two sites: which cookies come along is the point."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, Route, expect

from router import secretfiles
from router.app import console_app
from router.console import accounts
from router.embedded.account import free_port
from router.settings import Settings
from router.vocabulary import Login
from tests.browser.oidcprovider import CLIENT_SECRET, missing, provider
from tests.conftest import CHECKOUT, Database
from tests.router.console.deployments import Deployment, a_deployment

pytestmark = pytest.mark.browser


@dataclass
class Sites:
    """The console on one site, the provider on another."""

    console: str
    issuer: str
    deployment: Deployment

    def outcomes(self) -> list[str]:
        return [row[0] for row in self.deployment.rows("select outcome from audit where action = 'sign_in_failed'")]


@pytest.fixture
def sites(database: Database, tmp_path: Path) -> Iterator[Sites]:
    why = missing()
    if why:
        pytest.skip(why)
    port = free_port()
    console = f"http://127.0.0.1:{port}"
    secretfiles.make(tmp_path / "secrets")
    with (
        a_deployment(database) as deployment,
        provider(free_port(), f"{console}/console/sign-in/single/back") as issuer,
    ):
        settings = {
            "database_url_console": database.dsn(Login.CONSOLE),
            "secrets_dir": tmp_path / "secrets",
            "state_dir": tmp_path,
            "config_dir": CHECKOUT / "config",
            "console_bind": f"127.0.0.1:{port}",
            "oidc_issuer": issuer,
            "oidc_client_id": "console",
            "oidc_client_secret": CLIENT_SECRET,
            "oidc_name": "the company's account",
            "oidc_roles": "reviewing=reviewer,running=administrator",
        }
        app = console_app(Settings.model_validate(settings))
        server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            accounts.link(deployment.console, "sven", issuer, "sven-over-there", by="login:test")
            yield Sites(console, issuer, deployment)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def page(chromium: Browser, sites: Sites) -> Iterator[Page]:
    context = chromium.new_context(base_url=sites.console)
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, name: str, *, second_factor: bool) -> None:
    page.get_by_role("link", name="Sign in with the company's account").click()
    page.get_by_label("Name").fill(name)
    if second_factor:
        page.get_by_label("second factor").check()
    page.get_by_role("button", name="Sign in over there").click()


def test_a_linked_person_comes_in_through_the_provider_and_to_where_they_were_going(page: Page, sites: Sites) -> None:
    page.goto("/console/routing")
    sign_in(page, "sven-over-there", second_factor=True)

    page.wait_for_url("**/console/routing")
    expect(page.get_by_role("link", name="sven", exact=True)).to_be_visible()
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(sites.console)}
    assert cookies["console"]["sameSite"] == "Strict"
    assert "console-single" not in cookies


def test_without_a_second_factor_over_there_ours_is_set_up(page: Page) -> None:
    page.goto("/console")
    sign_in(page, "sven-over-there", second_factor=False)

    expect(page.get_by_role("heading", name="Set up your second factor")).to_be_visible()
    page.goto("/console")
    expect(page.get_by_role("heading", name="Set up your second factor")).to_be_visible()


def test_somebody_who_is_not_linked_is_told_so_and_stays_outside(page: Page, sites: Sites) -> None:
    page.goto("/console")
    sign_in(page, "somebody-else", second_factor=True)

    expect(page.get_by_text("nobody here is linked to you")).to_be_visible()
    page.goto("/console")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert sites.outcomes() == ["refused_unknown_subject"]


def test_an_answer_that_a_browser_was_lured_with_signs_nobody_in(page: Page, sites: Sites, chromium: Browser) -> None:
    page.goto("/console")
    answers: list[str] = []

    def keep(route: Route) -> None:
        answers.append(route.request.url)
        route.abort()

    page.route("**/console/sign-in/single/back**", keep)
    sign_in(page, "sven-over-there", second_factor=True)
    page.wait_for_timeout(200)
    victim = chromium.new_context(base_url=sites.console).new_page()

    victim.goto(answers[0])

    expect(victim.get_by_text("Single sign-on did not work")).to_be_visible()
    victim.goto("/console")
    expect(victim.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    assert sites.outcomes() == ["refused_oidc_state"]
    victim.context.close()
