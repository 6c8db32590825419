"""What the page of a case gave, and what became of the case, for tests of those who work on it."""

import re

from tests.router.console.deployments import Deployment
from tests.router.console.pages import Browser, Office


def seen(browser: Browser, reference: str) -> str:
    """Return the version that the page of the case gives its forms."""
    found = re.search(r'name="version" value="([0-9.]+)"', browser.get(f"/console/cases/{reference}").text)
    assert found
    return found[1]


def lines(office: Office, action: str) -> list[tuple[str, str, str]]:
    """Return actor, outcome and detail of the audit's lines with this action."""
    return [(actor, outcome, detail) for actor, what, _, outcome, detail in office.audit() if what == action]


def holder(deployment: Deployment) -> str | None:
    [(found,)] = deployment.rows("select claimed_by from cases")
    return str(found) if found else None


def waiting(deployment: Deployment) -> set[str]:
    return {row[0] for row in deployment.rows("select distinct awaited from referrals where state = 'standby'")}
