"""`policy check` and `policy explain`: what an operator sees, and how they end."""

import json
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from router.cli.policy import commands
from tests.policies import CONFIG

FACTS = {"category": "harassment", "noticed_how": "told_by_someone", "involves": ["hr"]}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(copytree(CONFIG, tmp_path / "config"))
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(folder))
    return folder


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(commands, arguments, input=typed)


def explained(facts: object, *arguments: str) -> Any:
    result = run("explain", "-", "--json", *arguments, typed=json.dumps(facts))
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def spoil(config: Path, old: str, new: str) -> None:
    policy = config / "policy.yaml"
    policy.write_text(policy.read_text().replace(old, new, 1))


def test_check_says_that_the_shipped_policy_is_good(config: Path) -> None:
    result = run("check")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"{config}: good.")


def test_check_names_file_and_line_of_every_problem_and_exits_2(config: Path) -> None:
    spoil(config, "policy: concern-router/1", "policy: concern-router/1\nplicy: x")
    spoil(config, "floor: critical", "floor: critcal")

    result = run("check")

    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{config}/policy.yaml:")
    assert lines[0].endswith("did you mean 'policy'? [unknown_key]")
    assert "unknown value 'critcal'; did you mean 'critical'?" in lines[1]
    assert result.stderr == "concern-router: policy_refused: 2 problems; nothing was loaded\n"


def test_check_prints_json(config: Path) -> None:
    good = json.loads(run("check", "--json").stdout)
    spoil(config, "floor: critical", "floor: critcal")
    bad = run("check", "--json")

    assert good["ok"]
    assert len(good["policy"]) == 64
    assert bad.exit_code == 2
    (problem,) = json.loads(bad.stdout)["problems"]
    assert (problem["code"], problem["file"]) == ("unknown_value", str(config / "policy.yaml"))
    assert isinstance(problem["line"], int)


def test_check_tells_what_keeps_a_policy_from_loading_from_what_is_only_odd(config: Path) -> None:
    spoil(config, "fallback: [", "  - {id: late, when: {category: other}, teams: legal, to: legal-desk}\nfallback: [")

    odd = run("check")
    spoil(config, "category: fraud", "category: frud")
    spoil(config, "floor: critical", "floor: critcal")
    wrong = run("check")

    assert (odd.exit_code, wrong.exit_code) == (2, 2)
    (said,) = odd.stdout.splitlines()
    assert ": warning: route 'late' is never reached: 'anything-else' (line " in said
    assert said.endswith("[unreachable]")
    assert odd.stderr == "concern-router: policy_doubtful: 1 warning; it would load\n"
    assert ": error: unknown value 'critcal'" in wrong.stdout
    assert "nothing was loaded" in wrong.stderr


def test_check_lists_errors_and_warnings_together_by_line(config: Path) -> None:
    spoil(
        config, "fallback: [", "  - {id: late, when: {category: other}, teams: legal, to: legal-desk}\nfallback: [x, "
    )
    spoil(config, "backup: legal", "backup: legl")

    result = run("check", "--json")

    found = [(one["level"], one["code"]) for one in json.loads(result.stdout)["problems"]]
    assert result.exit_code == 2
    assert [code for _, code in found if code in {"unknown_team", "unreachable"}] == [
        "unknown_team",
        "unreachable",
        "unknown_team",
    ]
    assert {level for level, code in found if code == "unknown_team"} == {"error"}
    assert {level for level, code in found if code == "unreachable"} == {"warning"}
    lines = [one["line"] for one in json.loads(result.stdout)["problems"]]
    assert lines == sorted(lines)


def test_explain_reads_a_file_and_tells_it_to_people(config: Path) -> None:
    file = config / "facts.json"
    file.write_text(json.dumps(FACTS))

    result = run("explain", str(file))

    assert result.exit_code == 0
    assert "hr is not told: it is said to be involved" in result.stdout


@pytest.mark.usefixtures("config")
def test_explain_prints_the_decision_as_json() -> None:
    shown = explained(FACTS, "--at", "2026-11-30T10:00:00+01:00")

    assert (shown["severity"], shown["route"], shown["teams"], shown["avoided"]) == (
        "medium",
        "people",
        ["legal"],
        ["hr"],
    )
    assert shown["deadlines"] == {
        "claim_by": "2026-12-02T09:00:00Z",
        "decide_by": "2026-12-14T09:00:00Z",
        "acknowledge_by": "2026-12-07T09:00:00Z",
        "feedback_by": "2027-02-28T09:00:00Z",
    }
    assert (shown["reason"], shown["link_duplicates"]) == (None, None)
    at_once, *later = shown["referrals"]
    assert (at_once["state"], at_once["due_at"], at_once["awaited"]) == ("due", None, None)
    assert all(referral["state"] == "standby" and referral["due_at"] for referral in later)
    assert all(json.loads(referral["payload"]) == referral["fields"] for referral in shown["referrals"])


