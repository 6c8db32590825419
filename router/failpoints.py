"""Named places in the code where tests kill, stop or cut; nothing happens there in the product.

Only a test's own starter sets what to do (tests/faults); no setting, file or variable of the product can.
"""

from collections.abc import Callable
from enum import StrEnum


class FailPoint(StrEnum):
    """The places, in the order in which a concern passes them."""

    BEFORE_COMMIT = "before_commit"
    """The recorder has written its concerns and not committed."""
    AFTER_COMMIT = "after_commit"
    """They are committed, and nobody has an answer yet."""
    BEFORE_RING = "before_ring"
    """The bell is about to publish a doorbell."""
    AFTER_RING = "after_ring"
    """It has."""
    BEFORE_LEASE = "before_lease"
    """A worker's turn is about to write: settle, renew, lease."""
    IN_LEASE = "in_lease"
    """It has written and not committed."""
    AFTER_LEASE = "after_lease"
    """Referrals are leased, and none of them is sent."""
    BEFORE_SEND = "before_send"
    """One is about to be sent; its lease was confirmed."""
    AFTER_LOOK_UP = "after_look_up"
    """The far side was asked and has no such ticket; nothing is created yet."""
    AFTER_CREATE = "after_create"
    """The far side has answered a create; nothing is read back yet."""
    BEFORE_OPEN = "before_open"
    """It is written that a report is about to be opened at an outside body; nothing was asked yet."""
    AFTER_OPEN = "after_open"
    """The report is open over there, and its id is not written here."""
    BEFORE_FINISH = "before_finish"
    """The report's id is written, and the report is not filed."""
    AFTER_FINISH = "after_finish"
    """It is filed, and nothing here says so."""
    AFTER_SEND = "after_send"
    """The far side has it, and nothing here says so."""
    BEFORE_SETTLE = "before_settle"
    """Outcomes are about to be written."""
    AFTER_SETTLE = "after_settle"
    """They are committed."""
    IN_FLIP = "in_flip"
    """A sweep has flipped standby rows and not committed."""
    IN_CHAIN = "in_chain"
    """The chainer has linked entries and not committed."""
    BEFORE_CHECKPOINT_FILE = "before_checkpoint_file"
    """A checkpoint is committed, and not yet in the file outside."""


_hook: Callable[[FailPoint], None] | None = None


def reach(point: FailPoint) -> None:
    """Say that the code is at `point`."""
    if _hook is not None:
        _hook(point)


def on_reach(hook: Callable[[FailPoint], None] | None) -> None:
    """Call `hook` at each fail point of this process and of those it forks; None: nothing any more. For tests."""
    global _hook  # noqa: PLW0603 - one for the process, like a signal's handler
    _hook = hook
