"""The commands `bodies`, as somebody types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from router.cli.bodies import commands
from tests.configs import shipped

FOUND = {"category": "csam_suspected", "noticed_how": "endpoint_hash_match", "where_found": "removable_usb"}
SEEN = {"category": "csam_suspected", "noticed_how": "colleague_witness", "where_found": "web_page", "country": "FR"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shipped(tmp_path / "config")
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(folder))
    return folder


def run(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(commands, arguments, input=typed)


def test_list_shows_who_is_reached_how_and_what_nobody_verified(config: Path) -> None:
    result = run("list", "--country", "fr")
    listed = json.loads(run("list", "--json").stdout)

    assert result.exit_code == 0
    assert "fr_point_de_contact (FR): Point de Contact; form, takes url" in result.stdout
    assert "unverified: check it before you use it" in result.stdout
    assert "inhope_finder (any)" in result.stdout
    assert "se_police" not in result.stdout
    assert {"se_police", "gb_iwf"} <= {one["code"] for one in listed}
    assert config.exists()


def test_check_names_the_line_of_a_wrong_entry_and_of_what_nobody_verified(config: Path) -> None:
    good = run("check")
    around = run("check", "--json")
    text = (config / "bodies.yaml").read_text()
    (config / "bodies.yaml").write_text(text.replace('  phone: "101"\n', ""))
    bad = run("check")
    (config / "bodies.yaml").unlink()
    none = run("check")

    assert good.exit_code == 0
    assert "note: 'us_fbi' is unverified" in good.stdout
    assert "us_fbi" in json.loads(around.stdout)["unverified"]
    assert bad.exit_code == 2
    assert f"{config}/bodies.yaml:" in bad.stdout
    assert "without phone or address nobody could reach it [unreachable_body]" in bad.stdout
    assert none.exit_code == 2
    assert "no_directory" in none.stderr


def test_which_says_whom_each_draft_is_for_why_and_what_is_missing(config: Path) -> None:
    device = json.loads(run("which", "-", "--client", "--json", typed=json.dumps(FOUND)).stdout)
    online = run("which", "-", typed=json.dumps(SEEN)).stdout
    inside = run("which", "-", typed=json.dumps({"category": "fraud", "noticed_how": "colleague_witness"}))

    assert [(one["channel"], one["bodies"][0], one["lacks"]) for one in device] == [
        ("police-handover", "se_police", [])
    ]
    assert "where the organisation is" in device[0]["why"]
    assert "hotline-handover leads to fr_point_de_contact: the bodies of FR, the concern's country, are asked" in online
    assert "nobody can approve it, without: url" in online
    assert inside.stdout == "nothing of it would go outside\n"
    assert config.exists()


def test_a_set_inside_names_the_file_around_it_where_that_is_wrong(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(config / "uk"))
    text = (config / "bodies.yaml").read_text()
    (config / "bodies.yaml").write_text(text.replace("country: GB", "country: UK", 1))

    result = run("which", "-", typed=json.dumps(FOUND))

    assert result.exit_code == 2
    assert f"{config}/bodies.yaml:" in result.stdout
    assert "the United Kingdom is GB" in result.stdout
