"""A drill, and a notice about the router itself, can never be mistaken for a case, by a person or a program."""

from typing import Any

import orjson
import psycopg
import pytest
from pydantic import ValidationError
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.channels import (
    KINDS,
    folder,
    jira_service_management,
    mail,
    pagerduty,
    redmine,
    rest,
    rt,
    servicenow,
    webhook,
    zendesk,
)
from router.console import progress
from router.console.conflict import Who, conflict
from router.errors import Forbidden
from router.model import Referral, plain
from router.store.cases import status_for_client
from router.store.drills import post_drill
from router.store.engine import transaction
from router.vocabulary import Notice
from tests.conftest import Database
from tests.publicpart import bearer, console, count, public, settings, start, token
from tests.standins.shelf import recipe

__all__ = ["console", "public", "settings", "start", "token"]  # fixtures

SECRET = "env:A_SECRET"
SETTINGS: dict[str, Any] = {
    "folder": folder.Settings(path="a"),
    "jira_service_management": jira_service_management.Settings(
        url="https://jira.example.org",
        token="env:A_TOKEN",
        service_desk=1,
        request_type=10,
        custom_fields={"reference": "customfield_1", "severity": "customfield_2"},
    ),
    "mail": mail.Settings(
        url="smtp://mail.example.org", sender="a@example.org", to="b@example.org", look_at="https://c.example.org"
    ),
    "pagerduty": pagerduty.Settings(routing_key=SECRET),
    "redmine": redmine.Settings(
        url="https://redmine.example.org", key="env:A_KEY", project="p", tracker=1, custom_fields={"reference": 1}
    ),
    "rest": rest.Settings.model_validate(recipe("zammad", "https://zammad.example.org")),
    "rt": rt.Settings(
        url="https://rt.example.org", token="env:A_TOKEN", queue="Q", custom_fields={"reference": "R", "severity": "S"}
    ),
    "servicenow": servicenow.Settings(
        url="https://example.service-now.com", token="env:A_TOKEN", group="a" * 32, custom_fields={"severity": "u_s"}
    ),
    "webhook": webhook.Settings(url="https://a.example.org", secret=SECRET),
    "zendesk": zendesk.Settings(url="https://example.zendesk.com", token="env:A_TOKEN", group=5),
}


@pytest.fixture
def drill(console: Engine) -> str:
    with transaction(console) as connection:
        return post_drill(connection, channel="desk", kind="folder", policy="a" * 64)


def test_it_has_a_reference_of_its_own_kind_and_no_case(drill: str, database: Database) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        row = connection.execute("select reference, case_reference, notice, fields from referrals").fetchone()

    assert drill.startswith("DRILL-")
    assert row == (drill, None, "drill", {"reference": drill, "revision": 1, "notice": "drill"})
    assert count(database, "cases") == 0


def test_no_case_can_have_such_a_reference_and_no_drill_one_of_a_case(database: Database) -> None:
    with psycopg.connect(database.owner_dsn) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(
            "insert into referrals (id, reference, channel, kind, policy, state, fields)"
            " values ('x', 'OTHER-0000-0000-0000', 'desk', 'folder', 'p', 'due', '{}')"
        )
    with pytest.raises(ValidationError):
        Referral(reference="OTHER-0000-0000-0000")


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if not hasattr(kind, "OUTSIDE")))
@pytest.mark.parametrize(("word", "notice"), [("DRILL", Notice.DRILL), ("NOTICE", Notice.POLICY_REFUSED)])
def test_every_kind_says_what_it_is(kind: str, word: str, notice: Notice) -> None:
    referral = Referral(reference=f"{word}-0000-0000-0000", notice=notice)
    body = KINDS[kind].render(SETTINGS[kind], referral, key="k").body.decode()

    assert f"{word}-0000-0000-0000" in body
    assert notice.value in body or "not a case" in body


def test_it_carries_no_fact_severity_deadline_or_link(drill: str, database: Database) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        row = connection.execute("select fields from referrals").fetchone()
    assert row

    assert plain(Referral.model_validate(row[0])) == {"reference": drill, "revision": 1, "notice": "drill"}


def test_pages_and_interface_know_no_such_case(drill: str, public: TestClient, token: str) -> None:
    unknown = public.get("/api/v1/concerns/CR-0000-0000-0000", headers=bearer(token))
    answer = public.get(f"/api/v1/concerns/{drill}", headers=bearer(token))
    page = public.post("/follow-up", data={"receipt": drill})

    assert answer.status_code == unknown.status_code == 404
    assert orjson.loads(answer.content)["code"] == orjson.loads(unknown.content)["code"]
    assert page.status_code in {403, 404, 422}
    assert drill not in page.text


def test_staff_cannot_claim_open_or_redirect_it(drill: str, console: Engine, database: Database) -> None:
    who = Who("first", "no-such", recovery=False)
    with pytest.raises(Forbidden):
        progress.claim(console, reference=drill, handle="first", login="login:x")
    with pytest.raises(Forbidden):
        conflict(console, reference=drill, team="hr", who=who, reason="a test", console_url="http://127.0.0.1:1")
    with transaction(console) as connection:
        assert status_for_client(connection, drill, "agent", outside=()) is None

    assert count(database, "case_conflicts") == 0
