"""`kill -9` of each process at each step: everything accepted is delivered once, and nobody lends a hand."""

import os
import signal
import time

import pytest

from router.failpoints import FailPoint
from tests.faults.deployment import BEAT, CHAINER, WEB, WORKER, wait_until
from tests.faults.farside import TICKET
from tests.faults.orders import Act
from tests.faults.verdict import Scene
from tests.loopback import Answer

pytestmark = pytest.mark.faults
core = pytest.mark.core

IN_THE_WEB = (FailPoint.BEFORE_COMMIT, FailPoint.AFTER_COMMIT, FailPoint.BEFORE_RING, FailPoint.AFTER_RING)
IN_A_TURN = (
    *(FailPoint.BEFORE_LEASE, FailPoint.IN_LEASE, FailPoint.AFTER_LEASE, FailPoint.BEFORE_SEND),
    *(FailPoint.AFTER_LOOK_UP, FailPoint.AFTER_CREATE, FailPoint.AFTER_SEND),
    *(FailPoint.BEFORE_SETTLE, FailPoint.AFTER_SETTLE),
)
IN_THE_CHAINER = (FailPoint.IN_CHAIN, FailPoint.BEFORE_CHECKPOINT_FILE)


@core
@pytest.mark.parametrize("point", IN_THE_WEB)
def test_web_killed(scene: Scene, point: FailPoint) -> None:
    deployment = scene.deployment
    with scene.filer.filing():
        was = deployment.order(point, Act.KILL, skip=3, who=WEB).wait_taken()
        struck = time.monotonic()
        deployment.wait_restarted(WEB, was)

    scene.recovered(f"web killed {point}", struck)


@core
@pytest.mark.parametrize("point", IN_A_TURN)
def test_pool_child_killed(scene: Scene, point: FailPoint) -> None:
    order = scene.deployment.order(point, Act.KILL, skip=1)
    with scene.filer.filing(TICKET, pause_s=0.2):  # one lease may take all that is due: what comes later needs another
        order.wait_taken()
        struck = time.monotonic()

    scene.recovered(f"pool child killed {point}", struck)


@pytest.mark.parametrize(
    "point", [FailPoint.AFTER_LEASE, pytest.param(FailPoint.AFTER_CREATE, marks=core), FailPoint.BEFORE_SETTLE]
)
def test_worker_killed_with_its_pool(scene: Scene, point: FailPoint) -> None:
    order = scene.deployment.order(point, Act.KILL_BOTH)
    scene.filer.file(6, TICKET)
    order.wait_taken()
    struck = time.monotonic()

    scene.recovered(f"worker and pool killed {point}", struck)


@core
def test_worker_killed_and_its_pool_lives_on(scene: Scene) -> None:
    order = scene.deployment.order(FailPoint.AFTER_CREATE, Act.ORPHAN)
    scene.filer.file(6, TICKET)
    order.wait_taken()
    struck = time.monotonic()

    scene.recovered("worker killed, pool not", struck)


@core
@pytest.mark.parametrize("point", IN_THE_CHAINER)
def test_chainer_killed(scene: Scene, point: FailPoint) -> None:
    order = scene.deployment.order(point, Act.KILL, who=CHAINER)
    scene.filer.file(3)
    was = order.wait_taken()
    struck = time.monotonic()
    scene.deployment.wait_restarted(CHAINER, was)

    scene.recovered(f"chainer killed {point}", struck)


@core
def test_worker_killed_while_it_makes_due_what_waited(scene: Scene) -> None:
    deployment = scene.deployment
    references = scene.filer.file(3)
    scene.wait_settled()
    order = deployment.order(FailPoint.IN_FLIP, Act.KILL)
    waited = _let_the_claim_be_late(scene)
    order.wait_taken()
    struck = time.monotonic()
    wait_until(lambda: not _standing_by(scene), what="what waited is due")

    scene.recovered("pool child killed in_flip", struck)
    assert waited >= 12, "a reminder, the deadline and two escalations for each of three"
    assert [len(scene.far.said()[reference]) for reference in references] == [1, 1, 1], "the last word on the claim"


@core
def test_beat_killed(scene: Scene) -> None:
    deployment = scene.deployment
    scene.filer.file(2)
    scene.wait_settled()
    was = deployment.pid(BEAT)
    deployment.kill(BEAT)
    struck = time.monotonic()
    _let_the_claim_be_late(scene)
    wait_until(lambda: not _standing_by(scene), what="what waited is due")
    deployment.wait_restarted(BEAT, was)

    scene.recovered("beat killed", struck)


@core
def test_all_killed_at_once(scene: Scene) -> None:
    deployment = scene.deployment
    scene.filer.file(10)
    pids = [pid for name in deployment.names() for pid in deployment.family_of(deployment.pid(name))]
    mains = {name: deployment.pid(name) for name in deployment.names()}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    struck = time.monotonic()
    for name, was in mains.items():
        deployment.wait_restarted(name, was)

    scene.recovered("all processes killed", struck)


@core
def test_web_and_worker_killed_together_again_and_again(scene: Scene) -> None:
    deployment = scene.deployment
    with scene.filer.filing():
        for point, who in ((FailPoint.AFTER_COMMIT, WEB), (FailPoint.BEFORE_SETTLE, WORKER)) * 2:
            deployment.order(point, Act.KILL, skip=2, who=who).wait_taken()
    struck = time.monotonic()

    scene.recovered("web and pool killed in turns", struck)


@core
def test_revisions_stay_in_order_though_their_workers_die(scene: Scene) -> None:
    deployment, desks = scene.deployment, (scene.far.rt, scene.far.sink)
    for desk in desks:
        desk.answer_always(Answer(503))
    references = scene.filer.file(4)
    for notice in ("reminder", "overdue", "escalation"):
        _let_pass(scene, notice, references)
    orders = [deployment.order(FailPoint.AFTER_SEND, Act.KILL, skip=skip) for skip in (1, 4, 7)]
    for desk in desks:
        desk.answer_always(None)
    deployment.let_wait_be_over()
    for order in orders:
        order.wait_taken()
    struck = time.monotonic()

    scene.recovered("several revisions due, pool children killed", struck)
    assert [scene.far.records()[reference] for reference in references] == [[1, 2]] * 4
    assert min(len(scene.far.said()[reference]) for reference in references) >= 3


def _let_pass(scene: Scene, notice: str, references: list[str]) -> None:
    """Have passed the time for which these notices wait, and wait until a sweep has seen that."""
    waits = "state = 'standby' and notice = %s and reference = any(%s)"
    scene.deployment.run(f"update referrals set due_at = clock_timestamp() where {waits}", notice, references)  # noqa: S608 - ours
    left = f"select from referrals where {waits}"
    wait_until(lambda: not scene.deployment.rows(left, notice, references), what="what waited is due")


_CLAIM = "state = 'standby' and awaited = 'claim'"


def _let_the_claim_be_late(scene: Scene) -> int:
    """Have passed the time until the deadline for the claim; return how many referrals waited for something in it."""
    return scene.deployment.run(f"update referrals set due_at = clock_timestamp() where {_CLAIM}")  # noqa: S608 - ours


def _standing_by(scene: Scene) -> bool:
    return bool(scene.deployment.rows(f"select from referrals where {_CLAIM} and due_at < clock_timestamp()"))
