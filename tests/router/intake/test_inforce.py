"""A bad policy file never replaces a good policy; only a very first start refuses."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from router.app import console_app, public_app
from router.errors import Broken, PolicyErrors
from router.intake import housekeeping
from router.keymaking import keys_for_new_teams
from router.operating.doctor import findings
from router.settings import Settings
from router.telemetry import REFUSED
from router.vocabulary import Login
from tests.configs import change_policy
from tests.conftest import Database
from tests.makers import login
from tests.publicpart import LEAST, count
from tests.workers.processes import wait_until

CONCERNS = "/api/v1/concerns"


def spoil(settings: Settings) -> None:
    path = settings.config_dir / "policy.yaml"
    path.write_text(path.read_text() + "\nMARKED: 1\n")


def test_a_good_policy_is_kept_and_put_in_force_once(settings: Settings, database: Database) -> None:
    for _ in range(2):
        with TestClient(public_app(settings)) as public:
            assert public.get("/readyz").json() == {"status": "ready", "codes": []}

    assert count(database, "policies") == count(database, "policy_activations") == 1


def test_with_a_bad_file_the_last_good_policy_stays(settings: Settings, database: Database) -> None:
    with TestClient(public_app(settings)):
        spoil(settings)
    with TestClient(public_app(settings)) as public:
        ready = public.get("/readyz")
        answer = public.post(CONCERNS, json=LEAST)

    assert ready.status_code == 200
    assert ready.json() == {"status": "degraded", "codes": ["policy_file_refused"]}
    assert answer.status_code == 201
    assert count(database, "policies") == 1


def test_a_first_start_with_a_bad_file_is_refused(settings: Settings) -> None:
    spoil(settings)

    with pytest.raises(PolicyErrors):
        public_app(settings)


def test_page_interface_and_document_follow_a_changed_policy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(policy: dict[str, Any]) -> None:
        policy["taxonomy"]["marked_kind"] = {"label": "MARKED label", "floor": "low"}
        policy["sites"]["works"] = policy["sites"].pop("plant")

    # Patched, so that nobody waits for seconds.
    monkeypatch.setattr("router.app.public.LOOK_EVERY_S", 0.05)
    with TestClient(public_app(settings)) as public:
        before = [public.get("/report/1").text, public.get("/api/v1/openapi.json").text]
        change_policy(settings.config_dir, rename)
        assert wait_until(lambda: "MARKED label" in public.get("/report/1").text)
        answers = [
            public.post(CONCERNS, json={**LEAST, **asked}).status_code
            for asked in ({"category": "marked_kind"}, {"site": "works"}, {"site": "plant"})
        ]
        shapes = public.get("/api/v1/openapi.json").json()["components"]["schemas"]

    assert not any("marked_kind" in text for text in before)
    assert answers == [201, 201, 422]
    for shape in ("ConcernIn", "BatchItemIn"):
        assert "marked_kind" in shapes[shape]["properties"]["category"]["enum"]
        assert shapes[shape]["properties"]["site"]["enum"] == ["headquarters", "works", None]


def test_teams_that_the_policy_newly_names_get_said_until_they_have_a_key(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.app.public.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(housekeeping, "RECIPIENTS_S", 0.05)

    def ask_the_helpdesk(policy: dict[str, Any]) -> None:
        policy["teams"]["it_helpdesk"]["desks"] = "security-desk"
        policy["teams"]["privacy"]["backup"] = "it_helpdesk"

    with TestClient(public_app(settings)) as public:

        def ready() -> Any:
            return public.get("/readyz").json()

        change_policy(settings.config_dir, ask_the_helpdesk)
        assert wait_until(lambda: "team_without_key" in ready()["codes"])
        found = {finding.check: finding for finding in findings(settings, only=frozenset({"keys"}))}
        with login(database, Login.CONSOLE) as engine:
            keys_for_new_teams(engine, ["it_helpdesk"], "first")

        assert wait_until(lambda: ready() == {"status": "ready", "codes": []})
    assert "it_helpdesk" in found["keys"].advice
    assert "concern-router keys init" in found["keys"].advice


def test_without_secrets_the_operator_is_told_what_to_run(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(Broken) as broken:
        public_app(settings.model_copy(update={"secrets_dir": tmp_path / "none"}))

    assert "keys init" in broken.value.hint


def test_lives_and_answers_without_redis_and_counts_refusals(settings: Settings) -> None:
    before = REFUSED.labels(code="not_json")._value.get()
    with TestClient(public_app(settings)) as public:
        assert public.get("/healthz").json() == {"status": "ok", "codes": []}
        public.post(CONCERNS, content=b"x", headers={"Content-Type": "application/json"})

    assert REFUSED.labels(code="not_json")._value.get() == before + 1


@pytest.mark.parametrize("path", ["/console", "/console/cases/CR-0000-0000-0000", "/console/cases/MARKED"])
def test_the_console_leads_everybody_to_the_same_sign_in_and_has_nothing_of_the_public_part(
    settings: Settings, path: str
) -> None:
    with TestClient(console_app(settings)) as console:
        answer = console.get(path, follow_redirects=False)
        ready = console.get("/readyz")
        foreign = [console.post(CONCERNS, json=LEAST), console.get("/report"), console.get("/api/v1/openapi.json")]

    assert (answer.status_code, answer.text) == (303, "")
    assert answer.headers["location"].startswith("/console/sign-in?next=%2Fconsole")
    assert ready.json()["codes"] == ["no_policy"]
    assert {other.status_code for other in foreign} <= {404, 405}
    assert b"MARKED" not in b"".join(other.content for other in foreign)


def test_https_is_held_to(settings: Settings) -> None:
    https = Settings.model_validate({**settings.model_dump(), "public_url": "https://report.example"})
    with TestClient(public_app(https)) as public:
        assert "max-age=31536000" in public.get("/report").headers["strict-transport-security"]
