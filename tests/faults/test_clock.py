"""Clocks that step a day: the database's, the processes' own, and all together, forth and back; hosts that differ.

The database's clock is shadowed, as in tests/system/test_two_years.py; a process's own is changed inside it.
A receiver of webhooks takes no signature of another day, so those wait until a worker's own clock is right again.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from tests.conftest import Database
from tests.faults.deployment import BEAT, CHAINER, WEB, WORKER, Deployment, deployed, wait_until
from tests.faults.farside import RECORD, TICKET, FarSide
from tests.faults.filer import Filer
from tests.faults.orders import Act
from tests.faults.verdict import Scene
from tests.servers import Answer

pytestmark = pytest.mark.faults
core = pytest.mark.core

DAY_S = 24 * 3600
DATABASE = "database"
ALL = (DATABASE, WEB, WORKER, BEAT, CHAINER)
SHADOW = """
    create schema sim;
    create table sim.clock (wrong interval not null);
    insert into sim.clock values ('0');
    create function sim.clock_timestamp() returns timestamptz language sql volatile
        as 'select pg_catalog.clock_timestamp() + wrong from sim.clock';
    grant usage on schema sim to public;
    grant select on sim.clock to public;
    do $$
    declare found record;
    begin
        for found in select table_name, column_name from information_schema.columns
                     where table_schema = 'public' and column_default = 'clock_timestamp()' loop
            execute format('alter table public.%I alter column %I set default sim.clock_timestamp()',
                           found.table_name, found.column_name);
        end loop;
    end $$;
"""


@pytest.fixture(scope="module")
def shared_scene(root: Path, shared_database: Database, own_redis: EmbeddedRedis, far: FarSide) -> Iterator[Scene]:
    """A database and processes whose clocks can be set."""
    with psycopg.connect(shared_database.owner_dsn, autocommit=True) as connection:
        connection.execute(SHADOW)
        name = sql.Identifier(shared_database.name)
        path = sql.SQL("alter database {} set search_path = sim, pg_catalog, public").format(name)
        connection.execute(path)
    far.configure(root / "config")
    deployment = Deployment(root, shared_database, own_redis.url, own_clocks=True)
    with deployed(deployment):
        yield Scene(deployment, Filer(deployment.url), far)


@pytest.fixture
def scene(shared_scene: Scene) -> Iterator[Scene]:
    yield shared_scene
    shared_scene.far.rt.answer_always(None)
    _set_clocks(shared_scene, 0, ALL)


@pytest.mark.parametrize("days", [1, -1])
@pytest.mark.parametrize(
    "whose",
    [
        pytest.param((DATABASE,), id="database", marks=core),
        pytest.param(ALL[1:], id="processes"),
        pytest.param(ALL, id="all", marks=core),
    ],
)
def test_clock_steps_a_day_and_comes_back(scene: Scene, whose: tuple[str, ...], days: int) -> None:
    name = {1: "the database", 4: "processes"}.get(len(whose), "everything")
    with scene.filer.filing(TICKET):
        scene.filer.file(5, TICKET)
        _set_clocks(scene, days * DAY_S, whose)
        stepped = time.monotonic()
        scene.filer.file(10, TICKET)
    scene.recovered(f"clock of {name} steps by {days:+d} day", stepped, of=TICKET)
    with scene.filer.filing(TICKET):
        scene.filer.file(5, TICKET)
        _set_clocks(scene, 0, whose)
        back = time.monotonic()

    scene.recovered(f"clock of {name} comes back from {days:+d} day", back)


@pytest.mark.parametrize("days", [pytest.param(1, marks=core), -1])
def test_what_a_wrong_clock_keeps_from_being_taken_waits_for_the_right_one(scene: Scene, days: int) -> None:
    _set_clocks(scene, days * DAY_S, (WORKER,))
    taken = len(scene.far.sink.taken)
    refused = len(scene.far.sink.forged)
    scene.filer.file(3, RECORD)
    assert scene.far.sink.wait_until(lambda: len(scene.far.sink.forged) > refused)
    assert len(scene.far.sink.taken) == taken
    _set_clocks(scene, 0, (WORKER,))
    back = time.monotonic()

    verdict = scene.recovered(f"webhooks refused for a clock {days:+d} day off", back)
    assert verdict.dead == 0


def test_channel_held_while_the_clock_is_a_day_ahead_is_not_held_for_a_day(scene: Scene) -> None:
    """What was to wait seconds by a wrong clock does not wait a day by the right one."""
    _set_clocks(scene, DAY_S, ALL)
    scene.far.rt.answer_always(Answer(503))
    scene.filer.file(20, TICKET)
    held = "select 1 from channel_states where breaker <> 'closed' and channel = 'tickets'"
    wait_until(lambda: bool(scene.deployment.rows(held)), what="the channel is held")
    _set_clocks(scene, 0, ALL)
    scene.far.rt.answer_always(None)
    back = time.monotonic()

    scene.recovered("clock comes back while a channel is held", back)


def test_clock_steps_a_day_between_look_up_and_create(scene: Scene) -> None:
    """The lease ran out with the step, so another one sends too; whoever is late makes a second ticket, and says so."""
    order = scene.deployment.order(FailPoint.AFTER_LOOK_UP, Act.PAUSE)
    [reference] = scene.filer.file(1, TICKET)
    order.wait_taken()
    _set_clocks(scene, DAY_S, (DATABASE,))
    scene.wait_settled()
    order.let_go()
    late = time.monotonic()
    wait_until(lambda: len(scene.far.tickets()[reference]) == 2, what="the late create made a second ticket")

    verdict = scene.recovered("clock of the database steps by +1 day in a create", late)
    assert verdict.mended >= 1


@pytest.mark.parametrize("minutes", [4, -4])
def test_two_hosts_whose_clocks_differ_by_minutes(scene: Scene, minutes: int) -> None:
    _set_clocks(scene, minutes * 60, (WORKER,))
    began = time.monotonic()
    scene.filer.file(10, TICKET)

    scene.recovered(f"workers' host {minutes:+d} minutes off", began)


@pytest.mark.parametrize("days", [pytest.param(1, marks=core), -1])
def test_two_hosts_whose_clocks_differ_by_a_day(scene: Scene, days: int) -> None:
    """To a worker a day ahead each doorbell of the web is long expired, and those of its own host are not."""
    _set_clocks(scene, days * DAY_S, (WORKER,))
    began = time.monotonic()
    scene.filer.file(10, TICKET)

    scene.recovered(f"workers' host {days:+d} day off", began, of=TICKET)


def _set_clocks(scene: Scene, seconds: int, whose: tuple[str, ...]) -> None:
    """Have these clocks be wrong by so many seconds, and wait until they are."""
    deployment = scene.deployment
    if DATABASE in whose:
        deployment.run("update sim.clock set wrong = make_interval(secs => %s)", seconds)
    for name in whose:
        if name != DATABASE:
            deployment.set_clock(name, seconds)
