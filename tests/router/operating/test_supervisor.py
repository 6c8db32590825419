"""The supervisor: what dies is started again, and what it had started is ended with it."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from router.embedded.running import identity, note, noted
from router.operating.supervisor import Child, Place, Supervisor

MARK = "CONCERN_ROUTER_CHILD"
SLEEPER = "import time; time.sleep(600)"
# A leader with a child in its session, whose process id it writes down.
FAMILY = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "{SLEEPER}"])
open(sys.argv[1], "w").write(str(child.pid))
time.sleep(600)
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for folder in ("run", "logs"):
        (tmp_path / folder).mkdir()
    return Place(tmp_path / "run", tmp_path / "logs", MARK)


@pytest.fixture
def watching() -> Iterator[Supervisor]:
    watching = Supervisor()
    yield watching
    watching.stop()


def environment() -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"]}


def a_child(place: Place, *command: str, name: str = "one") -> Child:
    return Child(name, (sys.executable, "-c", *command), environment=environment, place=place, stop_s=5)


def wait(done: Callable[[], bool], *, within_s: float = 20) -> None:
    end = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    return identity(pid) is None


def a_family(place: Place, tmp_path: Path) -> tuple[Child, int]:
    """A running leader and the process id of its child."""
    file = tmp_path / "grandchild"
    family = a_child(place, FAMILY, str(file))
    family.start()
    wait(lambda: file.exists() and file.read_text() != "")
    return family, int(file.read_text())


def test_what_was_killed_runs_again_under_another_number(watching: Supervisor, place: Place) -> None:
    child = a_child(place, SLEEPER)
    watching.add("one", child)
    first = child.pid
    os.kill(first, signal.SIGKILL)

    wait(lambda: watching.look() == ("one",))

    assert child.alive()
    assert child.pid != first
    assert noted(place.run / "one.json") == child.pid


def test_waits_longer_each_time_it_dies_young(
    watching: Supervisor, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr("router.operating.supervisor.time.monotonic", lambda: moment[0])
    child = a_child(place, "pass")
    waits = []
    watching.add("one", child)
    for _ in range(4):
        while child.alive():
            time.sleep(0.01)
        watching.look()
        died = moment[0]
        while not watching.look():
            moment[0] += 0.1
        waits.append(round(moment[0] - died, 1))

    assert waits == [0.5, 1.0, 2.0, 4.0]


def test_children_of_the_dead_are_ended_before_it_runs_again(
    watching: Supervisor, place: Place, tmp_path: Path
) -> None:
    family, grandchild = a_family(place, tmp_path)
    watching.add("one", family)
    wait(lambda: int((tmp_path / "grandchild").read_text() or grandchild) != grandchild)
    grandchild = int((tmp_path / "grandchild").read_text())
    os.kill(family.pid, signal.SIGKILL)

    wait(lambda: not family.alive())
    watching.look()

    # Killed by now; the kernel may need a moment.
    wait(lambda: gone(grandchild), within_s=5)
    assert not family.alive()


def test_stop_asks_first_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    family, grandchild = a_family(place, tmp_path)
    leader = family.pid

    family.stop()

    assert gone(leader)
    assert gone(grandchild)
    assert not (place.run / "one.json").exists()


def test_what_ignores_the_request_is_killed(place: Place) -> None:
    deaf = Child(
        "deaf",
        (
            sys.executable,
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('x', flush=True); " + SLEEPER,
        ),
        environment=environment,
        place=place,
        stop_s=0.3,
    )
    deaf.start()
    wait(lambda: (place.logs / "deaf.log").read_text() == "x\n")
    leader = deaf.pid

    deaf.stop()

    assert gone(leader)


def test_leftovers_of_a_killed_supervisor_are_ended_at_the_next_start(place: Place, tmp_path: Path) -> None:
    abandoned, grandchild = a_family(place, tmp_path)
    heir = a_child(place, SLEEPER)

    heir.start()

    try:
        assert not abandoned.alive()
        assert gone(grandchild)
        assert heir.alive()
    finally:
        heir.stop()
        abandoned.stop()


def test_leftover_children_are_ended_when_their_leader_is_dead(place: Place, tmp_path: Path) -> None:
    abandoned, grandchild = a_family(place, tmp_path)
    os.kill(abandoned.pid, signal.SIGKILL)
    wait(lambda: not abandoned.alive())
    assert not gone(grandchild)

    a_child(place, SLEEPER).end_leftovers()

    assert gone(grandchild)
    abandoned.stop()


def test_what_was_started_and_not_written_down_is_ended_at_the_next_start(place: Place, tmp_path: Path) -> None:
    abandoned, grandchild = a_family(place, tmp_path)
    leader = abandoned.pid
    (place.run / "one.json").unlink()
    heir, neighbour = a_child(place, SLEEPER), a_child(place, SLEEPER, name="two")
    neighbour.start()

    heir.start()

    try:
        assert gone(leader)
        assert gone(grandchild)
        assert heir.alive()
        assert neighbour.alive()
    finally:
        for child in (heir, neighbour, abandoned):
            child.stop()


def test_a_stranger_that_got_the_number_is_left_alone(place: Place) -> None:
    stranger = psutil.Popen([sys.executable, "-c", SLEEPER], start_new_session=True)
    file = place.run / "one.json"
    note(file, stranger.pid)
    file.write_text(file.read_text().replace(f":{stranger.pid}:", f":{stranger.pid}:9"))

    a_child(place, SLEEPER).end_leftovers()

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_logs_and_notes_are_private(place: Place) -> None:
    child = a_child(place, SLEEPER)
    child.start()

    modes = {file.name: file.stat().st_mode & 0o777 for file in (place.run / "one.json", place.logs / "one.log")}

    assert modes == {"one.json": 0o600, "one.log": 0o600}
    child.stop()


def test_stops_in_the_reverse_order_of_starting(place: Place) -> None:
    ended: list[str] = []

    class Noting(Child):
        def stop(self) -> None:
            super().stop()
            ended.append(self._name)

    watching = Supervisor()
    for name in ("first", "second", "third"):
        command = (sys.executable, "-c", SLEEPER)
        watching.add(name, Noting(name, command, environment=environment, place=place, stop_s=5))

    watching.stop()

    assert ended == ["third", "second", "first"]
