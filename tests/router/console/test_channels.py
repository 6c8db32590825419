"""The channels' pages: how each does, in counts; what did not get through is tried again by those who may."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router import secretfiles
from router.bell import QUEUE
from router.embedded.redis import EmbeddedRedis
from router.model import NewCase
from router.vocabulary import Role
from tests.conftest import CHECKOUT, Database
from tests.router.console.deployments import Deployment
from tests.router.console.pages import Browser, Office, an_office
from tests.workers.processes import wait_until

CHANNELS = "/console/channels"
WHY = "their password was renewed"


def dead(office: Office, category: str = "fraud", *, channel: str = "security-desk") -> NewCase:
    """Let a case's referral to `channel` be as if the far side had refused it."""
    case = office.deployment.file(category)
    office.deployment.sent(case.reference, channel, "dead")
    office.deployment.run(
        "update referrals set outcome = 'not_authorised' where reference = :reference and state = 'dead'",
        reference=case.reference,
    )
    return case


def state(office: Office, case: NewCase, channel: str = "security-desk") -> list[str]:
    query = "select state from referrals where reference = :r and channel = :c and revision = 1"
    return [row[0] for row in office.deployment.rows(query, r=case.reference, c=channel)]


def retry(browser: Browser, case: NewCase, *, channel: str = "security-desk", reason: str = WHY) -> Any:
    return browser.post(f"{CHANNELS}/{channel}/cases/{case.reference}/retry", reason=reason)


def test_each_channel_in_force_is_listed_with_how_it_does(office: Office) -> None:
    dead(office)
    waiting = office.deployment.file("fraud")
    office.deployment.run(
        "insert into channel_states (channel, breaker, until, code)"
        " values ('legal-desk', 'open', now() + interval '5 min', 'not_authorised')"
    )
    text = office.sign_in("lena", Role.AUDITOR).get(CHANNELS).text
    found = re.findall(r"<tr>(.*?)</tr>", text.split("<tbody>")[1], re.DOTALL)
    cells = [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in found]

    assert [cell.split()[0] for cell in cells] == ["legal-desk", "security-desk", "ombuds-desk", "police"]
    assert "left alone" in cells[0]
    assert "the folder does not let us in" in cells[0]
    assert "✕ 1" in cells[1]
    assert "never" in cells[2]
    assert waiting.reference not in text
    assert office.audit()[-1] == ("person:lena", "channels_listed", "channels", "ok", "count=4")


def test_a_channel_that_no_file_names_any_more_is_shown_as_long_as_something_is_left(office: Office) -> None:
    case = dead(office)
    office.deployment.run(
        "update referrals set channel = 'gone-desk' where reference = :r and state = 'dead'", r=case.reference
    )
    browser = office.sign_in("ana", Role.ADMINISTRATOR)

    assert "not in force any more" in browser.get(CHANNELS).text
    assert browser.get(f"{CHANNELS}/gone-desk").status_code == 200


def test_who_sees_no_case_sees_counts_and_codes_alone(office: Office) -> None:
    case = dead(office)
    for role in (Role.AUDITOR, Role.ADMINISTRATOR):
        text = office.sign_in("ana", role).get(f"{CHANNELS}/security-desk").text

        assert "not_authorised" in text
        assert case.reference not in text
    assert office.audit()[-1][1:] == ("channel_viewed", "channel:security-desk", "ok", "")


def test_a_reviewer_sees_what_is_dead_of_their_teams_cases_and_no_other(office: Office) -> None:
    both, own = dead(office, "fraud"), dead(office, "other")
    lena = office.sign_in("lena").get(f"{CHANNELS}/security-desk").text
    sven = office.sign_in("sven").get(f"{CHANNELS}/security-desk").text

    assert (both.reference in lena, own.reference in lena) == (True, False)
    assert (both.reference in sven, own.reference in sven) == (True, True)
    assert office.audit()[-1][4] == "count=2"


@pytest.mark.parametrize(
    "statement",
    [
        "insert into recusals (reference, handle) select reference, 'sven' from cases",
        "insert into suspended_teams (handle, team) values ('sven', 'security')",
        "update member_keys set retired_at = now() where handle = 'sven'",
    ],
)
def test_what_a_reviewer_may_not_see_any_more_is_neither_listed_nor_tried_again(office: Office, statement: str) -> None:
    case = dead(office)
    browser = office.sign_in("sven")
    office.deployment.run(statement)
    text, answer = browser.get(f"{CHANNELS}/security-desk").text, retry(browser, case)

    assert case.reference not in text
    assert answer.status_code == 403
    assert state(office, case) == ["dead"]


def test_a_reviewer_has_one_of_their_own_tried_again(office: Office) -> None:
    case, other = dead(office), dead(office)
    browser = office.sign_in("sven")
    answer = browser.follow(retry(browser, case))

    assert "Due again now" in answer.text
    assert (state(office, case), state(office, other)) == (["due"], ["dead"])
    assert ("person:sven", "referral_retried", case.reference, "ok", f"security-desk:1 {WHY}") in office.audit()


