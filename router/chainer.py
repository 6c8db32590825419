"""The process that links committed audit entries to the hash chain and signs where it ends.

Apart from everything that serves: its own login, and a key that no other process reads. Entries
are written unchained with the change they tell of, so that no request waits for the chain.
"""

import threading
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from router.audit.checkpointfile import CheckpointFile
from router.audit.hashchain import Checkpoint, is_signed, link, sign
from router.clock import now
from router.errors import Broken, RouterError
from router.failpoints import FailPoint, reach
from router.store.chain import (
    add_checkpoint,
    chain_end,
    checkpoints_after,
    hash_of,
    lock_chain,
    unchained,
    write_links,
)
from router.store.engine import transaction
from router.telemetry import get_log

BATCH = 1000
"""Entries that one checkpoint covers at most."""
IDLE_S = 0.5
"""Pause when nothing was left to link: an entry is linked within a second of its commit."""
LONGEST_PAUSE_S = 10.0
"""Between tries while the database is away."""


class Chainer:
    """Links batches. Two of them do no harm: one works, the other finds the chain taken."""

    def __init__(
        self,
        engine: Engine,
        key: Ed25519PrivateKey,
        copy: CheckpointFile,
        *,
        moment: Callable[[], datetime] = now,
    ) -> None:
        self._engine = engine
        self._key = key
        self._copy = copy
        self._moment = moment

    def link_batch(self) -> int:
        """Link up to BATCH entries, sign, copy the checkpoint outside; return how many were linked.

        Raises Broken `chain_contradicts_checkpoints` when the chain in the database is not the
        one that was signed: nothing more is linked or signed on top of it until a person looked.
        Raises what `transaction` raises. What was not copied after a commit is copied next time.
        """
        with transaction(self._engine) as connection:
            if not lock_chain(connection):
                return 0
            last = self._copy.last()
            self._require_same_chain(connection, last)
            size, head = chain_end(connection)
            behind = size != (last.size if last else 0)
            copied_late = self._signed_after(connection, last) if behind else []
            linked = link(head, size, unchained(connection, BATCH))
            if linked:
                write_links(connection, linked)
                end = linked[-1]
                checkpoint = sign(self._key, end.seq, end.hash or b"", self._moment())
                add_checkpoint(connection, checkpoint)
                copied_late.append(checkpoint)
                reach(FailPoint.IN_CHAIN)
        if copied_late:
            reach(FailPoint.BEFORE_CHECKPOINT_FILE)
        self._copy.append(copied_late)
        return len(linked)

    @staticmethod
    def _require_same_chain(connection: Connection, last: Checkpoint | None) -> None:
        if last and hash_of(connection, last.size) != last.head:
            hint = (
                "run `concern-router audit verify`; after restoring an older database,"
                " put the file of checkpoints away (keep it), and the chain goes on from there"
            )
            raise Broken("chain_contradicts_checkpoints", hint)

    def _signed_after(self, connection: Connection, last: Checkpoint | None) -> list[Checkpoint]:
        """Return checkpoints that were committed but not copied, only those that we did sign."""
        stored = checkpoints_after(connection, last.size if last else 0)
        return [checkpoint for checkpoint in stored if is_signed(checkpoint, self._key.public_key())]

    def run(self, stop: threading.Event) -> None:
        """Link whatever comes until `stop` is set; survives the database's restarts."""
        log = get_log()
        log.info("started")
        pause = IDLE_S
        while not stop.is_set():
            try:
                count = self.link_batch()
            except RouterError as error:
                log.exception("chainer_failed", code=error.code)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                pause = IDLE_S
                if count:
                    log.debug("chained", count=count)
                if count == BATCH:
                    continue
            stop.wait(pause)
        log.info("stopping")
