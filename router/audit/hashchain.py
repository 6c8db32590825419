"""The audit's hash chain and its signed checkpoints, and how both are checked. Pure: no database, no file.

    hash(n) = SHA-256(hash(n - 1) || RFC 8785 canonical JSON of line n), hash(0) = 32 zero bytes

A checkpoint says, signed with Ed25519, how long the chain was and where it ended, in the manner of
a C2SP checkpoint. Whoever has the public key and the checkpoints checks an export without us.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GENESIS: Final = bytes(32)
ORIGIN: Final = "concern-router/audit/v1"
_CHECKPOINT: Final = "checkpoint"


@dataclass(frozen=True, slots=True)
class Line:
    """One audit entry as it was written, codes and ids only."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Linked:
    """An entry in its place in the chain."""

    seq: int
    hash: bytes | None
    line: Line


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement: the chain had `size` lines and the last one's hash was `head`."""

    size: int
    head: bytes
    at: datetime
    signature: bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that would not be so if nobody had touched the audit. `id` only where there is no `seq` yet."""

    code: str
    seq: int | None
    to: int | None = None
    """Last line concerned, when it is a stretch."""
    id: int | None = None


def moment(at: datetime) -> str:
    """Return a time as the chain writes it: UTC, microseconds, Z."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def written(seq: int, line: Line) -> dict[str, Any]:
    """Return the values of line `seq` that its hash covers."""
    return {
        "seq": seq,
        "id": line.id,
        "at": moment(line.at),
        "actor": line.actor,
        "action": line.action,
        "object": line.object,
        "outcome": line.outcome,
        "detail": line.detail,
    }


def next_hash(previous: bytes, seq: int, line: Line) -> bytes:
    """Return the hash of line `seq`, which follows the line whose hash is `previous`."""
    return sha256(previous + rfc8785.dumps(written(seq, line))).digest()


def link(previous: bytes, size: int, lines: Iterable[Line]) -> list[Linked]:
    """Return `lines` linked to a chain of `size` lines that ends in the hash `previous`."""
    linked: list[Linked] = []
    for seq, line in enumerate(lines, size + 1):
        previous = next_hash(previous, seq, line)
        linked.append(Linked(seq, previous, line))
    return linked


def sign(key: Ed25519PrivateKey, size: int, head: bytes, at: datetime) -> Checkpoint:
    """Return the signed checkpoint of a chain of `size` lines that ends in `head`."""
    return Checkpoint(size, head, at, key.sign(_statement(size, head, at)))


def is_signed(checkpoint: Checkpoint, key: Ed25519PublicKey) -> bool:
    """Say whether the holder of the key's private half signed exactly this."""
    try:
        key.verify(checkpoint.signature, _statement(checkpoint.size, checkpoint.head, checkpoint.at))
    except InvalidSignature:
        return False
    return True


def _statement(size: int, head: bytes, at: datetime) -> bytes:
    return f"{ORIGIN}\n{size}\n{b64encode(head).decode()}\n{moment(at)}\n".encode()


def as_text(checkpoint: Checkpoint) -> str:
    """Return the checkpoint as one line without its end: the signed fields and the signature, blank between."""
    signed = _statement(checkpoint.size, checkpoint.head, checkpoint.at).decode().split()
    return " ".join([*signed, b64encode(checkpoint.signature).decode()])


def from_text(text: str) -> Checkpoint | None:
    """Return the checkpoint in one line, None when it is not one; its signature is not checked here."""
    try:
        origin, size, head, at, signature = text.split()
        found = Checkpoint(
            int(size), b64decode(head, validate=True), datetime.fromisoformat(at), b64decode(signature, validate=True)
        )
    except ValueError:
        return None
    return found if origin == ORIGIN and as_text(found) == text.strip() else None


class Check:
    """Goes along the chain once and collects findings; give it every line in order of `seq`, then `finish`.

    `outside` are the checkpoints from the file outside the database; `stored` those in the
    database, None when there is no database to look at. Those signed before `copied_before`
    must be in the file too. With `since` the lines up to that checkpoint are not looked at: its signature
    vouches for them.
    """

    def __init__(
        self,
        key: Ed25519PublicKey,
        outside: Sequence[Checkpoint],
        stored: Sequence[Checkpoint] | None = None,
        *,
        copied_before: datetime | None = None,
        since: Checkpoint | None = None,
    ) -> None:
        self.findings: list[Finding] = []
        self.size = since.size if since else 0
        self._head = since.head if since else GENESIS
        self._key = key
        self._ends: dict[int, set[bytes]] = {}
        if since is not None:
            self.vouch(since)
        for checkpoint in dict.fromkeys((*outside, *(stored or ()))):
            self.vouch(checkpoint)
        if stored is not None:
            removed = {c.size for c in outside} - {c.size for c in stored}
            self.findings += [Finding("checkpoint_removed", size) for size in removed]
        if stored is not None and copied_before is not None:
            known = {c.size for c in outside}
            late = [c.size for c in stored if c.size not in known and c.at < copied_before]
            self.findings += [Finding("checkpoint_not_copied", size) for size in late]

    def vouch(self, checkpoint: Checkpoint) -> None:
        """Hold the chain against one more checkpoint; must come before the line at which it ends."""
        if is_signed(checkpoint, self._key):
            self._ends.setdefault(checkpoint.size, set()).add(checkpoint.head)
        else:
            self.findings.append(Finding("checkpoint_forged", checkpoint.size))

    def take(self, linked: Linked) -> None:
        """Hold the next line against its hash, the line before, and the checkpoints that end there."""
        if linked.seq != self.size + 1:
            # What was before the gap cannot vouch for what comes after; the checkpoints there can.
            self.findings.append(Finding("line_removed", self.size + 1, to=linked.seq - 1))
        elif linked.hash is None or linked.hash != next_hash(self._head, linked.seq, linked.line):
            self.findings.append(Finding("line_changed", linked.seq))
        ends = self._ends.get(linked.seq)
        if ends is not None and ends != {linked.hash}:
            self.findings.append(Finding("checkpoint_contradicts", linked.seq))
        self.size, self._head = linked.seq, linked.hash or GENESIS

    def finish(self) -> list[Finding]:
        """Return all findings, the end of the chain included."""
        signed_to = max(self._ends, default=0)
        if signed_to > self.size:
            self.findings.append(Finding("tail_cut_off", self.size + 1, to=signed_to))
        if self.size > signed_to:
            self.findings.append(Finding("tail_unsigned", signed_to + 1, to=self.size))
        return sorted(self.findings, key=lambda f: (f.seq or 0, f.code))


def exported(linked: Linked) -> dict[str, Any]:
    """Return a line of the export: what the hash covers, and the hash."""
    return {**written(linked.seq, linked.line), "hash": linked.hash.hex() if linked.hash else None}


def checkpoint_line(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the line with which an export begins: it vouches for the lines that were signed last."""
    return {_CHECKPOINT: as_text(checkpoint)}


def imported_checkpoint(values: object) -> Checkpoint | None:
    """Return the checkpoint that `checkpoint_line` wrote, None if this is another line."""
    text = values.get(_CHECKPOINT) if isinstance(values, dict) else None
    return from_text(text) if isinstance(text, str) else None


def imported(values: Mapping[str, Any]) -> Linked:
    """Return the line that `exported` wrote; raises ValueError, KeyError or TypeError on anything else."""
    fields = {name: values[name] for name in ("id", "actor", "action", "object", "outcome", "detail")}
    line = Line(at=datetime.fromisoformat(values["at"]), **fields)
    return Linked(int(values["seq"]), bytes.fromhex(values["hash"]), line)
