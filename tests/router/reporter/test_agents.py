"""The helpdesk's form behind a client's signed link: facts only, filled in by the link, judged as at the door."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import yaml
from sqlalchemy import Engine
from starlette.testclient import TestClient
from typer.testing import CliRunner

from router.cli.clients import commands
from router.errors import Broken
from router.reporter import links
from router.settings import Settings
from router.store.clients import revoke_client
from router.store.engine import transaction
from router.vocabulary import Login
from tests.configs import change_policy
from tests.conftest import Database
from tests.publicpart import Start, bearer, count, everything, new_client
from tests.router.intake.test_sources import SOURCE, add_notes
from tests.router.reporter.test_pages import Page

PLACE = "/report/agent"
LEAST = {"category": "csam_suspected", "noticed_how": "helpdesk_repair"}


@pytest.fixture
def agent(console: Engine) -> str:
    """The token of the client that has the link."""
    return new_client(console, "agent")


@pytest.fixture
def link(settings: Settings, agent: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: ARG001 - there is such a client
    """The link's query, as `clients link agent` prints it."""
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    monkeypatch.setenv("CONCERN_ROUTER_STATE_DIR", str(settings.state_dir))
    return printed("link", "agent")


def printed(*arguments: str) -> str:
    # The last line: the public part in this process may log before it.
    address = CliRunner().invoke(commands, arguments, catch_exceptions=False).stdout.strip().splitlines()[-1]
    assert address.startswith("http://127.0.0.1:8000/report/agent?")
    return urlsplit(address).query


def fields(query: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(query).items()}


def one_case(database: Database) -> tuple[dict[str, Any], str]:
    with psycopg.connect(database.owner_dsn) as connection:
        ((facts, client),) = connection.execute("select facts, client from cases").fetchall()
    return {name: value for name, value in facts.items() if value}, client


def test_the_link_fills_the_form_and_one_press_files_it_as_the_client(
    public: TestClient, link: str, database: Database
) -> None:
    shown = public.get(f"{PLACE}?{link}&source_ticket=4711&category=csam_suspected&asset_tag=NB-0815")
    filled = {name: str(given.get("value") or "") for name, given in Page(shown.text).fields.items()}
    hidden = {name: filled[name] for name in ("client", "until", "proof", "key", "source_ticket", "asset_tag")}
    answer = public.post(PLACE, data={**hidden, **LEAST})

    assert (shown.status_code, answer.status_code) == (200, 201)
    assert '<option value="csam_suspected" selected>' in shown.text
    assert '<option value="helpdesk_repair" selected>' in shown.text
    assert one_case(database) == ({**LEAST, "source_ticket": "4711", "asset_tag": "NB-0815"}, "agent")
    assert "CR-" in answer.text


def test_pressed_twice_it_is_one_case(public: TestClient, link: str, database: Database) -> None:
    sent = {**fields(link), **LEAST, "key": "the-forms-own-key"}
    first, again = public.post(PLACE, data=sent), public.post(PLACE, data=sent)

    assert first.text == again.text
    assert count(database, "cases") == 1


def test_whoever_has_the_link_cannot_use_up_the_key_of_a_message_to_come(
    public: TestClient, link: str, agent: str, database: Database
) -> None:
    key = "ticket-4711"
    public.post(PLACE, data={**fields(link), **LEAST, "key": key})
    message = public.post(
        "/api/v1/concerns", json={**LEAST, "source_ticket": "4711"}, headers=bearer(agent, **{"Idempotency-Key": key})
    )

    assert message.status_code == 201
    assert count(database, "cases") == 2


def test_material_goes_back_to_nobody(public: TestClient, link: str, database: Database) -> None:
    sent = {**fields(link), **LEAST, "asset_tag": "data:image/png;base64,MARKED7f3a", "source_ticket": "no 4711"}
    answer = public.post(PLACE, data=sent)

    assert answer.status_code == 422
    assert "MARKED" not in answer.text
    assert 'value="no 4711"' in answer.text
    assert count(database, "cases") == 0


