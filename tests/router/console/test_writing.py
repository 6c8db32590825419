"""The pages that staff write on: notes, tasks, messages. Used as a browser without scripts would use them."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from html import unescape

import pytest

from router.console.behalf import MOST_UNUSED
from router.reporter import receipts
from router.store import byreceipt
from router.store.engine import transaction
from router.vault.receipt import receipt_holder
from router.vocabulary import Role
from tests.router.console.deployments import SECRET
from tests.router.console.pages import Browser, Office
from tests.router.reporter.test_pages import Page

WORDS = "MARKED-7f3a <b>words</b>"


def case(office: Office, category: str = "other", *, receipt: bool = True) -> tuple[str, str]:
    """Return the address of a case, and its receipt."""
    code, key = receipts.issue(SECRET)
    return f"/console/cases/{office.deployment.file(category, receipt=key if receipt else None).reference}", code


def reader(office: Office, handle: str = "ana") -> Browser:
    browser = office.sign_in(handle, Role.REVIEWER)
    office.unlock(browser, handle)
    return browser


def told(office: Office, code: str) -> list[str]:
    holder = receipt_holder(code, SECRET)
    assert holder
    with transaction(office.deployment.intake) as connection:
        found = byreceipt.dialogue(connection, holder.lookup)
    return [holder.message(one.reference, one.sealed) for one in found if one.sealed]


def shown(text: str) -> list[str]:
    """Return what stands in the veiled texts of a page."""
    return [unescape(found) for found in re.findall(r"<pre>(.*?)</pre>", text, re.DOTALL)]


def actions(office: Office) -> list[tuple[str, str, str]]:
    return [(actor, action, outcome) for actor, action, _about, outcome, _detail in office.audit()]


@pytest.mark.parametrize("page", ["notes", "dialogue"])
def test_what_is_sealed_asks_for_the_passphrase_and_leads_back(office: Office, page: str) -> None:
    address, _code = case(office)
    browser = office.sign_in("ana", Role.REVIEWER)

    answer = browser.get(f"{address}/{page}")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/unlock?next=")
    assert not any(action.endswith("_opened") for _actor, action, _outcome in actions(office))


def test_a_note_needs_no_passphrase_and_comes_back_as_text(office: Office) -> None:
    address, _code = case(office)
    writer, other = office.sign_in("ana", Role.REVIEWER), reader(office, "sven")

    kept = writer.post(f"{address}/notes", text=WORDS, assigned_to="", due="", back="case")
    page = other.get(f"{address}/notes")

    assert kept.headers["location"] == f"{address}?said=note_written#notes"
    assert shown(page.text) == [WORDS]
    assert "<b>" not in page.text
    assert ("person:sven", "notes_opened", "ok") in actions(office)


def test_the_case_page_counts_notes_and_shows_no_word_of_them(office: Office) -> None:
    address, _code = case(office)
    browser = reader(office)
    browser.post(f"{address}/notes", text=WORDS, assigned_to="sven", due="2999-01-31", back="case")
    browser.post(f"{address}/dialogue", kind="question", text=WORDS, after="0")

    page = browser.get(address).text

    assert "MARKED" not in page
    assert "Open 1 note" in page
    assert "1 message, sealed" in page
    assert re.search(r"Task \d+</th>\s*<td>sven</td>", page)


def test_a_task_is_found_by_whom_it_is_for_and_done_once(office: Office) -> None:
    address, _code = case(office)
    ana, sven = office.sign_in("ana", Role.REVIEWER), office.sign_in("sven", Role.REVIEWER)
    ana.post(f"{address}/notes", text=WORDS, assigned_to="sven", due="2999-01-31", back="case")
    [(number,)] = office.deployment.rows("select id from case_notes")

    mine, theirs = sven.get("/console/tasks").text, ana.get("/console/tasks").text
    done = [sven.post(f"{address}/notes/done", note=str(number)) for _ in range(2)]

    assert address in mine
    assert "Nothing to do" in theirs
    assert [answer.status_code for answer in done] == [303, 403]
    assert "Nothing to do" in sven.get("/console/tasks").text


def test_a_task_on_a_case_that_one_may_not_see_any_more_is_not_listed(office: Office) -> None:
    address, _code = case(office)
    ana, sven = office.sign_in("ana", Role.REVIEWER), office.sign_in("sven", Role.REVIEWER)
    ana.post(f"{address}/notes", text=WORDS, assigned_to="sven", due="", back="case")
    office.deployment.run("insert into recusals (reference, handle) select reference, 'sven' from cases")

    assert "Nothing to do" in sven.get("/console/tasks").text


def test_a_task_is_found_behind_any_number_that_one_may_not_see(office: Office) -> None:
    (lost, _), (address, _) = case(office), case(office)
    ana, sven = office.sign_in("ana", Role.REVIEWER), office.sign_in("sven", Role.REVIEWER)
    for on in (lost, address):
        ana.post(f"{on}/notes", text=WORDS, assigned_to="sven", due="", back="case")
    office.deployment.run(
        "insert into case_notes (reference, kind, written_by, suite, blob, assigned_to, due_at)"
        " select reference, kind, written_by, suite, blob, assigned_to, now() from case_notes, generate_series(1, 100)"
        " where reference = :lost",
        lost=lost[-17:],
    )
    office.deployment.run("insert into recusals (reference, handle) values (:lost, 'sven')", lost=lost[-17:])

    page = sven.get("/console/tasks").text

    assert address in page
    assert lost not in page


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("text", {"text": " "}),
        ("text", {"text": "data:image/png;base64,aaaaaaaaaaaaaaaaaaaaaaaa"}),
        ("text", {"text": "a" * 4001}),
        ("for", {"assigned_to": "lena"}),
        ("for", {"assigned_to": '"><b>x'}),
        ("due", {"assigned_to": "sven", "due": "2020-01-01"}),
        ("due", {"assigned_to": "sven", "due": "soon"}),
    ],
)
def test_what_is_wrong_with_a_note_is_named_and_what_was_typed_is_kept(
    office: Office, field: str, typed: dict[str, str]
) -> None:
    address, _code = case(office)
    browser = office.sign_in("ana", Role.REVIEWER)

    answer = browser.post(f"{address}/notes", {"text": "MARKED-7f3a kept", "assigned_to": "", "due": "", **typed})

    page = Page(answer.text)
    assert answer.status_code == 422
    assert f'href="#note-{field}"' in answer.text
    assert page.pointed_at <= set(page.ids)
    assert set(page.unlabelled) <= page.labelled
    assert typed.get("text", "MARKED-7f3a kept") in answer.text
    assert "<b>" not in answer.text
    assert office.deployment.rows("select from case_notes") == []


def test_a_message_reaches_the_holder_of_the_receipt_and_is_on_record(office: Office) -> None:
    address, code = case(office)
    browser = reader(office)
    page = Page(browser.get(f"{address}/dialogue").text)

    sent = browser.post(
        f"{address}/dialogue", kind="acknowledgement", text=WORDS, after=str(page.fields["after"]["value"])
    )

    assert sent.headers["location"] == f"{address}?said=acknowledgement_sent#dialogue"
    assert told(office, code) == [WORDS]
    assert shown(browser.get(f"{address}/dialogue").text) == [WORDS]
    assert "acknowledged" in browser.get(address).text
    assert office.deployment.rows("select acknowledged_at is not null from cases") == [(True,)]


def test_a_text_to_start_from_has_the_dates_of_the_case(office: Office) -> None:
    address, _code = case(office)
    browser = reader(office)

    page = browser.get(f"{address}/dialogue", start="received").text
    none = browser.get(f"{address}/dialogue", start='"><b>').text

    [(received,)] = office.deployment.rows("select received_at from cases")
    assert f"received your report on {received:%-d %B %Y}" in page
    assert re.search(r'value="acknowledgement"[^>]* checked', page)
    assert "<b>" not in none


def test_of_two_who_write_at_once_the_second_sees_what_the_first_wrote_and_loses_nothing(office: Office) -> None:
    address, code = case(office)
    ana, sven = reader(office), reader(office, "sven")
    ana.post(f"{address}/dialogue", kind="question", text="MARKED-7f3a first", after="0")

    late = sven.post(f"{address}/dialogue", kind="feedback", text="MARKED-7f3a second", after="0")
    again = Page(late.text)

    assert late.status_code == 409
    assert shown(late.text) == ["MARKED-7f3a first"]
    assert "\nMARKED-7f3a second</textarea>" in late.text
    assert re.search(r'value="feedback"[^>]* checked', late.text)
    assert told(office, code) == ["MARKED-7f3a first"]
    sven.post(f"{address}/dialogue", kind="feedback", text="second", after=str(again.fields["after"]["value"]))
    assert len(told(office, code)) == 2


def test_a_locked_session_loses_no_word_either(office: Office) -> None:
    address, code = case(office)
    ana, sven = reader(office), office.sign_in("sven", Role.REVIEWER)
    ana.post(f"{address}/dialogue", kind="question", text="MARKED-7f3a first", after="0")

    late = sven.post(f"{address}/dialogue", kind="feedback", text="MARKED-7f3a second", after="0")

    assert late.status_code == 409
    assert "MARKED-7f3a first" not in late.text
    assert "MARKED-7f3a second" in late.text
    assert len(told(office, code)) == 1


def test_an_ended_session_gives_back_what_was_typed_to_nobody_but_who_typed_it(office: Office) -> None:
    address, _code = case(office)
    browser = office.sign_in("ana", Role.REVIEWER)
    office.deployment.run("update console_sessions set ends_at = now() - interval '1 s'")

    ended = browser.post(f"{address}/notes", text=WORDS, assigned_to="", due="", back="case")
    elsewhere = office.client.post(
        f"{address}/notes",
        data={"text": WORDS, "form_token": browser.cookie.form_token},
        headers={"cookie": f"console={browser.cookie.token}", "sec-fetch-site": "cross-site"},
    )

    assert (ended.status_code, elsewhere.status_code) == (403, 403)
    assert "MARKED-7f3a &lt;b&gt;words" in ended.text
    assert "MARKED" not in elsewhere.text
    assert office.deployment.rows("select from case_notes") == []


def test_a_message_without_kind_or_words_is_not_sent(office: Office) -> None:
    address, code = case(office)
    browser = reader(office)

    for typed in ({"kind": "", "text": WORDS}, {"kind": "thanks", "text": WORDS}, {"kind": "question", "text": ""}):
        answer = browser.post(f"{address}/dialogue", {"after": "0", **typed})
        page = Page(answer.text)
        assert answer.status_code == 422
        assert page.pointed_at <= set(page.ids)

    assert told(office, code) == []


def test_a_case_of_a_system_has_nobody_to_write_to(office: Office) -> None:
    address, _code = case(office, receipt=False)
    browser = reader(office)

    page = browser.get(f"{address}/dialogue").text
    answer = browser.post(f"{address}/dialogue", kind="question", text=WORDS, after="0")

    assert "nobody to answer" in page
    assert "<textarea" not in page
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "form"),
    [
        ("GET", "notes", {}),
        ("GET", "dialogue", {}),
        ("POST", "notes", {"text": WORDS, "assigned_to": "", "due": "", "back": "case"}),
        ("POST", "notes/done", {"note": "1"}),
        ("POST", "dialogue", {"kind": "question", "text": WORDS, "after": "0"}),
    ],
)
def test_another_teams_case_is_neither_read_nor_written_on(
    office: Office, method: str, path: str, form: dict[str, str]
) -> None:
    address, _code = case(office)
    office.sign_in("ana", Role.REVIEWER).post(
        f"{address}/notes", text="theirs", assigned_to="sven", due="", back="case"
    )
    stranger = reader(office, "lena")

    answer = stranger.get(f"{address}/{path}") if method == "GET" else stranger.post(f"{address}/{path}", form)

    assert answer.status_code == 403
    assert ("person:lena", "refused_not_a_member") in {(actor, outcome) for actor, _action, outcome in actions(office)}
    assert len(office.deployment.rows("select from case_notes where done_at is null")) == 1
    assert office.deployment.rows("select from sealed_messages") == []


def test_a_task_of_another_case_is_not_done_from_here(office: Office) -> None:
    (mine, _), (other, _) = case(office), case(office)
    browser = office.sign_in("ana", Role.REVIEWER)
    browser.post(f"{other}/notes", text=WORDS, assigned_to="sven", due="", back="case")
    [(number,)] = office.deployment.rows("select id from case_notes")

    answers = [browser.post(f"{mine}/notes/done", note=note) for note in (str(number), "0", "-1", "9" * 30, "x")]

    assert {answer.status_code for answer in answers} == {403}
    assert office.deployment.rows("select done_at from case_notes") == [(None,)]


def test_older_notes_are_a_page_away(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    # Patched: a page of fifty takes long to fill.
    monkeypatch.setattr("router.console.notes.PAGE", 2)
    address, _code = case(office)
    browser = reader(office)
    for n in range(3):
        browser.post(f"{address}/notes", text=f"MARKED-7f3a {n}", assigned_to="", due="", back="notes")

    first = browser.get(f"{address}/notes").text
    before = re.search(r"\?before=(\d+)", first)
    assert before
    rest = browser.get(f"{address}/notes", before=before[1]).text

    assert (shown(first), shown(rest)) == (["MARKED-7f3a 2", "MARKED-7f3a 1"], ["MARKED-7f3a 0"])


def test_due_tasks_are_a_clock_with_words(office: Office) -> None:
    address, _code = case(office)
    browser = office.sign_in("ana", Role.REVIEWER)
    browser.post(f"{address}/notes", text=WORDS, assigned_to="ana", due="2999-01-31", back="case")
    office.deployment.run("update case_notes set due_at = now() - :ago", ago=timedelta(days=1, minutes=1))

    assert re.search(r'class="clock late"[^>]*>[^<]*1 d[^<]*ago<', browser.get("/console/tasks").text)


def test_no_word_that_was_typed_stands_in_an_address_or_in_the_audit_or_in_clear(office: Office) -> None:
    address, _code = case(office)
    browser = reader(office)
    typed = {"text": "MARKED-7f3a", "assigned_to": "", "due": "", "back": "case"}

    answers = [
        browser.post(f"{address}/notes", typed),
        browser.post(f"{address}/notes", {**typed, "back": "notes"}),
        browser.post(f"{address}/notes", {**typed, "assigned_to": "MARKED-7f3a"}),
        browser.post(f"{address}/dialogue", kind="question", text="MARKED-7f3a", after="0"),
        browser.post(f"{address}/dialogue", kind="MARKED-7f3a", text="MARKED-7f3a", after="MARKED-7f3a"),
        browser.get(f"{address}/notes"),
        browser.get(f"{address}/dialogue"),
    ]

    assert not any("MARKED" in answer.headers.get("location", "") for answer in answers)
    tables = office.deployment.rows("select tablename from pg_tables where schemaname = 'public'")
    stored = str([office.deployment.rows(f"select t::text from {table} t") for (table,) in tables])  # noqa: S608 - ours
    assert "MARKED" not in stored
    assert b"MARKED".hex() not in stored


def test_the_way_to_a_report_taken_down_is_shown_once_and_only_its_owner_ends_it(office: Office) -> None:
    ana, sven = office.sign_in("ana", Role.REVIEWER), office.sign_in("sven", Role.REVIEWER)

    made = ana.post("/console/behalf")
    found = re.search(r"/report/behalf\?link=([A-Za-z0-9_-]{43})", made.text)
    assert found
    sven.post("/console/behalf/end")

    assert made.status_code == 201
    assert found[1] not in ana.get("/console/behalf").text
    assert found[1] not in str(office.audit())
    assert office.deployment.rows("select handle from behalf_links") == [("ana",)]
    ana.post("/console/behalf/end")
    assert office.deployment.rows("select from behalf_links") == []
    assert ("person:ana", "behalf_link_made", "ok") in actions(office)


def test_nobody_has_more_than_a_few_links_open_by_asking_at_once(office: Office) -> None:
    browser = office.sign_in("ana", Role.REVIEWER)

    with ThreadPoolExecutor(8) as together:
        asked = [together.submit(browser.post, "/console/behalf") for _ in range(8)]
    made = [answer.result().status_code for answer in asked]

    assert sorted(made) == [201] * MOST_UNUSED + [409] * (8 - MOST_UNUSED)


def test_nobody_has_more_than_a_few_links_open(office: Office) -> None:
    browser = office.sign_in("ana", Role.REVIEWER)

    made = [browser.post("/console/behalf") for _ in range(4)]

    assert [answer.status_code for answer in made] == [201, 201, 201, 409]
    assert "End my unused links" in made[-1].text
    assert ("person:ana", "behalf_link_made", "refused_links_unused") in actions(office)
