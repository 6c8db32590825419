"""Files many concerns while workers are killed at each step of a send, towards a real ticket system.

TICKETS=200 in the environment says how many.
"""

import os
from itertools import cycle, islice

from router.failpoints import FailPoint
from tests.faults.deployment import WORKER, Deployment
from tests.faults.farside import TICKET
from tests.faults.filer import Filer
from tests.faults.orders import Act, Order

MANY = int(os.environ.get("TICKETS", "200"))
EACH = 10
"""Tickets for each pool process killed."""
IN_A_SEND = (FailPoint.BEFORE_SEND, FailPoint.AFTER_LOOK_UP, FailPoint.AFTER_CREATE, FailPoint.BEFORE_SETTLE)


def file_while_killing(deployment: Deployment, filer: Filer) -> list[Order]:
    """File MANY concerns; kill at each step of a send in turn, and once a whole worker. Return what was ordered."""
    points = islice(cycle(IN_A_SEND), max(4, MANY // EACH))
    orders = [deployment.order(point, Act.KILL, skip=_passes(point, n)) for n, point in enumerate(points)]
    filer.file(MANY // 2, TICKET)
    deployment.kill(WORKER)
    filer.file(MANY - MANY // 2, TICKET)
    return orders


def _passes(point: FailPoint, n: int) -> int:
    """Return how often a point is passed before the `n`th kill: the last one comes when about half is sent.

    What several sends came to is settled at once.
    """
    return n // len(IN_A_SEND) if point is FailPoint.BEFORE_SETTLE else n * EACH // 2
