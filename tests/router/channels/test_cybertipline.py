"""A report to CyberTipline has each fact where NCMEC's schema wants it, and no place for anything else."""

import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from lxml import etree

from router.channels import cybertipline
from router.channels.cybertipline import elements, machineline, report, writing
from router.channels.cybertipline.words import CALLED, INCIDENTS, MEDIA, PLATFORMS, REASONS
from router.errors import Unrenderable
from router.model import Referral
from router.vocabulary import Notice, Urgency, WhereFound
from tests.tiplines import FACTS, MOST, OUR_SCHEMA, document, fits, line, outline, referral, schemas, settings

FULL = cybertipline.render(settings(**MOST), referral(**FACTS), key="k").body
NEVER = """
    content fileNames fileName originalFileName originalFileHash fileDetails locationOfFile details profileBio
    screenName displayName profileUrl groupIdentifier victim intendedRecipient vehicleDescription chatRoomName name
    incidentDateTimeDescription lawEnforcement officerContact termsOfService estimatedLocation associatedAccount
    dateOfBirth age thirdPartyUserReported batchedReport personOrUserReportedPerson
"""


def test_a_finding_on_a_device_is_told_by_its_number_and_has_no_place_on_the_internet() -> None:
    found = document(
        settings(esp_service="Example devices"),
        noticed_how="endpoint_hash_match",
        where_found="removable_usb",
        occurred_at="2026-11-20T09:00:00Z",
        verdict_source="hash_list",
        asset_tag="LT-0042",
        hashes=[{"algorithm": "sha256", "value": "ab" * 32}],
        tlp="TLP:RED",
        jurisdiction="SE",
    )

    assert outline(found) == (
        "report(incidentSummary(incidentType incidentDateTime) reporter(reportingPerson(email))"
        " personOrUserReported(espService deviceId(idType idValue)) additionalInfo)"
    )
    assert found.findtext("incidentSummary/incidentType") == CALLED[INCIDENTS["csam_suspected"]]
    assert found.findtext("incidentSummary/incidentDateTime") == "2026-11-20T09:00:00Z"
    assert found.findtext("personOrUserReported/deviceId/idValue") == "LT-0042"
    assert found.findtext("additionalInfo") == (
        "ref=CR-0123-4567-89AB; tlp=RED; match=endpoint_hash_match; list=hash_list; found=removable_usb;"
        f" jurisdiction=SE; received_at=2026-11-23T08:30:15Z; sha256={'ab' * 32}"
    )


def test_a_finding_on_the_internet_is_told_by_its_address() -> None:
    found = document(settings(), where_found="cloud_storage", url=FACTS["url"], noticed_how="colleague_witness")

    assert outline(found).startswith(
        "report(incidentSummary(incidentType incidentDateTime) internetDetails(webPageIncident(url)) reporter("
    )
    assert found.findtext("internetDetails/webPageIncident/url") == FACTS["url"]
    assert ("noticed", "colleague_witness") in line(found)


def test_all_that_can_be_said_stands_in_the_order_of_the_schema() -> None:
    person = "firstName lastName phone email"
    assert fits(FULL)
    assert outline(etree.fromstring(FULL)) == (
        "report(incidentSummary(incidentType platform escalateToHighPriority reportAnnotations(sextortion)"
        " incidentDateTime) internetDetails(webPageIncident(url)) internetDetails(chatImIncident)"
        f" reporter(reportingPerson({person} address(address city zipCode state nonUsaState country))"
        f" contactPerson({person}) companyTemplate legalURL)"
        " personOrUserReported(espIdentifier espService deviceId(idType idValue)) additionalInfo)"
    )


def swapped() -> Iterator[bytes]:
    """Yield the fullest report with two neighbours in the wrong order, for each two that there are."""
    root = etree.fromstring(FULL)
    for at, parent in enumerate(root.iter()):
        for index in range(len(parent) - 1):
            if parent[index].tag != parent[index + 1].tag:
                other = deepcopy(root)
                there = list(other.iter())[at]
                there.insert(index, there[index + 1])
                yield etree.tostring(other)


def without() -> Iterator[tuple[str, bytes]]:
    """Yield the fullest report without one of its elements, for each that there is."""
    root = etree.fromstring(FULL)
    for at, element in enumerate(root.iter()):
        if at:
            other = deepcopy(root)
            gone = list(other.iter())[at]
            there = gone.getparent()
            assert there is not None
            there.remove(gone)
            yield str(element.tag), etree.tostring(other)


def test_any_other_order_is_refused_by_each_schema() -> None:
    orders = list(swapped())

    assert len(orders) > 20
    assert not any(writing.fits(body, schema) for body in orders for schema in schemas())


