"""A database with a chainer of its own, for tests of the chain and of the process that links it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from router import clock
from router.audit.checkpointfile import CheckpointFile
from router.audit.hashchain import Finding
from router.chainer import Chainer
from router.model import AuditEntry
from router.store import chain
from router.store.audit import note
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import change, login

KEY = Ed25519PrivateKey.generate()


@dataclass
class Audit:
    """A database with a chainer and its file; `owner` is whoever got hold of the owner's login."""

    intake: Engine
    owner: Engine
    console: Engine
    chainer: Chainer
    copy: CheckpointFile

    def write(self, count: int, *, detail: str = "") -> None:
        with transaction(self.intake) as connection:
            note(connection, [AuditEntry("reporter", "case_received", f"CR-{n}", detail=detail) for n in range(count)])

    def chain(self, *batches: int) -> None:
        """Write and link one batch after the other, so that each has its checkpoint."""
        for count in batches:
            self.write(count)
            assert self.chainer.link_batch() == count

    def tamper(self, *statements: str) -> None:
        with transaction(self.owner) as connection:
            for table in ("audit", "audit_checkpoints"):
                change(connection, f"alter table {table} disable trigger user")
            for statement in statements:
                change(connection, statement)

    def verify(self, *, copied_before: datetime | None = None) -> list[Finding]:
        outside = self.copy.read()
        before = copied_before or clock.now() - timedelta(minutes=1)
        with transaction(self.console) as connection:
            _, findings = chain.verify_stored(connection, KEY.public_key(), outside, copied_before=before)
        return findings

    def codes(self) -> set[tuple[str, int | None]]:
        return {(finding.code, finding.seq) for finding in self.verify()}


@pytest.fixture
def audit(database: Database, tmp_path: Path) -> Iterator[Audit]:
    copy = CheckpointFile.below(tmp_path)
    owner = connect(database.owner_dsn, process="test-owner")
    with (
        login(database, Login.INTAKE) as intake,
        login(database, Login.CONSOLE) as console,
        login(database, Login.CHAINER) as own,
    ):
        yield Audit(intake, owner, console, Chainer(own, KEY, copy), copy)
    owner.dispose()
