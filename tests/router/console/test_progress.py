"""Who may say how far a case is, what that stops, and what the audit tells of it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from router.console import progress
from router.errors import Forbidden, RouterError, Taken
from router.store.engine import transaction
from router.store.standby import flip_standby
from router.vocabulary import CaseOutcome
from tests.router.console.deployments import Deployment

LOGIN = "login:clerk"


def waiting(deployment: Deployment, reference: str) -> set[str]:
    """Return what the case still has rows on standby for."""
    rows = deployment.rows(
        "select distinct awaited from referrals where reference = :of and state = 'standby'", of=reference
    )
    return {awaited for (awaited,) in rows}


def stopped(deployment: Deployment, reference: str) -> set[tuple[str, str]]:
    """Return what was withdrawn, and why."""
    rows = deployment.rows(
        "select awaited, outcome from referrals where reference = :of and state = 'recalled'", of=reference
    )
    return set(rows)


def audited(deployment: Deployment, reference: str) -> list[tuple[str, ...]]:
    """Return the audit's lines about the case, the first one left out, which tells that it came in."""
    query = "select actor, action, outcome, detail from audit where object = :of order by id offset 1"
    return [tuple(row) for row in deployment.rows(query, of=reference)]


def claim(deployment: Deployment, reference: str, handle: str = "sven") -> None:
    progress.claim(deployment.console, reference=reference, handle=handle, login=LOGIN)


def close(deployment: Deployment, reference: str, handle: str = "sven", *, told: bool = False) -> None:
    progress.close(
        deployment.console, reference=reference, handle=handle, login=LOGIN, outcome=CaseOutcome.ACTED, told=told
    )


