"""Reports at CyberTipline: opened, noted, finished; whatever gets lost, one is filed, and all others are known."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from structlog.testing import capture_logs

from router.failpoints import FailPoint, on_reach
from router.store.filings import EXPIRES_S
from tests.loopback import Answer
from tests.standins.cybertip import PASSWORD, USER, done
from tests.workers.rooms import Room
from tests.workers.tipline import CHANNEL, Tipline, a_tipline

CHECKOUT: Final = Path(__file__).parents[3]


@pytest.fixture
def tipline(room: Room) -> Iterator[Tipline]:
    with a_tipline(room) as made:
        yield made
        assert not made.there.broken


@pytest.fixture
def at() -> Iterator[Callable[[FailPoint, Callable[[], None]], None]]:
    """Have something happen once at a place in the code."""

    def arrange(point: FailPoint, then: Callable[[], None]) -> None:
        def hook(reached: FailPoint) -> None:
            if reached is point:
                on_reach(None)
                then()

        on_reach(hook)

    yield arrange
    on_reach(None)


def test_a_report_is_opened_noted_and_finished_and_its_number_is_the_proof(tipline: Tipline) -> None:
    tipline.post()
    tipline.take_turn()
    [report] = tipline.there.of("finished")

    assert tipline.there.calls() == ["status", "xsd", "submit", "finish"]
    assert tipline.referral() == ("sent", "sent", report.number)
    assert tipline.filings() == [("finished", report.number)]
    assert tipline.audited() == [f"filing_{what} {CHANNEL}:{report.number}" for what in ("opened", "finished")]
    assert b"LAP-7" in report.document


def test_what_was_sent_and_the_receipt_are_kept_with_the_note_that_it_is_filed(
    tipline: Tipline, at: Callable[[FailPoint, Callable[[], None]], None]
) -> None:
    kept: list[int] = []
    at(FailPoint.AFTER_SEND, lambda: kept.append(len(tipline.kept())))
    tipline.post()
    tipline.take_turn()
    [report] = tipline.there.of("finished")

    assert kept == [2], "nothing was settled by then"
    assert tipline.kept() == [report.document, done(report.number).body]


def test_a_lost_answer_to_the_opening_leaves_one_that_expires_and_one_that_is_filed(tipline: Tipline) -> None:
    tipline.there.lose["submit"] = 1
    tipline.post()
    tipline.take_turn()
    before = tipline.filings()
    tipline.take_turn()
    [orphan], [report] = tipline.there.of("open"), tipline.there.of("finished")
    lost = tipline.filings()
    tipline.room.run("update filings set asked_at = asked_at - make_interval(secs => :s)", s=EXPIRES_S + 60)
    rung = tipline.rung()

    assert before == [("asked", None)]
    assert lost == [("lost", None), ("finished", report.number)]
    assert orphan.number != report.number
    assert not rung, "there is nothing to retract: nobody knows its number"
    assert tipline.filings() == [("expired", None), ("finished", report.number)]


def test_a_lost_answer_to_the_finish_is_asked_for_again_under_the_same_number(tipline: Tipline) -> None:
    tipline.there.lose["finish"] = 1
    tipline.post()
    tipline.take_turn()
    between = (tipline.referral()[0], tipline.filings()[0][0])
    tipline.take_turn()
    [report] = tipline.there.of("open", "finished")

    assert between == ("due", "opened")
    assert tipline.referral() == ("sent", "repeated", report.number)
    assert tipline.there.calls().count("submit") == 1


def test_a_report_that_expired_before_it_was_finished_is_opened_anew(tipline: Tipline) -> None:
    tipline.there.codes["finish"] = [(500, 1000)]
    tipline.post()
    tipline.take_turn()
    [first] = tipline.there.of("open")
    tipline.there.ahead_s = 24 * 3600
    tipline.take_turn()
    [second] = tipline.there.of("finished")

    assert tipline.there.of("expired") == [first]
    assert tipline.referral() == ("sent", "sent", second.number)
    assert tipline.filings() == [("gone", first.number), ("finished", second.number)]


@pytest.mark.parametrize("state", ["recalled", "draft", "dead"])
def test_an_open_report_that_nobody_wants_any_more_is_retracted(tipline: Tipline, state: str) -> None:
    tipline.there.codes["finish"] = [(500, 1000)]
    tipline.post()
    tipline.take_turn()
    wanted = tipline.rung()
    tipline.room.run("update referrals set state = :state, settled_at = clock_timestamp()", state=state)
    rung = tipline.rung()
    tipline.there.lose["retract"] = 1
    tipline.worker.deliver(CHANNEL)
    again = tipline.rung()
    tipline.room.run("update filings set tried_at = tried_at - interval '2 minutes'")
    tipline.worker.deliver(CHANNEL)
    [report] = tipline.there.of("retracted")

    assert (wanted, rung, again) == (False, True, False)
    assert tipline.filings() == [("gone", report.number)], "the answer to the first retract was lost"
    assert not tipline.there.of("open", "finished")


@pytest.mark.parametrize("state", ["recalled", "dead"])
def test_what_was_filed_after_all_is_sent_and_not_taken_for_retracted(tipline: Tipline, state: str) -> None:
    tipline.there.lose["finish"] = 1
    tipline.post()
    tipline.take_turn()
    tipline.room.run("update referrals set state = :state, settled_at = clock_timestamp()", state=state)
    tipline.worker.deliver(CHANNEL)
    [report] = tipline.there.of("finished")

    assert tipline.filings() == [("finished", report.number)]
    assert tipline.referral() == ("sent", "filed_after_all", report.number)


@pytest.mark.parametrize("state", ["recalled", "dead"])
def test_what_was_withdrawn_between_its_filing_and_the_ledgers_word_is_sent(tipline: Tipline, state: str) -> None:
    tipline.post()
    tipline.take_turn()
    [report] = tipline.there.of("finished")
    tipline.room.run("update referrals set state = :state, outcome = 'conflict', remote_id = null", state=state)

    tipline.rung()

    assert tipline.referral() == ("sent", "filed_after_all", report.number)
    assert f"filing_finished {CHANNEL}:{report.number}" in tipline.audited()


def test_what_was_opened_before_another_approval_is_retracted_and_never_filed_in_its_place(tipline: Tipline) -> None:
    tipline.there.codes["finish"] = [(500, 1000)]
    tipline.post()
    tipline.take_turn()
    tipline.room.run("update referrals set first_due_at = clock_timestamp()")
    tipline.take_turn()
    waited = tipline.outcome()
    tipline.take_turn()
    [before], [filed] = tipline.there.of("retracted"), tipline.there.of("finished")

    assert waited == "not_retracted"
    assert tipline.filings() == [("retracted", before.number), ("finished", filed.number)]
    assert tipline.referral()[2] == filed.number


def test_what_may_be_filed_of_an_earlier_approval_is_asked_about_and_never_filed_twice(tipline: Tipline) -> None:
    tipline.there.lose["finish"] = 1
    tipline.post()
    tipline.take_turn()
    tipline.room.run("update referrals set first_due_at = clock_timestamp()")
    tipline.take_turn()
    tipline.take_turn()
    [filed] = tipline.there.of("finished")

    assert tipline.filings() == [("finished", filed.number)]
    assert tipline.referral()[::2] == ("sent", filed.number)


def test_one_that_is_withdrawn_while_it_is_opened_is_not_finished(
    tipline: Tipline, at: Callable[[FailPoint, Callable[[], None]], None]
) -> None:
    at(FailPoint.AFTER_OPEN, lambda: tipline.room.run("update referrals set settled_at = clock_timestamp()"))
    tipline.post()
    tipline.take_turn()
    state = tipline.referral()[0]
    tipline.worker.deliver(CHANNEL)
    [report] = tipline.there.of("retracted")

    assert state == "recalled"
    assert "finish" not in tipline.there.calls()
    assert tipline.filings() == [("retracted", report.number)]


def test_the_number_that_comes_when_another_worker_has_begun_anew_is_a_stray_and_retracted(
    tipline: Tipline, at: Callable[[FailPoint, Callable[[], None]], None]
) -> None:
    def lose_the_lease() -> None:
        run = tipline.room.run
        run("update referrals set lease_no = lease_no + 1")
        run("update filings set state = 'lost'")
        run("insert into filings (referral, lease_no, test) select id, lease_no, true from referrals")

    at(FailPoint.AFTER_OPEN, lose_the_lease)
    tipline.post()
    tipline.take_turn()
    [stray, other] = tipline.filings()
    tipline.room.run("update filings set tried_at = null")
    tipline.worker.deliver(CHANNEL)
    [report] = tipline.there.of("retracted")

    assert (stray[0], other) in {("stray", ("asked", None)), ("retracted", ("asked", None))}
    assert "finish" not in tipline.there.calls()
    assert tipline.filings() == [("retracted", report.number), ("asked", None)]


@pytest.mark.parametrize(
    ("point", "filings"), [(FailPoint.BEFORE_OPEN, ["retracted", "finished"]), (FailPoint.BEFORE_FINISH, ["finished"])]
)
def test_two_workers_at_the_same_report_file_one(
    tipline: Tipline,
    at: Callable[[FailPoint, Callable[[], None]], None],
    point: FailPoint,
    filings: list[str],
) -> None:
    def another_takes_it() -> None:
        tipline.room.run("update referrals set lease_until = clock_timestamp() - interval '1 second'")
        tipline.another().deliver(CHANNEL)

    at(point, another_takes_it)
    tipline.post()
    tipline.take_turn()
    tipline.room.run("update filings set tried_at = null")
    tipline.worker.deliver(CHANNEL)
    [report] = tipline.there.of("open", "finished")

    assert report.state == "finished"
    assert tipline.referral()[::2] == ("sent", report.number)
    assert [state for state, _ in tipline.filings()] == filings


@pytest.mark.parametrize(
    ("status", "code", "state", "outcome", "breaker"),
    [
        (500, 1000, "due", "code_1000", "closed"),
        (404, 1210, "due", "wrong_path", "open"),
        (403, 2000, "due", "not_authorised", "open"),
        (200, 3100, "due", "not_authorised", "open"),
        (400, 4100, "dead", "code_4100", "closed"),
        (200, 1001, "dead", "code_1001", "closed"),
        (200, 7777, "dead", "code_7777", "closed"),
        (500, 0, "due", "http_500", "closed"),
    ],
)
def test_each_code_leads_where_it_should_whatever_the_status(
    tipline: Tipline, status: int, code: int, state: str, *, outcome: str, breaker: str
) -> None:
    tipline.there.codes["submit"] = [(status, code)]
    tipline.post()
    tipline.take_turn()

    assert (tipline.referral()[0], tipline.outcome()) == (state, outcome)
    assert tipline.room.channel_state(CHANNEL).breaker == breaker
    assert tipline.filings() == [("unopened" if outcome not in {"code_1000", "http_500"} else "asked", None)]


def test_an_unknown_code_at_the_finish_stops_it_in_front_of_a_person(tipline: Tipline) -> None:
    tipline.there.codes["finish"] = [(200, 7777)]
    tipline.post()
    tipline.take_turn()

    assert tipline.referral()[:2] == ("dead", "code_7777")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE x [<!ENTITY c "0">]><reportResponse><responseCode>&c;</responseCode></reportResponse>',
        b"<!DOCTYPE x><reportResponse><responseCode>0</responseCode><reportId>1</reportId></reportResponse>",
        b"<reportResponse><responseCode>0</responseCode></reportResponse>",
        b"<reportResponse><responseCode>zero</responseCode><reportId>1</reportId></reportResponse>",
        b"<reportResponse><responseCode>0</responseCode><reportId>1;2</reportId></reportResponse>",
        b"<html><body>0</body></html>",
        b"",
        b"<a>" * 100_000,
    ],
)
def test_an_answer_that_is_none_opens_nothing_and_is_tried_again(
    tipline: Tipline, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(tipline.there), "submit", lambda *_: Answer(200, body))
    monkeypatch.setattr(
        "tests.standins.cybertip._CALLS", {**_calls(), ("POST", "submit"): lambda *_: Answer(200, body)}
    )
    tipline.post()
    tipline.take_turn()

    assert (tipline.referral()[0], tipline.outcome()) == ("due", "odd_reply")
    assert tipline.filings()[-1] == ("asked", None), "each answer that is none is lost, and none is opened"


def _calls() -> dict[tuple[str, str], object]:
    from tests.standins import cybertip  # noqa: PLC0415 - as it is before it is changed

    return dict(cybertip._CALLS)


def test_a_document_that_the_official_schema_refuses_is_never_sent(tipline: Tipline) -> None:
    tipline.there.schema = (
        b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="other"/></xs:schema>'
    )
    tipline.post()
    tipline.take_turn()

    assert tipline.referral()[:2] == ("dead", "not_their_schema")
    assert not tipline.there.reports
    assert tipline.filings() == []


def test_the_schema_is_fetched_once_and_kept_for_the_next_start(tipline: Tipline) -> None:
    tipline.post(2)
    tipline.take_turn()
    [kept] = (tipline.room.folder / "cybertipline").iterdir()
    tipline.there.schema = b"no schema"
    with a_tipline(tipline.room) as _:
        pass  # another start, and another server: its schema is another's

    assert tipline.there.calls().count("xsd") == 1
    assert kept.suffix == ".xsd"
    assert len(tipline.there.of("finished")) == 2


def test_without_a_schema_nothing_is_sent_and_the_channel_waits(tipline: Tipline) -> None:
    tipline.there.schema = b"no schema"
    tipline.post()
    tipline.take_turn()

    assert tipline.referral()[0] == "due"
    assert tipline.room.channel_state(CHANNEL).code == "schema_unusable"
    assert "submit" not in tipline.there.calls()


def test_production_needs_the_workers_own_switch(room: Room) -> None:
    with a_tipline(room, production=True, switched_on=False) as tipline:
        tipline.post()
        tipline.take_turn()

        assert tipline.referral()[0] == "due"
        assert tipline.room.channel_state(CHANNEL).code == "not_switched_on"
        assert tipline.there.everything == []


def test_production_refuses_credentials_that_the_test_system_takes(room: Room) -> None:
    with a_tipline(room, production=True) as tipline:
        tipline.there.accounts["/exttest/ispws"].add((USER, PASSWORD))
        tipline.post()
        tipline.take_turn()

        assert tipline.room.channel_state(CHANNEL).code == "test_credentials"
        assert not tipline.there.reports


def test_production_files_where_reports_count(room: Room) -> None:
    with a_tipline(room, production=True) as tipline:
        tipline.post()
        tipline.take_turn()
        [report] = tipline.there.of("finished")

        assert report.system == "/ispws"
        assert [str(one.path) for one in tipline.there.everything if "exttest" in one.path] == ["/exttest/ispws/status"]


def test_the_request_id_is_logged_and_nothing_of_the_report(tipline: Tipline) -> None:
    tipline.post()
    with capture_logs() as said:
        tipline.take_turn()
    answered = [(one["part"], one["request_id"]) for one in said if one["event"] == "body_answered"]

    calls = ("status", "xsd", "submit", "finish")
    assert answered == [(call, f"req-{number:06d}") for number, call in enumerate(calls, 1)]
    assert not any(word in str(said) for word in ("LAP-7", "MARKED", "csam"))


def test_no_call_that_carries_a_file_is_in_the_code() -> None:
    sources = [file for half in ("router", "workers") for file in CHECKOUT.glob(f"{half}/channels/cybertipline/*.py")]
    found = [f.name for f in sources if any(word in f.read_text().lower() for word in ("uplo" + "ad", "filein" + "fo"))]

    assert len(sources) > 8
    assert not found
