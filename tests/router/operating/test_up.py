"""What `up` starts: workers for each pool beside the default one, each with the worker's own login alone."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from router.operating.up import Up
from router.settings import Settings


def commands(folder: Path, **settings: object) -> dict[str, str]:
    given = Settings(state_dir=folder, **settings)  # type: ignore[arg-type]
    children = Up(given, reviewer="first", say=print)._children()
    return {name: " ".join(child._command) for name, child in children.items()}


def test_one_worker_takes_the_default_pool_unless_others_are_named(tmp_path: Path) -> None:
    made = commands(tmp_path, worker_processes=3)

    assert [name for name in made if name.startswith("worker")] == ["worker"]
    assert "-Q doorbells -n doorbells@%h --concurrency=3" in made["worker"]


def test_each_pool_gets_a_worker_of_its_own(tmp_path: Path) -> None:
    made = commands(tmp_path, worker_pools=(("slow", 1), ("night_2", 2)))

    assert [name for name in made if name.startswith("worker")] == ["worker", "worker-slow", "worker-night_2"]
    assert "-Q slow -n slow@%h --concurrency=1" in made["worker-slow"]
    assert "-Q night_2 -n night_2@%h --concurrency=2" in made["worker-night_2"]


def test_workers_of_every_pool_see_the_secrets_that_channels_name_and_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_TOKEN", "MARKED-7f3a")
    addresses = {f"database_url_{login}": SecretStr(login) for login in ("intake", "worker", "console", "chainer")}
    given = Settings(
        state_dir=tmp_path,
        redis_url=SecretStr("redis"),
        worker_pools=(("slow", 1),),
        **addresses,  # type: ignore[arg-type]
    )
    children = Up(given, reviewer="first", say=print)._children()
    see = {name: dict(child._environment()) for name, child in children.items()}

    assert {name for name, env in see.items() if "DESK_TOKEN" in env} == {"worker", "worker-slow"}
    assert {name for name, env in see.items() if env.get("CONCERN_ROUTER_DATABASE_URL_WORKER") == "worker"} == {
        "worker",
        "worker-slow",
    }
