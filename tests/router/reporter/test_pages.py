"""The reporters' pages, used as a browser without scripts would use them."""

import re
from enum import StrEnum
from html import unescape
from html.parser import HTMLParser
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from router import vocabulary
from router.reporter import words
from router.reporter.form import REPORT_FIELDS, ZONE
from router.settings import Settings
from router.web.refusals import GUIDANCE
from tests.configs import change_policy
from tests.conftest import Database
from tests.publicpart import Start, count

LEAST = {"category": "harassment", "noticed_how": "told_by_someone"}


class Page(HTMLParser):
    """What matters of a page: its fields, labels, ids and what they point to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, dict[str, str | None]] = {}
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.pointed_at: set[str] = set()
        self.tags: list[str] = []
        self.unlabelled: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label":
            self.labelled.add(str(given["for"]))
        for name in ("aria-describedby", "aria-labelledby"):
            self.pointed_at.update((given.get(name) or "").split())
        if (given.get("href") or "").startswith("#"):
            self.pointed_at.add(str(given["href"])[1:])
        if tag in {"input", "select", "textarea"} and given.get("type") != "hidden":
            self.unlabelled.append(str(given.get("id")))
        if given.get("name") and tag != "meta":
            self.fields[str(given["name"])] = given


def receipt_in(text: str) -> str:
    found = re.search(r">((?:[0-9A-Z]{4}-){5}[0-9A-Z]{4})<", text)
    assert found
    return found[1]


def test_a_report_takes_no_account_and_no_script_but_one_of_ours(public: TestClient, database: Database) -> None:
    text = public.get("/report/all").text
    page = Page(text)
    answer = public.post("/report", data={**LEAST, "key": str(page.fields["key"]["value"])})

    assert answer.status_code == 201
    assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/report.js" defer>']
    assert receipt_in(answer.text)
    assert count(database, "cases") == 1


@pytest.mark.parametrize("path", ["/report", "/report/all", "/follow-up"])
@pytest.mark.parametrize("sent", [None, {"category": "MARKED", "urgency": ["MARKED"], "url": "x"}])
def test_every_field_has_a_label_and_every_pointer_a_target(
    public: TestClient, path: str, sent: dict[str, Any] | None
) -> None:
    page = Page((public.post(path.removesuffix("/all"), data=sent) if sent else public.get(path)).text)

    assert set(page.unlabelled) <= page.labelled
    assert page.pointed_at <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))


def test_the_page_asks_what_it_takes_and_nothing_else(public: TestClient) -> None:
    assert set(Page(public.get("/report/all").text).fields) == REPORT_FIELDS - {"occurred_at"}


@pytest.mark.parametrize(
    ("labels", "values"),
    [
        (words.NOTICED_HOW, vocabulary.NoticedHow),
        (words.WHERE_FOUND, vocabulary.WhereFound),
        (words.URGENCY, vocabulary.Urgency),
        (words.EVIDENCE_STATE, vocabulary.EvidenceState),
        (words.INVOLVES, vocabulary.Involved),
    ],
)
def test_every_value_has_plain_words(labels: dict[str, str], values: type[StrEnum]) -> None:
    assert set(labels) == set(values)


@pytest.mark.parametrize(("path", "begin"), [("/report", 'href="/en/report/all"'), ("/report/all", "<form")])
def test_says_first_whom_to_call_what_to_do_and_what_not(public: TestClient, path: str, begin: str) -> None:
    text = public.get(path).text

    assert text.index("Call first") < text.index('href="tel:112"') < text.index("Do not open") < text.index(begin)
    for word in ("copy", "forward", "photograph", "print", "delete", "confront"):
        assert word in text[: text.index(begin)]


def test_what_is_wrong_is_listed_with_a_link_and_what_was_typed_is_kept(public: TestClient, database: Database) -> None:
    typed = {
        "category": "harassment",
        "where_found": "laptop",
        "urgency": ["ongoing", "live_now"],
        "occurred_at": "2999-01-01T10:00",
        ZONE: "+05:30",
        "url": "javascript:alert(1)",
        "asset_tag": "a/b",
        "narrative": '\r\nMARKED <script> & "quotes"',
        "contact": 'MARKED"><b>',
        "key": "k" * 16 + "0123456789abcdef",
    }
    answer = public.post("/report", data=typed)
    text = answer.text

    assert answer.status_code == 422
    assert answer.headers["cache-control"] == "no-store"
    summary = text[text.index("role=alert".replace("=", '="') + '"') : text.index("<h1>")]
    assert set(re.findall(r'href="#([a-z_]+)"', summary)) == {"noticed_how", "asset_tag"}
    assert "<script>" not in text
    assert "<b>" not in text
    assert unescape(text[text.index("<textarea") : text.index("</textarea>")]).endswith(
        '>\n\r\nMARKED <script> & "quotes"'
    )
    assert 'value="MARKED&#34;&gt;&lt;b&gt;"' in text
    for kept in (
        '"harassment" selected',
        '"laptop" selected',
        '"ongoing" checked',
        '"live_now" checked',
        '+05:30" selected',
    ):
        assert kept in text
    assert f'value="{typed["key"]}"' in text
    assert count(database, "cases") == 0


def test_a_wrong_time_and_address_are_told_once_the_rest_is_right(public: TestClient) -> None:
    text = public.post("/report", data={**LEAST, "occurred_at": "2999-01-01T10:00", ZONE: "+00:00", "url": "x"}).text

    assert words.plainly("time_in_future") in text
    assert words.plainly("url_refused") in text


def test_a_double_click_makes_one_concern(public: TestClient, database: Database) -> None:
    key = str(Page(public.get("/report/all").text).fields["key"]["value"])
    answers = [public.post("/report", data={**LEAST, "narrative": "a\r\nb", "key": key}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert receipt_in(answers[0].text) == receipt_in(answers[1].text)
    assert count(database, "cases") == 1


def test_a_page_sent_again_with_other_answers_can_be_sent_as_new(public: TestClient, database: Database) -> None:
    key = str(Page(public.get("/report/all").text).fields["key"]["value"])
    public.post("/report", data={**LEAST, "key": key})
    other = public.post("/report", data={**LEAST, "narrative": "other", "key": key})
    new_key = str(Page(other.text).fields["key"]["value"])
    answer = public.post("/report", data={**LEAST, "narrative": "other", "key": new_key})

    assert other.status_code == 409
    assert new_key != key
    assert answer.status_code == 201
    assert count(database, "cases") == 2


def test_the_receipt_leads_to_the_status_and_is_forgiving(public: TestClient) -> None:
    receipt = receipt_in(public.post("/report", data=LEAST).text)
    answer = public.post("/follow-up", data={"receipt": f" {receipt.lower().replace('-', ' ')} "})

    assert answer.status_code == 200
    assert "We have your report" in answer.text
    assert receipt not in answer.text


def test_the_reporter_is_told_when_somebody_was_allowed_to_learn_who_they_are(
    public: TestClient, database: Database
) -> None:
    receipt = receipt_in(public.post("/report", data=LEAST).text)
    asked = """
        insert into identity_requests (reference, asked_by, reason, expires_at, decided_by, decided_at, verdict)
        select reference, 'asker-7f3a', 'MARKED-7f3a', now(), 'decider-7f3a', '2026-11-05T10:00Z', %s from cases"""
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("insert into people (handle) values ('asker-7f3a'), ('decider-7f3a')")
        connection.execute(asked, ["refused"])
    before = public.post("/follow-up", data={"receipt": receipt}).text
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(asked, ["granted"])
    after = public.post("/follow-up", data={"receipt": receipt}).text

    assert "was allowed to" not in before
    assert re.search(r"was allowed to see how to reach you</dt>\s*<dd><time[^>]*>5 November 2026</time></dd>", after)
    assert "7f3a" not in after


def test_what_the_policy_says_to_reporters_stands_first_and_harmless(settings: Settings, start: Start) -> None:
    def say(policy: dict[str, Any]) -> None:
        policy.setdefault("sentences", {})["marked"] = 'MARKED & "quoted": call 112.'
        for route in policy["routes"]:
            route["say"] = ["marked"]

    change_policy(settings.config_dir, say)
    public = start()
    told = public.post("/report", data=LEAST).text
    page = Page(told)

    assert unescape(told[: told.index("<h1>")]).count('MARKED & "quoted": call 112.') == 1
    assert 'MARKED & "quoted"' not in told
    assert page.pointed_at <= set(page.ids)


def test_where_no_law_sets_times_none_are_promised(settings: Settings, start: Start) -> None:
    def move(policy: dict[str, Any]) -> None:
        policy["legal_profile"] = "us_employer"

    change_policy(settings.config_dir, move)
    public = start()
    answer = public.post("/report", data=LEAST)
    status = public.post("/follow-up", data={"receipt": receipt_in(answer.text)})

    assert answer.status_code == 201
    assert "None" not in answer.text + status.text
    assert words.plainly("internal_error") not in answer.text
    assert " by " not in answer.text[answer.text.index("What happens next") :]
    assert "at the latest" not in status.text


def test_every_wrong_receipt_gets_the_same_answer(public: TestClient) -> None:
    wrong = ["", "MARKED", "0000-0000-0000-0000-0000-0000", "ü" * 30, "' or 1=1 --"]
    answers = [public.post("/follow-up", data={"receipt": receipt}) for receipt in wrong]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


@pytest.mark.parametrize("path", ["/report", "/follow-up"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"narrative=%ff", "application/x-www-form-urlencoded", 400),
        (b"narrative=%zz", "application/x-www-form-urlencoded", 400),
        ("narrative=ü".encode(), "application/x-www-form-urlencoded", 400),
        (b"MARKED=1", "application/x-www-form-urlencoded", 422),
        (b"category=a&category=b", "application/x-www-form-urlencoded", 400),
        (b"category=a&" * 100, "application/x-www-form-urlencoded", 400),
        (b"narrative=" + b"a" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"{}", "application/json", 415),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
    ],
)
def test_a_malformed_form_is_refused_in_plain_words(
    public: TestClient, path: str, body: bytes, kind: str, status: int
) -> None:
    answer = public.post(path, content=body, headers={"Content-Type": kind})

    # A page that knows fewer fields refuses the rest by another rule.
    assert answer.status_code in ({status} if path == "/report" else {status, 400, 422})
    assert answer.headers["content-type"].startswith("text/html")
    assert 'role="alert"' in answer.text
    assert "MARKED" not in answer.text


@pytest.mark.parametrize("control", ["\x00", "\x01"])
def test_control_characters_in_a_form_are_refused_at_their_field(public: TestClient, control: str) -> None:
    answer = public.post("/report", data={**LEAST, "narrative": f"a{control}b", "asset_tag": "MARKED-7f3a"})

    assert answer.status_code == 422
    assert 'id="narrative-mistake"' in answer.text
    assert 'value="MARKED-7f3a"' in answer.text


def test_no_form_of_a_reporter_fails_on_a_nul(public: TestClient) -> None:
    names = (*LEAST, "key", "contact", "site")
    of_report = {public.post("/report", data={**LEAST, name: "a\x00b"}).status_code for name in names}

    assert of_report <= {201, 400, 422}
    assert public.post("/follow-up", data={"receipt": "a\x00b"}).status_code < 500


def test_every_code_has_plain_words() -> None:
    assert all(words.plainly(code) for code in GUIDANCE)


def test_the_sites_and_categories_are_those_of_the_policy(public: TestClient) -> None:
    text = public.get("/report/all").text

    assert 'value="csam_suspected"' in text
    assert text.count("<optgroup") >= 2


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_page_files_nothing_and_uses_up_nothing(start: Start, database: Database, site: str) -> None:
    public = start(anonymous_per_hour=1, wrong_receipts_per_hour=1)
    sent = {**LEAST, "narrative": "MARKED-7f3a", "key": "A-key-that-the-other-page-knows-1234"}
    elsewhere = {"Sec-Fetch-Site": site}

    refused = [public.post("/report", data=sent, headers=elsewhere) for _ in range(3)]
    refused += [public.post("/follow-up", data={"receipt": "wrong"}, headers=elsewhere) for _ in range(3)]

    assert {answer.status_code for answer in refused} == {403}
    page = Page(refused[0].text)
    assert "MARKED-7f3a" in refused[0].text
    assert page.fields["key"]["value"] != sent["key"]
    assert count(database, "cases") == 0
    assert public.post("/follow-up", data={"receipt": "wrong"}).status_code == 404
    assert public.post("/report", data=sent, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 201


def test_words_come_back_to_who_typed_them_but_material_to_nobody(public: TestClient) -> None:
    typed = {
        "category": "fraud",
        "noticed_how": "told_by_someone",
        "narrative": "data:image/png;base64,MARKED7f3aMARKED7f3a",
        "contact": "MARKED-7f3a kept",
    }

    answer = public.post("/report", data=typed)

    assert answer.status_code == 422
    assert "MARKED-7f3a kept" in answer.text
    assert "MARKED7f3a" not in answer.text


@pytest.mark.parametrize(
    "page", ["/report", "/report/1", "/report/all", "/follow-up", "/healthz", "/readyz", "/static/style.css"]
)
def test_probes_may_ask_with_head(public: TestClient, page: str) -> None:
    assert public.head(page).status_code == 200