def test_what_must_be_there_is_asked_for_by_the_profile() -> None:
    needed = [name for name, body in without() if not writing.fits(body, writing.profile())]

    assert needed == [
        *("incidentSummary", "incidentType", "incidentDateTime", "webPageIncident", "chatImIncident"),
        *("reporter", "reportingPerson", "email", "idType", "idValue"),
    ]


def test_an_element_that_comes_twice_is_refused() -> None:
    root = etree.fromstring(FULL)
    for at, element in enumerate(root.iter()):
        if at and element.tag != "internetDetails":
            other = deepcopy(root)
            there = list(other.iter())[at]
            there.addnext(deepcopy(there))
            assert not writing.fits(etree.tostring(other), writing.profile()), element.tag


@pytest.mark.parametrize("name", NEVER.split())
def test_what_could_hold_content_or_name_a_child_is_nowhere_in_the_profile(name: str) -> None:
    profile = etree.fromstring(OUR_SCHEMA.read_bytes())
    root = etree.fromstring(FULL)

    assert name not in {element.get("name") for element in profile.iter("{*}element")}
    for parent in list(root.iter()):
        added = etree.SubElement(parent, name)
        assert not writing.fits(etree.tostring(root), writing.profile())
        parent.remove(added)
    assert writing.fits(etree.tostring(root), writing.profile())


def test_the_words_of_the_profile_are_ours() -> None:
    def words(name: str) -> set[str]:
        kinds = etree.fromstring(OUR_SCHEMA.read_bytes())
        (kind,) = [one for one in kinds.iter("{*}simpleType") if one.get("name") == name]
        return {str(one.get("value")) for one in kind.iter("{*}enumeration")}

    assert words("incidentType") == set(CALLED.values())
    assert words("escalation") == set(REASONS.values())
    assert words("platform") == set(PLATFORMS.values())
    assert {medium.value for medium in MEDIA.values()} == set(elements.Where.model_fields)


@pytest.mark.parametrize("where", WhereFound)
def test_each_place_is_the_medium_that_ncmec_has_for_it(where: WhereFound) -> None:
    found = document(settings(platform=True), where_found=where)
    medium = MEDIA.get(where)

    assert [one[0].tag for one in found.iter("internetDetails")] == ([elements.called(medium)] if medium else [])
    assert found.findtext("incidentSummary/platform") == PLATFORMS.get(where)


def test_no_device_is_a_medium() -> None:
    assert set(WhereFound) - set(MEDIA) == {
        *(WhereFound.WORKSTATION, WhereFound.LAPTOP, WhereFound.SERVER_SHARE, WhereFound.COMPANY_PHONE),
        *(WhereFound.REMOVABLE_USB, WhereFound.EXTERNAL_DISK, WhereFound.UNKNOWN),
    }


@pytest.mark.parametrize(
    ("urgency", "reason"),
    [
        ([], None),
        (["ongoing", "evidence_at_risk"], None),
        (["access_to_children"], "Reported person has current access to children."),
        (["access_to_children", "live_now"], "Reporter indicates ongoing or live-streamed abuse."),
        (["live_now", "danger_to_life"], "Reporter indicates danger to life."),
        (list(Urgency), "Reporter indicates immediate risk to a child."),
    ],
)
def test_only_what_cannot_wait_makes_ncmec_hurry(urgency: list[str], reason: str | None) -> None:
    found = document(settings(), urgency=urgency)

    assert found.findtext("incidentSummary/escalateToHighPriority") == reason
    assert [value for key, value in line(found) if key == "urgency"] == urgency


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({}, "2026-11-23T08:30:15Z"),
        ({"noticed_at": "2026-11-22T23:00:00-02:00"}, "2026-11-23T01:00:00Z"),
        ({"noticed_at": "2026-11-22T23:00:00Z", "occurred_at": "2026-11-01T00:00:00.9+01:00"}, "2026-10-31T23:00:00Z"),
        ({"occurred_at": "2026-11-23T08:34:00Z", "noticed_at": "2026-11-23T08:35:00Z"}, "2026-11-23T08:30:15Z"),
        ({"occurred_at": "0987-01-01T00:00:00Z"}, "0987-01-01T00:00:00Z"),
    ],
)
def test_every_time_has_a_zone_and_is_past(times: dict[str, str], said: str) -> None:
    found = document(settings(), **times)

    assert found.findtext("incidentSummary/incidentDateTime") == said
    assert all(value <= "2026-11-23T08:30:15Z" for key, value in line(found) if key.endswith("_at"))


