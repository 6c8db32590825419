"""A worker and a stand-in of RT that its one channel leads to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from router.catalogue import parse_catalogue
from router.model import NewCase
from router.store import hints
from router.store.engine import transaction
from tests.servers import RT_TOKEN, StandInRT
from tests.workers.rooms import Room

RECALLED = """
    insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice, remote_id)
    select 'two', reference, channel, kind, 2, policy, 'sent', fields, 'recalled', remote_id from referrals
"""
"""Adds a recall of the same ticket to the ledger."""


@dataclass
class Desk:
    """A worker's deliverer, and the RT that its channel `desk` leads to."""

    room: Room
    there: StandInRT
    more: str = ""
    """Further settings of the channel."""
    poll: str = "never"
    """How often RT is asked what changed."""

    def __post_init__(self) -> None:
        self.text = (
            f"desk: {{kind: rt, scope: internal, readable_by: [security], carries: [category], token: 'env:RT_TOKEN', "
            f"url: '{self.there.url}', queue: Safeguarding, poll_every: {self.poll}, "
            f"custom_fields: {{reference: Reference id}}{self.more}}}"
        )
        self.deliverer = self.room.deliverer(parse_catalogue(self.text))

    def send(self, count: int = 1) -> list[NewCase]:
        """Post cases and send them."""
        cases = self.room.post(count)
        self.deliverer.deliver("desk")
        return cases

    def look(self) -> Any:
        """Let what was sent be looked at now, and return the row."""
        self.room.run("update referrals set look_at = clock_timestamp() where look_at is not null")
        self.deliverer.deliver("desk")
        return self.row()

    def row(self) -> Any:
        wait = "extract(epoch from look_at - clock_timestamp())::float8 as look_in_s"
        rest = "extract(epoch from due_at - clock_timestamp())::float8 as due_in_s"
        return self.room.rows(f"*, {wait}, {rest}")[0]

    def audited(self) -> list[tuple[str, str]]:
        with self.room.owner.connect() as connection:
            rows = connection.exec_driver_sql("select action, detail from audit order by id")
            sent = {"case_received", "referral_sent", "referral_dead"}
            return [tuple(row) for row in rows if row.action not in sent]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT() as server:
        yield server


@pytest.fixture
def desk(room: Room, there: StandInRT) -> Desk:
    return Desk(room, there)


def hint(room: Room, remote_id: str = "1", *, seal: bytes = b"s", channel: str = "desk") -> bool:
    """Keep a hint, as the public part does."""
    with transaction(room.owner) as connection:
        return hints.keep(connection, channel, seal=seal, delivery=None, remote_id=remote_id)
