"""What is measured of a running program, each with figures of its own: a burst, streams, many reporters, a backlog."""

import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Event, Thread
from typing import Any, Self

from tests.bench.generator import Plan
from tests.bench.measure import cpu_seconds, memory
from tests.bench.programs import Running, SinkAt, generate

PACED_PER_S = 20.0
YEAR_PER_S = 214.0
"""18,462,424 reports of 2018 over the seconds of a day."""
REPORTERS = 64
STUCK_S = 30.0
SAMPLE_S = 5.0


def burst(running: Running, target: SinkAt, *, count: int, connections: int, seed: int) -> dict[str, Any]:
    """File as fast as the answers come: speed, and processor time by kind of process."""
    roots = (*running.roots, target.pid)
    before = cpu_seconds(roots)
    seen, arrived = file_all(target, Plan(running.port, count, connections, token=running.token, seed=seed))
    spent = {kind: used - before.get(kind, 0.0) for kind, used in cpu_seconds(roots).items()}
    return {
        "accepted_per_s": count / (seen["ended"] - seen["began"]),
        "delivered_per_s": count / (max(arrived.values()) - seen["began"]),
        "answer_ms": seen["answer_ms"],
        "cpu_ms_per_concern": {kind: 1000 * used / count for kind, used in sorted(spent.items())}
        | {"generator": 1000 * seen["cpu_s"] / count},
    }


def paced(running: Running, target: SinkAt, *, count: int, seed: int) -> dict[str, Any]:
    """File 20 a second: from each 201 to the sink."""
    plan = Plan(running.port, count, per_s=PACED_PER_S, token=running.token, seed=seed)
    seen, arrived = file_all(target, plan)
    return {"delivered_after_ms": waits(seen, arrived), "answer_ms": seen["answer_ms"]}


def reporters(running: Running, target: SinkAt, *, each: int, seed: int) -> dict[str, Any]:
    """Let 64 people without a token file at once, one after the other as fast as each is answered."""
    plan = Plan(running.port, REPORTERS * each, REPORTERS, seed=seed)
    seen, _ = file_all(target, plan)
    return {"answer_ms": seen["answer_ms"], "filed_per_s": plan.count / (seen["ended"] - seen["began"])}


def sustained(running: Running, target: SinkAt, *, seconds: float, seed: int) -> dict[str, Any]:
    """File at the rate of a year in a day: what is behind at the end, memory, and each second's counts."""
    count = int(YEAR_PER_S * seconds)
    plan = Plan(running.port, count, per_s=YEAR_PER_S, token=running.token, seed=seed, life_s=seconds + 120)
    with Sampled(running) as sampled:
        seen, arrived = file_all(target, plan)
    behind = sum(at > seen["ended"] for at in arrived.values())
    return {
        "seconds": seconds,
        "filed": count,
        "accepted_per_s": count / (seen["ended"] - seen["began"]),
        "behind_at_end": behind,
        "behind_at_end_s": behind / YEAR_PER_S,
        "answer_ms": seen["answer_ms"],
        "delivered_after_ms": waits(seen, arrived),
        "memory_mb": sampled.largest,
        "by_second": by_second(seen, arrived),
    }


def drained(running: Running, target: SinkAt, *, count: int) -> dict[str, Any]:
    """Make `count` deliveries due at once and wait for the last: speed and memory."""
    have = target.count()
    with Sampled(running) as sampled:
        began = running.fill(count)
        wait_for(target, have + count)
        took_s = time.time() - began
    return {"count": count, "seconds": took_s, "per_s": count / took_s, "memory_mb": sampled.largest}


def file_all(target: SinkAt, plan: Plan) -> tuple[dict[str, Any], dict[str, float]]:
    """Carry out the plan and wait until the sink has it all; return what was seen, and when each case first arrived."""
    have = target.count()
    seen = generate(plan)
    if seen["statuses"] != {"201": plan.count}:
        raise SystemExit(f"not all were accepted: {seen['statuses']}")
    wait_for(target, have + plan.count)
    arrivals: dict[str, float] = target.report()["at"]
    return seen, {reference: arrivals[reference] for reference in seen["accepted_at"]}


def wait_for(target: SinkAt, wanted: int) -> None:
    """Wait until the sink took `wanted`; give up when nothing comes for STUCK_S."""
    have, changed = target.count(), time.monotonic()
    while have < wanted:
        time.sleep(0.1)
        now = target.count()
        have, changed = (now, time.monotonic()) if now > have else (have, changed)
        if time.monotonic() - changed > STUCK_S:
            raise SystemExit(f"{wanted - have} were accepted and not delivered")


def waits(seen: Mapping[str, Any], arrived: Mapping[str, float]) -> dict[str, float]:
    found = sorted(1000 * (arrived[reference] - at) for reference, at in seen["accepted_at"].items())
    return {"p50": statistics.median(found), "p99": found[len(found) * 99 // 100]}


def by_second(seen: Mapping[str, Any], arrived: Mapping[str, float]) -> list[tuple[int, int]]:
    """Return how many were accepted and how many had arrived, in each second from the beginning."""
    accepted = _counted(seen["accepted_at"].values(), seen["began"])
    delivered = _counted(arrived.values(), seen["began"])
    return [(accepted[second], delivered[second]) for second in range(max([*accepted, *delivered]) + 1)]


def _counted(moments: Iterable[float], began: float) -> Counter[int]:
    return Counter(max(0, int(moment - began)) for moment in moments)


class Sampled:
    """The largest process of each kind while the block runs, and what it was at the beginning."""

    def __init__(self, running: Running) -> None:
        self._roots = running.roots
        self._over = Event()
        self.largest: dict[str, dict[str, float]] = {}

    def __enter__(self) -> Self:
        for kind, found in memory(self._roots).items():
            self.largest[kind] = {"before": found["rss_mb"], "most": found["rss_mb"]}
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_S):
            for kind, found in memory(self._roots).items():
                known = self.largest.setdefault(kind, {"before": found["rss_mb"], "most": 0.0})
                known["most"] = max(known["most"], found["rss_mb"])
