"""What the workers' tests stand on: a database with due referrals, and channels that lead to stand-ins."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection, Engine, text

from router.catalogue import Catalogue, Channel, parse_catalogue
from router.model import NewCase
from router.store import policies
from router.store.cases import record
from router.store.engine import connect, transaction
from router.vocabulary import Login, Scope
from tests.conftest import Database
from tests.makers import a_case, login, prepare
from tests.servers import SINK_SECRET, Sink
from workers.channels.base import Surroundings
from workers.deliver import Deliverer
from workers.turn import Pace

SURROUNDINGS = Surroundings(Path("/not/used"), Scope.INTERNAL)
PACE = Pace(lease_s=30, lease_batch=16, sends_at_once=4)


def channels_text(folder: Path, **urls: str) -> str:
    """Return a channels.yaml with one webhook for each url, and the folder channel `file`."""
    secret = folder / "sink.secret"
    secret.write_text(SINK_SECRET)
    carries = "scope: internal, readable_by: [security], carries: [category]"
    lines = [
        f"{name}: {{kind: webhook, url: '{url}', secret: 'file:{secret}', {carries}}}" for name, url in urls.items()
    ]
    return "\n".join([*lines, f"file: {{kind: folder, path: out, {carries}}}"])


@dataclass
class Fixed:
    """Channels that stay as they are."""

    catalogue: Catalogue

    def find(self, name: str) -> Channel | None:
        return self.catalogue.get(name)

    def holds(self, _connection: Connection) -> bool:
        return True


@dataclass
class Room:
    """A prepared database seen with the worker's login, and with the owner's for looking and changing."""

    engine: Engine
    owner: Engine
    folder: Path

    def post(self, count: int = 1, *, channels: tuple[str, ...] = ("desk",), **more: Any) -> list[NewCase]:
        """Record cases with a due referral to each of `channels`."""
        cases = [a_case(channels=channels, **more) for _ in range(count)]
        with transaction(self.owner) as connection:
            record(connection, cases)
        return cases

    def rows(self, columns: str = "*", where: str = "true") -> list[Any]:
        """Return the referrals' rows."""
        with transaction(self.owner) as connection:
            query = text(f"select {columns} from referrals where {where} order by first_due_at, id")  # noqa: S608 - ours
            return list(connection.execute(query))

    def states(self) -> dict[str, int]:
        """Return how many referrals are in which state."""
        with transaction(self.owner) as connection:
            counted = connection.execute(text("select state, count(*) as n from referrals group by 1"))
            return {row.state: row.n for row in counted}

    def run(self, statement: str, **values: Any) -> None:
        """Run a statement of the test's own, as the owner."""
        with transaction(self.owner) as connection:
            connection.execute(text(statement), values)

    def let_it_be_tried(self) -> None:
        """Let the time of every channel that is shut be over."""
        self.run("update channel_states set until = clock_timestamp() where breaker <> 'closed'")

    def channel_state(self, channel: str = "desk") -> Any:
        """Return the channel's row, with `shut_s`: how long until it is tried."""
        with transaction(self.owner) as connection:
            query = "select *, extract(epoch from until - clock_timestamp())::float8 as shut_s from channel_states"
            return connection.execute(text(f"{query} where channel = :c"), {"c": channel}).one_or_none()

    def put_in_force(self, channels: str) -> None:
        """Do what a web process does with new channels."""
        digest = sha256(channels.encode()).hexdigest()
        with transaction(self.owner) as connection:
            policies.keep(connection, digest, "", channels)
            policies.activate(connection, digest)

    def catalogue(self, sink: Sink, **more: str) -> Catalogue:
        """Return channels of which `desk` and `hr` lead to `sink`; `more` adds `key: value` to one, or replaces it."""
        channels = yaml.safe_load(channels_text(self.folder, desk=sink.url, hr=sink.url))
        for name, said in more.items():
            channels[name] |= yaml.safe_load(said)
        return parse_catalogue(yaml.safe_dump(channels))

    def deliverer(
        self, catalogue: Catalogue, *, pace: Pace = PACE, stopping: Callable[[], bool] = lambda: False
    ) -> Deliverer:
        """Return a deliverer as a worker process has one, with channels that never change."""
        return Deliverer(self.engine, Fixed(catalogue), pace, state_dir=self.folder, stopping=stopping)


@contextmanager
def a_room(database: Database, folder: Path) -> Iterator[Room]:
    """Yield a room on a fresh database."""
    prepare(database)
    with login(database, Login.WORKER) as engine:
        owner = connect(database.owner_dsn, process="test-owner")
        try:
            yield Room(engine, owner, folder)
        finally:
            owner.dispose()


def references(cases: Sequence[NewCase]) -> set[str]:
    """Return the cases' references."""
    return {case.reference for case in cases}
