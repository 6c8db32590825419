"""Which body a finding is for: of the right country, and one that can act on it."""

import pytest

from router.bodies.choosing import To, candidates
from router.bodies.directory import parse_directory
from router.model import Facts, Referral
from router.triage.whose import Regions
from tests.policies import CONFIG, REFERENCE

SHIPPED = parse_directory((CONFIG / "bodies.yaml").read_text())
URL = "https://example.org/marked-7f3a"


def first(to: To, jurisdiction: str | None, url: str | None = None, *, prefer: tuple[str, ...] = ()) -> str | None:
    referral = Referral(reference=REFERENCE, revision=1, jurisdiction=jurisdiction, url=url)
    return next((body.code for body in candidates(SHIPPED, referral, to, prefer)), None)


@pytest.mark.parametrize(
    ("to", "jurisdiction", "url", "code"),
    [
        (To.POLICE, "SE", None, "se_police"),
        (To.POLICE, "FI", URL, "fi_police"),
        (To.POLICE, "GB-NIR", None, "gb_police"),
        (To.POLICE, "US-TX", None, "us_police"),
        (To.POLICE, "FR", None, "police_of_the_place"),
        (To.POLICE, None, None, "police_of_the_place"),
        (To.HOTLINE, "SE", URL, "se_ecpat"),
        (To.HOTLINE, "FI", URL, "fi_nettivihje"),
        (To.HOTLINE, "GB", URL, "gb_iwf"),
        (To.HOTLINE, "US-IL", URL, "us_ncmec"),
        (To.HOTLINE, "US", None, "us_ncmec"),
        (To.HOTLINE, "DE", URL, "de_eco_fsm"),
        (To.HOTLINE, "KE", URL, "inhope_finder"),
        (To.HOTLINE, None, URL, "inhope_finder"),
    ],
)
def test_who_is_asked_first(to: To, jurisdiction: str | None, url: str | None, code: str) -> None:
    assert first(to, jurisdiction, url) == code


def test_the_country_of_an_address_is_never_guessed() -> None:
    german = "https://www.example.de/marked-7f3a"

    assert first(To.HOTLINE, "SE", german) == "se_ecpat"
    assert first(To.HOTLINE, None, german) == "inhope_finder"
    assert Regions("SE").whose(Facts(category="csam_suspected", noticed_how="colleague_witness", url=german)) == (
        "SE",
        "region",
    )


def test_of_several_the_preferred_one_that_can_act_on_it() -> None:
    assert first(To.HOTLINE, "DE", URL, prefer=("de_jugendschutz",)) == "de_jugendschutz"
    assert first(To.HOTLINE, "SE", URL, prefer=("inhope_finder",)) == "se_ecpat"
    assert first(To.POLICE, "GB", None, prefer=("gb_ceop",)) == "gb_police"
    assert first(To.POLICE, "GB", URL, prefer=("gb_ceop",)) == "gb_ceop"


def test_an_interface_is_handed_over_to_by_nobody() -> None:
    referral = Referral(reference=REFERENCE, revision=1, jurisdiction="US", url=URL)

    assert all("us_ncmec_api" not in [body.code for body in candidates(SHIPPED, referral, to, ())] for to in To)


@pytest.mark.parametrize(
    ("country", "site", "whose"),
    [
        (None, None, ("US", "region")),
        (None, "texas", ("US-TX", "site")),
        (None, "sweden", ("SE", "site")),
        (None, "elsewhere", ("US", "region")),
        ("US", "texas", ("US-TX", "site")),
        ("US", "sweden", ("US", "country")),
        ("GB", "texas", ("GB", "country")),
    ],
)
def test_the_concern_says_where_then_its_site_then_the_policy(
    country: str | None, site: str | None, whose: tuple[str, str]
) -> None:
    facts = Facts(category="csam_suspected", noticed_how="colleague_witness", country=country, site=site)

    assert Regions("US", {"texas": "US-TX", "sweden": "SE"}).whose(facts) == whose
