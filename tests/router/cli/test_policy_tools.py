"""`policy test`, `graph` and `schema`: what an operator sees, and how they end."""

import json
from pathlib import Path
from shutil import copytree
from xml.etree.ElementTree import fromstring

import pytest
from typer.testing import CliRunner, Result

from router.cli.policy import commands
from router.triage.schema import schema_of
from tests.policies import CONFIG


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(copytree(CONFIG, tmp_path / "config"))
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(folder))
    return folder


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, arguments)


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


ONE = """\
examples:
  - name: MARKED something else
    facts: {category: other, noticed_how: told_by_someone}
    expect: {severity: critical, route: anything-else, told: hr-desk}
"""


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in CONFIG.rglob("policy.yaml")), ids=lambda path: path.name
)
def test_the_shipped_examples_come_out_as_wanted_and_reach_every_route(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(folder))

    result = run("test")

    assert result.exit_code == 0, result.output
    assert result.stdout.endswith("examples, 0 of them otherwise than wanted\n")
    assert "no example reaches" not in result.stdout


def test_examples_that_come_out_otherwise_are_shown_with_their_line_and_exit_1(config: Path) -> None:
    file = config / "policy.examples.yaml"
    file.write_text(ONE)

    result = run("test")

    assert result.exit_code == 1
    assert result.stdout.startswith(
        f"{file}:2: MARKED something else\n"
        "  severity: wanted critical; got low\n"
        "  told: wanted hr-desk; got legal-desk\n"
        "no example reaches the route "
    )
    assert result.stdout.endswith("1 example, 1 of them otherwise than wanted\n")


@pytest.mark.usefixtures("config")
def test_the_result_as_json(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(ONE)

    result = run("test", "--examples", str(file), "--json")

    shown = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (shown["ok"], shown["examples"]) == (False, 1)
    (failed,) = shown["failed"]
    assert (failed["file"], failed["line"], failed["name"]) == (str(file), 2, "MARKED something else")
    assert failed["differences"][0] == {"field": "severity", "wanted": "critical", "got": "low"}
    assert "children" in shown["unreached"]
    assert "anything-else" not in shown["unreached"]


def test_examples_that_are_wrong_are_refused_with_their_lines(config: Path) -> None:
    file = config / "policy.examples.yaml"
    file.write_text(ONE.replace("category: other", "category: othr"))

    result = run("test")

    assert result.exit_code == 2
    assert result.stdout == f"{file}:3: error: unknown category 'othr'; did you mean 'other'? [unknown_category]\n"


def test_examples_that_are_not_there_are_an_error(config: Path) -> None:
    result = run("test", "--examples", str(config / "nothing.yaml"))

    assert result.exit_code == 2
    assert "[unreadable]" in result.stdout


@pytest.mark.parametrize("command", ["test", "graph"])
def test_a_policy_that_is_wrong_is_refused(config: Path, command: str) -> None:
    spoil(config / "policy.yaml", "floor: critical", "floor: critcal")

    result = run(command)

    assert result.exit_code == 2
    assert "critcal" in result.stdout
    assert result.stderr == "concern-router: policy_refused: 1 problem; nothing was loaded\n"


@pytest.mark.usefixtures("config")
def test_the_picture_is_printed_or_written(tmp_path: Path) -> None:
    printed = run("graph")
    written = run("graph", "-o", str(tmp_path / "policy.svg"))

    assert (printed.exit_code, written.exit_code, written.stdout) == (0, 0, "")
    assert (tmp_path / "policy.svg").read_text() == printed.stdout
    assert fromstring(printed.stdout).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own


@pytest.mark.usefixtures("config")
def test_the_picture_as_mermaid() -> None:
    result = run("graph", "--format", "mermaid")

    assert result.exit_code == 0
    assert result.stdout.startswith("flowchart LR\n")


@pytest.mark.usefixtures("config")
def test_a_picture_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    result = run("graph", "-o", str(tmp_path / "nowhere" / "policy.svg"))

    assert result.exit_code == 2
    assert result.stderr.startswith("concern-router: unwritable")


@pytest.mark.parametrize("file", ["policy", "channels", "examples"])
def test_a_schema_is_printed_for_each_file(file: str) -> None:
    result = run("schema", "--file", file)

    assert result.exit_code == 0
    assert json.loads(result.stdout) == schema_of(file)  # type: ignore[arg-type]


def test_the_policys_schema_is_printed_when_no_file_is_named() -> None:
    assert json.loads(run("schema").stdout)["title"] == "PolicyFile"
