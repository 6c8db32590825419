"""What a mail says: that there is something, and where; no fact; at fixed times always the same."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from router import clock
from router.catalogue import parse_catalogue
from router.channels import mail
from router.channels.fixedtimes import FixedTimes
from router.errors import PolicyErrors
from router.model import Referral
from router.vocabulary import Awaited, Notice, Severity

REFERENCE: Final = "CR-AAAA-BBBB-CCCC"
LINK: Final = f"https://console.example.org/console/cases/{REFERENCE}"
GIVEN: Final[dict[str, Any]] = {
    "url": "smtp://mail.example.org",
    "sender": "concerns@example.org",
    "to": "duty@example.org",
    "look_at": "https://console.example.org",
}
TWICE: Final = {"at": ["08:00", "14:00"], "zone": "Europe/Luxembourg"}
FULL: Final = Referral(
    reference=REFERENCE,
    category="marked_7f3a",
    severity=Severity.CRITICAL,
    site="marked_7f3a",
    asset_tag="MARKED-7f3a",
    subject_handle="MARKED-7f3a",
    claim_by=clock.now(),
    received_at=clock.now(),
)
EVERY: Final = [
    FULL,
    *(
        FULL.model_copy(update={"notice": notice, "awaited": Awaited.CLAIM, "about": "desk", "revision": 12})
        for notice in Notice
    ),
]


def configured(**more: Any) -> mail.Settings:
    return mail.Settings.model_validate({**GIVEN, **more})


def rendered(referral: Referral, **more: Any) -> bytes:
    return mail.render(configured(**more), referral, key="0" * 64).body


def text(referral: Referral, **more: Any) -> str:
    return str(message_from_bytes(rendered(referral, **more)).get_payload())


@pytest.mark.parametrize("referral", EVERY, ids=lambda one: str(one.notice))
def test_no_fact_is_in_it_and_no_number_that_counts(referral: Referral) -> None:
    said = rendered(referral).decode()

    assert "marked" not in said.lower()
    assert not any(word in said for word in ("critical", "12", clock.now().date().isoformat()))


def test_it_says_that_there_is_something_and_where() -> None:
    assert f"something for you to look at: {REFERENCE}" in text(FULL)
    assert "Please look: https://console.example.org" in text(FULL)
    assert f"Please look: {LINK}" in text(FULL.model_copy(update={"link": LINK}))


def test_later_ones_say_that_it_still_waits_and_a_recall_that_it_does_not() -> None:
    reminded = FULL.model_copy(update={"notice": Notice.OVERDUE, "awaited": Awaited.CLAIM, "revision": 2})

    assert "There is still something" in text(reminded)
    assert "is withdrawn" in text(FULL.model_copy(update={"notice": Notice.RECALLED}))


def test_the_subject_says_nothing_and_nobodys_machine_answers() -> None:
    message = message_from_bytes(rendered(FULL))

    assert message["Subject"] == "Confidential: please look"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == f"<{'0' * 64}@example.org>"


@pytest.mark.parametrize("referral", EVERY, ids=lambda one: str(one.notice))
def test_lines_are_as_smtp_wants_them(referral: Referral) -> None:
    body = rendered(referral)
    lines = body.split(b"\r\n")

    assert body.isascii()
    assert all(len(line) <= 998 and b"\n" not in line and b"\r" not in line for line in lines)
    assert b"\n.\r" not in mail.stuffed(body)[:-3]


def test_a_line_of_a_dot_does_not_end_a_message() -> None:
    assert mail.stuffed(b"a\r\n.\r\n.b\r\n") == b"a\r\n..\r\n..b\r\n.\r\n"


@pytest.mark.parametrize("referral", EVERY, ids=lambda one: str(one.notice))
def test_at_fixed_times_all_are_the_same_to_the_byte(referral: Referral) -> None:
    assert rendered(referral, digest=TWICE) == rendered(Referral(reference="NOTICE-0000-0000-0000"), digest=TWICE)


def test_only_a_link_is_shown_and_not_even_that_at_fixed_times() -> None:
    carries = frozenset({"link", "severity", "category"})

    assert mail.fields_shown(configured(), carries) == {"link"}
    assert mail.fields_shown(configured(digest=TWICE), carries) == frozenset()


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "https://mail.example.org"},
        {"url": "smtp://name:word@mail.example.org"},
        {"url": "smtp://mail.example.org/path"},
        {"account": "one"},
        {"password": "env:ONE"},
        {"account": "one", "password": "word"},
        {"starttls": False},
        {"url": "smtps://localhost", "starttls": False},
        {"url": "smtp://localhost", "starttls": False, "ca": "/etc/ssl/our.pem"},
        {"to": "duty@example.org\r\nBcc: all@example.org"},
        {"to": "duty@example.org, all@example.org"},
        {"to": "Duty <duty@example.org>"},
        {"sender": "duty@localhost"},
        {"look_at": "http://console.example.org"},
        {"digest": {"at": [], "zone": "UTC"}},
        {"digest": {"at": ["14:00", "08:00"], "zone": "UTC"}},
        {"digest": {"at": [480], "zone": "UTC"}},
        {"digest": {"at": ["08:00"], "zone": "Europe/Nowhere"}},
    ],
)
def test_settings_that_cannot_work_or_are_not_safe_do_not_load(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        configured(**wrong)


def test_the_port_is_the_one_for_handing_in_unless_another_is_named() -> None:
    assert configured().server == ("mail.example.org", 587)
    assert configured(url="smtps://mail.example.org").server == ("mail.example.org", 465)
    assert configured(url="smtp://mail.example.org:2525").server == ("mail.example.org", 2525)


def test_fixed_times_are_those_of_a_place_and_follow_its_clock() -> None:
    times = FixedTimes.model_validate(TWICE)
    winter, summer = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)

    assert (times.last(winter), times.next(winter)) == (winter.replace(hour=7), winter.replace(hour=13))
    assert (times.last(summer), times.next(summer)) == (summer.replace(hour=12), datetime(2026, 7, 16, 6, tzinfo=UTC))
    assert times.longest_gap == timedelta(hours=19)


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants them so
    at=st.sets(st.times().map(lambda one: one.strftime("%H:%M")), min_size=1, max_size=4),
    zone=st.sampled_from(["UTC", "Europe/Luxembourg", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]),
)
def test_every_moment_is_between_two_of_them_no_further_apart_than_the_longest_gap(
    moment: datetime, at: set[str], zone: str
) -> None:
    times = FixedTimes.model_validate({"at": sorted(at), "zone": zone})

    assert times.last(moment) <= moment < times.next(moment)
    assert times.next(moment) - times.last(moment) <= times.longest_gap
    assert times.last(times.next(moment)) == times.next(moment)


def refusals(**more: str) -> list[str]:
    """Return the codes of what is wrong with a mail channel, and with a folder that is told instead by it."""
    mailed = (
        f"kind: mail, scope: {more.get('scope', 'internal')}, carries: [], readable_by: [hr], "
        "url: 'smtp://mail.example.org', "
        "sender: a@example.org, to: b@example.org, look_at: 'https://c.example.org'"
    )
    own = "".join(f", {key}: {value}" for key, value in more.items() if key not in {"of_file", "scope"})
    filed = "kind: folder, scope: internal, carries: [], readable_by: [hr], path: out"
    text = f"bell: {{{mailed}{own}}}\nfile: {{{filed}{more.get('of_file', '')}}}\n"
    try:
        parse_catalogue(text)
    except PolicyErrors as errors:
        return [problem.code for problem in errors.problems]
    return []


def test_what_waits_for_a_fixed_time_is_not_late_before_it() -> None:
    daily = '{at: ["08:00"], zone: UTC}'

    assert refusals() == []
    assert refusals(digest=daily) == ["too_soon"]
    assert refusals(digest=daily, late_after="25h") == ["too_soon"]
    assert refusals(digest=daily, late_after="26h") == []
    assert refusals(digest=daily, late_after="26h", instead="file") == ["too_soon"]
    assert refusals(digest=daily, late_after="26h", instead="file", instead_after="30h") == []


def test_no_mail_goes_outside_at_fixed_times_by_itself() -> None:
    daily = '{at: ["08:00"], zone: UTC}'

    assert refusals(scope="external") == []
    assert refusals(scope="external", digest=daily, late_after="26h") == ["told_outside"]


def test_whoever_must_hear_at_once_is_not_told_at_fixed_times() -> None:
    daily = '{at: ["08:00"], zone: UTC}'

    assert refusals(of_file=", page: bell") == []
    assert refusals(digest=daily, late_after="26h", of_file=", page: bell") == ["too_late"]
    assert refusals(digest=daily, late_after="26h", of_file=", instead: bell") == ["too_late"]
