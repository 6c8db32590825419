"""The queue as a page: what an address may ask, what the audit says, views that are kept, what attacks come to."""

import json
import re
from datetime import timedelta

import pytest

from router.console.pages import queue as pages
from router.store import queue
from router.vocabulary import Role
from tests.router.console.pages import Browser, Office

MARKED = "MARKED-7f3a"
MARKUP = f"<b>{MARKED}</b>"
SQL = f"{MARKED}' or 1=1; drop table cases --"
ODD = ("", " ", "\0", "\r\nSet-Cookie: a=b", "é" * 70, "x" * 5000, "-1", "1e9", "[]", "%s", "{{7*7}}", "'", '"', "\\")


def listed(text: str) -> list[str]:
    return re.findall(r'<a class="reference" href="/console/cases/([^"]+)"', text)


def lines(office: Office, action: str) -> list[tuple[str, ...]]:
    return [line for line in office.audit() if line[1] == action]


def test_each_list_is_one_line_of_the_audit_with_its_filter_and_how_many(office: Office) -> None:
    office.deployment.file("fraud")
    browser = office.sign_in("ana")

    browser.get("/console")
    browser.get("/console", category="fraud", overdue="1", claimed="nobody", state="open")
    browser.get("/console", q="LT-1")

    assert lines(office, "queue_listed") == [
        ("person:ana", "queue_listed", "queue", "ok", "state=waiting count=1"),
        ("person:ana", "queue_listed", "queue", "ok", "state=open category=fraud claimed=nobody overdue=1 count=0"),
        ("person:ana", "queue_listed", "queue", "ok", "search count=0"),
    ]


def test_a_row_says_in_words_what_its_colours_say(office: Office) -> None:
    office.deployment.file("grave", ago=timedelta(days=9))

    page = office.sign_in("ana").get("/console").text

    row = re.sub(r"<[^>]+>|\s+", " ", page[page.index("<tbody>") : page.index("</tbody>")])
    assert re.search(r"new .* critical .* Claim 8 d 23 h ago .* overdue .* Grave .* nobody .* security", row)


def test_what_was_seen_is_unread_again_once_it_changed(office: Office) -> None:
    reference = office.deployment.file("grave").reference
    browser = office.sign_in("ana")
    seen = []
    for statement in (
        "select 1",
        "insert into case_views select 'ana', reference, version from cases",
        "update cases set held_at = now(), held_by = 'ana'",
    ):
        office.deployment.run(statement) if statement != "select 1" else None
        page = browser.get("/console").text
        seen.append((listed(browser.get("/console", unread="1").text), "> new<" in page, "> changed<" in page))

    assert seen == [([reference], True, False), ([], False, False), ([reference], False, True)]


FIELDS = ("state", "severity", "category", "site", "team", "claimed", "unread", "overdue", "after")
NASTY = (MARKUP, SQL, f"{MARKED}'", f"waiting'-- {MARKED}", f"me {MARKED}", f'" onfocus="{MARKED}')


def test_a_filter_that_cannot_be_is_named_and_not_repeated(office: Office) -> None:
    office.deployment.file("fraud")
    browser = office.sign_in("ana")
    for name in FIELDS:
        for value in NASTY:
            answer = browser.get("/console", **{name: value})

            assert answer.status_code == 400
            assert re.search(r'role="alert">\s*<h2>Not as asked</h2>\s*<ul>\s*<li>', answer.text)
            assert name == "after" or f'href="#f-{name}"' in answer.text
            assert MARKED not in answer.text
            assert listed(answer.text) == []
    assert MARKED not in str(office.audit())


def test_what_was_searched_for_stays_in_its_field_as_text(office: Office) -> None:
    answer = office.sign_in("ana").get("/console", q=MARKUP)

    assert answer.status_code == 400
    assert MARKUP not in answer.text
    assert "&lt;b&gt;MARKED-7f3a&lt;/b&gt;" in answer.text
    assert 'aria-describedby="f-q-mistake"' in answer.text
    assert MARKED not in str(office.audit())


def test_no_value_of_any_field_makes_the_page_fail(office: Office) -> None:
    browser = office.sign_in("ana")
    asked = [(name, value) for name in (*FIELDS, "q", "other") for value in ODD]

    assert {browser.get("/console", **{name: value}).status_code for name, value in asked} <= {200, 400}


MADE_UP = (
    "0~0~CR-0000-0000-0000",
    "15~9223372036854775807~CR-ZZZZ-ZZZZ-ZZZZ",
    "15~-9223372036854775807~CR-ZZZZ-ZZZZ-ZZZZ",
    "0~9999999999999999999~CR-0000-0000-0000",
    "16~0~CR-0000-0000-0000",
    "0~0~CR-0000-0000-0000~0",
    "0~0~' or 1=1",
    "~~",
)


def test_a_made_up_page_shows_nothing_of_others(office: Office) -> None:
    office.deployment.file("other")
    browser = office.sign_in("lena")

    answers = [browser.get("/console", after=after) for after in MADE_UP]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 400, 400, 400, 400, 400]
    assert [listed(answer.text) for answer in answers] == [[]] * len(MADE_UP)


def test_another_teams_name_in_the_address_is_refused_like_one_that_does_not_exist(office: Office) -> None:
    office.deployment.file("other")
    browser = office.sign_in("lena")

    answers = [browser.get("/console", team=team) for team in ("security", "nowhere")]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert [listed(answer.text) for answer in answers] == [[], []]