@pytest.mark.usefixtures("config")
def test_explain_for_a_client_runs_no_statutory_clock() -> None:
    assert explained(FACTS, "--client")["deadlines"]["acknowledge_by"] is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ('{"category": "harassment", "noticed_how": "MARKED-7f3a"}', "noticed_how: unknown value; known: "),
        ('{"category": "MARKED_7f3a", "noticed_how": "told_by_someone"}', "category: String should match"),
        ('{"category": "marked_7f3a", "noticed_how": "told_by_someone"}', "category: not in the policy\n"),
        (
            '{"category": "harrasment"}',
            "category: not in the policy; did you mean 'harassment'?\nnoticed_how: missing\n",
        ),
        (
            '{"category": "harassment", "noticed_how": "told_by_some"}',
            "noticed_how: unknown value; did you mean 'told_by",
        ),
        (
            '{"category": "harassment", "noticed_how": "told_by_someone", "noticed_at": "7f3a"}',
            "noticed_at: a time such",
        ),
        (
            '{"category": "harassment", "noticed_how": "told_by_someone", "urgncy": []}',
            "known; did you mean 'urgency'?",
        ),
        (
            '{"category": "harassment", "noticed_how": "told_by_someone", "site": "marked_7f3a"}',
            "site: not in the policy; known: ",
        ),
        (
            '{"category": "harassment", "noticed_how": "told_by_someone", "MARKED-7f3a": 1}',
            "a field that is not known\n",
        ),
        (
            '{"category": "harassment", "noticed_how": "told_by_someone", "narrative": "MARKED-7f3a"}',
            "narrative: content is no fact; leave it out\n",
        ),
        ('{"category": "harassment", "category": "MARKED-7f3a"}', "facts_refused: "),
        ("MARKED-7f3a", "facts_refused: not_json"),
        ('"MARKED-7f3a"', "facts: Input should be an object\n"),
        ("", "facts_refused: not_json"),
    ],
)
@pytest.mark.usefixtures("config")
def test_explain_refuses_what_is_no_facts_without_showing_it(typed: str, said: str) -> None:
    result = run("explain", "-", typed=typed)

    assert result.exit_code == 2
    assert said in result.output
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("concern-router: facts_refused: ")
    assert "7f3a" not in result.output.lower()


@pytest.mark.usefixtures("config")
def test_explain_refuses_facts_as_json_too() -> None:
    result = run("explain", "-", "--json", typed='{"category": "harassment"}')

    assert result.exit_code == 2
    assert json.loads(result.stdout) == {"ok": False, "problems": ["noticed_how: missing"]}


@pytest.mark.parametrize("moment", ["2026-11-30T10:00:00", "tomorrow", "2026-13-01T00:00:00Z"])
@pytest.mark.usefixtures("config")
def test_explain_refuses_a_time_without_zone(moment: str) -> None:
    result = run("explain", "-", "--at", moment, typed=json.dumps(FACTS))

    assert result.exit_code == 2
    assert result.stderr.startswith("concern-router: odd_time")


def test_explain_says_what_is_wrong_with_the_policy(config: Path) -> None:
    spoil(config, "floor: critical", "floor: critcal")

    result = run("explain", "-", typed=json.dumps(FACTS))

    assert result.exit_code == 2
    assert "critcal" in result.stdout


def test_explain_says_that_a_file_is_missing(config: Path) -> None:
    result = run("explain", str(config / "nothing.json"))

    assert result.exit_code == 2
    assert result.stderr.startswith("concern-router: unreadable")


def test_a_channel_that_only_sources_use_is_used(config: Path) -> None:
    channels = (config / "channels.yaml").read_text()
    notes = "helpdesk-notes: {kind: folder, scope: internal, carries: [source_ticket], readable_by: [it_helpdesk]"
    (config / "channels.yaml").write_text(f"{channels}\n{notes}, path: outbox/notes}}\n")
    without = run("check")
    (config / "sources.yaml").write_text("helpdesk: {note_back: helpdesk-notes}\n")

    assert "unused_channel" in without.output
    assert run("check").exit_code == 0
