"""The copy of the signed checkpoints outside the database: one line each, only ever appended.

Whoever rewrites the database cannot rewrite this file; send it on to a place of its own
(a log host, a printed page) and the proof outlives this machine too. Never holds an entry's text.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from router.audit.hashchain import Checkpoint, as_text, from_text
from router.errors import Broken

_TAIL_BYTES = 4096


class CheckpointFile:
    """`checkpoints` below the state directory; 0600 in a directory 0700."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def below(cls, state_dir: Path) -> Self:
        """Return the file at its usual place."""
        return cls(state_dir / "audit" / "checkpoints")

    def append(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Add lines and wait until the disk has them; raises Broken when it cannot be written."""
        lines = "".join(f"{as_text(checkpoint)}\n" for checkpoint in checkpoints).encode()
        if not lines:
            return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = not self.path.exists()
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                self._drop_torn_line(descriptor)
                file.write(lines)
                file.flush()
                os.fsync(descriptor)
            if new:
                _sync_directory(self.path.parent)
        except OSError:
            raise Broken(
                "checkpoints_unwritable", f"{self.path}: give it space, and let the chainer write it"
            ) from None

    @staticmethod
    def _drop_torn_line(descriptor: int) -> None:
        """Cut off what a crash left of a line; the checkpoint is in the database and will be written again."""
        size = os.fstat(descriptor).st_size
        start = max(0, size - _TAIL_BYTES)
        tail = os.pread(descriptor, _TAIL_BYTES, start)
        if tail and not tail.endswith(b"\n"):
            os.ftruncate(descriptor, start + tail.rfind(b"\n") + 1)

    def last(self) -> Checkpoint | None:
        """Return the last whole line's checkpoint, None if there is none; raises Broken on a line of another kind."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                whole = file.read().rpartition(b"\n")[0].decode(errors="replace").splitlines()
        except FileNotFoundError:
            return None
        except OSError:
            raise self._unreadable() from None
        return self._parsed(whole[-1]) if whole else None

    def read(self) -> list[Checkpoint]:
        """Return all checkpoints, none if the file is not there; raises Broken on a line of another kind."""
        try:
            whole = self.path.read_bytes().rpartition(b"\n")[0].decode(errors="replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError:
            raise self._unreadable() from None
        return [self._parsed(line) for line in whole]

    def _parsed(self, line: str) -> Checkpoint:
        checkpoint = from_text(line)
        if checkpoint is None:
            raise Broken("checkpoints_malformed", f"{self.path}: somebody wrote into it; restore it from its copy")
        return checkpoint

    def _unreadable(self) -> Broken:
        return Broken("checkpoints_unreadable", f"{self.path}: let this process's user read it")


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
