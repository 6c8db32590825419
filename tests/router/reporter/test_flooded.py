"""Whoever reports in a flood, or while we are overloaded: never refused, told the truth, and nothing typed is lost."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.console import floods
from router.intake import recorder
from router.operating.doctor import findings
from router.reporter.following.standing import IN_WORDS, Stage
from router.settings import Settings
from router.store.engine import transaction
from router.store.parked import floods as floods_seen
from tests.conftest import Database
from tests.publicpart import KEY, LEAST, Start, count
from tests.router.reporter.test_pages import Page, receipt_in

TYPED = {**LEAST, "narrative": "MARKED-7f3a first line\nsecond", "key": KEY}


def advice(settings: Settings, check: str) -> str:
    [finding] = findings(settings, only=frozenset({check}))
    return finding.advice


def test_in_a_flood_a_reporter_gets_a_receipt_the_truth_and_an_answer_when_it_was_closed_as_one(
    start: Start, console: Engine, database: Database, settings: Settings
) -> None:
    public = start(anonymous_per_hour=1)
    quiet = advice(settings, "floods")
    usual, parked = (receipt_in(public.post("/report", data=LEAST).text) for _ in range(2))

    def says(receipt: str, stage: Stage) -> bool:
        return IN_WORDS[stage] in public.post("/follow-up", data={"receipt": receipt}).text

    waits = says(usual, Stage.RECEIVED), says(parked, Stage.WAITS)
    told = advice(settings, "floods")
    with transaction(console) as connection:
        [flood] = floods_seen(connection, "first")
    floods.close(console, flood=flood.name, handle="first", login="", reason="one sender, one sentence")

    assert waits == (True, True)
    assert says(parked, Stage.CLOSED_UNREAD)
    assert says(usual, Stage.RECEIVED)
    assert quiet == ""
    assert told.startswith("1 concerns came in a flood")
    written = public.post("/follow-up/write", data={"receipt": parked, "message": "MARKED-7f3a in earnest"})
    assert written.status_code == 200
    with psycopg.connect(database.owner_dsn) as owner:
        query = "select q.rank from case_queue q join flood_links using (reference)"
        assert owner.execute(query).fetchall() == [(6,)], "closed, and something of the reporter's to be read"


def test_the_operator_is_told_of_receipts_that_are_tried_out(settings: Settings, database: Database) -> None:
    before = advice(settings, "receipts")
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("insert into wrong_receipts values (date_trunc('minute', clock_timestamp()), 200)")

    assert before == ""
    assert advice(settings, "receipts").startswith("200 receipts were wrong in the last hour")


def test_too_busy_to_keep_a_report_we_keep_what_was_typed_and_the_second_try_makes_one_concern(
    public: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: a queue that is full."""
    with monkeypatch.context() as full:
        full.setattr(recorder, "MOST_WAITING", 0)
        busy = public.post("/report", data=TYPED)
    page = Page(busy.text)
    again = public.post("/report", data=TYPED)

    assert busy.status_code == 503
    assert int(busy.headers["retry-after"]) > 0
    assert 'role="alert"' in busy.text
    assert "MARKED-7f3a first line\nsecond</textarea>" in busy.text
    assert page.fields["key"]["value"] == KEY
    assert again.status_code == 201
    assert count(database, "cases") == 1


def test_a_training_day_of_five_hundred_at_one_address_is_parked_by_nobody(start: Start, database: Database) -> None:
    public = start()
    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(lambda _: public.post("/api/v1/concerns", json=LEAST).status_code, range(500)))

    assert set(answers) == {201}
    assert count(database, "cases") == 500
    assert count(database, "flood_links") == 0
