"""Secrets come from where they are named, in time, and are shown nowhere."""

import os
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from router import secretrefs
from router.errors import TryLater
from router.secretrefs import SECRET_CAP, secret

MARKED = "MARKED-7f3a"


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    secretrefs._commands.clear()
    yield
    secretrefs._commands.clear()


def command(tmp_path: Path, script: str) -> str:
    path = tmp_path / "token"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return f"command:{path}"


def alive(group: int) -> list[int]:
    """Return the processes of a group; what is dead and waits for its parent is not among them."""
    found = [(process.info["pid"], process.info["status"]) for process in psutil.process_iter(["pid", "status"])]
    return [pid for pid, status in found if status != psutil.STATUS_ZOMBIE and group_of(pid) == group]


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_come_from_where_they_are_named_anew_each_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SOME_TOKEN", "first")
    (tmp_path / "token").write_text("second\n")

    assert (secret("env:SOME_TOKEN"), secret(f"file:{tmp_path}/token")) == ("first", "second")
    (tmp_path / "token").write_text("rotated")
    assert secret(f"file:{tmp_path}/token") == "rotated"


@pytest.mark.parametrize(
    "reference",
    ["env:NOT_THERE", "file:/not/there", "file:/dev/zero", "file:/tmp", "command:/not/there", "command:/tmp", "clear"],
)
def test_a_missing_one_holds_the_referral(reference: str) -> None:
    with pytest.raises(TryLater, match=r"^secret_missing$"):
        secret(reference)


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(TryLater, match=r"^secret_missing$"):
        secret(f"file:{tmp_path}/pipe")


@pytest.mark.parametrize(
    "found",
    [
        f"{MARKED}\r\nX-Other: 1".encode(),
        f"{MARKED}\nsecond line".encode(),
        f"{MARKED}\x00".encode(),
        f"{MARKED}é".encode(),
        f"{MARKED}密".encode(),
        MARKED.encode() + b"\xff",
        f"{MARKED}\x7f".encode(),
        MARKED.encode() + b"x" * SECRET_CAP,
    ],
    ids=["header", "two lines", "nul", "latin", "wide", "no utf-8", "delete", "long"],
)
def test_one_that_no_header_can_carry_is_malformed_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: bytes
) -> None:
    (tmp_path / "token").write_bytes(found)
    references = [f"file:{tmp_path}/token"]
    if b"\x00" not in found:
        monkeypatch.setitem(os.environb, b"ODD_TOKEN", found)
        references.append("env:ODD_TOKEN")

    for reference in references:
        with pytest.raises(TryLater, match=r"^secret_malformed$") as raised:
            secret(reference)
        assert MARKED not in "".join(traceback.format_exception(raised.value))
        assert raised.value.__context__ is None


def test_a_command_says_it_in_its_first_line_with_the_worker_s_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FROM_THE_WORKER", "s3cret")

    assert secret(command(tmp_path, 'echo "$FROM_THE_WORKER"; echo more; echo and more')) == "s3cret"


def test_a_command_that_says_much_is_heard_to_its_end(tmp_path: Path) -> None:
    assert secret(command(tmp_path, "echo s3cret; head -c 5000000 /dev/zero")) == "s3cret"


def test_what_a_command_said_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    reference = command(tmp_path, f"echo x >> {tmp_path}/runs; wc -l < {tmp_path}/runs")

    assert [secret(reference) for _ in range(3)] == ["1", "1", "1"]
    # Patched: a minute without waiting for it.
    monkeypatch.setattr(secretrefs, "KEPT_S", 0.0)
    secretrefs._commands.clear()
    assert [secret(reference) for _ in range(3)] == ["2", "3", "4"]


def test_many_that_want_the_same_run_it_once(tmp_path: Path) -> None:
    reference = command(tmp_path, f"echo x >> {tmp_path}/runs; sleep 0.2; echo s3cret")
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(secret(reference))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == ["s3cret"] * 16
    assert (tmp_path / "runs").read_text() == "x\n"


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        "echo",
        f"echo {MARKED}; exit 1",
        f"echo {MARKED}; kill -9 $$",
        f"echo {MARKED} >&2",
        f"echo {MARKED} >&2; exit 3",
    ],
)
def test_a_command_that_fails_gives_none_and_is_not_quoted(
    tmp_path: Path, script: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TryLater, match=r"^secret_missing$") as raised:
        secret(command(tmp_path, script))

    assert MARKED not in "".join(traceback.format_exception(raised.value))
    assert MARKED not in "".join(capfd.readouterr())
    assert raised.value.__context__ is None


@pytest.mark.parametrize(
    "script", ["sleep 60", f"echo {MARKED}; sleep 60", "sleep 60 & sleep 60", "while :; do echo x; done"]
)
def test_a_command_that_takes_too_long_ends_with_all_that_it_started(tmp_path: Path, script: str) -> None:
    began = monotonic()
    with pytest.raises(TryLater, match=r"^secret_missing$"):
        secret(command(tmp_path, f"echo $$ > {tmp_path}/group; {script}"), until=began + 0.5)

    assert monotonic() - began < 5
    group = int((tmp_path / "group").read_text())
    while alive(group) and monotonic() < began + 10:
        sleep(0.02)
    assert not alive(group)


def test_a_command_that_leaves_something_behind_is_not_waited_for(tmp_path: Path) -> None:
    began = monotonic()

    assert secret(command(tmp_path, "echo s3cret; sleep 60 & exit 0")) == "s3cret"
    assert monotonic() - began < 5


def test_what_is_kept_does_not_print_itself(tmp_path: Path) -> None:
    secret(command(tmp_path, f"echo {MARKED}"))

    assert MARKED not in repr(secretrefs._commands)
