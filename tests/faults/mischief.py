"""The faults that a soak draws from: each strikes, lasts as long as its seed says, and is over when it returns."""

import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil
import psycopg
from redis.exceptions import RedisError

from router.bell import QUEUE
from router.embedded.postgres import EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from tests.faults.deployment import SECOND_WORKER, WEB, WORKER, wait_until
from tests.faults.farside import TICKET
from tests.faults.front import Front, Odd
from tests.faults.lines import Cut, Line
from tests.faults.orders import Act
from tests.faults.verdict import Scene
from tests.loopback import cut
from tests.oddservers import say


@dataclass(frozen=True)
class Stage:
    """All that can be done harm to."""

    scene: Scene
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis
    to_postgres: Mapping[str, Line]
    to_redis: Line
    to_rt: Line
    front: Front
    """At the end of that line, before RT."""
    chance: random.Random

    def last(self, least_s: float, most_s: float) -> None:
        """Let a fault last for a while that the seed draws."""
        time.sleep(self.chance.uniform(least_s, most_s))


Fault = Callable[[Stage], None]


def kill_a_part(stage: Stage) -> None:
    stage.scene.deployment.kill(stage.chance.choice(stage.scene.deployment.names()))


def kill_a_pool_child(stage: Stage) -> None:
    for pid in stage.scene.deployment.pool(stage.chance.choice([WORKER, SECOND_WORKER]))[:1]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def kill_at_a_point(stage: Stage) -> None:
    point = stage.chance.choice(list(FailPoint))
    order = stage.scene.deployment.order(point, Act.KILL, skip=stage.chance.randrange(4))
    stage.last(1, 4)
    order.withdraw()


def freeze_before_a_settle(stage: Stage) -> None:
    order = stage.scene.deployment.order(
        stage.chance.choice([FailPoint.AFTER_LOOK_UP, FailPoint.BEFORE_SETTLE]), Act.STOP
    )
    stage.last(6, 9)
    order.withdraw()
    order.let_go()


def hold_back_a_create(stage: Stage) -> None:
    """The one window: a second ticket is made."""
    stage.to_rt.hold_back(b"POST /REST/2.0/ticket ")
    stage.scene.filer.file(1, TICKET)
    stage.last(8, 12)
    stage.to_rt.let_go()


def forget_doorbells(stage: Stage) -> None:
    with suppress(RedisError), stage.redis.client() as redis:
        redis.flushall()


def repeat_doorbells(stage: Stage) -> None:
    with suppress(RedisError), stage.redis.client() as redis:
        waiting = redis.lrange(QUEUE, 0, -1)
        if isinstance(waiting, list) and waiting:
            redis.lpush(QUEUE, *(waiting * 10))


def kill_redis(stage: Stage) -> None:
    os.kill(stage.redis.pid, signal.SIGKILL)
    stage.last(1, 8)
    stage.redis.start()


def freeze_redis(stage: Stage) -> None:
    os.kill(stage.redis.pid, signal.SIGSTOP)
    stage.last(1, 15)
    os.kill(stage.redis.pid, signal.SIGCONT)


def fill_redis(stage: Stage) -> None:
    with stage.redis.client() as redis:
        redis.config_set("maxmemory", 1)
        stage.last(1, 8)
        redis.config_set("maxmemory", "256mb")


def demote_redis(stage: Stage) -> None:
    with stage.redis.client() as redis:
        redis.replicaof("127.0.0.1", "9")
        stage.last(1, 8)
        redis.replicaof("no", "one")


def silence_redis(stage: Stage) -> None:
    stage.to_redis.silence()


def end_postgresql(stage: Stage) -> None:
    os.kill(stage.postgres.pid, signal.SIGQUIT)
    wait_until(lambda: not stage.postgres.alive(), what="PostgreSQL is gone")
    stage.last(0, 5)
    stage.postgres.start()


def freeze_postgresql(stage: Stage) -> None:
    frozen = [psutil.Process(stage.postgres.pid), *psutil.Process(stage.postgres.pid).children()]
    for process in frozen:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    stage.last(1, 15)
    for process in frozen:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def end_sessions(stage: Stage) -> None:
    with psycopg.connect(stage.postgres.superuser_dsn, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename <> 'postgres'")


def cut_at_commits(stage: Stage) -> None:
    line = stage.to_postgres[stage.chance.choice(list(stage.to_postgres))]
    line.cut_at_commit(stage.chance.choice(list(Cut)))
    stage.last(1, 4)
    line.cut_at_commit(None)


def misbehave(stage: Stage) -> None:
    create = b"POST /REST/2.0/ticket "
    stage.front.odd = stage.chance.choice(
        [
            Odd(lambda line: line.recv(1)),
            Odd(lambda line: line.recv(1), create, effect=True),
            Odd(cut, create, effect=True),
            Odd(say(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"), create, effect=True),
            Odd(say(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"), create),
            Odd(say(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>")),
            Odd(say(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 4\r\nContent-Length: 0\r\n\r\n")),
        ]
    )
    stage.last(2, 8)
    stage.front.behave()


def let_a_deadline_pass(stage: Stage) -> None:
    """Time passes for a few cases, so that later revisions come after the first."""
    with suppress(psycopg.Error):
        stage.scene.deployment.run("""
            update referrals set due_at = clock_timestamp() where state = 'standby' and reference in
            (select reference from referrals where state = 'standby' order by random() limit 3)""")


def burst(stage: Stage) -> None:
    stage.scene.filer.file(40)


def kill_web_at_a_commit(stage: Stage) -> None:
    point = stage.chance.choice([FailPoint.BEFORE_COMMIT, FailPoint.AFTER_COMMIT, FailPoint.AFTER_RING])
    order = stage.scene.deployment.order(point, Act.KILL, who=WEB)
    stage.last(0.5, 2)
    order.withdraw()


FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "processes": (kill_a_part, kill_a_pool_child, kill_at_a_point, kill_web_at_a_commit, freeze_before_a_settle),
    "far side": (hold_back_a_create, misbehave),
    "redis": (
        *(forget_doorbells, repeat_doorbells, kill_redis, freeze_redis, fill_redis, demote_redis, silence_redis),
    ),
    "postgresql": (end_postgresql, freeze_postgresql, end_sessions, cut_at_commits),
    "time": (let_a_deadline_pass, burst),
}
"""By what they strike: one thing is struck once at a time."""
