"""The guided report, walked through as a browser without scripts would."""

import re

import pytest
from starlette.testclient import TestClient

from tests.conftest import Database
from tests.publicpart import count
from tests.router.reporter.test_pages import Page, receipt_in

PATH = {
    "category": {"category": "csam_suspected"},
    "leave_it": {},
    "urgency": {"urgency": ["ongoing", "child_in_immediate_danger"]},
    "call": {},
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


def asked(text: str) -> str:
    found = re.search(r'name="asked" value="([a-z_]+)"', text)
    assert found, text
    return found[1]


def test_one_question_a_page_leads_to_the_receipt(public: TestClient, database: Database) -> None:
    answer = public.get("/sv/report/1")
    for name, said in PATH.items():
        assert asked(answer.text) == name
        answer = public.post(answer.url.path, data={"asked": name, "go": "on", **said})
        assert answer.status_code == 200, answer.text
    checked = answer
    answer = public.post("/sv/report/check", data={"go": "on"})

    assert answer.status_code == 201
