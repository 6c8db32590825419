"""`kill -9` at every step of a filing: one finished report each, its receipt kept, and none that nobody knows of."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from router.catalogue import parse_catalogue
from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from router.store import policies
from router.store.engine import connect, transaction
from tests.conftest import Database
from tests.faults.deployment import Deployment, deployed, wait_until
from tests.faults.filer import Filer
from tests.faults.orders import Act
from tests.faults.verdict import RECOVERED
from tests.standins.cybertip import CybertipStandIn
from tests.workers.rooms import Room
from tests.workers.tipline import CHANNEL, Tipline, a_deliverer, channels

pytestmark = pytest.mark.faults

CSAM: Final = "csam_suspected"
POLICY: Final = f"""\
policy: concern-router/1
taxonomy:
  {CSAM}: {{label: Marked, floor: low}}
teams:
  security: {{label: Security, desks: [desk]}}
severity:
  - {{id: otherwise, set: high}}
deadlines:
  critical: {{claim: 30d, decide: 60d}}
  high: {{claim: 30d, decide: 60d}}
  medium: {{claim: 30d, decide: 60d}}
  low: {{claim: 30d, decide: 60d}}
routes:
  - {{id: all, when: {{category: {CSAM}}}, teams: security, to: [desk], hold: [{CHANNEL}]}}
fallback: [security]
"""
DESK: Final = "desk: {kind: folder, scope: internal, readable_by: [security], carries: [category], path: desk}\n"
STEPS: Final = (
    *(FailPoint.AFTER_LEASE, FailPoint.BEFORE_SEND, FailPoint.BEFORE_OPEN, FailPoint.AFTER_OPEN),
    *(FailPoint.BEFORE_FINISH, FailPoint.AFTER_FINISH, FailPoint.AFTER_SEND),
    *(FailPoint.BEFORE_SETTLE, FailPoint.AFTER_SETTLE),
)
MACHINE: Final = (*STEPS, FailPoint.IN_LEASE)
RUNS: Final = 5


@dataclass
class Filing:
    """A deployment that files at the stand-in."""

    deployment: Deployment
    filer: Filer
    tipline: Tipline

    def approved(self, count: int = 1) -> list[str]:
        """File concerns and have their drafts approved; return the references."""
        references = self.filer.file(count, CSAM)
        self.tipline.approve()
        return references

    def wait_sent(self) -> None:
        """Wait until nothing waits for anybody, without the pauses between tries."""

        def settled() -> bool:
            self.deployment.let_wait_be_over()
            return self.deployment.settled()

        wait_until(settled, what="all are sent")

    def wrong(self) -> list[str]:
        """Return what is wrong with anything that was ever filed here."""
        there = self.tipline.there.of("open", "finished", "retracted", "expired")
        query = """
            select r.id, r.reference, r.state, r.remote_id,
                   (select count(*) from preserved p where p.referral = r.id and p.part = 'receipt') as receipts,
                   array(select f.state || ':' || coalesce(f.report_id, '')
                         from filings f where f.referral = r.id) as filed
            from referrals r where r.channel = %s"""
        found: list[str] = []
        for row in self.deployment.rows(query, CHANNEL):
            ours = [one for one in there if f"ref={row['reference']};".encode() in one.document]
            finished = [one.number for one in ours if one.state == "finished"]
            if finished != [row["remote_id"]] or row["state"] != "sent":
                found.append(f"{row['reference']}: {row['state']} as {row['remote_id']}, finished {finished}")
            if not row["receipts"]:
                found.append(f"{row['reference']}: no receipt")
            known = [re.sub(".*:", "", one) for one in row["filed"]]
            orphans = [one.number for one in ours if one.number not in known]
            if len(orphans) > row["filed"].count("lost:"):
                found.append(f"{row['reference']}: {orphans} are in no row: {row['filed']}")
        if sum(one.state == "finished" for one in there) != len(self.filer.accepted):
            found.append(f"{len(self.filer.accepted)} accepted, and not as many finished")
        return found + self.tipline.there.broken


@pytest.fixture(scope="module")
def filing(root: Path, shared_database: Database, own_redis: EmbeddedRedis) -> Iterator[Filing]:
    config = root / "config"
    config.mkdir()
    with CybertipStandIn() as there:
        (config / "channels.yaml").write_text(channels(there, config) + DESK)
        (config / "policy.yaml").write_text(POLICY)
        with deployed(Deployment(root, shared_database, own_redis.url)) as deployment:
            owner = connect(shared_database.owner_dsn, process="test-owner")
            with transaction(owner) as connection:
                stored = policies.active(connection)
            assert stored is not None
            catalogue = parse_catalogue(stored.channels_text)
            channel = catalogue.channels[CHANNEL]
            room = Room(owner, owner, root)
            yield Filing(deployment, Filer(deployment.url), Tipline(room, there, channel, a_deliverer(room, catalogue)))
            owner.dispose()


@pytest.mark.core
def test_each_step_killed_once_and_all_are_filed_once(filing: Filing) -> None:
    orders = {point: filing.deployment.order(point, Act.KILL) for point in MACHINE}
    references: list[str] = []
    for point in MACHINE:
        references += filing.approved()
        orders[point].wait_taken()
    struck = time.monotonic()
    filing.wait_sent()
    RECOVERED["a filing killed at each step"] = [time.monotonic() - struck]

    assert len(references) == len(MACHINE)
    assert filing.wrong() == []


@pytest.mark.parametrize("point", MACHINE)
@pytest.mark.parametrize("run", range(RUNS))
def test_a_filing_killed(filing: Filing, point: FailPoint, run: int) -> None:
    order = filing.deployment.order(point, Act.KILL, skip=run % 2)
    while order.taken_by() is None:
        filing.approved()
        wait_until(lambda: order.taken_by() is not None or filing.deployment.settled(), what=f"{point} is reached")
    filing.wait_sent()

    assert filing.wrong() == []