def test_the_page_asks_for_no_content_and_a_link_with_any_is_refused_unshown(
    public: TestClient, link: str, database: Database
) -> None:
    page = Page(public.get(f"{PLACE}?{link}").text)
    for name in ("narrative", "contact", "url", "subject_handle", "hashes", "other"):
        got = public.get(f"{PLACE}?{link}&{name}=MARKED-7f3a")
        sent = public.post(PLACE, data={**fields(link), **LEAST, name: "MARKED-7f3a"})
        assert (got.status_code, sent.status_code) == (422, 422)
        assert "MARKED" not in got.text + sent.text

    assert not {"narrative", "contact", "url", "subject_handle"} & set(page.fields)
    assert set(page.unlabelled) <= page.labelled
    assert page.pointed_at <= set(page.ids)
    assert count(database, "cases") == 0


def test_what_the_door_would_refuse_is_not_filled_in(public: TestClient, link: str) -> None:
    shown = public.get(f"{PLACE}?{link}&source_ticket=MARKED%207f3a&category=marked_7f3a&asset_tag=NB-0815&site=x")

    assert shown.status_code == 422
    assert "marked" not in shown.text.lower()
    assert 'value="NB-0815"' in shown.text


@pytest.mark.parametrize(
    "change",
    [{"client": "other"}, {"until": "9999999999"}, {"proof": "x"}, {"proof": ""}, {"until": "-1"}, {"client": "../x"}],
)
def test_a_link_that_was_changed_opens_nothing(
    public: TestClient, link: str, console: Engine, database: Database, change: dict[str, str]
) -> None:
    new_client(console, "other")
    changed = {**fields(link), **change}
    shown, sent = public.get(PLACE, params=changed), public.post(PLACE, data={**changed, **LEAST})

    assert (shown.status_code, sent.status_code) == (403, 403)
    assert "<form" not in shown.text
    assert count(database, "cases") == 0


def test_a_link_ends_with_its_client(start: Start, link: str, console: Engine) -> None:
    with transaction(console) as connection:
        revoke_client(connection, "agent")

    assert start().get(f"{PLACE}?{link}").status_code == 403


def test_a_link_ends_with_its_time() -> None:
    query = fields(links.signed(b"k" * 32, "agent", 1000))

    assert links.client_in(b"k" * 32, query, now_s=999) == "agent"
    assert links.client_in(b"k" * 32, query, now_s=1000) is None
    assert links.client_in(b"j" * 32, query, now_s=999) is None


def test_the_command_says_for_how_long_and_for_whom(link: str) -> None:
    ends = int(fields(printed("link", "agent", "--days", "2"))["until"])

    assert fields(link)["until"] == "0"
    assert 0 <= ends - time.time() - 2 * 86400 + 60 <= 120
    with pytest.raises(Broken, match="no_such_client"):
        printed("link", "nobody")


def test_the_links_proof_is_stored_nowhere(public: TestClient, link: str, database: Database) -> None:
    public.post(PLACE, data={**fields(link), **LEAST})

    assert fields(link)["proof"].encode() not in everything(database)


def test_the_clients_source_says_which_channel_tells_the_ticket(
    settings: Settings, start: Start, link: str, database: Database
) -> None:
    add_notes(settings.config_dir)
    (settings.config_dir / "sources.yaml").write_text(yaml.safe_dump({"helpdesk": SOURCE}))
    start().post(PLACE, data={**fields(link), **LEAST, "source_ticket": "4711"})

    with psycopg.connect(database.owner_dsn) as connection:
        found = connection.execute("select channel from referrals where notice = 'taken_over'").fetchall()
    assert found == [("helpdesk-notes",)]


def test_it_staff_where_a_state_may_oblige_them_read_its_name_and_whom_to_ask_and_nothing_more(
    settings: Settings, start: Start, link: str
) -> None:
    def move(policy: dict[str, Any]) -> None:
        policy["region"] = "US-TX"

    change_policy(settings.config_dir, move)
    public = start()
    taken = public.post(PLACE, data={**fields(link), **LEAST})
    reported = public.post("/de/report", data={**LEAST, "noticed_how": "helpdesk_repair"})
    seen = public.post("/report", data={**LEAST, "noticed_how": "colleague_witness"})

    for page, state, asked in (
        (taken.text, "In Texas", "Talk to counsel today"),
        (reported.text, "In Texas", "Anwalt"),
    ):
        assert state in page
        assert asked in page
    assert "does not do that for you" in taken.text
    assert "1-800-843-5678" in taken.text
    assert "Texas" not in seen.text
