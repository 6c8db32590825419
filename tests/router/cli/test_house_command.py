"""`house check`: what an operator sees before the public part starts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from router.cli.house import commands
from tests.houses import SHIPPED, house_text


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["check", *arguments])


def test_a_good_house_is_good_with_what_to_look_at_some_day(config: Path) -> None:
    (config / "house.yaml").write_text(house_text())

    result = run()

    assert result.exit_code == 0
    assert f"{config}/house.yaml:1: note: no authorities" in result.stdout
    assert result.stdout.endswith("good, with 1 note\n")


def test_the_example_is_a_note_here_and_an_error_under_a_real_address(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (config / "house.yaml").write_text((SHIPPED[0] / "house.yaml").read_text())
    here = run("--json")
    monkeypatch.setenv("CONCERN_ROUTER_PUBLIC_URL", "https://speak.northlight.se")
    there = run("--json")

    assert (here.exit_code, there.exit_code) == (0, 2)
    for result, level in ((here, "note"), (there, "error")):
        [example] = [one for one in json.loads(result.stdout)["problems"] if one["code"] == "example"]
        assert example["level"] == level


def test_a_wrong_house_is_refused_with_each_line(config: Path) -> None:
    (config / "house.yaml").write_text(house_text(name=None, emergency={"SE": "MARKED"}))

    result = run()

    assert result.exit_code == 2
    assert "error: 'name' is missing [missing]" in result.stdout
    assert "house.yaml:9: error: 'MARKED' does not look like" in result.stdout
    assert "house_refused: 2 problems; the public part would not start" in result.stderr


def test_a_house_that_is_not_there_is_said(config: Path) -> None:
    result = run()

    assert result.exit_code == 2
    assert f"there is no such file, in {config}" in result.stdout


def test_a_text_that_a_language_lacks_is_doubtful(config: Path) -> None:
    privacy = {"en": "We keep little.", "de": "Wir speichern wenig."}
    contact = {"who": {"en": "Office"}, "phone": "112"}
    (config / "house.yaml").write_text(house_text(languages=["en", "de"], privacy=privacy, contact=contact))

    result = run()

    assert result.exit_code == 2
    assert "warning: there is nothing in 'de' here [untranslated]" in result.stdout
    assert "house_doubtful: 1 warning; the public part would start" in result.stderr
