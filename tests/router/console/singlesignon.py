"""A console with single sign-on, and browsers that go to the provider and come back."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2

from router import secretfiles
from router.console import accounts
from router.console.signin.cookie import Cookie
from tests.conftest import CHECKOUT, Database
from tests.router.console.deployments import Deployment
from tests.router.console.issuers import CLIENT_ID, CLIENT_SECRET, CODE, Issuer
from tests.router.console.pages import Browser, Office, an_office


@contextmanager
def a_linked_office(deployment: Deployment, database: Database, below: Path, issuer: Issuer) -> Iterator[Office]:
    """Yield a deployment with its console that asks this provider; `sven` is linked to the provider's subject."""
    secretfiles.make(below / "secrets")
    settings = {
        "secrets_dir": below / "secrets",
        "state_dir": below,
        "config_dir": CHECKOUT / "config",
        "oidc_issuer": issuer.url,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_roles": "reviewing=reviewer,watching=auditor,running=administrator",
        "oidc_teams": "it=security,law=legal",
    }
    with an_office(deployment, database, settings) as made:
        accounts.link(deployment.console, "sven", issuer.url, issuer.subject, by="login:test")
        yield made


@dataclass
class Question:
    """One sign-in that a browser began."""

    office: Office
    issuer: Issuer
    cookie: str
    query: dict[str, str]

    def answered(self, *, cookie: str | None = None, **changed: str | None) -> httpx2.Response:
        """Come back from the provider, the console's own cookie left at home as browsers do."""
        given = {"code": CODE, "state": self.query["state"], "iss": self.issuer.url, **changed}
        answer = self.office.client.get(
            "/console/sign-in/single/back",
            params={name: value for name, value in given.items() if value is not None},
            headers={"cookie": f"console-single={self.cookie if cookie is None else cookie}"},
            follow_redirects=False,
        )
        self.office.client.cookies.clear()
        return answer


def ask(office: Office, issuer: Issuer, to: str = "") -> Question:
    answer = office.client.get("/console/sign-in/single", params={"next": to}, follow_redirects=False)
    office.client.cookies.clear()
    assert answer.headers["location"].startswith(f"{issuer.url}/auth?")
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    issuer.asked(query)
    found = re.search(r"console-single=([^;]*);", answer.headers["set-cookie"])
    assert found
    return Question(office, issuer, found[1], query)


def browser_of(office: Office, answer: httpx2.Response) -> Browser | None:
    given = [re.search(r"^console=([A-Za-z0-9_-]{43})", line) for line in answer.headers.get_list("set-cookie")]
    found = next((cookie for cookie in given if cookie), None)
    return Browser(office.client, Cookie(found[1])) if found else None


def refusals(office: Office) -> list[str]:
    return [line[3] for line in office.audit() if line[:3] == ("nobody", "sign_in_failed", "unknown")]


def sessions(office: Office) -> int:
    return int(office.deployment.rows("select count(*) from console_sessions")[0][0])
