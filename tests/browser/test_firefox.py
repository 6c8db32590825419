"""A report in Debian's Firefox, with scripts and as in Tor Browser's safest mode, and what its disk keeps of it."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from router.reporter.languages import languages
from tests.browser import firefox, journey
from tests.browser.firefox import SAFEST, Preference
from tests.browser.looks import PICTURES
from tests.browser.staff import Staff
from tests.browser.team import Team
from tests.browser.visitors import InFirefox

pytestmark = pytest.mark.browser

WAYS: Mapping[str, Mapping[str, Preference]] = {"scripts": {}, "safest": SAFEST}
TYPED = (b"MARKED-7f3a", b"LT-4711")
CODE, HOUSE = "sv", "Northlight (example)"
NEUTRAL = re.compile(rf"/{CODE}/(report(/\d+|/check|/done)?|follow-up(/write)?|leave|away)")


@pytest.mark.parametrize("way", WAYS)
def test_from_the_first_page_to_the_closing_status_and_nothing_typed_is_left_on_the_disk(
    everybody: Staff, team: Team, tmp_path: Path, way: str
) -> None:
    if why := firefox.missing():
        pytest.skip(why)
    say, url = languages()[CODE].catalogue.gettext, f"{everybody.product.url}/{CODE}"

    with firefox.running(tmp_path, WAYS[way]) as fox:
        visitor = InFirefox(fox)
        receipt = journey.report(visitor, url, say)
        fox.picture(PICTURES / f"firefox-{way}-receipt.png")
        visitor.press(say("I have written it down"))
        case = team.newest()
        team.ask(case, journey.QUESTION)
        asked = journey.follow(visitor, url, say, receipt)
        answered = journey.answer(visitor, say)
        team.close(case)
        closed = journey.follow(visitor, url, say, receipt)
        visitor.press(say("Leave quickly"))
        left_to = visitor.address()

    assert journey.QUESTION in asked
    assert say("We have kept what you wrote. The team is told that there is something to read.") in answered
    assert say("Your report has been dealt with, and the case is closed.") in closed
    assert left_to == f"{url}/away"
    assert holding(tmp_path / "profile", (*TYPED, receipt.encode(), receipt[:9].encode())) == []
    # It would have been found: an address is.
    assert bool(holding(tmp_path / "profile", (b"/report/check",))) == (way == "scripts")
    kept = history(tmp_path / "profile", everybody.product.url)
    # Private windows, as in the safest mode, keep none.
    assert bool(kept) == (way == "scripts")
    assert [address for address, _ in kept if not NEUTRAL.fullmatch(address)] == []
    assert {title for _, title in kept} <= neutral_titles(say)


def holding(folder: Path, words: tuple[bytes, ...]) -> list[str]:
    """Return the files that hold one of `words`; where Firefox packs, a word stands as it is where it is new."""
    files = [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
    return [str(file.relative_to(folder)) for file in files if any(word in file.read_bytes() for word in words)]


def history(profile: Path, url: str) -> list[tuple[str, str]]:
    """Return path and title of each of our pages that Firefox's history has."""
    with closing(sqlite3.connect(f"file:{profile / 'places.sqlite'}?mode=ro", uri=True)) as places:
        found = places.execute("select url, title from moz_places where url like ?", (f"{url}%",)).fetchall()
    return [(address.removeprefix(url), title or "") for address, title in found]


def neutral_titles(say: Callable[[str], str]) -> set[str]:
    """Return the titles that pages may have: nothing of an answer, of a category or of how a case stands."""
    pages = {say(page) for page in ("Report a concern", "Check your answers", "Done", "Follow up")}
    pages |= {say("Step %(number)s") % {"number": number} for number in range(1, 16)}
    return {"", say("Blank page"), *(f"{page} - {HOUSE}" for page in pages)}
