"""NCMEC's own test system, when an operator gives credentials for it: opens a report and retracts it, never more.

Needs CONCERN_ROUTER_EXTTEST_USER and CONCERN_ROUTER_EXTTEST_PASSWORD, which NCMEC gives to firms that it vetted. The
report is of a made-up finding, and nothing here knows how to finish one.
"""

import os
from pathlib import Path
from time import monotonic
from typing import Final

import pytest

from router import clock
from router.channels import cybertipline
from router.channels.cybertipline import Settings
from router.channels.cybertipline.settings import TEST_BASE
from router.model import Payload, Referral
from router.vocabulary import Scope, WhereFound
from workers.channels.base import Surroundings
from workers.channels.cybertipline import CybertiplineSender
from workers.channels.cybertipline.client import Client
from workers.channels.cybertipline.official import OfficialSchema

USER: Final = "CONCERN_ROUTER_EXTTEST_USER"
PASSWORD: Final = "CONCERN_ROUTER_EXTTEST_PASSWORD"
CALL_S: Final = 60.0

pytestmark = [
    pytest.mark.exttest,
    pytest.mark.skipif(
        not (os.environ.get(USER) and os.environ.get(PASSWORD)),
        reason=f"NCMEC's test system is asked only with credentials of its own: set {USER} and {PASSWORD}",
    ),
]


@pytest.fixture
def settings() -> Settings:
    given = {
        "user": f"env:{USER}",
        "password": f"env:{PASSWORD}",
        "reporter": {"email": os.environ.get("CONCERN_ROUTER_EXTTEST_EMAIL", "safeguarding@example.org")},
        "esp_service": "Example workplace devices",
    }
    made = Settings.model_validate(given)
    assert made.url == TEST_BASE
    assert not made.production
    return made


@pytest.fixture
def document(settings: Settings) -> Payload:
    now = clock.now()
    finding = Referral(
        reference=clock.new_reference(),
        category="csam_suspected",
        where_found=WhereFound.REMOVABLE_USB,
        asset_tag="TEST-1",
        noticed_at=now,
        received_at=now,
    )
    return cybertipline.render(settings, finding, key="")


def test_it_lets_us_in_and_takes_what_we_would_send(settings: Settings, document: Payload, tmp_path: Path) -> None:
    sender = CybertiplineSender(settings, Surroundings(tmp_path, Scope.EXTERNAL))
    client = Client(settings, Scope.EXTERNAL)

    assert sender.check(deadline_s=CALL_S) == ()
    OfficialSchema(settings, client, tmp_path).ask(document.body, until=monotonic() + CALL_S)


def test_a_report_is_opened_and_retracted(settings: Settings, document: Payload, tmp_path: Path) -> None:
    sender = CybertiplineSender(settings, Surroundings(tmp_path, Scope.EXTERNAL))
    opened = Client(settings, Scope.EXTERNAL).submit(document, {}, until=monotonic() + CALL_S)
    assert opened.report_id is not None
    ended = sender.retract(opened.report_id, "0" * 32, deadline_s=CALL_S)

    assert opened.code == 0
    assert ended == ("retracted", 0)
