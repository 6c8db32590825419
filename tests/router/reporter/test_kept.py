"""Answers kept between two pages: for one browser, for an hour, for nobody else."""

import asyncio
import re
from collections.abc import Iterator
from functools import partial
from html import unescape
from io import StringIO

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from router.reporter.form import Typed
from router.reporter.guided.kept import Begun, Kept, Sent, Shelf
from router.reporter.guided.sending import Sending
from router.reporter.rendering import Visit
from router.store.engine import connect
from router.vocabulary import Login
from tests.router.reporter.test_pages import receipt_in
from tests.router.reporter.walker import ANSWERS, Part, Walker, asking, check_page, instead

ROWS = "select id, sealed from kept_answers order by id"
CASES = "select count(*) from cases"
TYPED = Begun(Typed({"narrative": "MARKED-7f3a"}, {"urgency": ("ongoing",)}), frozenset({"narrative"}), checking=True)


@pytest.fixture
def shelf(part: Part) -> Iterator[Shelf]:
    engine = connect(part.database.dsn(Login.INTAKE), process="test")
    part.run("truncate kept_answers")
    yield Shelf(engine, b"s" * 32, https=True)
    engine.dispose()


def found_by(shelf: Shelf, secret: bytes) -> Kept:
    """What is kept for the browser that was given `secret`."""
    given = shelf.give(Response(), secret).headers["set-cookie"].partition(";")[0]
    return asyncio.run(shelf.found(asking(given)))


def test_what_is_kept_opens_under_the_cookie_alone(part: Part, shelf: Shelf) -> None:
    mine, other = shelf.new_secret(), shelf.new_secret()
    shelf.change(mine, lambda _none: TYPED)

    found, foreign = found_by(shelf, mine), found_by(shelf, other)

    assert found == TYPED
    assert foreign is None
    row, sealed = map(bytes, part.rows(ROWS)[0])
    assert b"MARKED" not in sealed
    assert not {mine, other} & {row, sealed[:32], sealed[-32:]}
    assert "MARKED" not in repr(found)


def test_a_row_that_was_changed_or_put_in_anothers_place_is_taken_for_none(
    part: Part, shelf: Shelf, logged: StringIO
) -> None:
    mine, other = shelf.new_secret(), shelf.new_secret()
    shelf.change(mine, lambda _none: TYPED)
    shelf.change(other, lambda _none: TYPED)
    part.run("""
        with swapped as (select a.id, b.sealed from kept_answers a join kept_answers b on a.id <> b.id)
        update kept_answers k set sealed = s.sealed from swapped s where s.id = k.id""")

    found = [found_by(shelf, secret) for secret in (mine, other)]

    assert found == [None, None]
    assert "kept_answers_not_opened" in logged.getvalue()


def test_how_much_was_typed_does_not_show(part: Part, shelf: Shelf) -> None:
    for length in (0, 10, 500):
        typed = Begun(Typed({"narrative": "x" * length}))
        shelf.change(shelf.new_secret(), partial(instead, typed))

    assert len({len(sealed) for _, sealed in part.rows(ROWS)}) == 1


def test_after_an_hour_nothing_is_read_and_soon_nothing_is_there(part: Part, shelf: Shelf) -> None:
    secret = shelf.new_secret()
    shelf.change(secret, lambda _none: TYPED)
    lasts_s = part.rows("select extract(epoch from ends_at - clock_timestamp()) from kept_answers")[0][0]
    part.run("update kept_answers set ends_at = clock_timestamp()")

    found, kept = found_by(shelf, secret), part.rows(ROWS)
    shelf.forget()

    assert 3590 < lasts_s <= 3600
    assert found is None
    assert kept
    assert not part.rows(ROWS)


