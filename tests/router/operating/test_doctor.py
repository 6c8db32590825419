"""Doctor's look at the policy and the keys."""

from typing import Any

from starlette.testclient import TestClient

from router.app import public_app
from router.operating.doctor import findings
from router.settings import Settings
from tests.configs import change_policy
from tests.publicpart import settings

__all__ = ["settings"]  # a fixture


def advice(settings: Settings, check: str) -> str:
    [finding] = findings(settings, only=frozenset({check}))
    assert finding.ok is not bool(finding.advice)
    return finding.advice


def ask_the_helpdesk(policy: dict[str, Any]) -> None:
    policy["teams"]["it_helpdesk"]["desks"] = "security-desk"
    policy["teams"]["privacy"]["backup"] = "it_helpdesk"


def test_files_that_are_good_and_not_in_force_are_said(settings: Settings) -> None:
    before = advice(settings, "policy")
    with TestClient(public_app(settings)):
        running = advice(settings, "policy")
    change_policy(settings.config_dir, lambda policy: policy["taxonomy"]["other"].update(label="MARKED"))

    assert "is the public part running" in before
    assert running == ""
    assert "is the public part running" in advice(settings, "policy")


def test_bad_files_are_counted_and_left_to_the_command_that_shows_them(settings: Settings) -> None:
    with TestClient(public_app(settings)):
        pass
    change_policy(settings.config_dir, lambda policy: policy.update({"MARKED": 1, "MARKED2": 2}))

    assert advice(settings, "policy").startswith("2 problems: see `concern-router policy check`")
    assert advice(settings, "keys") == ""


def test_teams_without_a_key_are_found_in_the_files_and_in_what_is_in_force(settings: Settings) -> None:
    change_policy(settings.config_dir, ask_the_helpdesk)
    by_file = advice(settings, "keys")
    with TestClient(public_app(settings)):
        pass
    (settings.config_dir / "policy.yaml").write_text("")

    assert by_file == advice(settings, "keys") == "no key for it_helpdesk: run `concern-router keys init`"
