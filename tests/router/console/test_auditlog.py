"""The audit's pages: every look is a line, filters find, nothing typed leaves but ids, and the copy verifies."""

import json
import re
from html import unescape
from urllib.parse import parse_qsl, urlsplit

import pytest

from router import secretfiles
from router.audit.checkpointfile import CheckpointFile
from router.chainer import Chainer
from router.console.auditing import NEWEST
from router.console.pages.auditlog import FINDINGS, LINES, OUTSIDE, VERDICTS
from router.model import AuditEntry
from router.store.audit import note
from router.store.engine import transaction
from router.vocabulary import Login, Role
from tests.conftest import Database
from tests.makers import login
from tests.router.console.pages import Browser, Office

AUDIT = "/console/audit"


def link_all(office: Office, database: Database) -> None:
    """Let the chainer link and sign what is there."""
    key = secretfiles.audit_signing_key(office.settings.secrets_path)
    with login(database, Login.CHAINER) as engine:
        chainer = Chainer(engine, key, CheckpointFile.below(office.settings.state_dir))
        while chainer.link_batch():
            pass


def tamper(office: Office, statement: str) -> None:
    office.deployment.run("alter table audit disable trigger user")
    office.deployment.run("alter table audit_checkpoints disable trigger user")
    office.deployment.run(statement)


def rows(text: str) -> list[list[str]]:
    """Return the cells of the list, without markup."""
    body = re.search(r"<tbody>(.*)</tbody>", text, re.DOTALL)
    found = re.findall(r"<tr>(.*?)</tr>", body[1] if body else "", re.DOTALL)
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
        for row in found
    ]


@pytest.fixture
def auditor(office: Office) -> Browser:
    return office.sign_in("lena", Role.AUDITOR)


def test_a_look_is_one_line_with_its_filter_and_count(office: Office, auditor: Browser) -> None:
    reference = office.deployment.file().reference
    before = len(office.audit())
    auditor.get(AUDIT, who="Ana", action="case_opened", about=reference, ended="refused", since="2026-01-31")

    assert office.audit()[before:] == [
        (
            "person:lena",
            "audit_listed",
            "audit",
            "ok",
            f"actor=person:ana action=case_opened object={reference} ended=refused since=2026-01-31 count=0",
        )
    ]


def test_who_did_and_saw_what_is_shown_refused_attempts_too(office: Office, auditor: Browser) -> None:
    reference = office.deployment.file("grave").reference
    office.sign_in("ana").get(f"/console/cases/{reference}")
    office.sign_in("sven", Role.AUDITOR).get(f"/console/cases/{reference}")
    shown = rows(auditor.get(AUDIT).text)

    acts = [cells[2:6] for cells in shown]
    assert ["person:ana", "case viewed", reference, "ok"] in acts
    refusal = ["person:sven", "page refused", "/console/cases/{reference}"]
    assert any(cells[:3] == refusal and "refused role missing" in cells[3] for cells in acts)
    assert not re.search(rf'href="[^"]*cases/{reference}', auditor.get(AUDIT).text)


def test_filters_are_kept_from_page_to_page(office: Office, auditor: Browser) -> None:
    with transaction(office.deployment.intake) as connection:
        note(connection, [AuditEntry("clock", "tested", f"CR-{n}") for n in range(LINES + 5)])
        note(connection, [AuditEntry("clock", "other", "CR-x")])
    first = auditor.get(AUDIT, who="clock", action="tested").text
    further = re.search(r'<a href="([^"]*)" rel="next"', first)
    assert further
    second = auditor.get(AUDIT, **dict(parse_qsl(urlsplit(unescape(further[1])).query))).text

    assert [cells[4] for cells in rows(first) + rows(second)] == [f"CR-{n}" for n in reversed(range(LINES + 5))]
    assert 'rel="next"' not in second


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("who", "MARKED 7f3a <b>"),
        ("who", "person:" + "x" * 80),
        ("action", "MARKED-7f3a"),
        ("about", "MARKED 7f3a"),
        ("ended", "MARKED-7f3a"),
        ("since", "MARKED-7f3a"),
        ("until", "0001-01-01"),
        ("until", "9999-12-31"),
    ],
)
def test_what_cannot_be_meant_is_said_at_its_field_and_kept(
    office: Office, auditor: Browser, field: str, given: str
) -> None:
    before = len(office.audit())
    answer = auditor.get(AUDIT, **{field: given})

    assert answer.status_code == 422
    assert f'aria-describedby="{field}-mistake"' in answer.text
    assert "<b>" not in answer.text
    if field in {"who", "about", "since", "until"}:
        assert given.replace("<b>", "&lt;b&gt;") in answer.text
    assert office.audit()[before:] == []


def test_what_somebody_types_as_an_object_is_not_noted_unless_it_is_a_reference(
    office: Office, auditor: Browser
) -> None:
    auditor.get(AUDIT, about="MARKED-7f3a", before="1' or 1=1")

    assert office.audit()[-1][4] == "object=given count=0"


