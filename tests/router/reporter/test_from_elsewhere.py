"""What other sites' links, guessing browsers, odd addresses and whoever comes after get of a report: nothing."""

import pytest

from tests.router.reporter.test_pages import receipt_in
from tests.router.reporter.walker import ANSWERS, Part, Walker

ELSEWHERE = {"sec-fetch-site": "cross-site"}
MATERIAL = "MARKED-7f3a data:image/png;base64,MARKED7f3a"


@pytest.fixture
def begun(part: Part) -> Walker:
    """Return a browser with a report that was begun; other sites' requests come without its cookie, as Strict says."""
    walker = Walker(part)
    walker.say(**ANSWERS["category"])
    return walker


def _as_led_here(walker: Walker, method: str, place: str) -> None:
    """Ask as a browser does that another site leads here: without the cookie, whose place an answer's can take."""
    kept = {cookie.name: str(cookie.value) for cookie in walker.http.cookies.jar}
    walker.http.cookies.clear()
    answer = walker.http.request(method, f"/en{place}", headers=ELSEWHERE, follow_redirects=False)
    answered = answer.headers.get_list("set-cookie")
    walker.http.cookies.clear()
    walker.http.cookies.update(kept)
    assert answer.status_code == 303
    assert answered == []


@pytest.mark.parametrize(
    ("method", "place"), [("GET", "/leave"), ("POST", "/report/done"), ("GET", "/report/1"), ("GET", "/report/3")]
)
def test_no_link_of_another_site_takes_the_answers_away(begun: Walker, method: str, place: str) -> None:
    _as_led_here(begun, method, place)

    assert begun.get("/report/1").text.count("checked") == 1


def test_a_browser_that_fetches_ahead_does_not_leave(begun: Walker) -> None:
    answer = begun.http.get("/en/leave", headers={"sec-purpose": "prefetch;prerender"}, follow_redirects=False)

    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers
    assert begun.get("/report/1").text.count("checked") == 1


def test_an_address_with_thousands_of_digits_is_none_of_ours(begun: Walker) -> None:
    answer = begun.http.get("/report/" + "9" * 5000)

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("cookies", [True, False])
@pytest.mark.parametrize("go", ["on", "again"])
def test_material_goes_back_to_nobody_where_nothing_of_a_report_is_left(part: Part, go: str, *, cookies: bool) -> None:
    walker = Walker(part, cookies=cookies)

    walker.post("/report/5", asked="narrative", narrative=MATERIAL, go=go)

    assert "MARKED" not in walker.text


@pytest.mark.parametrize(
    ("place", "said"), [("/report/5", {"asked": "narrative"}), ("/report", {}), ("/report/behalf", {})]
)
def test_material_goes_back_to_nobody_when_it_was_not_looked_at(part: Part, place: str, said: dict[str, str]) -> None:
    answer = Walker(part).http.post(place, data={**said, "narrative": MATERIAL}, headers=ELSEWHERE)

    assert answer.status_code == 403
    assert "MARKED" not in answer.text


def test_no_form_that_brings_the_receipt_again_stays_in_the_history(part: Part) -> None:
    walker = Walker(part).walk()

    walker.post("/report/check", go="on")

    # A browser keeps the address that it was led to, and the answers that were sent with the form no longer.
    assert [answer.status_code for answer in walker.shown.history] == [303]
    assert receipt_in(walker.text)
    assert receipt_in(walker.get("/report/check").text)
    walker.post("/report/done")
    assert walker.get("/report/check").status_code == 410
