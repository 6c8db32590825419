"""Doctor's look at the policy and the keys."""

from typing import Any

import yaml
from pydantic import AnyHttpUrl, SecretStr
from sqlalchemy import text
from starlette.testclient import TestClient

from router.app import public_app
from router.bell import publisher, ring_wake
from router.bodies.directory import bodies_text
from router.bodies.together import joined
from router.embedded.redis import EmbeddedRedis
from router.operating.doctor import findings
from router.settings import Settings
from router.store.breaker import Heard
from router.store.channelstates import hold
from router.store.drills import post_drill
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.configs import change_policy
from tests.conftest import Database
from tests.makers import login
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


def a_late_referral(database: Database, channel: str = "desk") -> None:
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        digest = connection.exec_driver_sql("select digest from policies").scalar_one()
        post_drill(connection, channel=channel, kind="webhook", policy=digest)
        connection.exec_driver_sql("update referrals set due_at = due_at - interval '1 h'")
    owner.dispose()


def test_doorbells_that_nobody_takes_are_told_by_their_pool(
    settings: Settings, database: Database, redis_server: EmbeddedRedis
) -> None:
    with TestClient(public_app(settings)):
        pass
    own = settings.model_copy(update={"redis_url": SecretStr(redis_server.url)})
    channels = (settings.config_dir / "channels.yaml").read_text()
    name = next(iter(yaml.safe_load(channels)))
    changed = yaml.safe_load(channels)
    changed[name]["pool"] = "night-of-a-test"
    a_late_referral(database, name)
    owner = connect(database.owner_dsn, process="test-owner")
    with transaction(owner) as connection:
        ways = joined(yaml.safe_dump(changed), bodies_text(settings.config_dir))
        connection.execute(text("update policies set channels = :c"), {"c": ways})
    owner.dispose()
    silent = advice(own, "pools")
    ring_wake(publisher(redis_server.url), name, "night-of-a-test")
    told = advice(own, "pools")
    with redis_server.client() as redis:
        redis.delete("night-of-a-test")

    assert silent == ""
    assert told.startswith("nobody takes the doorbells of night-of-a-test: ")
    assert "CONCERN_ROUTER_WORKER_POOLS" in told


def test_a_channel_that_is_left_alone_is_told_and_its_referrals_are_no_fault_of_the_workers(
    settings: Settings, database: Database
) -> None:
    with TestClient(public_app(settings)):
        pass
    a_late_referral(database)
    before = advice(settings, "deliveries"), advice(settings, "channels")
    with login(database, Login.WORKER) as worker, transaction(worker) as connection:
        hold(connection, "desk", Heard("field_missing", worked=False), named="Severity")

    assert before[0].startswith("the oldest waits for ")
    assert before[1] == ""
    assert advice(settings, "deliveries") == ""
    assert advice(settings, "channels").startswith("left alone for now: desk (field_missing: Severity); ")


def test_a_house_that_would_keep_the_public_part_from_starting_is_told(settings: Settings) -> None:
    real = settings.model_copy(update={"public_url": AnyHttpUrl("https://speak.northlight.se")})
    here, there = advice(settings, "house"), advice(real, "house")
    (settings.config_dir / "house.yaml").unlink()

    assert here == ""
    assert "write your own name and contact" in there
    assert "nobody knows who runs this" in advice(settings, "house")
