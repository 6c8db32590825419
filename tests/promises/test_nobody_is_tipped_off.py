"""Whoever is involved learns of an outside matter by nothing that they can see: not that it is, nor that it went.

What an involved person can see is looked at before the concern came in and at each step until it is outside, and must
not have changed by a letter. `sven` is of the team that is said to be involved; `una` is the person named.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from sqlalchemy import Engine, event

from router import clock, secretfiles
from router.catalogue import parse_catalogue
from router.channels import mail, wording
from router.console import drafting, handing
from router.console.pages import PAGES
from router.intake.pager import Pager
from router.model import Referral
from router.reporter.following.standing import IN_WORDS, Stage, stage_of
from router.store import byreceipt, cases
from router.store.engine import transaction
from router.triage.policy import parse_policy
from router.vault.receipt import new_receipt, receipt_key
from router.vocabulary import Notice, Role
from tests.conftest import CHECKOUT, Database
from tests.router.channels.test_exchange import FULL
from tests.router.console.approvers import POLICE, Border, a_border, person
from tests.router.console.deployments import CHANNELS, POLICY, SECRET, Deployment
from tests.router.console.pages import Browser, Office, an_office

OUTSIDE = (
    "police: {kind: folder, scope: external, carries: [category, severity], path: d, page: security-desk,"
    " late_after: 1m}\n"
    "phone: {kind: folder, scope: internal, carries: [], readable_by: [security], path: e}"
)
WAYS = CHANNELS.replace(POLICE, OUTSIDE)
NOBODY = (clock.new_reference(), "0" * 32)
"""A case and a draft that are not there."""
_MOVES = re.compile(r'<time.*?</time>|data-now="[^"]*"', re.DOTALL)
STEPS = (
    "filed",
    "drafted",
    "approved by one",
    "approved",
    "sent",
    "late",
    "dead",
    "in hand",
    "handed over",
    "withdrawn",
    "closed",
)


@dataclass
class Matter:
    """A deployment with a border, its console, and whoever may know nothing."""

    border: Border
    office: Office
    sven: Browser
    una: Browser
    receipt: str
    reference: str = NOBODY[0]
    draft: str = NOBODY[1]

    @property
    def deployment(self) -> Deployment:
        return self.border.deployment

    def step(self, name: str) -> None:
        """Go one step further; the states that nothing here leads to are written."""
        border, run = self.border, partial(self.deployment.run, id=self.draft)
        match name:
            case "filed":
                key = receipt_key(self.receipt, SECRET)
                case = self.deployment.file("grave", receipt=key, involves=["security_team"], subject_handle="una")
                [draft] = border.drafts(case.reference)
                self.reference, self.draft = case.reference, draft.id
            case "drafted":
                drafting.tend(border.desk)
            case "approved by one" | "approved":
                [draft] = border.drafts(self.reference)
                border.approve(draft, "tom" if name == "approved by one" else "vera")
            case "sent":
                assert list(border.send()) == [f"{self.reference}.1.json"]
            case "late":
                run(
                    "update referrals set state = 'due', settled_at = null, first_due_at = now() - interval '2 hours'"
                    " where id = :id"
                )
            case "dead":
                run("update referrals set state = 'dead', settled_at = now(), outcome = 'declined' where id = :id")
            case "in hand":
                run("update referrals set state = 'in_hand', settled_at = null, outcome = null where id = :id")
                run("insert into handovers (referral, in_hand_at) values (:id, now() - interval '2 hours')")
            case "handed over":
                run("update referrals set state = 'sent', settled_at = now(), remote_id = 'K-1' where id = :id")
                run(
                    "update handovers set handed_over_at = now(), recorded_at = now(), recorded_by = 'lena',"
                    " body = 'se-police' where referral = :id"
                )
            case "withdrawn":
                run("update referrals set state = 'recalled', settled_at = now() where id = :id")
            case _:
                run(
                    "update cases set state = 'closed', outcome = 'referred', closed_at = now()"
                    " where reference = (select reference from referrals where id = :id)"
                )

    def page(self) -> None:
        """Let everybody look who tells people that something needs them."""
        policy = parse_policy(POLICY, WAYS)
        Pager(self.deployment.intake, lambda: policy, ring=lambda _: None).look()
        drafting.tend(self.border.desk)
        handing.tend(self.border.desk)


@pytest.fixture
def matter(database: Database, tmp_path: Path) -> Iterator[Matter]:
    secretfiles.make(tmp_path / "secrets")
    folders = {"secrets_dir": tmp_path / "secrets", "state_dir": tmp_path, "config_dir": CHECKOUT / "config"}
    with (
        a_border(database, tmp_path, channels=WAYS) as border,
        an_office(border.deployment, database, folders) as office,
    ):
        # Every office that somebody could have who may still know nothing of the case.
        sven = office.sign_in("sven", Role.REVIEWER, Role.APPROVER, Role.CUSTODIAN)
        person(border.deployment, "una")
        una = office.sign_in("una", Role.REVIEWER, Role.APPROVER, Role.CUSTODIAN)
        yield Matter(border, office, sven, una, new_receipt())


def everything(matter: Matter, browser: Browser) -> dict[str, str]:
    """Return what every page says to whom `browser` is, the case and its draft named as anybody could guess them."""
    names = {"referral": matter.draft, "reference": matter.reference, "channel": "police", "revision": "1"}
    shown = {}
    for page in PAGES:
        if page.method == "GET" and page.right is not None:
            path = page.path.format_map(_Named(names))
            for query in ({}, {"q": matter.reference, "reference": matter.reference, "channel": "police"}):
                answer = browser.get(path, **query)
                said = f"{answer.status_code} {answer.headers.get('location', '')} {answer.text}"
                for name, value in (("REFERENCE", matter.reference), ("DRAFT", matter.draft)):
                    said = said.replace(value, name)
                shown[f"{page.path} {'asked' if query else ''}"] = _MOVES.sub("", said)
    shown["/readyz"] = matter.office.client.get("/readyz").text
    return shown


class _Named(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "police" if name in {"handle", "team"} else "0" * 32


def test_no_page_tells_who_is_involved_of_anything_that_becomes_of_it(matter: Matter) -> None:
    seen = [(one, everything(matter, one)) for one in (matter.sven, matter.una)]

    for step in STEPS:
        matter.step(step)
        for browser, before in seen:
            now = everything(matter, browser)
            changed = {name for name in now if now[name] != before[name]}
            if step == "filed":
                # Whoever has its reference may know that there is a case which is none of theirs.
                changed = {name for name in changed if not name.startswith(("/console/cases/", "/console/routing/why"))}
            assert changed == set(), step
            before.update(now)


def test_nothing_is_sent_to_a_desk_of_theirs_whatever_goes_wrong_outside(matter: Matter) -> None:
    for step in STEPS[:-1]:
        matter.step(step)
        matter.page()

    said = matter.deployment.rows("select distinct notice from referrals where about = 'police'")
    wanted = {Notice.DRAFT_WAITS, Notice.DELIVERY_LATE, Notice.UNDELIVERABLE, Notice.HAND_OVER_WAITS}
    assert {Notice(notice) for (notice,) in said} == wanted
    readers = {name: channel.readable_by for name, channel in parse_catalogue(WAYS).channels.items()}
    desks = matter.deployment.rows("select distinct channel from referrals")
    assert {name for (name,) in desks if "security" in readers[name]} == set()


def test_no_counter_moves_for_what_leads_outside(matter: Matter) -> None:
    def about_outside() -> list[str]:
        return [line for line in generate_latest().decode().splitlines() if '"police"' in line]

    before = about_outside()
    for step in STEPS:
        matter.step(step)
        matter.page()
        assert about_outside() == before, step


def test_a_machine_that_filed_it_learns_nothing_of_outside(matter: Matter) -> None:
    matter.step("filed")
    matter.deployment.run("insert into clients values ('agent', 't', 1)")
    matter.deployment.run("update cases set client = 'agent' where reference = :r", r=matter.reference)
    answers = set()
    for step in STEPS[1:-1]:
        matter.step(step)
        with transaction(matter.deployment.intake) as connection:
            answers.add(cases.status_for_client(connection, matter.reference, "agent", outside={"police"}))

    assert len(answers) == 1


def test_the_reporter_is_told_no_more_than_that_it_was_referred(matter: Matter) -> None:
    key = receipt_key(matter.receipt, SECRET)
    assert key is not None
    stages = {}
    for step in STEPS[:5]:
        matter.step(step)
        with transaction(matter.deployment.intake) as connection:
            found = byreceipt.find(connection, key.lookup)
        assert found is not None
        stages[step] = stage_of(found, {"police"})

    assert stages.pop("sent") is Stage.REFERRED
    assert len(set(stages.values())) == 1
    words = IN_WORDS[Stage.REFERRED].lower()
    assert not [word for word in ("police", "hotline", "ncmec", "cybertip", "approv", "draft") if word in words]


def test_no_page_is_slower_for_what_it_does_not_show(matter: Matter) -> None:
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    def took(browser: Browser) -> dict[str, list[str]]:
        """Return the statements that each page needs which names no case."""
        needed = {}
        for page in PAGES:
            if page.method == "GET" and page.right is not None and "{" not in page.path:
                asked.clear()
                browser.get(page.path)
                needed[page.path] = list(asked)
        return needed

    event.listen(Engine, "before_cursor_execute", note)
    try:
        took(matter.sven)
        before = took(matter.sven)
        for step in STEPS[:4]:
            matter.step(step)
        after = took(matter.sven)
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert after == before


@pytest.mark.parametrize("notice", [None, *Notice])
def test_no_title_and_no_mail_says_anything_of_the_matter(notice: Notice | None) -> None:
    at = {"url": "smtp://mail.example.org", "look_at": "https://c.example.org"}
    settings = mail.Settings(**at, sender="a@example.org", to="b@example.org")
    bare = Referral(reference=NOBODY[0], notice=notice, about="police" if notice else None)
    full = Referral.model_validate({**bare.model_dump(), **{name: FULL[name] for name in FULL if name != "link"}})

    assert wording.title(full) == wording.title(bare)
    assert mail.render(settings, full, key="k") == mail.render(settings, bare, key="k")
