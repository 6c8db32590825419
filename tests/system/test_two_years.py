"""Two years of simulated time on a real PostgreSQL: every deadline fires once, at its minute, or was stopped in time.

The database's own clock is shadowed: in `sim` stands a `clock_timestamp()` that reads a row, and the product's
statements find that one first. Expected is what `two_years` reads in the policy and `naive_clock` counts.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, insert, text

from router.model import Facts
from router.store import cases, progress
from router.store.engine import connect, transaction
from router.store.referrals import Ended, lease, settle
from router.store.standby import flip_standby
from router.store.tables import people, policies
from router.triage.decide import decide
from router.triage.policy import parse_policy
from router.vocabulary import CaseOutcome, Login
from tests.conftest import Database
from tests.makers import a_case, change, login, prepare
from tests.system.naive_clock import DAY, MINUTE
from tests.system.two_years import CHANNELS, END, POLICY, URGENCY, Concern, concerns

CONCERNS = 300
AWAY = (datetime.fromisoformat("2027-06-08T03:00:30Z"), datetime.fromisoformat("2027-06-13T11:00:30Z"))
"""Nothing sweeps between these; people at the console act all the same."""
JUMPS = [datetime.fromisoformat(f"{day}T10:30:30Z") for day in ("2027-03-30", "2027-09-01", "2028-03-01", "2028-11-02")]
"""Moments at which the server's clock goes wrong."""

STOPPED_BY_CLOSING = ("claim", "decide", "delivery")
FATES = ("fired", "not_needed", "overtaken", "claimed", "acknowledged", "answered", "closed")
ACTIONS = {"reminder": "reminded", "overdue": "deadline_passed", "escalation": "escalated"}

SHADOW = """
    create schema sim;
    create table sim.clock (now timestamptz not null);
    insert into sim.clock values ('2026-01-01T00:00:00Z');
    create function sim.clock_timestamp() returns timestamptz language sql volatile as 'select now from sim.clock';
    grant usage on schema sim to public;
    grant select on sim.clock to public;
"""


class World:
    """The product's store under a clock of our own, and beside it what ought to be."""

    def __init__(
        self, clock: psycopg.Connection, owner: Engine, intake: Engine, worker: Engine, console: Engine
    ) -> None:
        self.clock = clock
        self.owner, self.intake, self.worker, self.console = owner, intake, worker, console
        self.policy = parse_policy(POLICY, CHANNELS)
        self.known: dict[str, Concern] = {}

    def set(self, now: datetime) -> None:
        self.clock.execute("update sim.clock set now = %s", [now])

    def receive(self, concern: Concern, now: datetime) -> None:
        """Decide and record; the plan must be the one expected."""
        urgency = URGENCY[concern.severity]
        facts = Facts.model_validate(
            {
                "category": concern.category,
                "noticed_how": "told_by_someone",
                "site": concern.site,
                "urgency": [urgency] if urgency else [],
            }
        )
        case = a_case(channels=())
        decision = decide(
            self.policy,
            facts,
            reference=case.reference,
            received_at=now,
            statutory=concern.person,
            console_url="http://127.0.0.1:8001",
        )
        standby = [planned for planned in decision.referrals if planned.state == "standby"]
        planned = [(p.due_at, p.channel, p.fields.notice, p.awaited) for p in standby]
        assert planned == [(row.due, *row.name) for row in concern.rows]
        concern.reference = case.reference
        self.known[case.reference] = concern
        with transaction(self.intake) as connection:
            cases.record(connection, [replace(case, received_at=now, facts=facts, decision=decision)])
        self.deliver(concern, "sent" if concern.delivered else "dead")

    def deliver(self, concern: Concern, state: str) -> None:
        """Settle what is told at once."""
        with transaction(self.owner) as connection:
            set_state = "update referrals set state = :state where notice is null and reference = :reference"
            change(connection, set_state, state=state, reference=concern.reference)
        concern.delivered = state == "sent"

    def sweep(self, now: datetime) -> None:
        """Sweep, send what became due, and hold both against what was expected."""
        self.set(now)
        with transaction(self.worker) as connection:
            flipped = flip_standby(connection)
        got = {(row.reference, row.channel, row.notice, row.awaited, row.outcome) for row in flipped}
        expected = {
            (concern.reference, *row.name, None if row.became == "fired" else row.became)
            for concern in self.known.values()
            for row in concern.swept(now)
        }
        assert got == expected, now
        assert len(got) == len(flipped)
        for channel in {row.channel for row in flipped if row.outcome is None}:
            due = sum(row.channel == channel and row.outcome is None for row in flipped)
            assert self.send(channel, now) == due

    def jump(self, now: datetime) -> None:
        """Have the clock go a day ahead and sweep, a day back and sweep, and come back."""
        for wrong in (DAY, -DAY, 0 * DAY):
            self.sweep(now + wrong)

    def send(self, channel: str, now: datetime) -> int:
        """Send what the channel has due, each in its turn; return how many."""
        sent = 0
        with transaction(self.worker) as connection:
            while held := lease(connection, channel, limit=1000, lease_s=60):
                settle(connection, [Ended(one, "sent", "sent", now) for one in held])
                sent += len(held)
        return sent

    def act(self, now: datetime, what: Callable[[Any], bool], expected: Callable[[], None]) -> None:
        """Let somebody do something; what it stops is expected to stop."""
        self.set(now)
        with transaction(self.console) as connection:
            assert what(connection)
        expected()

    def ledger(self) -> dict[tuple[Any, ...], tuple[str, int]]:
        """Return how each row that waited ended, and how often it was sent."""
        query = """
            select reference, channel, notice, awaited, due_at, state, outcome,
                   (select count(*) from attempts where referral = r.id) as tries
            from referrals r where notice is not null"""
        with transaction(self.owner) as connection:
            rows = connection.execute(text(query)).all()
        return {
            (*row[:4], row.due_at): (row.outcome if row.state == "recalled" else row.state, row.tries) for row in rows
        }

    def told_by_clock(self) -> Counter[tuple[str, str]]:
        """Return what the audit says that the clock did, counted."""
        with transaction(self.owner) as connection:
            rows = connection.execute(text("select action, outcome from audit where actor = 'clock'")).all()
        return Counter((row.action, row.outcome) for row in rows)


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    prepare(database)
    with psycopg.connect(database.owner_dsn, autocommit=True) as clock:
        clock.execute(SHADOW)
        clock.execute(f"alter database {database.name} set search_path = sim, pg_catalog, public")
        clock.execute(f"alter database {database.name} set synchronous_commit = off")
        clock.execute("set synchronous_commit = off")
        owner = connect(database.owner_dsn, process="test-owner")
        with (
            login(database, Login.INTAKE) as intake,
            login(database, Login.WORKER) as worker,
            login(database, Login.CONSOLE) as console,
        ):
            made = World(clock, owner, intake, worker, console)
            with transaction(owner) as connection:
                connection.execute(insert(people), {"handle": "anna"})
                connection.execute(insert(policies).values(digest=made.policy.digest, policy="", channels=""))
            yield made
        owner.dispose()