def test_a_claim_stops_what_waits_for_it_and_no_more(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference

    claim(deployment, reference.lower(), " Sven")

    assert stopped(deployment, reference) == {("claim", "claimed"), ("delivery", "claimed")}
    assert waiting(deployment, reference) == {"decide", "acknowledge", "feedback"}
    assert deployment.rows("select claimed_by from cases") == [("sven",)]
    assert audited(deployment, reference) == [("person:sven", "case_claimed", "ok", LOGIN)]


def test_of_many_at_once_one_gets_the_case_and_the_others_are_told_who(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference

    def attempt(handle: str) -> RouterError | None:
        try:
            claim(deployment, reference, handle)
        except RouterError as error:
            return error
        return None

    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(attempt, ["sven", "lena", "ana"] * 4))

    [[holder]] = deployment.rows("select claimed_by from cases")
    assert ended.count(None) == 1
    assert {str(error).split(" since ")[0] for error in ended if error} == {f"already_claimed: {holder} has it"}
    refused = [line for line in audited(deployment, reference) if line[2] == "refused_already_claimed"]
    assert len(refused) == 11


@pytest.mark.parametrize(
    ("handle", "code"),
    [
        ("lena", "not_a_member"),
        ("nobody", "unknown_person"),
        ("gone", "disabled_person"),
        ("no body!", "unknown_person"),
    ],
)
def test_who_cannot_open_the_case_may_do_nothing_with_it(deployment: Deployment, handle: str, code: str) -> None:
    reference = deployment.file().reference
    deployment.run("insert into people (handle, disabled_at) values ('gone', now())")
    known = handle if handle.isalpha() else "unknown"

    for act, done in (
        (progress.claim, "claimed"),
        (progress.release, "released"),
        (progress.acknowledge, "acknowledged"),
        (progress.answer, "answered"),
    ):
        with pytest.raises(Forbidden, match=rf"^{code}$"):
            act(deployment.console, reference=reference, handle=handle, login=LOGIN)
        assert audited(deployment, reference)[-1] == (f"person:{known}", f"case_{done}", f"refused_{code}", LOGIN)
    with pytest.raises(Forbidden, match=rf"^{code}$"):
        close(deployment, reference, handle)

    assert stopped(deployment, reference) == set()
    assert deployment.rows("select state, claimed_by from cases") == [("open", None)]


@pytest.mark.parametrize("typed", ["CR-0000-0000-0000", "MARKED-7f3a"])
def test_an_unknown_case_is_said_and_nothing_typed_is_kept(deployment: Deployment, typed: str) -> None:
    with pytest.raises(Forbidden, match=r"^unknown_case$"):
        claim(deployment, typed)

    [[kept]] = deployment.rows("select object from audit where action = 'case_claimed'")
    assert kept == (typed if typed.startswith("CR-") else "unknown")


def test_who_lost_the_teams_key_may_not_claim_any_more(deployment: Deployment) -> None:
    reference = deployment.file().reference
    deployment.run("delete from case_key_wraps using recipient_keys r where r.key_id = case_key_wraps.key_id "
                   "and r.owner = 'security'")  # fmt: skip

    with pytest.raises(Forbidden, match=r"^not_a_member$"):
        claim(deployment, reference)


def test_what_is_given_back_waits_again_and_what_had_fired_does_not_fire_twice(deployment: Deployment) -> None:
    """The reminder of the claim had fired and was not sent yet; the deadline itself had not come."""
    reference = deployment.file("fraud", ago=timedelta(hours=3, minutes=30)).reference
    deployment.sent(reference, "security-desk")
    deployment.sent(reference, "legal-desk")
    with transaction(deployment.owner) as connection:
        flip_standby(connection)
    before = deployment.rows("select channel, revision, state from referrals order by 1, 2")
    claim(deployment, reference)

    progress.release(deployment.console, reference=reference, handle="lena", login=LOGIN)

    assert deployment.rows("select channel, revision, state from referrals order by 1, 2") == before
    assert ("security-desk", 2, "due") in before
    with transaction(deployment.owner) as connection:
        assert flip_standby(connection) == []
    assert audited(deployment, reference)[-1] == ("person:lena", "case_released", "ok", f"person:sven {LOGIN}")
    assert [line[1] for line in audited(deployment, reference)].count("reminded") == 1


def test_what_ran_out_while_somebody_had_the_case_is_told_when_it_is_given_back(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    deployment.sent(reference, "security-desk")
    claim(deployment, reference)
    deployment.run("update referrals set due_at = due_at - interval '6 h' where awaited = 'claim'")
    progress.release(deployment.console, reference=reference, handle="sven", login=LOGIN)

    with transaction(deployment.owner) as connection:
        fired = {(row.channel, row.notice) for row in flip_standby(connection) if row.outcome is None}

    assert fired == {("security-desk", "overdue"), ("ombuds-desk", "escalation")}


def test_the_reporters_clocks_stop_once_each_and_also_when_the_case_is_closed(deployment: Deployment) -> None:
    reference = deployment.file().reference
    close(deployment, reference)
    assert waiting(deployment, reference) == {"acknowledge", "feedback"}

    for act, left in ((progress.acknowledge, {"feedback"}), (progress.answer, set())):
        act(deployment.console, reference=reference, handle="sven", login=LOGIN)
        assert waiting(deployment, reference) == left
        with pytest.raises(Forbidden, match=r"^already_"):
            act(deployment.console, reference=reference, handle="sven", login=LOGIN)

    outcomes = [line[1:3] for line in audited(deployment, reference)]
    assert outcomes == [
        ("case_closed", "ok"),
        ("case_acknowledged", "ok"),
        ("case_acknowledged", "refused_already_acknowledged"),
        ("case_answered", "ok"),
        ("case_answered", "refused_already_answered"),
    ]


def test_closing_with_the_reporter_told_stops_every_clock(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference

    close(deployment, reference, told=True)

    assert waiting(deployment, reference) == set()
    [row] = deployment.rows(
        "select state, outcome, closed_at is null, acknowledged_at is null, feedback_at is null from cases"
    )
    assert row == ("closed", "acted", False, False, False)
    assert audited(deployment, reference)[-1] == ("person:sven", "case_closed", "ok", f"acted told {LOGIN}")


def test_a_closed_case_is_neither_claimed_nor_given_back_nor_closed_again(deployment: Deployment) -> None:
    reference = deployment.file().reference
    claim(deployment, reference)
    close(deployment, reference)

    with pytest.raises(Forbidden, match=r"^case_closed$"):
        claim(deployment, reference, "ana")
    with pytest.raises(Forbidden, match=r"^case_closed$"):
        progress.release(deployment.console, reference=reference, handle="sven", login=LOGIN)
    with pytest.raises(Forbidden, match=r"^case_closed$"):
        close(deployment, reference)


def test_a_case_that_somebody_has_is_closed_by_nobody_else(deployment: Deployment) -> None:
    reference = deployment.file().reference
    claim(deployment, reference)

    with pytest.raises(Taken) as caught:
        close(deployment, reference, "ana")

    assert caught.value.holder == "sven"
    assert waiting(deployment, reference) == {"decide", "acknowledge", "feedback"}


def test_nothing_is_given_back_that_nobody_has(deployment: Deployment) -> None:
    reference = deployment.file().reference

    with pytest.raises(Forbidden, match=r"^not_claimed$"):
        progress.release(deployment.console, reference=reference, handle="sven", login=LOGIN)
