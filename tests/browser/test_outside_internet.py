"""From an address on the Internet to whom it is for: a person reports in the United Kingdom, another in the States.

CyberTipline is our stand-in for it, which holds what is sent to the documented contract.
"""

from pathlib import Path
from shutil import copy, copytree

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from tests.browser.outsides import Outside, outside
from tests.configs import SHIPPED
from tests.standins.cybertip import PASSWORD, REAL, USER, CybertipStandIn

pytestmark = pytest.mark.browser

URL = "https://example.org/MARKED-7f3a"
FACTS = {"where_found": "web_page", "site": "headquarters", "url": URL, "urgency": ["ongoing"]}


def test_an_address_reported_in_the_united_kingdom_is_handed_to_the_hotline_and_the_police(
    tmp_path: Path, chromium: Browser
) -> None:
    in_country(tmp_path, "uk")
    with outside(tmp_path, chromium, "uk") as there:
        reference, receipt = there.staff.report("csam_suspected", **FACTS)
        drafts = there.drafts(reference)
        said = there.case(reference)
        there.look("case")
        hotline, police = drafts["hotline-handover"], drafts["police-handover"]
        read = there.approved("hotline", hotline)
        there.approved("police", police)
        sheet = there.handed_over("hotline", hotline, theirs="IWF-4711")
        there.handed_over("police", police, theirs="CAD 4711/23", desk="Example station")
        there.case(reference)
        there.look("case-after")

        assert there.wrong == []
        assert set(drafts) == {"hotline-handover", "police-handover"}
        assert "Police of the place, United Kingdom" in said
        assert "What somebody did is for the police, wherever it was found" in said
        for words in (said, read, sheet):
            assert "Internet Watch Foundation" in words
            assert "What is on the Internet is for a hotline" in words
        assert URL in sheet
        assert [there.becomes(one, "sent") for one in drafts.values()] == ["sent", "sent"]
        assert there.kept(reference) == [
            *("hotline-handover document", "hotline-handover receipt"),
            *("police-handover document", "police-handover receipt"),
        ]
        assert tells_no_more(there, receipt) == []
        assert there.staff.product.cli("audit", "verify").returncode == 0
        assert there.in_the_open(URL, "IWF-4711") == []


def test_an_address_reported_in_the_united_states_is_filed_at_cybertipline_and_handed_to_the_police(
    tmp_path: Path, chromium: Browser
) -> None:
    config = in_country(tmp_path, "us")
    with CybertipStandIn() as ncmec:
        a_provider(config, ncmec)
        with outside(tmp_path, chromium, "us", CONCERN_ROUTER_CYBERTIPLINE="production") as there:
            reference, receipt = there.staff.report("csam_suspected", **FACTS)
            drafts = there.drafts(reference)
            said = there.case(reference)
            there.look("case")
            tip, police = drafts["cybertipline"], drafts["police-handover"]
            read = there.approved("cybertipline", tip)
            filed = there.becomes(tip, "sent")
            there.approved("police", police)
            there.handed_over("police", police, theirs="26-004711")
            there.case(reference)
            there.look("case-after")
            shown = str(there.staff.product.cli_json("deliveries", "show", reference))
            kept, more = there.kept(reference), tells_no_more(there, receipt)
            leaked = there.in_the_open(URL, PASSWORD)

    [report] = ncmec.reports.values()
    assert there.wrong == []
    assert set(drafts) == {"cybertipline", "police-handover"}
    assert "CyberTipline (NCMEC)" in said
    assert "can be neither changed nor taken back" in read
    assert (filed, report.system, report.state) == ("sent", REAL, "finished")
    assert URL.encode() in report.document
    assert ncmec.broken == []
    assert report.number in shown
    assert kept == [
        *("cybertipline document", "cybertipline receipt"),
        *("police-handover document", "police-handover receipt"),
    ]
    assert more == []
    assert leaked == []


def in_country(root: Path, code: str) -> Path:
    """Copy the shipped configuration for a country to below `root`; return its folder."""
    config = Path(copytree(SHIPPED / code, root / "config"))
    copy(SHIPPED / "bodies.yaml", config)
    return config


def a_provider(config: Path, ncmec: CybertipStandIn) -> None:
    """Let the employer be a provider that NCMEC gave credentials to, and file there what hotlines would get."""
    [(name, entry)] = yaml.safe_load((SHIPPED / "recipes/cybertipline.yaml").read_text()).items()
    entry |= {"environment": "production", "signed_off": "2026-11-01", "networks": ["127.0.0.1/32"]}
    entry |= {"url": ncmec.real, "test_url": ncmec.test}
    for key, secret in (("user", USER), ("password", PASSWORD)):
        file = config / key
        file.write_text(secret)
        file.chmod(0o600)
        entry[key] = f"file:{file}"
    with (config / "channels.yaml").open("a") as ways:
        ways.write("\n" + yaml.safe_dump({name: entry}, sort_keys=False))
    policy = (config / "policy.yaml").read_text()
    assert "legal_profile: us_employer" in policy
    policy = policy.replace("legal_profile: us_employer", "legal_profile: us_provider")
    (config / "policy.yaml").write_text(policy.replace("hotline-handover", name))


def tells_no_more(there: Outside, receipt: str) -> list[str]:
    """Return the words, of those that would tell a reporter who has it, that their follow-up page shows."""
    page: Page = there.staff.context().new_page()
    page.goto(f"{there.staff.product.url}/follow-up")
    page.get_by_label("Receipt").fill(receipt)
    page.get_by_role("button", name="Show status").click()
    expect(page.get_by_role("heading").first).to_be_visible()
    there.look("reporter", page)
    read = page.locator("main").inner_text().casefold()
    return [word for word in ("police", "hotline", "ncmec", "cybertip", "iwf", "watch foundation") if word in read]
