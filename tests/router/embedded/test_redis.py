"""The private Redis: closed, forgetful, never evicting, and recovered after any kind of end."""

import os
import signal
import socket
from pathlib import Path

import psutil
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from router.embedded.redis import EmbeddedRedis


def test_needs_its_password(redis_server: EmbeddedRedis) -> None:
    with Redis(port=redis_server.port) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()


def test_forgets_on_disk_and_never_evicts(redis_server: EmbeddedRedis) -> None:
    with redis_server.client() as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("maxmemory") == {"maxmemory": str(256 * 1024 * 1024)}
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("appendonly") == {"appendonly": "no"}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_listens_on_loopback_only_and_not_as_root(redis_server: EmbeddedRedis) -> None:
    process = psutil.Process(redis_server.pid)
    listening = [c for c in process.net_connections("all") if c.status == psutil.CONN_LISTEN]

    assert [(c.family, c.laddr.ip) for c in listening] == [(socket.AF_INET, "127.0.0.1")]
    assert 0 not in process.uids()


def test_password_is_on_no_command_line_and_in_no_environment(redis_server: EmbeddedRedis) -> None:
    process = psutil.Process(redis_server.pid)
    password = redis_server.url.split(":")[2].split("@")[0]

    assert password not in " ".join([*process.cmdline(), *process.environ().values()])


def test_starts_below_a_folder_of_any_name(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / 'my "own" \\ état')
    server.start()

    try:
        with server.client() as client:
            assert client.config_get("dir") == {"dir": str(tmp_path / 'my "own" \\ état/redis/work')}
    finally:
        server.stop()


def test_same_address_after_kill_and_after_a_stop(tmp_path: Path) -> None:
    first = EmbeddedRedis(tmp_path / "state")
    first.start()
    os.kill(first.pid, signal.SIGKILL)
    second = EmbeddedRedis(tmp_path / "state")
    second.start()
    second.stop()
    third = EmbeddedRedis(tmp_path / "state")

    third.start()

    try:
        assert {first.url, second.url} == {third.url}
    finally:
        third.stop()
        first.stop()


def test_an_orphan_is_ended_at_the_next_start(tmp_path: Path) -> None:
    abandoned = EmbeddedRedis(tmp_path / "state")
    abandoned.start()
    heir = EmbeddedRedis(tmp_path / "state")

    heir.start()

    try:
        assert not abandoned.alive()
        assert heir.url == abandoned.url
    finally:
        heir.stop()


def test_an_orphan_that_nobody_wrote_down_is_ended_too(tmp_path: Path) -> None:
    abandoned = EmbeddedRedis(tmp_path / "state")
    abandoned.start()
    (tmp_path / "state/run/redis.json").unlink()
    heir = EmbeddedRedis(tmp_path / "state")

    heir.start()

    try:
        assert not abandoned.alive()
        assert heir.url == abandoned.url
    finally:
        heir.stop()
        abandoned.stop()


def test_moves_to_another_port_when_its_own_is_taken(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path / "state")
    server.start()
    server.stop()
    with socket.create_server(("127.0.0.1", server.port)) as stranger:
        server.start()

        try:
            assert server.port != stranger.getsockname()[1]
            with server.client() as client:
                assert client.ping()
        finally:
            server.stop()
