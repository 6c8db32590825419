"""What a team does with a report in these tests: somebody takes it, asks, and closes it, with the console's pages."""

from playwright.sync_api import Page, expect

from tests.browser.staff import Staff


class Team:
    """One signed-in reviewer who works on the newest case."""

    def __init__(self, staff: Staff, page: Page) -> None:
        self._staff = staff
        self._page = page

    def newest(self) -> str:
        """Return the reference of the case that came in last."""
        return str(self._staff.rows("select reference from cases order by received_at desc limit 1")[0][0])

    def ask(self, reference: str, question: str) -> None:
        """Take the case and write to the reporter."""
        self._page.goto(f"/console/cases/{reference}")
        self._page.get_by_role("button", name="Claim it").click()
        self._page.goto(f"/console/cases/{reference}/dialogue")
        self._page.get_by_label("Question").check()
        self._page.get_by_label("Message").fill(question)
        self._page.get_by_role("button", name="Send").click()
        expect(self._page.get_by_role("status").first).to_contain_text("Sent")

    def close(self, reference: str) -> None:
        self._page.goto(f"/console/cases/{reference}")
        self._page.get_by_label("Referred").check()
        self._page.get_by_role("button", name="Close the case").click()
        expect(self._page.get_by_role("status").first).to_contain_text("closed")
