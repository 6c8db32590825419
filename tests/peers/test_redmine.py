"""The product with two workers and a real Redmine 5, by each way: once, whoever is killed, frozen or away."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from router.embedded.postgres import EmbeddedPostgres
from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from tests.conftest import a_database
from tests.faults.deployment import Deployment, deployed, wait_until
from tests.faults.farside import TICKET, TICKETS, a_far_side
from tests.faults.filer import Filer
from tests.faults.orders import Act
from tests.marked import Search
from tests.peers.killing import MANY, file_while_killing
from tests.peers.redminepeer import Peer
from tests.peers.redmineways import WAYS, Wanted

pytestmark = [pytest.mark.peers, pytest.mark.faults]

SETTLED_S = 300


@pytest.fixture(scope="module")
def deployment(
    way: str, redmine: Peer, postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """Two workers that file into the real Redmine; calls may last longer than on a stand-in."""
    root = tmp_path_factory.mktemp(f"redmine-{way}")
    redis = EmbeddedRedis(root)
    redis.start()
    try:
        with a_far_side() as far, a_database(postgres) as database:
            far.configure(root / "config")
            key, file = root / "config/redmine.key", root / "config/channels.yaml"
            key.write_text(redmine.key)
            key.chmod(0o600)
            channels: dict[str, Any] = yaml.safe_load(file.read_text())
            common = {name: channels[TICKETS][name] for name in ("scope", "readable_by")}
            entry = WAYS[way](Wanted(redmine, key=f"file:{key}"))
            fields = sorted({"category", "severity", *redmine.fields} - {"reference"})
            channels[TICKETS] = {**common, "carries": fields, **entry}
            file.write_text(yaml.safe_dump(channels, sort_keys=False))
            with deployed(Deployment(root, database, redis.url, workers=2, lease_s=15)) as deployment:
                yield deployment
    finally:
        redis.stop()


@pytest.fixture
def filer(deployment: Deployment) -> Filer:
    return Filer(deployment.url)


def assert_one_issue_each(redmine: Peer, deployment: Deployment, filer: Filer) -> None:
    wait_until(deployment.settled, within_s=SETTLED_S, what="all is settled")
    rows = deployment.rows("select reference, state, remote_id from referrals where channel = %s", TICKETS)
    told = {row["reference"]: (row["state"], row["remote_id"]) for row in rows if row["state"] != "standby"}
    for reference in filer.accepted:
        numbers = redmine.numbers(reference)
        assert told[reference] in {("sent", number) for number in numbers}
        assert len(numbers) == 1


def test_a_concern_is_an_issue_with_facts_and_without_content(
    redmine: Peer, deployment: Deployment, filer: Filer
) -> None:
    (reference,) = filer.file(1, TICKET)
    assert_one_issue_each(redmine, deployment, filer)
    (issue,) = redmine.tickets(reference)
    number = str(issue["id"])

    assert redmine.filled(number).items() >= {"category": "fraud", "severity": "high"}.items()
    assert not redmine.outsider_sees(number)
    assert list(Search([reference]).in_folder(redmine.home)), "what is there is found"
    assert list(Search(["MARKED-7f3a"]).in_folder(redmine.home)) == []


@pytest.mark.parametrize("point", [FailPoint.AFTER_LOOK_UP, FailPoint.BEFORE_SETTLE])
def test_worker_frozen_past_its_lease(redmine: Peer, deployment: Deployment, filer: Filer, point: FailPoint) -> None:
    order = deployment.order(point, Act.STOP)
    filer.file(4, TICKET)
    order.wait_frozen()
    wait_until(deployment.settled, within_s=SETTLED_S, what="others did its work")
    order.let_go()
    wait_until(
        lambda: "lease_lost" in deployment.log("worker") + deployment.log("worker-2"), what="it has lost its lease"
    )

    assert_one_issue_each(redmine, deployment, filer)


def test_redmine_stopped_and_started_while_concerns_are_filed(
    redmine: Peer, deployment: Deployment, filer: Filer
) -> None:
    with filer.filing(TICKET, at_once=1, pause_s=0.5):
        redmine.stop()
        Peer.start()
    deployment.let_wait_be_over()

    assert_one_issue_each(redmine, deployment, filer)


@pytest.mark.timeout(900)
def test_many_issues_while_workers_are_killed(redmine: Peer, deployment: Deployment, filer: Filer) -> None:
    orders = file_while_killing(deployment, filer)

    assert_one_issue_each(redmine, deployment, filer)
    assert len(filer.accepted) == MANY
    assert all(order.taken_by() for order in orders)
