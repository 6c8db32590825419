"""Writes one file for each referral, whole or not at all; the same referral overwrites itself.

A withdrawal takes the case's earlier files away. Never leaves a half-written file under a name that a
reader would take, and never changes what it did not make.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from router.channels import folder
from router.errors import TryLater
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from router.vocabulary import Notice
from workers.channels.base import Surroundings

FILE_MODE = 0o600
FOLDER_MODE = 0o700
PROBE = b"probe"


class FolderSender:
    """One folder."""

    def __init__(self, settings: folder.Settings, surroundings: Surroundings) -> None:
        self._root = surroundings.state_dir / settings.path

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:  # noqa: ARG002 - the contract
        """Write the file and return its name; raises TryLater when the disk will not have it."""
        name = folder.file_name(leased.fields)
        try:
            self._make()
            there = self._holds(name, payload.body)
            if not there:
                self._write(name, payload.body)
            if leased.fields.notice is Notice.RECALLED:
                self._remove_before(leased)
            self._make_durable()
        except OSError:
            raise TryLater("folder_unwritable") from None
        return Proof(name, repeated=there)

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:  # noqa: ARG002 - the contract
        """Return why the channel cannot be used: it cannot be made, or holds no file that is safe on the disk.

        A hidden file is written and taken away again. Whether anybody fetches what is put there, nothing shows.
        """
        try:
            self._make()
            self._hidden(PROBE).unlink()
            self._make_durable()
        except OSError:
            return (Finding("folder_unwritable", "path"),)
        return ()

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        """Show nothing beyond what was shown when it was sent."""
        return Seen(leased.remote_id)

    def _remove_before(self, leased: LeasedReferral) -> None:
        """Take away the files of the case's earlier revisions; those that somebody took already are not there."""
        for revision in range(1, leased.fields.revision):
            earlier = leased.fields.model_copy(update={"revision": revision})
            (self._root / folder.file_name(earlier)).unlink(missing_ok=True)

    def _holds(self, name: str, body: bytes) -> bool:
        try:
            return (self._root / name).read_bytes() == body
        except FileNotFoundError:
            return False

    def _write(self, name: str, body: bytes) -> None:
        """Write beside the final name, on disk to the last byte, then give it the name."""
        hidden = self._hidden(body)
        try:
            hidden.rename(self._root / name)
        except OSError:
            with suppress(OSError):
                hidden.unlink()
            raise

    def _hidden(self, body: bytes) -> Path:
        """Return a file that no reader takes, with `body` on disk to the last byte, or leave none."""
        hidden = self._root / f".{secrets.token_hex(8)}.part"
        try:
            handle = os.open(hidden, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, FILE_MODE)
            with os.fdopen(handle, "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            with suppress(OSError):
                hidden.unlink()
            raise
        return hidden

    def _make(self) -> None:
        self._root.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)

    def _make_durable(self) -> None:
        above = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(above)
        finally:
            os.close(above)
