"""`cases claim`, `release`, `acknowledge`, `answer`, `close` and `show`, as somebody types them."""

import json

import pytest

from tests.router.cli.conftest import Run
from tests.router.console.deployments import Deployment

SHOWN = {
    *("reference", "received_at", "state", "category", "severity", "site", "route", "reason", "policy", "teams"),
    *("claim_until", "held_at", "held_by", "reporter_wrote_at", "messages"),
    *("avoided", "claimed_at", "claimed_by", "closed_at", "outcome", "deadlines", "referrals", "duplicates"),
    "conflicts",
}


def test_a_case_goes_through_all_its_steps(deployment: Deployment, run_cases: Run) -> None:
    reference = deployment.file("fraud").reference

    for said, words in (
        ("claimed; given back by itself after 30 min without you", ("claim", reference, "--as", "sven")),
        ("given back", ("release", reference, "--as", "sven")),
        ("claimed; given back by itself after 30 min without you", ("claim", reference.lower(), "--as", "lena")),
        ("the reporter knows that it arrived", ("acknowledge", reference, "--as", "sven")),
        ("closed, referred", ("close", reference, "--outcome", "referred", "--as", "lena")),
        ("the reporter knows what was done", ("answer", reference, "--as", "lena")),
    ):
        assert run_cases(*words) == (0, f"{reference}: {said}\n", ""), words

    shown = json.loads(run_cases("show", reference, "--json")[1])
    assert set(shown) == SHOWN
    assert (shown["state"], shown["outcome"], shown["claimed_by"]) == ("closed", "referred", "lena")
    assert {row["awaited"]: row["stands"] for row in shown["deadlines"]} == dict.fromkeys(
        ("claim", "decide", "acknowledge", "feedback"), "kept"
    )
    assert {row["state"] for row in shown["referrals"]} == {"due", "recalled"}


def test_who_comes_second_is_told_who_has_it(deployment: Deployment, run_cases: Run) -> None:
    reference = deployment.file("fraud").reference
    run_cases("claim", reference, "--as", "sven")

    status, _, said = run_cases("claim", reference, "--as", "lena")

    assert status == 1
    assert said.startswith("concern-router: already_claimed: sven has it since 20")


@pytest.mark.parametrize(
    "words",
    [
        ("claim", "--as", "sven"),
        ("release", "--as", "sven"),
        ("acknowledge", "--as", "sven"),
        ("answer", "--as", "sven"),
        ("close", "--outcome", "acted", "--as", "sven"),
        ("show",),
    ],
)
def test_a_case_that_is_not_there_is_a_code_and_failure(
    deployment: Deployment, run_cases: Run, words: tuple[str, ...]
) -> None:
    said = "concern-router: unknown_case: `concern-router cases list` names the newest\n"
    assert run_cases(words[0], "CR-0000-0000-0000", *words[1:]) == (1, "", said)
    assert deployment.rows("select distinct outcome from audit") == [("refused_unknown_case",)]


def test_an_outcome_that_is_none_is_refused(deployment: Deployment, run_cases: Run) -> None:
    reference = deployment.file().reference

    status, _, said = run_cases("close", reference, "--outcome", "solved", "--as", "sven")

    assert status == 2
    assert "unfounded" in said


def test_showing_a_case_is_noted_and_shows_what_people_need(deployment: Deployment, run_cases: Run) -> None:
    reference = deployment.file("fraud").reference

    status, shown, _ = run_cases("show", reference.lower())

    assert status == 0
    assert "MARKED" not in shown
    for word in (reference, "security, legal", "deadlines", "acknowledge", "running", "referrals", "security-desk"):
        assert word in shown
    [[actor]] = deployment.rows("select actor from audit where action = 'case_shown' and object = :of", of=reference)
    assert actor.startswith("login:")


def test_the_list_names_route_reason_and_holder(deployment: Deployment, run_cases: Run) -> None:
    reference = deployment.file("fraud").reference
    run_cases("claim", reference, "--as", "sven")
    deployment.run("""update cases set decision = decision || '{"reason": "no_match"}'""")

    [row] = json.loads(run_cases("list", "--json")[1])
    line = run_cases("list")[1]

    assert (row["route"], row["reason"], row["claimed_by"]) == ("fraud", "no_match", "sven")
    assert all(word in line for word in ("fraud (no_match)", "sven"))