def test_the_same_referral_is_always_the_same_bytes() -> None:
    again = cybertipline.render(settings(**MOST), referral(**FACTS), key="another")

    assert again.body == FULL
    assert again.media_type == "text/xml; charset=utf-8"


def test_the_line_fits_whatever_is_known_and_says_how_many_hashes_it_left_out() -> None:
    hashes = [{"algorithm": "sha256", "value": f"{number:064x}"} for number in range(64)]
    more = {"revision": 999, "urgency": list(Urgency), "hashes": hashes, "evidence_state": "documents_kept_by_reporter"}
    found = document(settings(**MOST), **{**FACTS, **more, "where_found": "generative_ai_service"})
    said = line(found)

    assert len(found.findtext("additionalInfo") or "") <= machineline.LONGEST
    assert sum(key == "sha256" for key, _ in said) == machineline.MOST_HASHES
    assert said[-1] == ("hashes_left_out", str(64 - machineline.MOST_HASHES))


def test_the_account_and_the_kind_of_place_are_said_only_where_switched_on() -> None:
    found = document(settings(), **FACTS)

    assert found.find("personOrUserReported/espIdentifier") is None
    assert found.find("incidentSummary/platform") is None
    assert not cybertipline.fields_shown(settings(), frozenset({"subject_handle", "severity", "link"}))
    assert cybertipline.fields_shown(settings(subject_handle=True), frozenset({"subject_handle"}))


def test_it_shows_no_field_that_it_does_not_own_up_to() -> None:
    shown = cybertipline.fields_shown(settings(**MOST), frozenset(Referral.model_fields))

    assert shown == report.SHOWN | {"subject_handle"}
    assert shown | {"revision", "tlp", "reference"} == set(FACTS)


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        ({}, ()),
        ({"category": "child_at_risk"}, ("category",)),
        ({"category": "fraud", "received_at": None}, ("category", "received_at")),
        ({"category": None}, ("category",)),
    ],
)
def test_says_which_fact_is_missing_before_anybody_approves(values: dict[str, Any], missing: tuple[str, ...]) -> None:
    given = referral(**values)

    assert cybertipline.lacks(settings(), given) == missing
    if missing:
        with pytest.raises(Unrenderable, match=r"^lacks$"):
            cybertipline.render(settings(), given, key="k")


def test_an_operator_can_say_what_a_category_is_there() -> None:
    given = settings(incident_types={"child_at_risk": "molestation", "csam_suspected": "trafficking"})

    assert document(given, category="child_at_risk").findtext("incidentSummary/incidentType") == (
        "Child Sexual Molestation"
    )
    assert document(given).findtext("incidentSummary/incidentType") == "Child Sex Trafficking"


@pytest.mark.parametrize("notice", Notice)
def test_nothing_but_a_case_is_ever_reported(notice: Notice) -> None:
    given = referral(notice=notice)
    if notice in {Notice.CORRECTED, Notice.INSTEAD}:
        assert fits(cybertipline.render(settings(), given, key="k").body)
    else:
        with pytest.raises(Unrenderable, match=r"^(no_report|filed_for_good)$"):
            cybertipline.render(settings(), given, key="k")


def test_what_the_profile_refuses_is_never_rendered_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    # No referral can hold such a value; only a mistake of ours could.
    monkeypatch.setattr(report, "ASSET_TAG", "MARKED-7f3a")
    with pytest.raises(Unrenderable) as caught:
        document(settings(), asset_tag="LT-1")

    assert str(caught.value) == "not_our_profile"
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_web_process_that_shows_no_draft_does_without_the_library_of_xml() -> None:
    code = "import sys, router.catalogue, router.console.outgoing; sys.exit('lxml' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_document_makes_anybody_load_another(tmp_path: Any) -> None:
    (tmp_path / "other").write_text("LT-0042")
    text = FULL.replace(
        b"<report ", b'<!DOCTYPE report [<!ENTITY e SYSTEM "file://%s">]>\n<report ' % bytes(tmp_path / "other")
    ).replace(b"LT-0042", b"&e;")

    assert b"&e;" in text
    assert not writing.fits(text, writing.profile())
    assert not writing.fits(b"<report", writing.profile())
    with pytest.raises(ValueError, match=r"^no_schema$"):
        writing.schema(b"<report/>")
    for loads in ("include", "import", "redefine"):
        other = (
            f'<s:schema xmlns:s="http://www.w3.org/2001/XMLSchema"><s:{loads} schemaLocation="{tmp_path}"/></s:schema>'
        )
        with pytest.raises(ValueError, match=r"^schema_loads_others$"):
            writing.schema(other.encode())
