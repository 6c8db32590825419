"""What an auditor does with the audit as a whole: see what vouches for it, have its end checked, take a copy away.

Each of these is a line of the audit itself. Changes no line: nobody can.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine

from router import secretfiles
from router.audit.checkpointfile import CheckpointFile
from router.audit.hashchain import Checkpoint, Finding, checkpoint_line, exported, is_signed
from router.errors import Broken, Forbidden
from router.model import AuditEntry
from router.store import chain
from router.store.audit import note
from router.store.engine import transaction

EXPORTED, CHECKED = "audit_exported", "audit_checked"
NEWEST: Final = 20_000
"""Lines that one check from a page looks at, within seconds; the command looks at all."""


@dataclass(frozen=True, slots=True)
class Witness:
    """What vouches for the audit from outside the database; neither needs to be within reach of this process."""

    checkpoints: CheckpointFile
    key_path: Path

    def key(self) -> Ed25519PublicKey | None:
        """Return the public key of who signs, None if it is not here."""
        try:
            return secretfiles.read_public_key(self.key_path)
        except Broken:
            return None

    def last(self) -> Checkpoint | None:
        """Return the last checkpoint in the file, None if there is none here; raises Broken on a damaged one."""
        return self.checkpoints.last()


@dataclass(frozen=True, slots=True)
class Standing:
    """What the chain and its checkpoints say, without looking at each line."""

    size: int
    """Lines in the chain."""
    signed: Checkpoint | None
    """The last one in the database."""
    verdict: str
    """`signed`, `forged`, `contradicts` (the chain has another hash there), `unsigned`, `key_missing`."""
    outside: str
    """What the file says of it: `same`, `behind`, `cut_off` (it knows of more), `other`, `missing`, `damaged`."""
    waiting: int
    """Lines that are not in the chain yet."""
    waiting_since: datetime | None
    late: int
    """Of these, those that should have been in it long ago."""

    @property
    def sound(self) -> bool:
        """Whether nothing contradicts; a key or a file that is not here contradicts nothing."""
        return self.verdict in {"signed", "key_missing"} and self.outside in {"same", "behind", "missing"}


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the chain's end found."""

    first: int
    last: int
    findings: tuple[Finding, ...]


def standing(engine: Engine, witness: Witness) -> Standing:
    """Return what the chain and its checkpoints say."""
    outside, damaged = _outside(witness)
    with transaction(engine) as connection:
        chain.hold_still(connection)
        size, head = chain.chain_end(connection)
        signed = chain.last_checkpoint(connection)
        there = chain.hash_of(connection, outside.size) if outside else None
        count, since = chain.waiting(connection)
        late = len(chain.left_unchained(connection))
    said = "damaged" if damaged else _compared(outside, there, size)
    return Standing(size, signed, _verdict(signed, size, head, witness.key()), said, count, since, late)


def check(engine: Engine, actor: str, witness: Witness) -> Checked:
    """Check the newest lines against their hashes, the chain and the checkpoints, and note what came of it.

    Raises Forbidden `key_missing` where the public key is not at hand, Broken on a damaged file of checkpoints.
    """
    key = witness.key()
    if key is None:
        _note(engine, AuditEntry(actor, CHECKED, "audit", "failed_key_missing"))
        raise Forbidden("key_missing")
    last = witness.last()
    with transaction(engine) as connection:
        outside = [last] if last else []
        first, size, findings = chain.verify_newest(connection, key, outside, lines=NEWEST)
    outcome = f"failed_{findings[0].code}" if findings else "ok"
    _note(engine, AuditEntry(actor, CHECKED, "audit", outcome, f"lines={first}-{size} findings={len(findings)}"))
    return Checked(first, size, tuple(findings))


def export(engine: Engine, actor: str) -> Iterator[bytes]:
    """Note it, then return the last checkpoint and every line up to it, as JSON lines for `audit verify --file`.

    Read a page at a time, so that a slow taker holds no transaction: the chain only grows, and where it ends was read
    first. What breaks off is found: the checkpoint in the first line says how many there must be.
    """
    with transaction(engine) as connection:
        note(connection, [AuditEntry(actor, EXPORTED, "audit")])
    with transaction(engine) as connection:
        chain.hold_still(connection)
        checkpoint = chain.last_checkpoint(connection)
        size = chain.chain_end(connection)[0]
    return _written(engine, checkpoint, size)


def _written(engine: Engine, checkpoint: Checkpoint | None, size: int) -> Iterator[bytes]:
    if checkpoint:
        yield orjson.dumps(checkpoint_line(checkpoint)) + b"\n"
    after = chain.BEFORE_ALL
    while after < size:
        with transaction(engine) as connection:
            page = [one for one in chain.linked_after(connection, after) if one.seq <= size]
        if not page:
            return
        yield b"".join(orjson.dumps(exported(one)) + b"\n" for one in page)
        after = page[-1].seq


def _outside(witness: Witness) -> tuple[Checkpoint | None, bool]:
    try:
        return witness.last(), False
    except Broken:
        return None, True


def _verdict(signed: Checkpoint | None, size: int, head: bytes, key: Ed25519PublicKey | None) -> str:
    if signed is None:
        return "unsigned"
    if (signed.size, signed.head) != (size, head):
        return "contradicts"
    if key is None:
        return "key_missing"
    return "signed" if is_signed(signed, key) else "forged"


def _compared(outside: Checkpoint | None, there: bytes | None, size: int) -> str:
    if outside is None:
        return "missing"
    if outside.size > size:
        return "cut_off"
    if outside.head != there:
        return "other"
    return "same" if outside.size == size else "behind"


def _note(engine: Engine, entry: AuditEntry) -> None:
    with transaction(engine) as connection:
        note(connection, [entry])
