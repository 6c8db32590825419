"""Workers killed or frozen around a create in a real RT, and RT away: one ticket, and the ledger names it."""

import subprocess
from collections.abc import Iterator

import pytest

from router.embedded.postgres import EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from tests.conftest import a_database
from tests.faults.deployment import Deployment, deployed, wait_until
from tests.faults.farside import TICKET, TICKETS, a_far_side
from tests.faults.filer import Filer
from tests.faults.orders import Act
from tests.peers.killing import MANY, file_while_killing
from tests.peers.rtpeer import SCRIPT, Peer

pytestmark = [pytest.mark.peers, pytest.mark.faults]


@pytest.fixture(scope="module")
def deployment(rt: Peer, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Two workers that file into the real RT; calls may last longer than on a stand-in."""
    root = tmp_path_factory.mktemp("rt-faults")
    redis = EmbeddedRedis(root)
    redis.start()
    try:
        with a_far_side() as far, a_database(postgres) as database:
            far.configure(root / "config", tickets=rt.url)
            (root / "config/rt.token").write_text(rt.token)
            with deployed(Deployment(root, database, redis.url, workers=2, lease_s=15)) as deployment:
                yield deployment
    finally:
        redis.stop()


@pytest.fixture
def filer(deployment: Deployment) -> Filer:
    return Filer(deployment.url)


def assert_one_ticket_each(rt: Peer, deployment: Deployment, filer: Filer) -> None:
    wait_until(deployment.settled, within_s=300, what="all is settled")
    rows = deployment.rows("select reference, state, remote_id from referrals where channel = %s", TICKETS)
    told = {row["reference"]: (row["state"], row["remote_id"]) for row in rows if row["state"] != "standby"}
    for reference in filer.accepted:
        (ticket,) = rt.tickets(reference)
        assert told[reference] == ("sent", ticket["id"])


@pytest.mark.parametrize("point", [FailPoint.AFTER_LOOK_UP, FailPoint.AFTER_CREATE, FailPoint.BEFORE_SETTLE])
def test_pool_child_killed(rt: Peer, deployment: Deployment, filer: Filer, point: FailPoint) -> None:
    order = deployment.order(point, Act.KILL)
    filer.file(4, TICKET)
    order.wait_taken()

    assert_one_ticket_each(rt, deployment, filer)


@pytest.mark.parametrize("point", [FailPoint.AFTER_LOOK_UP, FailPoint.BEFORE_SETTLE])
def test_worker_frozen_past_its_lease(rt: Peer, deployment: Deployment, filer: Filer, point: FailPoint) -> None:
    order = deployment.order(point, Act.STOP)
    filer.file(4, TICKET)
    order.wait_frozen()
    wait_until(deployment.settled, within_s=180, what="others did its work")
    order.let_go()
    lost = "lease_lost"
    wait_until(lambda: lost in deployment.log("worker") + deployment.log("worker-2"), what="it has lost")

    assert_one_ticket_each(rt, deployment, filer)


def test_rt_stopped_and_started_while_concerns_are_filed(rt: Peer, deployment: Deployment, filer: Filer) -> None:
    with filer.filing(TICKET, at_once=1, pause_s=0.5):
        subprocess.run([SCRIPT, "stop"], check=True, timeout=60)
        subprocess.run([SCRIPT, "start"], check=True, stdout=subprocess.DEVNULL, timeout=280)
    deployment.let_wait_be_over()

    assert_one_ticket_each(rt, deployment, filer)


@pytest.mark.timeout(900)
def test_many_tickets_while_workers_are_killed(rt: Peer, deployment: Deployment, filer: Filer) -> None:
    orders = file_while_killing(deployment, filer)

    assert_one_ticket_each(rt, deployment, filer)
    assert len(filer.accepted) == MANY
    assert all(order.taken_by() for order in orders)
