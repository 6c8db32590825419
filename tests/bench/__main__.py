"""Runs both programs in turns, A B A B, and prints one JSON document.

Each turn starts a program from nothing, warms it up, files a burst (speed) and then a paced stream (time
from 201 to the sink). Everything is on 127.0.0.1 and ends by itself; state is below var/bench.
"""

import argparse
import json
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

from tests.bench import triage
from tests.bench.generator import Plan
from tests.bench.measure import cpu_seconds, memory
from tests.bench.programs import Running, SinkAt, generate, product, sink, straight_line
from tests.running import CHECKOUT

STATE = CHECKOUT / "var/bench"
WARM_UP = 200
PACED_PER_S = 20.0
STUCK_S = 30.0

Program = Callable[[Path, SinkAt], AbstractContextManager[Running]]
PROGRAMS: Mapping[str, Program] = {"product": product, "straight_line": straight_line}


def turn(name: str, number: int, *, burst: int, paced: int, connections: int) -> dict[str, Any]:
    """Run one program once and return what was measured."""
    folder = STATE / f"{name}-{number}"
    with sink(folder / "sink") as target, PROGRAMS[name](folder / "program", target) as running:
        roots = (*running.roots, target.pid)
        file_all(running, target, count=WARM_UP, seed=number)
        idle = memory(running.roots)
        before = cpu_seconds(roots)
        fast, delivered = file_all(running, target, count=burst, seed=1000 + number, connections=connections)
        spent = {kind: used - before.get(kind, 0.0) for kind, used in cpu_seconds(roots).items()}
        slow, arrived = file_all(running, target, count=paced, seed=2000 + number, per_s=PACED_PER_S)
        waits = sorted(1000 * (arrived[ref] - at) for ref, at in slow["accepted_at"].items() if ref in arrived)
        return {
            "accepted_per_s": burst / (fast["ended"] - fast["began"]),
            "delivered_per_s": burst / (max(delivered.values()) - fast["began"]),
            "answer_ms": fast["answer_ms"],
            "answer_at_20_per_s_ms": slow["answer_ms"],
            "delivered_after_ms": {"p50": at(waits, 50), "p99": at(waits, 99), "counted": len(waits)},
            "cpu_ms_per_concern": {kind: 1000 * used / burst for kind, used in sorted(spent.items())}
            | {"generator": 1000 * fast["cpu_s"] / burst},
            "memory_idle": idle,
            "memory_after": memory(running.roots),
            "repeats_refused": target.report()["repeats"],
        }


def file_all(
    running: Running,
    target: SinkAt,
    *,
    count: int,
    seed: int,
    per_s: float = 0.0,
    connections: int = Plan.connections,
) -> tuple[dict[str, Any], dict[str, float]]:
    """File `count` concerns and wait until the sink has them; return what the generator saw and when each arrived."""
    wanted = target.count() + count
    plan = Plan(running.port, count, per_s=per_s, token=running.token, seed=seed, connections=connections)
    seen = generate(plan)
    if seen["statuses"] != {"201": count}:
        raise SystemExit(f"not all were accepted: {seen['statuses']}")
    have, changed = target.count(), time.monotonic()
    while have < wanted:
        time.sleep(0.1)
        now = target.count()
        have, changed = (now, time.monotonic()) if now > have else (have, changed)
        if time.monotonic() - changed > STUCK_S:
            raise SystemExit(f"{wanted - have} of {count} were accepted and not delivered")
    arrivals: dict[str, float] = target.report()["at"]
    return seen, {reference: arrivals[reference] for reference in seen["accepted_at"]}


def at(waits: list[float], percent: int) -> float:
    return waits[min(len(waits) - 1, len(waits) * percent // 100)]


def medians(turns: Iterable[Any]) -> Any:
    """Return the turns' common shape with the median of each number."""
    every = list(turns)
    if isinstance(every[0], dict):
        keys = [key for key in every[0] if all(key in one for one in every)]
        return {key: medians(one[key] for one in every) for key in keys}
    return round(statistics.median(every), 2)


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    options.add_argument("--pairs", type=int, default=3, help="turns of each program")
    options.add_argument("--burst", type=int, default=2500, help="concerns filed as fast as they are answered")
    options.add_argument("--paced", type=int, default=300, help="concerns filed at 20 a second")
    options.add_argument("--connections", type=int, default=Plan.connections, help="kept open to file over")
    options.add_argument("--only", choices=PROGRAMS, help="run one program alone, to profile it")
    given = options.parse_args()
    shutil.rmtree(STATE, ignore_errors=True)
    names = [given.only] if given.only else list(PROGRAMS)
    turns: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(given.pairs):
        for name in names:
            done = turn(name, number, burst=given.burst, paced=given.paced, connections=given.connections)
            turns[name].append(done)
            speeds = f"{done['accepted_per_s']:.0f}/s accepted, {done['delivered_per_s']:.0f}/s delivered"
            sys.stderr.write(f"{name} {number + 1}: {speeds}\n")
    result: dict[str, Any] = {
        "machine": {
            "cores": psutil.cpu_count(),
            "python": platform.python_version(),
            "celery": metadata.version("celery"),
        },
        "conditions": {
            **vars(given),
            "narrative_in": "half",
            "paced_per_s": PACED_PER_S,
        },
        "triage": triage.measured(),
        **{name: medians(turns[name]) for name in names},
        "turns": turns,
    }
    if not given.only:
        pairs = list(zip(turns["product"], turns["straight_line"], strict=True))
        result["ratio"] = {
            key: round(statistics.median(ours[key] / theirs[key] for ours, theirs in pairs), 2)
            for key in ("accepted_per_s", "delivered_per_s")
        }
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
