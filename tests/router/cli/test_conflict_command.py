"""`cases conflict` says what became of the case, what it could not undo, and shows no content."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from router.cli import main
from tests.router.console.deployments import Deployment

REASON = "found out at the first talk"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(given: str, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "cases", "conflict", *arguments, "--passphrase-stdin"])
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{given}\n"))
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        status = ended.value.code
        return (status if isinstance(status, int) else 0), printed.out, printed.err

    return ran


def by_ana(deployment: Deployment, run: Run, reference: str, *more: str) -> tuple[int, str, str]:
    given = deployment.passphrases["ana"]
    return run(given, reference, "security", "--as", "ana", "--reason", REASON, *more)


def test_json_says_all_that_became_of_it(deployment: Deployment, run: Run) -> None:
    reference = deployment.file().reference
    deployment.sent(reference, "security-desk")
    status, out, err = by_ana(deployment, run, reference, "--json")
    removed: dict[str, Any] = json.loads(out)

    assert (status, err) == (0, "")
    assert removed.pop("stopped") > 0
    assert removed == {
        "reference": reference,
        "team": "security",
        "found_before": False,
        "recalled": ["security-desk"],
        "told": ["legal-desk"],
        "key_taken": True,
        "keys_given": ["legal"],
        "without_key": [],
        "released_from": None,
        "seen_by": [],
    }


def test_people_are_told_plainly_what_cannot_be_undone(deployment: Deployment, run: Run) -> None:
    reference = deployment.file("fraud").reference
    deployment.open(reference, "sven")
    status, out, _ = by_ana(deployment, run, reference)

    assert status == 0
    assert "sven of security opened the case at " in out
    assert "what was seen cannot be unseen" in out
    assert "MARKED" not in out


def test_a_case_is_shown_with_what_was_found_of_its_teams(
    deployment: Deployment, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = deployment.file("fraud").reference
    by_ana(deployment, run, reference)
    monkeypatch.setattr("sys.argv", ["concern-router", "cases", "show", reference])
    with pytest.raises(SystemExit):
        main()

    teams = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("teams "))
    assert "security (in conflict)" in teams


def test_a_second_run_says_that_it_was_known(deployment: Deployment, run: Run) -> None:
    reference = deployment.file().reference
    by_ana(deployment, run, reference)
    status, out, _ = by_ana(deployment, run, reference)

    assert status == 0
    assert "which was known before" in out


def test_the_recovery_identity_is_read_like_a_passphrase(deployment: Deployment, run: Run) -> None:
    reference = deployment.file().reference
    arguments = (reference, "security", "--as", "ceo", "--reason", REASON, "--recovery")
    status, out, _ = run(deployment.recovery_identity, *arguments)

    assert status == 0
    assert "key handed to     legal" in out


@pytest.mark.parametrize("arguments", [("--as", "ana"), ("--reason", "x y z")])
def test_a_piped_passphrase_is_never_taken_for_a_reason(
    deployment: Deployment, run: Run, arguments: tuple[str, ...]
) -> None:
    reference = deployment.file().reference
    status, out, err = run("MARKED-7f3a", reference, "security", *arguments)

    assert status == 1
    assert "option_missing" in err
    assert "MARKED" not in out + err + str(deployment.rows("select * from audit"))
