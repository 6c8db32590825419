"""What Request Tracker is sent, how a ticket is found again, and what must read back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from router.channels import rt
from router.model import FileHash, Referral
from router.vocabulary import Awaited, HashAlgorithm, Notice, Severity, Urgency

ABOUT_A_CHANNEL = (
    Notice.DELIVERY_LATE,
    Notice.UNDELIVERABLE,
    Notice.CHANNEL_HELD,
    Notice.SECOND_TICKET,
    Notice.CLOSED_THERE,
    Notice.CLOSED_HERE,
)
OUTSIDE = (Notice.DRAFT_WAITS, Notice.DRAFT_EXPIRED, Notice.HAND_OVER_WAITS)
ABOUT_ITSELF = (Notice.POLICY_REFUSED, Notice.SOURCES_REFUSED, Notice.FLOOD, *ABOUT_A_CHANNEL, *OUTSIDE)
OF_NO_CASE = (Notice.DRILL, Notice.DIGEST, *ABOUT_ITSELF)
REFERENCE = "CR-0123-4567-89AB"
NAMES = {"reference": "Reference id", "category": "Category", "severity": "Severity", "claim_by": "Claim by"}


def settings(**changed: Any) -> rt.Settings:
    given = {"url": "https://rt.example.org", "token": "env:RT_TOKEN", "queue": "Safeguarding", "custom_fields": NAMES}
    return rt.Settings.model_validate({**given, **changed})


def rendered(referral: Referral) -> dict[str, Any]:
    ticket: dict[str, Any] = orjson.loads(rt.render(settings(), referral, key="k").body)
    return ticket


def test_creates_a_ticket_with_the_fields_and_no_more() -> None:
    referral = Referral(
        reference=REFERENCE,
        category="csam_suspected",
        severity=Severity.CRITICAL,
        urgency=(Urgency.ONGOING, Urgency.LIVE_NOW),
        claim_by=datetime(2026, 11, 30, 10, tzinfo=timezone(timedelta(hours=1))),
    )

    assert rendered(referral) == {
        "Queue": "Safeguarding",
        "Subject": f"{REFERENCE} confidential referral",
        "Content": (
            f"Reference: {REFERENCE}\nCategory: csam_suspected\nSeverity: critical\n"
            "Urgency: ongoing, live_now\nClaim by: 2026-11-30T09:00:00Z\n"
        ),
        "ContentType": "text/plain",
        "Priority": 100,
        "CustomFields": {
            "Reference id": REFERENCE,
            "Category": "csam_suspected",
            "Severity": "critical",
            "Claim by": "2026-11-30T09:00:00Z",
        },
    }


def test_leaves_out_what_the_referral_does_not_say() -> None:
    ticket = rendered(Referral(reference=REFERENCE))

    assert "Priority" not in ticket
    assert ticket["CustomFields"] == {"Reference id": REFERENCE}
    assert ticket["Content"] == f"Reference: {REFERENCE}\n"


def test_sets_no_requestor_whom_request_tracker_would_mail() -> None:
    assert not {"Requestor", "Requestors", "Cc", "AdminCc"} & set(rendered(Referral(reference=REFERENCE)))


def test_says_nothing_of_the_matter_in_the_subject() -> None:
    referral = Referral(reference=REFERENCE, category="fraud", site="plant", severity=Severity.LOW)

    assert rendered(referral)["Subject"] == f"{REFERENCE} confidential referral"


def test_makes_no_address_that_could_be_clicked() -> None:
    content = rendered(Referral(reference=REFERENCE, url="https://example.org/page"))["Content"]

    assert "https://" not in content
    assert "Url: https[:]//example.org/page\n" in content


def test_writes_hashes_with_their_algorithm() -> None:
    hashes = (FileHash(algorithm=HashAlgorithm.MD5, value="0" * 32),)

    assert f"Hashes: md5:{'0' * 32}\n" in rendered(Referral(reference=REFERENCE, hashes=hashes))["Content"]


def test_finds_tickets_by_the_reference_in_quotes() -> None:
    assert rt.find_query(settings(), REFERENCE) == f"CF.{{Reference id}} = '{REFERENCE}' AND EffectiveId > 0"


@pytest.mark.parametrize(("given", "quoted"), [("a'b", r"'a\'b'"), ("a\\", r"'a\\'"), ("\\'", r"'\\\''")])
def test_no_reference_ends_its_quotes(given: str, quoted: str) -> None:
    assert rt.find_query(settings(), given) == f"CF.{{Reference id}} = {quoted} AND EffectiveId > 0"


@pytest.mark.parametrize("name", ["A'b", "A}b", "A{b", 'A"b', "", " A", "A" * 65, "A\nb"])
def test_refuses_names_that_would_end_the_query(name: str) -> None:
    with pytest.raises(ValidationError):
        settings(queue=name)
    with pytest.raises(ValidationError):
        settings(custom_fields={"reference": name})


@pytest.mark.parametrize(
    "names", [{"category": "Category"}, {}, {"reference": "A", "category": "A"}, {"reference": "A", "narrative": "B"}]
)
def test_refuses_a_mapping_that_cannot_work(names: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        settings(custom_fields=names)


SHOWN = [{"id": "1", "name": "Reference id", "values": [REFERENCE]}, {"id": "2", "name": "Severity", "values": ["low"]}]


@pytest.mark.parametrize(
    ("ticket", "missing"),
    [
        ({"CustomFields": SHOWN}, ()),
        ({"CustomFields": [*SHOWN, {"name": "Other", "values": ["x"]}]}, ()),
        ({"CustomFields": SHOWN[:1]}, ("Severity",)),
        ({"CustomFields": [SHOWN[0], {"name": "Severity", "values": []}]}, ("Severity",)),
        ({"CustomFields": [SHOWN[0], {"name": "Severity", "values": ["low", "high"]}]}, ("Severity",)),
        ({"CustomFields": [SHOWN[0], {"name": "Severity", "values": ["high"]}]}, ("Severity",)),
        ({"CustomFields": {"Reference id": REFERENCE}}, ("Reference id", "Severity")),
        ({"CustomFields": ["x", None]}, ("Reference id", "Severity")),
        ({}, ("Reference id", "Severity")),
    ],
)
def test_names_each_field_that_does_not_read_back(ticket: dict[str, Any], missing: tuple[str, ...]) -> None:
    payload = rt.render(settings(), Referral(reference=REFERENCE, severity=Severity.LOW), key="k")

    assert rt.reads_back(payload, ticket) == missing


def test_names_the_fields_that_its_mapping_uses() -> None:
    assert rt.fields_named(settings()) == {"category", "severity", "claim_by"}


def test_priorities_rise_with_severity() -> None:
    assert sorted(rt.PRIORITIES, key=rt.PRIORITIES.__getitem__) == list(Severity)


def test_moments_stay_the_same_in_any_zone() -> None:
    moment = datetime(2026, 11, 30, 9, tzinfo=UTC)
    east = moment.astimezone(timezone(timedelta(hours=9)))

    assert rendered(Referral(reference=REFERENCE, claim_by=east)) == rendered(
        Referral(reference=REFERENCE, claim_by=moment)
    )


LINK = f"https://console.example.org/console/cases/{REFERENCE}"
MOMENT, SHOWN_AT = datetime(2026, 11, 30, 9, tzinfo=UTC), "2026-11-30T09:00:00Z"
UNHAPPENED = "Escalation, because this has not happened: "


def comment(referral: Referral) -> dict[str, Any]:
    said = rendered(referral)
    assert set(said) == {"Subject", "Content", "ContentType"}, "nothing that RT would mail to a reporter, or file"
    return said


@pytest.mark.parametrize(
    ("given", "content"),
    [
        (
            {"notice": Notice.REMINDER, "awaited": Awaited.CLAIM, "claim_by": MOMENT, "link": LINK, "severity": "high"},
            f"Reminder: a person should have taken {REFERENCE} by {SHOWN_AT}.\nSeverity: high\nLink: {LINK}\n",
        ),
        (
            {"notice": Notice.OVERDUE, "awaited": Awaited.DECIDE, "decide_by": MOMENT},
            f"Overdue: {REFERENCE} should have been decided and closed by 2026-11-30T09:00:00Z.\n",
        ),
        (
            {"notice": Notice.OVERDUE, "awaited": Awaited.ACKNOWLEDGE},
            f"Overdue: the reporter of {REFERENCE} should have been told that the report arrived.\n",
        ),
        (
            {"notice": Notice.ESCALATION, "awaited": Awaited.DELIVERY},
            f"{UNHAPPENED}everybody who must know of {REFERENCE} at once should have been told.\n",
        ),
        (
            {"notice": Notice.RECALLED},
            f"{REFERENCE} is withdrawn. Nothing is to be done about it here any more; please leave it closed.\n",
        ),
    ],
)
def test_a_later_notice_is_a_comment_of_what_it_carries(given: dict[str, Any], content: str) -> None:
    referral = Referral.model_validate({"reference": REFERENCE, "revision": 3, **given})

    assert comment(referral) == {
        "Subject": f"{REFERENCE} confidential referral, notice 3",
        "Content": content,
        "ContentType": "text/plain",
    }


@pytest.mark.parametrize("awaited", [*Awaited, None])
@pytest.mark.parametrize("notice", [notice for notice in Notice if notice not in OF_NO_CASE])
def test_every_notice_says_something_of_the_case_by_its_reference(notice: Notice, awaited: Awaited | None) -> None:
    said = comment(Referral(reference=REFERENCE, revision=2, notice=notice, awaited=awaited))["Content"]

    assert REFERENCE in said


def test_an_escalation_that_comes_first_makes_the_ticket_and_says_why() -> None:
    referral = Referral(
        reference=REFERENCE, notice=Notice.ESCALATION, awaited=Awaited.CLAIM, claim_by=MOMENT, category="fraud"
    )
    made = rendered(referral)

    assert made["Content"] == (
        f"{UNHAPPENED}a person should have taken {REFERENCE} by 2026-11-30T09:00:00Z.\n"
        f"Reference: {REFERENCE}\nCategory: fraud\nClaim by: 2026-11-30T09:00:00Z\n"
    )
    assert made["CustomFields"]["Category"] == "fraud"


def test_a_drill_cannot_be_mistaken_for_a_case() -> None:
    made = rendered(Referral(reference="DRILL-0123-4567-89AB", notice=Notice.DRILL))

    assert made["Subject"] == "DRILL-0123-4567-89AB drill, not a case"
    assert made["Content"].startswith("This is a drill, not a case: nobody has reported anything.")
    assert made["CustomFields"] == {"Reference id": "DRILL-0123-4567-89AB"}
    assert "Priority" not in made


@pytest.mark.parametrize("notice", ABOUT_ITSELF)
def test_a_notice_about_the_router_cannot_be_mistaken_for_a_case(notice: Notice) -> None:
    made = rendered(Referral(reference="NOTICE-0123-4567-89AB", notice=notice, about="hr-desk"))

    assert made["Subject"] == "NOTICE-0123-4567-89AB notice about concern-router itself, not a case"
    assert made["Content"].startswith("This is not a case.")
    assert ": concern-router " in made["Content"]
    assert "Priority" not in made


@pytest.mark.parametrize("notice", ABOUT_A_CHANNEL)
def test_a_notice_about_a_channel_names_it_in_its_sentence_and_nowhere_else(notice: Notice) -> None:
    sentence, *labels = rendered(Referral(reference="NOTICE-0123-4567-89AB", notice=notice, about="hr-desk"))[
        "Content"
    ].splitlines()

    assert " hr-desk" in sentence
    assert labels == ["Reference: NOTICE-0123-4567-89AB"]


def test_a_case_that_comes_instead_does_not_say_of_whom() -> None:
    made = rendered(Referral(reference=REFERENCE, notice=Notice.INSTEAD, awaited=Awaited.DELIVERY, category="fraud"))

    assert made["Subject"] == f"{REFERENCE} confidential referral"
    assert made["Content"] == (
        f"{REFERENCE} comes here because it has not reached those who should have had it first.\n"
        f"Reference: {REFERENCE}\nCategory: fraud\n"
    )


def test_the_first_text_shows_only_what_it_is_told_to() -> None:
    referral = Referral(reference=REFERENCE, category="fraud", severity=Severity.LOW, site="plant")
    made = orjson.loads(rt.render(settings(text=["site"]), referral, key="k").body)

    assert made["Content"] == f"Reference: {REFERENCE}\nSite: plant\n"
    assert made["CustomFields"]["Category"] == "fraud"


def test_fields_that_nothing_would_show_are_known() -> None:
    carries = frozenset({"category", "country", "site", "claim_by", "link"})

    assert rt.fields_shown(settings(), carries) == carries
    assert rt.fields_shown(settings(text=["site"]), carries) == carries - {"country"}
    assert rt.fields_named(settings(text=["site"])) == {"category", "severity", "claim_by", "site"}


def test_a_withdrawal_empties_every_mapped_field_but_the_reference() -> None:
    assert dict(rt.withdrawal(settings())) == {"Category": None, "Severity": None, "Claim by": None}


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ([{"name": "Reference id", "values": [REFERENCE]}, {"name": "Category", "values": []}], ()),
        ([{"name": "Category", "values": [None]}, {"name": "Severity", "values": [""]}], ()),
        ([{"name": "Category", "values": ["fraud"]}, {"name": "Other", "values": ["x"]}], ("Category",)),
        (None, ()),
    ],
)
def test_names_what_a_withdrawn_ticket_still_shows(fields: Any, left: tuple[str, ...]) -> None:
    assert rt.still_filled(settings(), {"CustomFields": fields}) == left


def test_a_withdrawn_ticket_does_not_stay_in_its_queue() -> None:
    with pytest.raises(ValidationError, match="another queue"):
        settings(recall_queue="Safeguarding")
