"""Half an hour of random faults: `python -m tests.faults.soak --minutes 30 --seed 7`; prints figures as JSON.

Concerns come in all the while. Two faults strike at a time, at different places; after each pair it is measured how
long what had been accepted by then took to be delivered. Ends by itself, with 1 when anything was lost, doubled and not
mended, out of order, or missing in the audit. The seed draws the faults; what they meet is the machine's.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from router import telemetry
from router.embedded.account import make_folder
from router.embedded.postgres import DATABASE, EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.store.upgrade import upgrade
from router.vocabulary import Login
from tests.conftest import CHECKOUT, FOLDER_MODE, Database
from tests.faults.deployment import CHAINER, SECOND_WORKER, WEB, WORKER, Deployment, deployed, wait_until
from tests.faults.farside import a_far_side
from tests.faults.filer import Filer
from tests.faults.front import Front
from tests.faults.lines import Line
from tests.faults.mischief import FAULTS, Fault, Stage
from tests.faults.verdict import Scene

RECOVERED_S = 300.0
APART_S = (1.0, 6.0)


@contextmanager
def a_stage(root: Path, chance: random.Random) -> Iterator[Stage]:
    """Yield a deployment of two workers, with a line before each thing that can fail."""
    with ExitStack() as stack:
        postgres, redis = EmbeddedPostgres(root), EmbeddedRedis(root)
        for server in (postgres, redis):
            server.start()
            stack.callback(server.stop)
        upgrade(postgres.owner_dsn, {login: login.value for login in Login})
        far = stack.enter_context(a_far_side())
        front = stack.enter_context(Front(int(far.rt.url.rpartition(":")[2])))
        to_rt, to_redis = (stack.enter_context(Line(port)) for port in (front.port, redis.port))
        parts = (WEB, WORKER, SECOND_WORKER, CHAINER)
        to_postgres = {name: stack.enter_context(Line(postgres.port)) for name in parts}
        far.configure(root / "config", tickets=to_rt.url)
        deployment = Deployment(
            root,
            Database(postgres, DATABASE),
            redis.url,
            workers=2,
            database_ports={name: line.port for name, line in to_postgres.items()},
            redis_port=to_redis.port,
        )
        stack.enter_context(deployed(deployment))
        scene = Scene(deployment, Filer(deployment.url), far)
        yield Stage(scene, postgres, redis, to_postgres, to_redis, to_rt, front, chance)


class Soak:
    """One run, and its figures."""

    def __init__(self, stage: Stage, minutes: float) -> None:
        self._stage = stage
        self._ends = time.monotonic() + 60 * minutes
        self.struck: Counter[str] = Counter()
        self.recovered_s: list[float] = []

    def run(self) -> None:
        """Strike until the time is up."""
        while time.monotonic() < self._ends:
            chance = self._stage.chance
            # Each with a chance of its own: which of the two draws first must not matter.
            drawn = [(chance.choice(FAULTS[target]), chance.random()) for target in chance.sample(list(FAULTS), 2)]
            with ThreadPoolExecutor(len(drawn)) as threads:
                list(threads.map(self._strike, *zip(*drawn, strict=True)))
            self._stage.scene.deployment.orders.clear()
            self.recovered_s.append(self._recovery(list(self._stage.scene.filer.accepted)))
            self._stage.last(*APART_S)

    def _strike(self, fault: Fault, own: float) -> None:
        self.struck[fault.__name__] += 1
        fault(replace(self._stage, chance=random.Random(own)))

    def _recovery(self, accepted: list[str]) -> float:
        """Wait until nothing of what was accepted by now waits for anybody; return the seconds that it took."""
        over, deployment = time.monotonic(), self._stage.scene.deployment
        query = "select 1 from referrals where state in ('due', 'leased') and reference = any(%s) limit 1"

        def all_settled() -> bool:
            try:
                return not deployment.rows(query, accepted)
            except psycopg.Error:
                return False

        wait_until(all_settled, within_s=RECOVERED_S, what="what was accepted is delivered")
        return time.monotonic() - over


def soak(root: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Run and return the figures."""
    with a_stage(root, random.Random(seed)) as stage:
        scene = stage.scene
        scene.filer.file(20)
        scene.wait_settled()
        memory = scene.deployment.memory_mb()
        run = Soak(stage, minutes)
        with scene.filer.filing(pause_s=0.2):
            run.run()
        scene.wait_settled(RECOVERED_S)
        _look_at_all(scene)
        verdict = scene.judge()
        return {
            "seed": seed,
            "minutes": minutes,
            **asdict(verdict),
            "answers": dict(scene.filer.answers),
            "faults": dict(run.struck.most_common()),
            "parts_started_again": dict(Counter(name for _, name in scene.deployment.ends)),
            "recovery_s": {"p50": round(median(run.recovered_s), 1), "max": round(max(run.recovered_s), 1)},
            "memory_mb": {"begin": memory, "end": scene.deployment.memory_mb()},
        }


def _look_at_all(scene: Scene) -> None:
    """Have the hours passed after which what was sent is looked at again."""
    looks = "select 1 from referrals where look_at < clock_timestamp() and state = 'sent' limit 1"
    scene.deployment.run("update referrals set look_at = clock_timestamp() where look_at is not null")
    wait_until(lambda: not scene.deployment.rows(looks), within_s=RECOVERED_S, what="all was looked at")


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30)
    asked.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = asked.parse_args()
    telemetry.configure("soak", level="WARNING")
    sys.stderr.write(f"seed {given.seed}, {given.minutes:g} minutes\n")
    root = CHECKOUT / "var/soak" / str(os.getpid())
    for folder in (root.parent, root):
        make_folder(folder, FOLDER_MODE)
    figures = soak(root, given.minutes, given.seed)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    if figures["wrong"]:
        sys.stderr.write(f"wrong; logs are below {root}\n")
        return 1
    shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
