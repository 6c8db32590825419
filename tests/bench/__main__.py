"""Runs both programs in turns, A B A B, writes what was measured as JSON and as a picture, and prints the JSON.

Each turn starts a program from nothing, warms it up, files a burst (speed), a paced stream (time from 201 to the
sink) and what 64 reporters file at once. After the turns each program gets the long stream and a backlog.
Everything is on 127.0.0.1 and ends by itself; state and results are below var/bench.
"""

import argparse
import json
import platform
import shutil
import statistics
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from tests.bench import stages, triage
from tests.bench.generator import Plan
from tests.bench.measure import memory
from tests.bench.plot import plot
from tests.bench.programs import Running, SinkAt, product, sink, straight_line
from tests.running import CHECKOUT

STATE = CHECKOUT / "var/bench"
WARM_UP = 200
THEIR_STREAM_S = 30
THEIR_BACKLOG = 5000
"""The straight line's shares of the long stream and the backlog: it is slower, and the whole has 15 minutes."""

Program = Callable[[Path, SinkAt], AbstractContextManager[Running]]
PROGRAMS: Mapping[str, Program] = {"product": product, "straight_line": straight_line}


def turn(name: str, number: int, given: argparse.Namespace) -> dict[str, Any]:
    """Run one program once and return what was measured."""
    folder = STATE / f"{name}-{number}"
    with sink(folder / "sink") as target, PROGRAMS[name](folder / "program", target) as running:
        warm_up(running, target, seed=number)
        idle = memory(running.roots)
        return {
            "burst": stages.burst(
                running, target, count=given.burst, connections=given.connections, seed=1000 + number
            ),
            "paced": stages.paced(running, target, count=given.paced, seed=2000 + number),
            "reporters": stages.reporters(running, target, each=given.each, seed=3000 + number),
            "memory_idle": idle,
            "memory_after": memory(running.roots),
            "repeats_refused": target.report()["repeats"],
        }


def long(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Run one program with the long stream, then with a backlog."""
    ours = name == "product"
    folder = STATE / f"{name}-long"
    with sink(folder / "sink") as target, PROGRAMS[name](folder / "program", target) as running:
        warm_up(running, target, seed=99)
        seconds = 60 * given.minutes if ours else min(THEIR_STREAM_S, 60 * given.minutes)
        stream = stages.sustained(running, target, seconds=seconds, seed=4000)
        say(name, f"{stream['behind_at_end']} behind after {seconds:.0f} s at {stages.YEAR_PER_S:.0f}/s")
        backlog = stages.drained(running, target, count=given.backlog if ours else min(THEIR_BACKLOG, given.backlog))
        say(name, f"backlog of {backlog['count']} gone in {backlog['seconds']:.0f} s")
        return {"sustained": stream, "drained": backlog}


def warm_up(running: Running, target: SinkAt, *, seed: int) -> None:
    stages.file_all(target, Plan(running.port, WARM_UP, token=running.token, seed=seed))


def say(name: str, text: str) -> None:
    sys.stderr.write(f"{name}: {text}\n")


def medians(turns: Iterable[Any]) -> Any:
    """Return the turns' common shape with the median of each number."""
    every = list(turns)
    if isinstance(every[0], dict):
        keys = [key for key in every[0] if all(key in one for one in every)]
        return {key: medians(one[key] for one in every) for key in keys}
    return round(statistics.median(every), 2)


def ratios(turns: Mapping[str, list[dict[str, Any]]]) -> dict[str, float]:
    """Return ours over theirs, pair by pair, as medians."""
    pairs = list(zip(turns["product"], turns["straight_line"], strict=True))
    return {
        key: round(statistics.median(ours["burst"][key] / theirs["burst"][key] for ours, theirs in pairs), 2)
        for key in ("accepted_per_s", "delivered_per_s")
    }


def options() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    asked.add_argument("--pairs", type=int, default=3, help="turns of each program")
    asked.add_argument("--burst", type=int, default=2500, help="concerns filed as fast as they are answered")
    asked.add_argument("--paced", type=int, default=200, help="concerns filed at 20 a second")
    asked.add_argument("--each", type=int, default=10, help="concerns that each of 64 reporters files")
    asked.add_argument("--connections", type=int, default=Plan.connections, help="kept open to file over")
    asked.add_argument("--minutes", type=float, default=10, help="of the long stream; 0 leaves it and the backlog out")
    asked.add_argument("--backlog", type=int, default=100_000, help="deliveries that are due at once")
    asked.add_argument("--only", choices=PROGRAMS, help="run one program alone, to profile it")
    return asked.parse_args()


def main() -> None:
    given = options()
    shutil.rmtree(STATE, ignore_errors=True)
    names = [given.only] if given.only else list(PROGRAMS)
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(given.pairs):
        for name in names:
            done = turn(name, number, given)
            turns[name].append(done)
            speeds = (done["burst"][key] for key in ("accepted_per_s", "delivered_per_s"))
            say(f"{name} {number + 1}", "{:.0f}/s accepted, {:.0f}/s delivered".format(*speeds))
    result: dict[str, Any] = {
        "machine": {
            "cores": psutil.cpu_count(),
            "python": platform.python_version(),
            "celery": metadata.version("celery"),
        },
        "conditions": {**vars(given), "narrative_in": "half", "paced_per_s": stages.PACED_PER_S},
        "triage": triage.measured(),
        **{name: medians(turns[name]) | (long(name, given) if given.minutes else {}) for name in names},
        "turns": turns,
    }
    if not given.only:
        result["ratio"] = ratios(turns)
    (STATE / "bench.json").write_text(json.dumps(result, indent=1))
    if not given.only and given.minutes:
        plot(result, STATE / "bench.svg")
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