def test_the_pages_follow_each_other_to_the_end(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched: fifty cases a page would take a test a minute.
    monkeypatch.setattr(queue, "PAGE", 2)
    filed = [office.deployment.file("fraud", ago=timedelta(minutes=9 - number)).reference for number in range(5)]
    browser = office.sign_in("ana")
    found, answer = [], browser.get("/console", category="fraud")
    for _ in range(3):
        found.append(listed(answer.text))
        following = re.search(r'href="/console\?([^"]+)" rel="next"', answer.text)
        if following is None:
            break
        answer = browser.get("/console", **dict(part.split("=") for part in _plain(following[1]).split("&")))

    assert found == [filed[:2], filed[2:4], filed[4:]]


def _plain(query: str) -> str:
    return query.replace("&amp;", "&").replace("%7E", "~")


def test_counts_come_as_numbers_and_leave_no_line(office: Office) -> None:
    office.deployment.file("grave")
    browser = office.sign_in("sven")
    before = len(office.audit())

    answer = browser.get("/console/counts")

    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.text) == {
        **dict.fromkeys(("high", "medium", "low", "overdue", "mine"), 0),
        "critical": 1,
        "nobody": 1,
    }
    assert len(office.audit()) == before


def test_counts_stop_where_nobody_works_by_the_number() -> None:
    assert [pages.counted_as(count) for count in (0, 99, 100)] == [0, 99, "99+"]


def test_the_next_case_is_claimed_and_led_to(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    browser = office.sign_in("ana")

    answers = [browser.post("/console/next") for _ in range(2)]

    assert [answer.headers["location"] for answer in answers] == [
        f"/console/cases/{reference}?said=next_taken",
        "/console?said=nothing_waits",
    ]
    rows = office.deployment.rows("select claimed_by, claim_until > now() + interval '20 minutes' from cases")
    assert rows == [("ana", True)]


def save(browser: Browser, name: str, query: str) -> int:
    return browser.post("/console/views", name=name, query=query).status_code


def test_a_view_is_kept_shown_changed_and_forgotten(office: Office) -> None:
    browser = office.sign_in("ana")

    shown = browser.follow(browser.post("/console/views", name="Mine, late", query="overdue=1&claimed=me")).text
    save(browser, "Mine, late", "severity=critical")
    changed = office.deployment.rows("select handle, name, query from saved_views")
    gone = browser.follow(browser.post("/console/views", name="Mine, late", forget="1")).text

    assert '<a class="button second" href="/console?claimed=me&amp;overdue=1" aria-current=page>Mine, late</a>' in shown
    assert changed == [("ana", "Mine, late", "severity=critical")]
    assert "Mine, late" not in gone


def test_nobody_sees_or_forgets_the_views_of_others(office: Office) -> None:
    save(office.sign_in("ana"), MARKED, "overdue=1")
    other = office.sign_in("sven")

    page = other.follow(other.post("/console/views", name=MARKED, forget="1")).text

    assert MARKED not in page
    assert office.deployment.rows("select handle from saved_views") == [("ana",)]


def test_a_view_keeps_what_the_queue_understands_and_nothing_else(office: Office) -> None:
    browser = office.sign_in("ana")

    codes = [save(browser, "a", query) for query in ("evil=1&overdue=1&after=0~0~CR-0000-0000-0000&q=x", "state=evil")]

    assert codes == [303, 403]
    assert office.deployment.rows("select query from saved_views") == [("overdue=1",)]


def test_a_views_name_is_text_wherever_it_is_shown(office: Office) -> None:
    browser = office.sign_in("ana")
    save(browser, MARKUP, "overdue=1")

    page = browser.get("/console").text

    assert MARKUP not in page
    assert page.count("&lt;b&gt;MARKED-7f3a&lt;/b&gt;") == 3
    assert MARKED not in str(office.audit())


def test_a_name_that_does_not_fit_is_kept_in_its_field(office: Office) -> None:
    browser = office.sign_in("ana")

    answers = [browser.post("/console/views", name=name, query="overdue=1") for name in ("", "x" * 41, "a\nb")]

    assert [answer.status_code for answer in answers] == [400] * 3
    assert all('aria-describedby="f-name-mistake"' in answer.text for answer in answers)
    assert f'value="{"x" * 41}"' in answers[1].text
    assert office.deployment.rows("select * from saved_views") == []


def test_nobody_keeps_more_views_than_fit_a_page(office: Office) -> None:
    browser = office.sign_in("ana")
    office.deployment.run("insert into saved_views select 'ana', 'v' || n, '' from generate_series(1, 30) n")

    codes = [save(browser, name, "overdue=1") for name in ("one more", "v7")]

    assert codes == [400, 303]


def test_an_empty_queue_says_why_it_is_empty(office: Office) -> None:
    browser = office.sign_in("ana")
    told = [
        browser.get("/console").text,
        browser.get("/console", overdue="1").text,
        browser.get("/console", q="x").text,
    ]
    office.deployment.run("insert into suspended_teams (handle, team) values ('sven', 'security')")
    told.append(office.sign_in("sven").get("/console").text)

    for page, words in zip(told, ("Nothing waits", "None fits", "Not found", "No team"), strict=True):
        assert f"<h2>{words}</h2>" in page


def test_the_queue_works_while_no_policy_can_be_read(office: Office) -> None:
    reference = office.deployment.file("fraud").reference
    office.deployment.run("update policies set policy = 'nonsense'")

    answer = office.sign_in("ana").get("/console")

    assert (answer.status_code, listed(answer.text)) == (200, [reference])


def test_who_reviews_no_more_is_given_no_case(office: Office) -> None:
    office.deployment.file("fraud")

    answer = office.sign_in("ana", Role.AUDITOR).post("/console/next")

    assert answer.status_code == 403
    assert office.deployment.rows("select claimed_by from cases") == [(None,)]
