"""From a match on a USB stick in Sweden to the police: found by a machine, approved by two, handed over by a person."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from router import clock
from tests.browser.outsides import HASH, outside
from tests.configs import shipped

pytestmark = pytest.mark.browser


def test_what_a_machine_finds_on_a_usb_stick_in_sweden_is_handed_to_the_police(
    tmp_path: Path, chromium: Browser
) -> None:
    shipped(tmp_path / "config")
    found = (clock.now() - timedelta(days=5)).isoformat()
    with outside(tmp_path, chromium, "device") as there:
        reference = there.machine_reports(
            category="csam_suspected",
            noticed_how="endpoint_hash_match",
            where_found="removable_usb",
            site="headquarters",
            verdict_source="hash_list",
            hashes=[{"algorithm": "sha1", "value": HASH}],
            asset_tag="LT-4711",
            occurred_at=found,
            noticed_at=found,
        )
        drafts = there.drafts(reference)
        draft = drafts["police-handover"]
        said = there.case(reference)
        there.look("case")
        read = there.approved("police", draft)
        sheet = there.handed_over("police", draft, theirs="0201-K123456-26", desk="Stockholm City")
        after = there.case(reference)
        there.look("case-after")
        there.page.get_by_role("link", name="police-handover 1").last.click()
        there.look("trail")
        there.case(reference)
        there.page.get_by_role("link", name="Why did this go there?").click()
        explained = there.page.locator("main").inner_text()
        there.look("why")
        shown = there.staff.product.cli_json("deliveries", "show", reference)

        assert there.wrong == []
        assert set(drafts) == {"police-handover"}
        for words in (said, read, sheet):
            assert "Swedish Police" in words
            assert "What is found on a device is for the police" in words
            assert "TLP:RED" in words
        assert "Ett USB-minne" in sheet
        assert "0201-K123456-26" in after
        assert "police-handover leads to se_police: the bodies of SE, where its site is, are asked" in explained
        assert "children-known-file" in explained
        assert there.becomes(draft, "sent") == "sent"
        assert "0201-K123456-26" in str(shown)
        assert there.kept(reference) == ["police-handover document", "police-handover receipt"]
        assert {"draft_approved", "draft_released"} <= there.acts(reference)
        assert there.staff.product.cli("audit", "verify").returncode == 0
        assert there.in_the_open(HASH, "LT-4711", "0201-K123456-26") == []