def test_while_unsent_answers_fill_the_disk_nobody_begins_and_whoever_began_goes_on(
    part: Part, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: nobody fills half a gigabyte here."""
    shelf.change(shelf.new_secret(), lambda _none: TYPED)
    shelf.forget()
    room = shelf.full
    monkeypatch.setattr("router.reporter.guided.kept.MOST_BYTES", 1000)
    shelf.forget()
    full = shelf.full
    begun = Walker(part).walk("narrative")
    monkeypatch.setattr(Shelf, "full", property(lambda _shelf: True))
    late = Walker(part)
    late.say(category="fraud")
    begun.walk()

    assert (room, full) == (False, True)
    assert 'action="/en/report"' in late.text
    assert re.search(r'value="fraud"\s+selected', late.text)
    assert begun.path == "/report/check"


def test_what_was_sent_is_not_written_over_by_a_page_that_comes_late(shelf: Shelf) -> None:
    secret = shelf.new_secret()
    shelf.change(secret, lambda _none: Sent(b"{}"))

    assert shelf.change(secret, lambda _sent: TYPED) == Sent(b"{}")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites_and_goes_with_the_hour(shelf: Shelf) -> None:
    given = shelf.give(Response(), b"s" * 32).headers["set-cookie"]
    taken = shelf.take_back(Response()).headers["set-cookie"]

    assert given.startswith("__Host-pages=c3Nz")
    assert {"HttpOnly", "Max-Age=3600", "Path=/", "SameSite=strict", "Secure"} == set(given.split("; ")[1:])
    assert "Max-Age=0" in taken


def test_the_first_answer_makes_a_row_and_no_visit_does(part: Part) -> None:
    part.run("truncate kept_answers")
    walker = Walker(part)
    walker.get("/report")
    walker.get("/report/1")
    before = part.rows(ROWS)
    walker.say(category="fraud")

    assert not before
    assert len(part.rows(ROWS)) == 1
    assert b"fraud" not in part.rows(ROWS)[0][1]
    assert "A report was begun in this browser" in walker.get("/report").text


def test_sent_twice_or_loaded_again_it_is_one_concern_and_the_same_receipt_until_it_is_written_down(part: Part) -> None:
    part.run("truncate kept_answers")
    walker = Walker(part).walk()
    before = part.rows(CASES)[0][0]
    shown = [walker.post("/report/check", go="on") for _ in range(2)]
    shown += [walker.get("/report/check"), walker.get("/report/3")]
    shown += [walker.post("/report/12", asked="narrative", go="on", narrative="late")]
    sealed = part.rows(ROWS)
    lasts_s = part.rows("select extract(epoch from ends_at - clock_timestamp()) from kept_answers")[0][0]
    start = walker.get("/report")
    done = walker.post("/report/done")

    assert part.rows(CASES)[0][0] == before + 1
    assert len({receipt_in(answer.text) for answer in shown}) == 1
    assert len(sealed) == 1
    assert 590 < lasts_s <= 600
    assert "Read the receipt" in start.text
    assert done.status_code == 200
    assert not part.rows(ROWS)
    assert not walker.http.cookies
    for gone in (walker.post("/report/check", go="on"), walker.get("/report/check")):
        assert gone.status_code == 410
        assert "If you were shown a receipt, your report is with us" in gone.text
        assert "Nothing was sent" not in gone.text
        check_page(gone.text)
    assert part.rows(CASES)[0][0] == before + 1


def test_whoever_begins_anew_finds_nothing_of_before(part: Part) -> None:
    walker = Walker(part).walk("narrative")

    walker.post("/report/done", go="anew")

    assert walker.path == "/report/1"
    assert "checked" not in walker.text
    assert "was begun" not in walker.get("/report").text


def test_the_quick_way_out_forgets_everything_behind_it(part: Part) -> None:
    part.run("truncate kept_answers")
    walker = Walker(part).walk("narrative")

    left = walker.get("/leave", follow_redirects=False)

    assert left.status_code == 303
    assert left.headers["location"] == "/en/away"
    assert not part.rows(ROWS)
    assert not walker.http.cookies


def carried(walker: Walker) -> dict[str, list[str]]:
    """What the form of the page that shows the answers carries."""
    form = walker.text[walker.text.index('/report/check" accept-charset') :]
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form):
        found.setdefault(name, []).append(unescape(value))
    return found


@pytest.mark.parametrize("cookie", [True, False])
def test_answers_that_were_shown_to_be_checked_are_sent_even_when_nothing_is_kept_any_more(
    part: Part, *, cookie: bool
) -> None:
    walker = Walker(part).walk()
    usual, asked = carried(walker), walker.text
    check_page(asked)
    part.run("truncate kept_answers")
    if not cookie:
        walker.http.cookies.clear()
    before = part.rows(CASES)[0][0]

    sent = [walker.post("/report/check", go="on", **usual) for _ in range(2)]

    assert [answer.status_code for answer in sent] == [201, 201]
    assert len({receipt_in(answer.text) for answer in sent}) == 1
    assert part.rows(CASES)[0][0] == before + 1
    facts = part.rows("select facts from cases order by received_at desc limit 1")[0][0]
    assert (facts["site"], facts["urgency"]) == ("plant", ["ongoing", "child_in_immediate_danger"])
    assert usual["narrative"] == [ANSWERS["narrative"]["narrative"]]


def test_the_database_that_crashes_after_the_commit_costs_neither_the_receipt_nor_makes_a_second_concern(
    part: Part,
) -> None:
    walker = Walker(part).walk()
    page = carried(walker)
    before = part.rows(CASES)[0][0]

    kept = walker.post("/report/check", go="on", **page)
    part.run("truncate kept_answers")
    again = walker.post("/report/check", go="on", **page)

    assert receipt_in(kept.text) == receipt_in(again.text)
    assert part.rows(CASES)[0][0] == before + 1


def test_a_crash_of_the_database_while_a_report_is_sent_loses_none_of_it_and_makes_one_concern(part: Part) -> None:
    walker = Walker(part).walk()
    page = carried(walker)
    before = part.rows(CASES)[0][0]
    part.run("alter role intake connection limit 0")
    part.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'intake'")
    try:
        busy = walker.post("/report/check", go="on", **page)
        again = carried(walker)
    finally:
        part.run("truncate kept_answers")
        part.run("alter role intake connection limit -1")
    back = walker.post("/report/check", go="back", **again)
    walker.say(**ANSWERS["contact"])
    last = walker.path
    sent = walker.post("/report/check", go="on")

    assert busy.status_code == 503
    assert again == page
    assert "MARKED-7f3a story" in busy.text
    assert "MARKED-7f3a name" in back.text
    assert last == "/report/check"
    assert sent.status_code == 201
    assert part.rows(CASES)[0][0] == before + 1


def test_material_in_what_a_page_is_said_to_carry_goes_back_to_nobody(part: Part) -> None:
    walker = Walker(part).walk()
    page = carried(walker) | {"narrative": ["data:image/png;base64,TUFSS0VE"]}
    part.run("truncate kept_answers")

    sent = walker.post("/report/check", go="on", **page)

    assert sent.status_code == 410
    assert "TUFSS0VE" not in sent.text


def test_whoever_leaves_while_the_report_is_sent_finds_no_receipt_of_it_here(
    part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: the moment between the commit and the answer, in which the other tab leaves."""
    part.run("truncate kept_answers")
    walker = Walker(part).walk()
    tab = TestClient(part.app, cookies=walker.http.cookies, follow_redirects=False)
    answered = Sending._sent

    async def leaving(self: Sending, visit: Visit, answer: bytes) -> Response:
        await asyncio.to_thread(tab.get, "/leave")
        return await answered(self, visit, answer)

    monkeypatch.setattr(Sending, "_sent", leaving)
    sent = walker.post("/report/check", go="on")

    assert receipt_in(sent.text), "who is still there sees it"
    assert not part.rows(ROWS)
    assert not walker.http.cookies
