"""The outbox as a machine: whatever workers, people and the clock do in whatever order, nothing is made twice or lost.

Two workers, one far side that shows things at once or only after a lag, one person, on a real PostgreSQL. Time passes
by moving the rows' times. A worker is never frozen between its look and its write: that window is the guarantee's own,
and tested with real processes in tests/faults.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, text

from router import clock
from router.errors import NOT_SEEN
from router.model import LeasedReferral
from router.store import cases, conflicts, referrals, retries
from router.store.engine import transaction
from router.store.posting import referral_id
from router.store.referrals import Ended
from router.vocabulary import Login, Proven
from tests.conftest import Database
from tests.makers import a_case, change, login

LEASE_S, LAG_S, LOOKS = 120.0, 150.0, 2
SHOWS_AFTER_S = 1.9 * LAG_S
"""Later than its owner says: that is what the second look is for."""
WORKERS = st.integers(0, 1)
ENDINGS = ("answers", "says nothing", "says nothing", "takes nothing", "asks for time", "declines", "kills its worker")
_names = count()


@dataclass
class FarSide:
    """What was made over there, and for how long it has been there."""

    lag_s: float
    made: dict[str, list[float]] = field(default_factory=dict)

    def shows(self, key: str) -> bool:
        return any(age_s >= self.lag_s for age_s in self.made.get(key, []))

    def make(self, key: str) -> None:
        self.made.setdefault(key, []).append(0.0)

    def pass_time(self, seconds: float) -> None:
        self.made = {key: [age_s + seconds for age_s in ages] for key, ages in self.made.items()}


@dataclass
class Worker:
    """What a worker knows: its leases, and how attempts ended that it has not written yet."""

    held: list[LeasedReferral] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)


class Outbox(RuleBasedStateMachine):
    """See the module."""

    def __init__(self, owner: Engine, worker: Engine, console: Engine) -> None:
        super().__init__()
        self.owner, self.worker, self.console = owner, worker, console
        self.channel = f"desk{next(_names)}"
        self.workers = (Worker(), Worker())
        self.references: list[str] = []
        self.posted: set[str] = set()
        self.leases: Counter[str] = Counter()
        self.withdrawn: set[str] = set()

    @initialize(late=st.booleans())
    def begin(self, *, late: bool) -> None:
        self.looks = LOOKS if late else 0
        self.hold_s, self.far = (LAG_S, FarSide(SHOWS_AFTER_S)) if late else (0.0, FarSide(0.0))

    # What comes in.

    @precondition(lambda self: len(self.references) < 3)
    @rule()
    def post(self) -> None:
        case = a_case(channels=(self.channel,))
        with transaction(self.owner) as connection:
            cases.record(connection, [case])
        self.references.append(case.reference)
        self.posted.add(referral_id(case.reference, self.channel, 1))

    @precondition(lambda self: self.references)
    @rule(data=st.data())
    def remind(self, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(self.references))
        query = "select max(revision) + 1 from referrals where reference = :reference and channel = :channel"
        [(revision,)] = self.ask(query, reference=reference)
        made = referral_id(reference, self.channel, revision)
        with transaction(self.owner) as connection:
            change(
                connection,
                """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
                   select :id, reference, channel, kind, :revision, policy, 'due',
                          fields || jsonb_build_object('revision', cast(:revision as int)), 'reminder'
                   from referrals where reference = :reference and channel = :channel and revision = 1""",
                id=made,
                revision=revision,
                reference=reference,
                channel=self.channel,
            )
        self.posted.add(made)

    # What workers do.

    @rule(number=WORKERS, limit=st.integers(1, 4))
    def lease(self, number: int, limit: int) -> None:
        with transaction(self.worker) as connection:
            new = referrals.lease(connection, self.channel, limit=limit, lease_s=LEASE_S, looks_wanted=self.looks)
        for leased in new:
            self.leases[leased.id] += 1
            assert leased.attempts == self.leases[leased.id]
            assert leased.id not in self.withdrawn
        in_front = self.ask(
            """select later.id from referrals later join referrals earlier
                 on earlier.reference = later.reference and earlier.channel = later.channel
                    and earlier.revision < later.revision and earlier.state in ('due', 'leased')
               where later.id = any(:ids)""",
            ids=[leased.id for leased in new],
        )
        assert not in_front, "a later revision overtakes an earlier one"
        self.workers[number].held += new

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(number=WORKERS, ending=st.sampled_from(ENDINGS))
    def send(self, number: int, ending: str) -> None:
        """One worker begins with its oldest lease, if that is still its own and wanted, and hears how it ends."""
        worker = self.workers[number] if self.workers[number].held else self.workers[1 - number]
        leased = worker.held.pop(0)
        stands = self.row(leased.id)
        with transaction(self.worker) as connection:
            ours = referrals.renew(connection, [leased], lease_s=LEASE_S)
        wanted = stands["lease_no"] == leased.lease_no and stands["state"] == "leased" and stands["settled_at"] is None
        assert (leased.id in ours) == (wanted and stands["in_time"])
        if ours:
            assert leased.id not in self.withdrawn
            ended = self.sent(leased, ending)
            if ended is not None:
                worker.ended.append(ended)
            else:
                worker.held.clear()
                worker.ended.clear()

    def sent(self, leased: LeasedReferral, ending: str) -> Ended | None:
        """Do what every sender does: look first, and make nothing while something may be there; None: it is gone."""
        now = clock.now()
        found = Ended(leased, "sent", "repeated", now, remote_id="7", proven=Proven.VISIBLE)
        if ending == "asks for time":
            return Ended(leased, "due", "http_429", now, wait_s=5)
        if self.far.shows(leased.id):
            return found
        if leased.unsure:
            return self.unanswered(Ended(leased, "due", NOT_SEEN, now))
        if ending not in {"declines", "takes nothing"}:
            self.far.make(leased.id)
        return {
            "answers": replace(found, outcome="sent"),
            "declines": Ended(leased, "dead", "http_422", now),
            "kills its worker": None,
        }.get(ending, self.unanswered(Ended(leased, "due", "no_answer", now, ambiguous=True)))

    def unanswered(self, ended: Ended) -> Ended:
        return replace(ended, looks_wanted=self.looks, wait_s=max(5.0, self.hold_s))

    @precondition(lambda self: any(worker.ended for worker in self.workers))
    @rule(number=WORKERS)
    def settle(self, number: int) -> None:
        """Whoever lost the lease in the meantime changes nothing; whoever has it still does, however late."""
        worker = self.workers[number] if self.workers[number].ended else self.workers[1 - number]
        ended, worker.ended = worker.ended, []
        before = {one.referral.id: self.row(one.referral.id) for one in ended}
        expected = {
            one.referral.id
            for one in ended
            if before[one.referral.id]["state"] == "leased"
            and before[one.referral.id]["lease_no"] == one.referral.lease_no
        }
        with transaction(self.worker) as connection:
            assert not ended or referrals.settle(connection, ended) == expected
        for one in ended:
            if one.referral.id not in expected:
                assert self.row(one.referral.id) == before[one.referral.id]

    @precondition(lambda self: any(worker.held for worker in self.workers))
    @rule(number=WORKERS)
    def give_back(self, number: int) -> None:
        held, self.workers[number].held = self.workers[number].held, []
        before = {one.id: self.row(one.id) for one in held}
        with transaction(self.worker) as connection:
            referrals.give_back(connection, held)
        for one in held:
            if before[one.id]["state"] == "leased" and before[one.id]["lease_no"] == one.lease_no:
                self.leases[one.id] -= 1

    @rule(number=WORKERS, ending=st.sampled_from(ENDINGS))
    def work(self, number: int, ending: str) -> None:
        """All three, as it goes most of the time."""
        self.lease(number, 1)
        if self.workers[number].held:
            self.send(number, ending)
        if self.workers[number].ended:
            self.settle(number)

    @rule(number=WORKERS, ending=st.sampled_from(ENDINGS))
    def freeze(self, number: int, ending: str) -> None:
        """A worker hears how its attempt ends, and then sleeps until its lease is over."""
        self.lease(number, 1)
        if self.workers[number].held:
            self.send(number, ending)
        self.pass_time(LEASE_S + 1)

    # What people do.

    @precondition(lambda self: self.references)
    @rule(data=st.data())
    def retry(self, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(self.references))
        query = "select revision, state from referrals where reference = :reference and channel = :channel"
        before = {row.revision: row.state for row in self.ask(query, reference=reference)}
        with transaction(self.console) as connection:
            moved = retries.retry(connection, reference, self.channel)
        assert {row.revision for row in moved} == {number for number in before if before[number] in {"due", "dead"}}
        assert all(row.state == "due" for row in moved)

    @precondition(lambda self: self.references)
    @rule(data=st.data(), how=st.sampled_from([retries.give_up, conflicts.stop]))
    def withdraw(self, data: st.DataObject, how: Callable[..., Any]) -> None:
        reference = data.draw(st.sampled_from(self.references))
        asked = self.channel if how is retries.give_up else [self.channel]
        with transaction(self.console) as connection:
            how(connection, reference, asked)
        query = "select id from referrals where reference = :reference and channel = :channel"
        unsent = f"{query} and state in ('recalled', 'leased') and settled_at is not null"
        self.withdrawn |= {row.id for row in self.ask(unsent, reference=reference)}

    # What the clock does.

    @rule(seconds=st.sampled_from([LAG_S + 1, LEASE_S + 1]))
    def pass_time(self, seconds: float) -> None:
        columns = ("first_due_at", "due_at", "leased_at", "lease_until", "settled_at", "retried_at", "look_at")
        moved = ", ".join(f"{name} = {name} - make_interval(secs => :s)" for name in columns)
        with transaction(self.owner) as connection:
            change(connection, f"update referrals set {moved} where channel = :c", s=seconds, c=self.channel)  # noqa: S608 - ours
        self.far.pass_time(seconds)

    # What always holds.

    @invariant()
    def nothing_is_made_twice(self) -> None:
        assert all(len(ages) == 1 for ages in self.far.made.values())

    @invariant()
    def nothing_is_lost_and_nothing_is_claimed(self) -> None:
        rows = self.ask(
            """select id, state, settled_at, unsure, attempts,
                      (select coalesce(max(n), 0) from (select count(*) as n from attempts a where a.referral = r.id
                                                        group by a.attempt) as lines) as lines
               from referrals r where channel = :channel"""
        )
        assert {row.id for row in rows} == self.posted
        for row in rows:
            assert row.state in {"due", "leased", "sent", "recalled", "dead"}
            assert row.state != "sent" or row.id in self.far.made
            assert row.settled_at is None or row.state != "due"
            assert row.settled_at is not None or row.state in {"due", "leased"}
            assert row.attempts == self.leases[row.id]
            assert 0 <= row.unsure <= self.looks
            assert row.lines <= 1, "two lines for one attempt"

    def teardown(self) -> None:
        """Left alone, with a far side that answers, everything ends within a few leases, and nothing is made twice."""
        if not hasattr(self, "far"):
            return
        for worker in self.workers:
            worker.held.clear()
        unsettled = "select from referrals where channel = :channel and state in ('due', 'leased')"
        leases_left = 20
        while self.ask(unsettled):
            self.pass_time(LEASE_S + 1)
            self.lease(0, 100)
            while self.workers[0].held:
                self.send(0, "answers")
            for number in (0, 1):
                if self.workers[number].ended:
                    self.settle(number)
            self.nothing_is_made_twice()
            self.nothing_is_lost_and_nothing_is_claimed()
            leases_left -= 1
            assert leases_left

    def ask(self, query: str, **values: Any) -> list[Any]:
        with transaction(self.owner) as connection:
            return list(connection.execute(text(query), {"channel": self.channel, **values}))

    def row(self, key: str) -> dict[str, Any]:
        query = "select *, lease_until >= clock_timestamp() as in_time from referrals where id = :id"
        return dict(self.ask(query, id=key)[0]._mapping)


@pytest.mark.timeout(300)
def test_nothing_is_made_twice_or_lost_whatever_happens(owner: Engine, worker: Engine, database: Database) -> None:
    with transaction(owner) as connection:
        # Nothing here is about a power cut, and there are thousands of commits.
        change(connection, f"alter database {database.name} set synchronous_commit = off")
    owner.dispose()
    worker.dispose()
    with login(database, Login.CONSOLE) as console:
        run_state_machine_as_test(
            lambda: Outbox(owner, worker, console),  # type: ignore[arg-type] # any factory will do
            settings=settings(
                max_examples=150,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                print_blob=True,
            ),
        )
