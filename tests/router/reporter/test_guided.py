"""The guided report: each question leads to the next, what was typed is kept, and nothing of it is told elsewhere."""

import re
from html import unescape

import pytest

from router.reporter.guided.topics import ADVICE, LEAVE_IT
from tests.router.reporter.test_pages import receipt_in
from tests.router.reporter.walker import ANSWERS, Part, Walker, check_page

MATERIAL = "data:image/png;base64,MARKED7f3aMARKED7f3a"
NEWEST = "select facts from cases order by received_at desc limit 1"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_one_question_a_page_leads_to_the_receipt(part: Part, language: str) -> None:
    walker = Walker(part, language=language)
    places, titles = [], []
    while walker.asked != "nothing":
        places.append(walker.path)
        titles.append(walker.title)
        check_page(walker.text)
        walker.say(**ANSWERS.get(walker.asked, {}))
    checked, place = walker.text, walker.path
    walker.post("/report/check", go="on")

    assert walker.shown.status_code == 201
    assert receipt_in(walker.text)
    assert part.rows(NEWEST)[0][0] == {
        "category": "csam_suspected",
        "urgency": ["ongoing", "child_in_immediate_danger"],
        "noticed_how": "helpdesk_repair",
        "where_found": "laptop",
        "asset_tag": "LT-0042",
        "site": "plant",
        "occurred_at": "2026-11-02T23:00:00Z",
        "evidence_state": "left_in_place",
        "involves": ["it_helpdesk"],
        "hashes": [],
    }
    assert place == "/report/check"
    check_page(checked)
    assert {"MARKED-7f3a story\r\nsecond line", "MARKED-7f3a name", "LT-0042"} <= set(_said(checked))
    # Addresses and titles are those of any other report.
    assert places == [f"/report/{number}" for number in range(1, 15)]
    assert len({re.sub("[0-9]+", "", title) for title in titles}) == 1


@pytest.mark.parametrize("category", ["harassment", "fraud", "data_protection", "health_and_safety", "other"])
def test_what_to_do_stands_before_the_questions_of_each_topic(part: Part, category: str) -> None:
    walker = Walker(part)

    walker.say(category=category)

    advice = next(advice for advice in ADVICE.values() if advice.name == walker.asked)
    assert all(sentence in unescape(walker.text) for sentence in (*advice.do, *advice.do_not))
    check_page(walker.text)


def test_whoever_tells_of_danger_is_told_first_whom_to_call(part: Part) -> None:
    walker = Walker(part).walk("call")

    assert 'href="tel:112"' in walker.text[: walker.text.index("<form")]
    check_page(walker.text)


def test_a_wrong_answer_is_told_with_a_link_to_its_field_and_what_was_typed_is_kept(part: Part) -> None:
    walker = Walker(part).walk("asset_tag")

    walker.say(asset_tag="MARKED 7f3a/b")

    again = walker.text
    assert walker.shown.status_code == 422
    assert walker.title.startswith("Error: Step")
    assert 'href="#asset_tag"' in again[: again.index("<h1>")]
    assert 'value="MARKED 7f3a/b"' in again
    assert 'aria-invalid="true"' in again
    check_page(again)
    assert 'value="MARKED 7f3a/b"' in walker.get(walker.path).text
    assert not part.rows("select 1 from kept_answers where position('MARKED' in encode(sealed, 'escape')) > 0")


def test_what_must_be_answered_is_asked_again_and_a_time_without_its_day_is_not_lost(part: Part) -> None:
    walker = Walker(part)

    nothing = walker.say()
    foreign = walker.say(category="MARKED-7f3a")
    walker.walk("occurred_at")
    half = walker.say(time="10:30", zone="+01:00")

    for answer in (nothing, foreign, half):
        assert answer.status_code == 422
        check_page(answer.text)
    assert 'value="10:30"' in half.text


def test_refused_material_gets_what_to_do_and_nothing_of_it_is_shown_or_kept(part: Part) -> None:
    walker = Walker(part).walk("narrative")
    place = walker.path

    walker.say(narrative=MATERIAL)
    title = walker.title

    assert walker.shown.status_code == 422
    assert all(sentence in walker.text for sentence in (*LEAVE_IT.do, *LEAVE_IT.do_not))
    assert "MARKED7f3a" not in walker.text + walker.get(place).text
    assert walker.asked == "narrative"
    assert title == walker.title
    assert 'value="LT-0042"' in walker.walk("nowhere").get("/report/7").text