Happening = Callable[[datetime], None]
Event = tuple[datetime, int, Happening]
RECEIVED, DONE, SWEPT = 1, 2, 3
"""What happens first where two happen in one moment."""


def _acts(world: World, concern: Concern, draw: random.Random) -> Iterator[Event]:
    """Yield what staff does with one case, half a minute off every deadline."""

    def some(longest: timedelta) -> datetime:
        return concern.received + draw.randrange(1, int(longest / MINUTE)) * MINUTE + MINUTE / 2

    def act(what: Callable[..., bool], *given: Any, then: Callable[[], None], **said: Any) -> Happening:
        return lambda now: world.act(now, lambda c: what(c, concern.reference, *given, **said), then)

    closes = some(40 * DAY) if draw.random() < 0.7 else END + 400 * DAY
    claims = some(120 * MINUTE if concern.severity == "critical" else 4 * DAY)
    releases = claims + draw.randrange(1, 3000) * MINUTE
    told = draw.random() < 0.5
    if claims < closes and draw.random() < 0.6:
        stop = partial(concern.stop, "claimed", "claim", "delivery")
        yield claims, DONE, act(progress.claim, "anna", then=stop)
        if releases < closes and draw.random() < 0.4:
            yield releases, DONE, act(progress.release, "anna", then=partial(concern.restart, "claimed"))
    if closes < END:
        stop = partial(concern.stop, "closed", *STOPPED_BY_CLOSING, *(("acknowledge", "feedback") if told else ()))
        yield closes, DONE, act(progress.close, "anna", CaseOutcome.ACTED, told=told, then=stop)
    acknowledges, answers = some(10 * DAY), some(110 * DAY)
    if not (told and acknowledges > closes) and draw.random() < 0.6:
        stop = partial(concern.stop, "acknowledged", "acknowledge")
        yield acknowledges, DONE, act(progress.acknowledge, then=stop)
    if not (told and answers > closes) and draw.random() < 0.6:
        yield answers, DONE, act(progress.answer, then=partial(concern.stop, "answered", "feedback"))


def _events(world: World, draw: random.Random) -> list[Event]:
    """Return everything that happens, in order: what comes in, who acts, and a sweep before and at each deadline."""
    found: list[Event] = []
    swept = {AWAY[1], *JUMPS}
    for concern in concerns(draw, CONCERNS):
        found.append((concern.received, RECEIVED, partial(world.receive, concern)))
        if draw.random() < 0.2:
            concern.delivered = False
            later = concern.received + draw.choice([5, 40, 100]) * MINUTE + MINUTE / 2
            found.append((later, DONE, partial(_deliver, world, concern)))
        found += _acts(world, concern, draw)
        for row in concern.rows:
            swept |= {at for at in (row.due - MINUTE, row.due) if at > concern.received}
    found += [(at, SWEPT, world.jump if at in JUMPS else world.sweep) for at in swept if not AWAY[0] <= at < AWAY[1]]
    return sorted(found, key=lambda event: event[:2])


def _deliver(world: World, concern: Concern, _now: datetime) -> None:
    world.deliver(concern, "sent")


@pytest.mark.timeout(600)
def test_every_deadline_of_two_years_fires_once_at_its_minute_unless_it_was_stopped(world: World) -> None:
    for at, _, happen in _events(world, random.Random(20261101)):
        happen(at)

    rows = {(of, *row.name, row.due): row.became for of, concern in world.known.items() for row in concern.rows}
    became = Counter(rows.values())
    assert len(world.known) == CONCERNS
    assert min(became[fate] for fate in FATES) >= 20
    assert set(became) == set(FATES)
    assert world.ledger() == {name: ("sent", 1) if fate == "fired" else (fate, 0) for name, fate in rows.items()}
    assert world.told_by_clock() == Counter(
        (ACTIONS[notice], "ok" if fate == "fired" else fate)
        for (_, _, notice, _, _), fate in rows.items()
        if fate in {"fired", "overtaken"}
    )
