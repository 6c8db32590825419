"""A concern out of another system's message: what is mapped is taken, and nothing else leaves the request."""

import hmac
import json
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.settings import Settings
from tests.conftest import Database
from tests.publicpart import Start, bearer, count, everything, logged, new_client

__all__ = ["logged"]  # a fixture

PLACE = "/api/v1/sources/helpdesk"
SOURCE: dict[str, Any] = {
    "client": "agent",
    "key": ["/ticket/id", "/event"],
    "lists": {"/ticket/custom_fields": "id"},
    "fields": {
        "category": {"at": "/ticket/custom_fields/7/value", "words": {"Pictures": "csam_suspected"}},
        "noticed_how": "helpdesk_repair",
        "where_found": {"at": "/ticket/device", "words": {"Notebook": "laptop", "-": "nothing"}, "optional": True},
        "occurred_at": {"at": "/ticket/created", "written": "unix", "optional": True},
        "urgency": {
            "at": "/ticket/urgent",
            "words": {"true": "evidence_at_risk", "false": "nothing"},
            "optional": True,
        },
        "source_ticket": {"at": "/ticket/id"},
    },
    "note_back": "helpdesk-notes",
}
NOTES = {
    "kind": "rt",
    "scope": "internal",
    "carries": ["source_ticket"],
    "readable_by": ["it_helpdesk"],
    "url": "http://127.0.0.1:9",
    "token": "env:RT_TOKEN",
    "queue": "General",
    "custom_fields": {"reference": "Reference id"},
}
MARKED = "MARKED-7f3a"
SENT: dict[str, Any] = {
    "event": "button",
    "ticket": {
        "id": 4711,
        "subject": f"{MARKED}-subject",
        "description": f"{MARKED}-description data:image/png;base64,AAAA",
        "requester": {"name": f"{MARKED}-name", "score": 0.12345678901234567890},
        "device": "Notebook",
        "created": 1790000000,
        "urgent": True,
        "custom_fields": [{"id": 6, "value": f"{MARKED}-other"}, {"id": 7, "value": "Pictures"}],
    },
}


def write(settings: Settings, sources: dict[str, Any]) -> None:
    (settings.config_dir / "sources.yaml").write_text(yaml.safe_dump(sources))


@pytest.fixture
def helpdesk(settings: Settings, start: Start) -> TestClient:
    """The public part with one source, and a channel that writes into its tickets."""
    add_notes(settings.config_dir)
    write(settings, {"helpdesk": SOURCE})
    return start()


def add_notes(config: Path) -> None:
    channels = yaml.safe_load((config / "channels.yaml").read_text())
    channels["helpdesk-notes"] = NOTES
    (config / "channels.yaml").write_text(yaml.safe_dump(channels, sort_keys=False))


def changed(**changes: Any) -> dict[str, Any]:
    return {**SENT, "ticket": {**SENT["ticket"], **changes}}


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_dsn) as connection:
        return [tuple(row) for row in connection.execute(query.encode()).fetchall()]


def facts(database: Database) -> dict[str, Any]:
    ((found,),) = rows(database, "select facts from cases")
    return {name: value for name, value in found.items() if value}


def errors(answer: Any) -> list[tuple[str, str, str | None]]:
    return [(error["field"], error["code"], error.get("pointer")) for error in answer.json()["errors"]]


def test_a_message_becomes_a_case_of_its_mapped_facts(helpdesk: TestClient, token: str, database: Database) -> None:
    answer = helpdesk.post(PLACE, json=SENT, headers=bearer(token))

    assert answer.status_code == 201
    assert set(answer.json()) == {"reference", "acknowledge_by", "feedback_by"}
    assert facts(database) == {
        "category": "csam_suspected",
        "noticed_how": "helpdesk_repair",
        "where_found": "laptop",
        "occurred_at": "2026-09-21T14:13:20Z",
        "urgency": ["evidence_at_risk"],
        "source_ticket": "4711",
    }


def test_what_is_not_mapped_is_nowhere(helpdesk: TestClient, token: str, database: Database, logged: StringIO) -> None:
    accepted = helpdesk.post(PLACE, json=SENT, headers=bearer(token))
    refused = helpdesk.post(PLACE, json=changed(device=f"{MARKED}-device"), headers=bearer(token))

    assert (accepted.status_code, refused.status_code) == (201, 422)
    assert MARKED not in logged.getvalue() + accepted.text + refused.text
    assert MARKED.encode() not in everything(database)


def test_the_ticket_is_told_that_it_was_taken_over_with_nothing_of_the_case(
    helpdesk: TestClient, token: str, database: Database
) -> None:
    reference = helpdesk.post(PLACE, json=SENT, headers=bearer(token)).json()["reference"]

    found = rows(database, "select reference, state, fields from referrals where notice = 'taken_over'")
    ((told, state, fields),) = found
    assert (told, state) == (reference, "due")
    assert fields == {
        "reference": reference,
        "revision": 1,
        "notice": "taken_over",
        "source_ticket": "4711",
    }