def test_a_line_is_shown_as_text_whatever_is_in_it(office: Office, auditor: Browser) -> None:
    with transaction(office.deployment.intake) as connection:
        note(connection, [AuditEntry("<b>MARKED-7f3a", "<b>", '"><b>', "refused_<b>", "<b>")])
    text = auditor.get(AUDIT).text

    assert "MARKED-7f3a" in text
    assert "<b>" not in text


def test_what_vouches_for_the_audit_is_said(office: Office, auditor: Browser, database: Database) -> None:
    assert VERDICTS["unsigned"][2] in auditor.get(AUDIT).text
    link_all(office, database)
    text = auditor.get(AUDIT).text

    assert VERDICTS["signed"][2] in text
    assert 'role="status"' not in text
    assert OUTSIDE["same"][2] in text


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("delete from audit where seq = (select max(seq) from audit)", VERDICTS["contradicts"]),
        ("delete from audit where seq = (select max(seq) from audit)", OUTSIDE["cut_off"]),
        ("update audit set hash = sha256('x') where seq = (select max(seq) from audit)", OUTSIDE["other"]),
        ("update audit_checkpoints set signature = 'x'", VERDICTS["forged"]),
    ],
)
def test_a_chain_that_its_signatures_contradict_is_said(
    office: Office, auditor: Browser, database: Database, statement: str, said: tuple[str, str, str]
) -> None:
    auditor.get(AUDIT)
    link_all(office, database)
    tamper(office, statement)

    assert said[2] in auditor.get(AUDIT).text


def test_a_damaged_copy_of_checkpoints_and_a_missing_key_are_said(
    office: Office, auditor: Browser, database: Database
) -> None:
    auditor.get(AUDIT)
    link_all(office, database)
    CheckpointFile.below(office.settings.state_dir).path.write_text("MARKED-7f3a\n")
    (office.settings.secrets_path / secretfiles.AUDIT_PUBLIC).unlink()
    text = auditor.get(AUDIT).text

    assert OUTSIDE["damaged"][2] in text
    assert VERDICTS["key_missing"][2] in text
    assert "MARKED-7f3a" not in text
    assert auditor.post(f"{AUDIT}/check").status_code == 403
    assert office.audit()[-1][1:4] == ("audit_checked", "audit", "failed_key_missing")


def test_a_check_looks_at_every_line_and_is_one_itself(office: Office, auditor: Browser, database: Database) -> None:
    for _ in range(3):
        auditor.get(AUDIT)
    link_all(office, database)
    sound = auditor.post(f"{AUDIT}/check").text
    line = office.audit()[-1]
    tamper(office, "update audit set actor = 'nobody' where seq = 2")
    found = auditor.post(f"{AUDIT}/check").text

    assert "nothing was changed" in sound
    assert line[:4] == ("person:lena", "audit_checked", "audit", "ok")
    assert re.fullmatch(r"lines=1-\d+ findings=0", line[4])
    assert "nothing was changed" not in found
    assert f"Line 2 {FINDINGS['line_changed']}" in found
    assert office.audit()[-1][3] == "failed_line_changed"


def test_a_check_begins_at_the_checkpoint_before_the_newest_lines(
    office: Office, auditor: Browser, database: Database
) -> None:
    office.deployment.run(
        "insert into audit (actor, action, object, outcome, detail)"
        " select 'reporter', 'case_received', 'CR-' || n, 'ok', '' from generate_series(1, :n) n",
        n=NEWEST + 1500,
    )
    link_all(office, database)
    shown = auditor.post(f"{AUDIT}/check").text

    first, last = map(int, re.findall(r"lines=(\d+)-(\d+) findings=0", office.audit()[-1][4])[0])
    assert last - NEWEST - 1000 < first <= last - NEWEST + 1
    assert f"the signature on line {first - 1:,} vouches" in shown


def test_a_copy_is_the_whole_chain_and_a_line_of_it(office: Office, auditor: Browser, database: Database) -> None:
    auditor.get(AUDIT)
    link_all(office, database)
    office.sign_in("ana").get("/console")
    answer = auditor.post(f"{AUDIT}/export")
    lines = [json.loads(line) for line in answer.text.splitlines()]

    assert office.audit()[-1] == ("person:lena", "audit_exported", "audit", "ok", "")
    assert re.fullmatch(r'attachment; filename="audit-\d{8}T\d{6}Z\.jsonl"', answer.headers["content-disposition"])
    assert answer.headers["cache-control"] == "no-store"
    assert list(lines[0]) == ["checkpoint"]
    linked = office.deployment.rows(
        "select seq, actor, action, object, outcome, detail from audit where seq > 0 order by 1"
    )
    assert [(x["seq"], x["actor"], x["action"], x["object"], x["outcome"], x["detail"]) for x in lines[1:]] == linked


def test_nobody_but_an_auditor_takes_a_copy_and_who_tried_is_known(office: Office) -> None:
    browser = office.sign_in("ana", *(set(Role) - {Role.AUDITOR}))
    answer = browser.post(f"{AUDIT}/export")

    assert answer.status_code == 403
    assert "content-disposition" not in answer.headers
    assert office.audit()[-1] == ("person:ana", "page_refused", f"{AUDIT}/export", "refused_role_missing", "POST")
