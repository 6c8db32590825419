"""When answers between two pages cannot be kept, or are there no more: what was just typed stays, and leads on."""

import re

import pytest

from router.reporter.form import Typed
from router.reporter.guided.kept import Begun
from tests.router.reporter.walker import ANSWERS, Part, Walker, check_page, plant

ROWS = "select id, sealed from kept_answers order by id"


def test_when_the_answers_are_gone_the_report_begins_with_what_was_just_typed(part: Part) -> None:
    walker = Walker(part).walk("involves")
    part.run("truncate kept_answers")

    lost = walker.say(involves=["hr", "legal"])
    offered = walker.text
    walker.post("/report/1", asked="involves", go="again", involves=["hr", "legal"])
    begun = walker.path
    walker.walk("involves")

    assert lost.status_code == 410
    assert re.findall(r'name="involves" value="([a-z]+)"', offered) == ["hr", "legal"]
    assert 'value="again"' in offered
    check_page(offered)
    assert begun == "/report/1"
    assert len(re.findall(r'value="(?:hr|legal)"\s+checked', walker.text)) == 2


def test_a_browser_that_forgot_the_cookie_is_offered_the_same(part: Part) -> None:
    walker = Walker(part).walk("narrative")
    walker.http.cookies.clear()

    walker.say(**ANSWERS["narrative"])

    assert walker.shown.status_code == 410
    assert "MARKED-7f3a story" in walker.text
    assert walker.http.cookies


def test_a_browser_without_cookies_gets_all_questions_on_one_page_with_what_was_typed(part: Part) -> None:
    part.run("truncate kept_answers")
    walker = Walker(part, cookies=False)
    walker.say(category="fraud")
    first = walker.shown
    again = walker.post("/report/5", asked="narrative", go="again", narrative="MARKED-7f3a")

    assert first.status_code == 200
    assert re.search(r'value="fraud"\s+selected', first.text)
    assert "Your browser keeps no cookies" in first.text
    check_page(first.text)
    assert "MARKED-7f3a" in again.text
    assert 'action="/en/report"' in again.text
    assert not part.rows(ROWS)


def test_while_the_database_is_away_every_page_keeps_what_was_typed_and_says_so(part: Part) -> None:
    walker, checking = Walker(part).walk("narrative"), Walker(part).walk()
    place = walker.path
    part.run("alter role intake connection limit 0")
    part.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'intake'")
    try:
        typed = walker.say(narrative="MARKED-7f3a kept")
        others = [walker.get(place), checking.get("/report/check"), checking.post("/report/check", go="on")]
        start = walker.get("/report")
    finally:
        part.run("alter role intake connection limit -1")

    assert {answer.status_code for answer in (typed, *others)} == {503}
    assert "MARKED-7f3a kept" in typed.text
    assert "Please press Continue again" in typed.text
    assert start.status_code == 200
    for answer in (typed, *others, start):
        check_page(answer.text)
        assert "tel:112" in answer.text or answer is typed
    assert walker.post(place, asked="narrative", go="on", narrative="MARKED-7f3a kept").status_code == 200
    assert checking.post("/report/check", go="on").status_code == 201


def test_answers_that_the_policy_does_not_know_any_more_are_told_where_they_can_be_changed(part: Part) -> None:
    walker = Walker(part).walk()
    # As if the policy had lost a category since then.
    plant(part, walker, Begun(Typed({"category": "vanished", "noticed_how": "told_by_someone"})))

    sent = walker.post("/report/check", go="on")

    assert sent.status_code == 422
    assert 'href="/en/report/1"' in sent.text[: sent.text.index("<h1>")]
    check_page(sent.text)


def test_a_report_whose_sending_was_interrupted_and_then_changed_is_told_so_and_can_be_sent(part: Part) -> None:
    key = "interrupted-7f3a-0123456789abcdef-XYZ"
    first = {"category": "fraud", "noticed_how": "told_by_someone"}
    walker = Walker(part)
    assert walker.post("/report", **first, key=key).status_code == 201
    plant(part, walker, Begun(Typed({**first, "narrative": "MARKED-7f3a changed"}), key=key))

    answers = [walker.post("/report/check", go="on") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [409, 201]
    assert "MARKED-7f3a changed" in answers[0].text
    check_page(answers[0].text)


def test_beyond_the_quota_of_begun_reports_all_questions_are_asked_on_one_page(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Patched: nobody begins thousands of reports here.
    monkeypatch.setattr("router.app.reporters.BEGUN_PER_HOUR", 1)
    walkers = [Walker(part), Walker(part)]

    shown = [walker.say(category="fraud") for walker in walkers]

    assert [answer.status_code for answer in shown][-1] == 200
    assert 'action="/en/report"' in shown[-1].text
    assert re.search(r'value="fraud"\s+selected', shown[-1].text)
    assert walkers[-1].get("/report/2").status_code == 410
