"""What pages work with, for tests of pages that are not the console's own."""

from typing import Any

from router.console.pages.ask import Desk, Limits
from router.console.policies import Policies
from tests.router.console.pages import Office

UNUSED: Any = None
"""What these tests' pages do not touch."""


def a_desk(office: Office) -> Desk:
    """Return a desk on the office's database."""
    limits = Limits(session_s=600, idle_s=600, unlocked_s=600, claim_s=600, body_deadline_s=5)
    engine = office.deployment.console
    return Desk(
        *(engine, Policies(engine), lambda _: None, "", ""),
        https=False,
        limits=limits,
        witness=UNUSED,
        texts=UNUSED,
        secret=bytes(32),
    )
