"""What goes outside, as people do it: a machine or a person reports, a reviewer looks, two approve, one hands over.

Pictures of each step stand in var/screenshots, in each shape.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, expect

from router import clock
from router.vocabulary import Role
from tests.browser.looks import look
from tests.browser.staff import Staff, staff_of
from tests.running import running

APPROVERS = ("paul", "petra")
HASH = "7f3a" * 10
"""The SHA-1 of nothing."""


@dataclass
class Outside:
    """One deployment, what is wrong with the looks of its pages, and somebody who works on its cases."""

    staff: Staff
    name: str
    """In front of the names of its pictures."""
    page: Page
    """Of rosa, who reviews."""
    wrong: list[str] = field(default_factory=list)

    def machine_reports(self, **facts: Any) -> str:
        """File a concern as an agent on people's computers does; return its reference."""
        token = self.staff.product.cli_json("clients", "add", "endpoint-agent")["token"]
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": os.urandom(16).hex()}
        answer = httpx2.post(f"{self.staff.product.url}/api/v1/concerns", json=facts, headers=headers)
        assert answer.status_code == httpx2.codes.CREATED, answer.text
        return str(answer.json()["reference"])

    def look(self, what: str, page: Page | None = None) -> None:
        """Take pictures of the page, of rosa's if none is named, and note what is wrong with it."""
        self.wrong += look(page or self.page, f"{self.name}-{what}")

    def case(self, reference: str) -> str:
        """Show the case to rosa; return what its part on outside bodies says."""
        self.page.goto(f"/console/cases/{reference}")
        return self.page.locator("#outside").inner_text()

    def drafts(self, reference: str) -> dict[str, str]:
        """Return the case's drafts that wait for approvals, by channel."""
        query = "select channel, id from referrals where reference = :reference and state = 'draft'"
        return {str(row[0]): str(row[1]) for row in self.staff.rows(query, reference=reference)}

    def approved(self, channel: str, draft: str) -> str:
        """Let two people approve the draft, with pictures; return what the first one read before."""
        said = ""
        for number, handle in enumerate(APPROVERS, 1):
            page = self.staff.signed_in(handle, Role.APPROVER)
            page.goto(f"/console/approvals/{draft}")
            said = said or page.locator("main").inner_text()
            page.get_by_label("Why it may go out").fill("compared with the case: what they need, and no more")
            self.look(f"{channel}-approval-{number}", page)
            page.get_by_role("button", name="Approve").click()
            expect(page.get_by_role("status").first).to_be_visible()
            page.context.close()
        return said

    def becomes(self, referral: str, *states: str, within_s: float = 60) -> str:
        """Wait until the referral is in one of these states; return which."""
        ends = time.monotonic() + within_s
        while True:
            [(state, outcome)] = self.staff.rows("select state, outcome from referrals where id = :id", id=referral)
            if state in states:
                return str(state)
            assert time.monotonic() < ends, (state, outcome)
            time.sleep(0.1)

    def handed_over(self, channel: str, referral: str, *, theirs: str, desk: str = "") -> str:
        """Hand over what lies before people and record it, as rosa; return what the sheet said."""
        self.becomes(referral, "in_hand")
        self.page.goto("/console/handovers")
        self.look("handovers")
        self.page.locator(f"a[href='/console/handovers/{referral}']").click()
        sheet = self.page.locator("main").inner_text()
        self.look(f"{channel}-sheet")
        sheets = self.page.url
        self.page.goto(f"{sheets}?print=1")
        self.page.emulate_media(media="print")
        self.look(f"{channel}-paper")
        self.page.emulate_media(media="screen")
        self.page.goto(sheets)
        now = clock.now()
        self.page.get_by_label("Their reference").fill(theirs)
        self.page.get_by_label("Which desk or station").fill(desk)
        self.page.get_by_label("Day").fill(f"{now:%Y-%m-%d}")
        self.page.get_by_label("Time").fill(f"{now:%H:%M}")
        self.page.get_by_role("button", name="Record it").click()
        expect(self.page.get_by_role("heading", name="Recorded")).to_be_visible()
        self.look(f"{channel}-recorded")
        return sheet

    def kept(self, reference: str) -> list[str]:
        """Return what is kept, sealed, of what left: which part of which channel."""
        query = """
            select r.channel || ' ' || p.part from preserved p join referrals r on r.id = p.referral
            where r.reference = :reference order by 1"""
        return [row[0] for row in self.staff.rows(query, reference=reference)]

    def acts(self, reference: str) -> set[str]:
        """Return what was done with the case, looks included."""
        return {action for _, action, outcome in self.staff.audit(reference) if not outcome.startswith("refused")}

    def in_the_open(self, *words: str) -> list[str]:
        """Return what was printed, or written below the state directory, with one of `words` in it.

        Left out are the database's files, which hold facts, and the desks' own, which get theirs.
        """
        product = self.staff.product
        files = [one for one in product.state.rglob("*") if one.is_file()]
        files = [product.output, *(one for one in files if not {"postgres", "outbox"} & set(one.parts))]
        return [str(one) for one in files if any(word.encode() in one.read_bytes() for word in words)]


@contextmanager
def outside(root: Path, chromium: Browser, name: str, **env: str) -> Iterator[Outside]:
    """Yield a deployment of the configuration in `root/config`, with its people."""
    with running(root, env=env) as product, staff_of(product, chromium) as staff:
        staff.add("rosa", "security", "legal")
        staff.add("paul", "hr")
        staff.add("petra", "safety")
        page = staff.signed_in("rosa")
        staff.unlock(page, "rosa")
        yield Outside(staff, name, page)
        while staff.open_contexts:
            staff.open_contexts.pop().close()