def test_a_helpdesk_that_is_involved_learns_nothing(
    settings: Settings, start: Start, token: str, database: Database
) -> None:
    add_notes(settings.config_dir)
    write(settings, {"helpdesk": {**SOURCE, "fields": {**SOURCE["fields"], "involves": "it_helpdesk"}}})
    answer = start().post(PLACE, json=SENT, headers=bearer(token))

    assert answer.status_code == 201
    assert not rows(database, "select 1 from referrals where channel = 'helpdesk-notes'")
    ((decision,),) = rows(database, "select decision from cases")
    assert "note_back_withheld:helpdesk-notes" in [step["rule"] for step in decision["trace"]]


@pytest.mark.parametrize("event", ["179000000000000000{}", "1790000000.1234567{}"])
def test_long_numbers_that_differ_are_not_taken_for_one(
    helpdesk: TestClient, token: str, database: Database, event: str
) -> None:
    for last in (1, 2):
        sent = json.dumps({**SENT, "event": 0}).replace('"event": 0', f'"event": {event.format(last)}')
        answer = helpdesk.post(PLACE, content=sent, headers=bearer(token, **{"Content-Type": "application/json"}))
        assert answer.status_code == 201

    assert count(database, "cases") == 2


def test_the_same_event_of_the_same_ticket_is_one_case(helpdesk: TestClient, token: str, database: Database) -> None:
    first = helpdesk.post(PLACE, json=SENT, headers=bearer(token))
    again = helpdesk.post(PLACE, json=changed(subject="changed since"), headers=bearer(token))
    other = helpdesk.post(PLACE, json={**SENT, "event": "other"}, headers=bearer(token))

    assert again.json() == first.json()
    assert other.json()["reference"] != first.json()["reference"]
    assert count(database, "cases") == 2


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (changed(device=MARKED), [("where_found", "unknown_value", "/ticket/device")]),
        (changed(device={"name": MARKED}), [("where_found", "wrong_type", "/ticket/device")]),
        (changed(created=MARKED), [("occurred_at", "malformed", "/ticket/created")]),
        (changed(created=99999999999), [("occurred_at", "time_in_future", "/ticket/created")]),
        (changed(custom_fields=[]), [("category", "missing", "/ticket/custom_fields/7/value")]),
        (
            changed(custom_fields=SENT["ticket"]["custom_fields"] * 2),
            [("category", "missing", "/ticket/custom_fields/7/value")],
        ),
        (changed(id="../4711"), [("source_ticket", "malformed", "/ticket/id")]),
        ({**SENT, "event": None}, [("unknown", "missing", "/event")]),
        (
            [],
            [
                ("category", "missing", "/ticket/custom_fields/7/value"),
                ("source_ticket", "missing", "/ticket/id"),
                ("unknown", "missing", "/ticket/id"),
                ("unknown", "missing", "/event"),
            ],
        ),
    ],
)
def test_an_unexpected_message_is_refused_by_the_name_of_the_pointer(
    helpdesk: TestClient, token: str, database: Database, sent: Any, told: Any
) -> None:
    answer = helpdesk.post(PLACE, json=sent, headers=bearer(token))

    assert answer.status_code == 422
    assert set(errors(answer)) >= set(told)
    assert MARKED not in answer.text
    assert count(database, "cases") == 0


def test_only_the_sources_own_client_may_send(
    helpdesk: TestClient, console: Engine, token: str, database: Database
) -> None:
    other = helpdesk.post(PLACE, json=SENT, headers=bearer(new_client(console, "other")))
    nobody = helpdesk.post(PLACE, json=SENT)
    unknown = helpdesk.post("/api/v1/sources/unknown", json=SENT, headers=bearer(token))

    assert [answer.status_code for answer in (other, nobody, unknown)] == [404, 401, 404]
    assert count(database, "cases") == 0


def test_a_signed_message_needs_no_token_and_the_client_must_still_be_there(
    settings: Settings, start: Start, console: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HELPDESK_SECRET", "marked")
    add_notes(settings.config_dir)
    signed = {"signature": "X-Hub-Signature", "prefix": "sha256="}
    write(settings, {"helpdesk": {**SOURCE, "signed": signed, "secret": "env:HELPDESK_SECRET"}})
    public, sent = start(), json.dumps(SENT).encode()
    right = {"X-Hub-Signature": f"sha256={hmac.new(b'marked', sent, 'sha256').hexdigest()}"}

    def post(headers: dict[str, str]) -> int:
        return public.post(PLACE, content=sent, headers={"Content-Type": "application/json", **headers}).status_code

    assert post(right) == 401
    new_client(console, "agent")
    assert post(right) == 201
    assert post({"X-Hub-Signature": "sha256=" + "0" * 64}) == 401
    assert post({}) == 401


def test_a_message_is_no_file_and_not_large(helpdesk: TestClient, token: str) -> None:
    large = helpdesk.post(PLACE, json={"text": "a" * 70_000}, headers=bearer(token))
    other = helpdesk.post(PLACE, content=b"a", headers=bearer(token, **{"Content-Type": "image/png"}))

    assert (large.status_code, other.status_code) == (413, 415)


def test_without_the_file_all_else_works(public: TestClient, token: str) -> None:
    assert public.post(PLACE, json=SENT, headers=bearer(token)).status_code == 404
    assert public.get("/readyz").status_code == 200
