"""A worker frozen past its lease, then woken; a create that arrives after its sender gave up: one ticket stays open."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.embedded.redis import EmbeddedRedis
from router.failpoints import FailPoint
from tests.conftest import Database
from tests.faults.deployment import SECOND_WORKER, WORKER, Deployment, deployed, wait_until
from tests.faults.farside import RECORD, TICKET, TICKETS, FarSide, open_ones
from tests.faults.filer import Filer
from tests.faults.lines import Line
from tests.faults.orders import Act, Order
from tests.faults.verdict import MENDED, Scene
from tests.loopback import Answer

pytestmark = pytest.mark.faults
core = pytest.mark.core


@pytest.fixture(scope="module")
def line(far: FarSide) -> Iterator[Line]:
    with Line(int(far.rt.url.rpartition(":")[2])) as made:
        yield made


@pytest.fixture(scope="module")
def shared_scene(
    root: Path, shared_database: Database, own_redis: EmbeddedRedis, far: FarSide, line: Line
) -> Iterator[Scene]:
    """Two workers, and a line between them and RT."""
    far.configure(root / "config", tickets=line.url)
    with deployed(Deployment(root, shared_database, own_redis.url, workers=2)) as deployment:
        yield Scene(deployment, Filer(deployment.url), far)


@pytest.mark.parametrize(
    "point",
    [
        FailPoint.AFTER_LEASE,
        FailPoint.BEFORE_SEND,
        pytest.param(FailPoint.AFTER_LOOK_UP, marks=core),
        FailPoint.AFTER_CREATE,
    ],
)
def test_frozen_past_its_lease_before_or_in_a_send(scene: Scene, point: FailPoint) -> None:
    """Whoever wakes too late writes nothing any more, or what it writes is found and closed."""
    order = scene.deployment.order(point, Act.STOP)
    references = scene.filer.file(4, TICKET)
    woken = _wake_too_late(scene, order)

    verdict = scene.recovered(f"frozen past its lease {point}", woken)
    assert verdict.dead == 0
    assert [open_ones(scene.far.tickets()[reference]) for reference in references] == [1] * 4


@core
def test_frozen_past_its_lease_before_its_settle_it_loses(scene: Scene) -> None:
    order = scene.deployment.order(FailPoint.BEFORE_SETTLE, Act.STOP)
    references = scene.filer.file(4, TICKET)
    woken = _wake_too_late(scene, order)

    scene.recovered("frozen past its lease before_settle", woken)
    assert [len(scene.far.tickets()[reference]) for reference in references] == [1] * 4
    late = "select 1 from attempts where outcome like %s"
    wait_until(lambda: bool(scene.deployment.rows(late, "%_after_lease")), what="its line is kept as evidence")


@core
def test_frozen_before_it_could_say_that_it_failed_it_takes_nothing_back(scene: Scene) -> None:
    # By now the channel has passed its check.
    scene.filer.file(1, TICKET)
    scene.wait_settled()
    order = scene.deployment.order(FailPoint.BEFORE_SETTLE, Act.STOP)
    scene.far.rt.answer_always(Answer(503))
    [reference] = scene.filer.file(1, TICKET)
    order.wait_frozen()
    scene.far.rt.answer_always(None)
    woken = _wake_too_late(scene, order)

    scene.recovered("frozen past its lease with a failure to tell", woken)
    told = "select state, outcome, attempts from referrals where reference = %s and notice is null"
    assert scene.deployment.rows(told, reference) == [{"state": "sent", "outcome": "sent", "attempts": 2}]


@core
def test_a_create_that_arrives_after_a_second_one_is_found_closed_and_reported(scene: Scene, line: Line) -> None:
    """The one window: between look-up and create no system of this kind lets anybody be sure."""
    deployment = scene.deployment
    line.hold_back(b"POST /REST/2.0/ticket ")
    [reference] = scene.filer.file(1, TICKET)
    assert line.holding.wait(30), "the create is under way"
    scene.wait_settled()
    assert len(scene.far.tickets()[reference]) == 1
    line.let_go()
    wait_until(lambda: len(scene.far.tickets()[reference]) == 2, what="the late create made a second ticket")
    arrived = time.monotonic()
    deployment.run("update referrals set look_at = clock_timestamp() where reference = %s", reference)
    wait_until(lambda: open_ones(scene.far.tickets()[reference]) == 1, what="one of them is closed")

    scene.recovered("a second ticket found and closed", arrived)
    reported = deployment.rows("select detail from audit where action = %s and object = %s", MENDED, reference)
    assert [row["detail"].partition(" ")[0] for row in reported] == [TICKETS]
    [row] = deployment.rows("select remote_id, state from referrals where reference = %s and notice is null", reference)
    kept = [str(ticket["id"]) for ticket in scene.far.tickets()[reference] if ticket["Status"] == "new"]
    assert [row["remote_id"]] == kept, "the ledger names the one that is left open"


@core
def test_frozen_with_a_webhook_in_its_hand_the_receiver_drops_the_repeat(scene: Scene) -> None:
    order = scene.deployment.order(FailPoint.AFTER_SEND, Act.STOP)
    references = scene.filer.file(4, RECORD)
    woken = _wake_too_late(scene, order)

    scene.recovered("frozen past its lease after_send", woken)
    assert [scene.far.records()[reference] for reference in references] == [[1]] * 4
    assert scene.far.sink.repeats


def _wake_too_late(scene: Scene, order: Order) -> float:
    """Wake the process that was frozen after others did its work, and wait until it has seen that; return when."""

    def lost() -> int:
        return sum(scene.deployment.log(name).count("lease_lost") for name in (WORKER, SECOND_WORKER))

    order.wait_frozen()
    scene.wait_settled()
    before = lost()
    order.let_go()
    woken = time.monotonic()
    wait_until(lambda: lost() > before, what="whoever was frozen has lost")
    return woken