def test_far_too_much_text_is_shown_again_and_everything_else_kept(part: Part) -> None:
    walker = Walker(part).walk("narrative")
    text = "MARKED-7f3a " * 5430

    walker.say(narrative=text)

    assert walker.shown.status_code == 422
    assert text.strip() in walker.text
    assert walker.walk(narrative={"narrative": "short"}).path == "/report/check"


def test_what_could_not_be_read_is_told_on_the_page_that_it_came_from(part: Part) -> None:
    walker = Walker(part).walk("narrative")

    answers = [walker.say(narrative="x" * 70_000), walker.say(surprise="MARKED-7f3a")]

    assert [answer.status_code for answer in answers] == [413, 422]
    assert walker.asked == "narrative"
    for answer in answers:
        assert 'role="alert"' in answer.text
        assert "MARKED" not in answer.text
        check_page(answer.text)


def test_the_way_back_keeps_what_was_typed_on_the_page_even_if_it_is_not_right_yet(part: Part) -> None:
    walker = Walker(part).walk("asset_tag")
    place = walker.path

    walker.say(go="back", asset_tag="MARKED 7f3a/b")

    assert walker.asked == "where_found"
    assert 'value="MARKED 7f3a/b"' in walker.get(place).text
    assert walker.walk("nowhere", asset_tag={}).path == "/report/check"
    first = walker.get("/report/1")
    assert 'value="csam_suspected"\n' in first.text or "checked" in first.text
    assert walker.say(go="back", category="csam_suspected").url.path == "/en/report"


def test_a_change_leads_back_to_the_check_past_no_question_but_those_that_it_opens(part: Part) -> None:
    walker = Walker(part).walk()
    walker.get("/report/12")
    assert walker.asked == "narrative"
    walker.say(narrative="changed")
    same = walker.path
    walker.get("/report/6")
    walker.say(where_found="web_page")
    opened = walker.asked
    walker.say(url="https://one.example/page")
    closed = walker.path
    walker.get("/report/1")
    walker.say(category="health_and_safety")
    passed = []
    while walker.asked != "nothing":
        passed.append(walker.asked)
        walker.say(**{**ANSWERS, "noticed_how": {"noticed_how": "told_by_someone"}}.get(walker.asked, {}))
    walker.post("/report/check", go="on")

    assert (same, opened, closed) == ("/report/check", "url", "/report/check")
    # The advice is another one, and nobody repairs a hazard on a device.
    assert passed == ["keep_away", "noticed_how"]
    facts = part.rows(NEWEST)[0][0]
    assert facts["category"] == "health_and_safety"
    assert not {"where_found", "url", "asset_tag", "evidence_state"} & set(facts)


def test_a_page_of_a_question_that_is_not_asked_any_more_changes_nothing(part: Part) -> None:
    walker = Walker(part).walk()

    walker.post("/report/7", asked="url", go="on", url="https://one.example/MARKED-7f3a")
    walker.post("/report/7", asked="MARKED-7f3a", go="on")

    assert walker.path == "/report/check"
    assert "one.example" not in walker.text


@pytest.mark.parametrize("place", ["/report/0", "/report/99", "/report/check"])
def test_an_address_out_of_order_leads_to_the_first_question_that_is_open(part: Part, place: str) -> None:
    walker = Walker(part).walk("noticed_how")

    walker.get(place)

    assert (walker.path, walker.asked) == ("/report/5", "noticed_how")


def test_another_sites_page_answers_nothing(part: Part) -> None:
    walker = Walker(part)
    walker.http.headers["sec-fetch-site"] = "cross-site"

    walker.say(category="fraud")

    assert walker.shown.status_code == 403
    assert re.search(r'value="fraud"\s+checked', walker.text)
    walker.http.headers["sec-fetch-site"] = "same-origin"
    assert walker.say(category="fraud").status_code == 200
    assert walker.asked == "keep_it"


def _said(text: str) -> list[str]:
    return [unescape(said).strip() for said in re.findall(r'<dd class="words"[^>]*>(.*?)</dd>', text, re.DOTALL)]