def test_nobody_has_a_stranger_s_case_tried_again_whatever_stands_in_the_address(office: Office) -> None:
    case = dead(office, "other")
    browser = office.sign_in("lena")
    answer = retry(browser, case)

    assert answer.status_code == 403
    assert state(office, case) == ["dead"]
    assert office.audit()[-1] == ("person:lena", "referral_retried", case.reference, "refused_not_a_member", "")
    assert retry(browser, case, channel="legal-desk").status_code == 403


def test_one_s_own_case_is_not_tried_on_a_channel_that_has_nothing_dead_of_it(office: Office) -> None:
    case = dead(office)
    browser = office.sign_in("sven")

    for channel, status in (("ombuds-desk", 403), ("MARKED-7f3a", 404)):
        answer = retry(browser, case, channel=channel)
        assert answer.status_code == status
        assert "MARKED-7f3a" not in answer.text
    assert state(office, case) == ["dead"]


def test_an_administrator_has_all_that_is_dead_tried_again_and_says_why(office: Office) -> None:
    cases = [dead(office), dead(office, "other"), dead(office, channel="legal-desk")]
    browser = office.sign_in("lena", Role.ADMINISTRATOR)
    answer = browser.follow(browser.post(f"{CHANNELS}/security-desk/retry", reason=WHY))

    assert "Due again now" in answer.text
    assert [state(office, case) for case in cases[:2]] == [["due"], ["due"]]
    assert state(office, cases[2], "legal-desk") == ["dead"]
    lines = [line for line in office.audit() if line[1] == "referral_retried"]
    assert sorted(line[2] for line in lines) == sorted(case.reference for case in cases[:2])
    assert {line[4] for line in lines} == {f"security-desk:1 {WHY}"}


def test_nothing_dead_is_said_and_noted(office: Office) -> None:
    browser = office.sign_in("lena", Role.ADMINISTRATOR)
    answer = browser.post(f"{CHANNELS}/security-desk/retry", reason=WHY)

    assert "Nothing is dead" in browser.follow(answer).text
    assert ("person:lena", "referral_retried", "channel:security-desk", "refused_nothing_dead", "") in office.audit()


@pytest.mark.parametrize("reason", ["", "no", "MARKED-7f3a" * 20, "MARKED\u202e7f3a"])
def test_without_a_reason_nothing_moves_and_what_was_typed_is_kept(office: Office, reason: str) -> None:
    case = dead(office)
    browser = office.sign_in("ana", Role.REVIEWER, Role.ADMINISTRATOR)

    for path in (f"{CHANNELS}/security-desk/retry", f"{CHANNELS}/security-desk/cases/{case.reference}/retry"):
        answer = browser.post(path, reason=reason)
        assert answer.status_code == 403
        assert answer.text.count('aria-invalid=true value="' + reason) == 1
    assert state(office, case) == ["dead"]
    assert not [line for line in office.audit() if "MARKED" in "".join(line)]


def test_an_administrator_moves_no_single_case_and_a_reviewer_no_channel(office: Office) -> None:
    case = dead(office)
    one = retry(office.sign_in("ana", Role.ADMINISTRATOR), case)
    all_of_it = office.sign_in("ana").post(f"{CHANNELS}/security-desk/retry", reason=WHY)

    assert (one.status_code, all_of_it.status_code) == (403, 403)
    assert state(office, case) == ["dead"]


def test_an_unknown_channel_is_said_and_noted_and_its_name_is_not(office: Office) -> None:
    answer = office.sign_in("ana").get(f"{CHANNELS}/MARKED-7f3a")

    assert answer.status_code == 404
    assert "MARKED-7f3a" not in answer.text
    assert office.audit()[-1][1:4] == ("channel_viewed", "channel:unknown", "refused_unknown_channel")


def test_when_no_policy_can_be_read_what_is_left_is_shown_all_the_same(office: Office) -> None:
    dead(office)
    office.deployment.run("delete from policy_activations")

    assert "security-desk" in office.sign_in("ana").get(CHANNELS).text


def test_what_arrived_last_is_said(office: Office) -> None:
    case = office.deployment.file()
    office.deployment.sent(case.reference, "security-desk")
    office.deployment.run(
        "insert into attempts (referral, attempt, started_at, outcome)"
        " select id, 1, now(), 'sent' from referrals where state = 'sent'"
    )
    text = office.sign_in("ana").get(CHANNELS).text

    assert "less than 1 min ago" in text
    assert text.count("none lately") == 2  # nothing is said of what leads outside


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path / "own-redis")
    server.start()
    yield server
    server.stop()


def test_workers_are_rung_as_soon_as_it_is_due_again(
    deployment: Deployment, database: Database, tmp_path: Path, redis: EmbeddedRedis
) -> None:
    secretfiles.make(tmp_path / "secrets")
    folders = {"secrets_dir": tmp_path / "secrets", "state_dir": tmp_path, "config_dir": CHECKOUT / "config"}
    with an_office(deployment, database, {**folders, "redis_url": redis.url}) as office:
        case = dead(office)
        retry(office.sign_in("sven"), case)

        with redis.client() as client:
            assert wait_until(lambda: bool(_rung(client)))
            assert _rung(client) == ["security-desk"]


def _rung(client: Any) -> list[str]:
    """Return the channels that doorbells lie there for."""
    bodies = [base64.b64decode(json.loads(message)["body"]) for message in client.lrange(QUEUE, 0, -1)]
    return [json.loads(body)[0][0] for body in bodies]
