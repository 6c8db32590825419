"""Commands for the audit: `audit chain` is the chainer's process, `verify` and `export` are for auditors."""

import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import orjson
import typer

from router import clock, secretfiles, telemetry
from router.audit.checkpointfile import CheckpointFile
from router.audit.hashchain import (
    Check,
    Checkpoint,
    Finding,
    Linked,
    imported,
    imported_checkpoint,
)
from router.chainer import Chainer
from router.cli.asking import console, say_json, whose_login
from router.console import auditing
from router.errors import Broken
from router.settings import Settings
from router.store.chain import UNCHAINED_FOR_S, verify_stored
from router.store.engine import connect, transaction
from router.vocabulary import Login

commands = typer.Typer(help="Link, check and export the audit.", no_args_is_help=True)


@commands.command()
def chain() -> None:
    """Link committed entries and sign checkpoints until SIGINT or SIGTERM. Needs audit.key."""
    settings = Settings()
    telemetry.configure("chainer", level=settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: stop.set())
    key = secretfiles.audit_signing_key(settings.secrets_path)
    engine = connect(settings.dsn(Login.CHAINER), process="chainer", pool_size=1)
    Chainer(engine, key, CheckpointFile.below(settings.state_dir)).run(stop)


@commands.command()
def verify(
    *,
    file: Annotated[Path | None, typer.Option(help="Check an export instead of the database.")] = None,
    checkpoints: Annotated[Path | None, typer.Option(help="Signed checkpoints; default: STATE_DIR's.")] = None,
    public_key: Annotated[Path | None, typer.Option(help="audit.pub; default: the secrets directory's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Check every line of the audit against its hash, the chain, and the checkpoints signed outside the database.

    Exit 1 with the findings, each at its line. With --file it needs no database: only an export,
    the checkpoints (copied before the export) and the public key.
    """
    settings = Settings()
    copy = CheckpointFile(checkpoints) if checkpoints else CheckpointFile.below(settings.state_dir)
    key_path = public_key or settings.secrets_path / secretfiles.AUDIT_PUBLIC
    key, outside = secretfiles.read_public_key(key_path), copy.read()
    if file:
        check = Check(key, outside)
        for read in _read_export(file):
            if isinstance(read, Checkpoint):
                check.vouch(read)
            else:
                check.take(read)
        size, findings = check.size, check.finish()
        if any(finding.code == "tail_cut_off" for finding in findings):
            typer.echo("tail_cut_off: or the checkpoints are newer than the export; take a copy from before", err=True)
    else:
        copied_before = clock.now() - timedelta(seconds=UNCHAINED_FOR_S)
        with console(settings) as engine, transaction(engine) as connection:
            size, findings = verify_stored(connection, key, outside, copied_before=copied_before)
    _report(size, findings, as_json=as_json)


def _read_export(file: Path) -> Iterator[Checkpoint | Linked]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    values = orjson.loads(line)
                    yield (imported_checkpoint(values) if number == 1 else None) or imported(values)
                except (ValueError, KeyError, TypeError):
                    raise Broken("export_malformed", f"{file}:{number} is not a line of `audit export`") from None
    except OSError:
        raise Broken("export_unreadable", f"{file}: name a file that can be read") from None


def _report(size: int, findings: list[Finding], *, as_json: bool) -> None:
    if as_json:
        say_json({"ok": not findings, "size": size, "findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            typer.echo(_in_words(finding))
        typer.echo(f"{size} lines, {len(findings)} findings")
    if findings:
        raise typer.Exit(1)


def _in_words(finding: Finding) -> str:
    where = f"entry {finding.id}" if finding.seq is None else f"line {finding.seq}"
    to = f" to {finding.to}" if finding.to is not None else ""
    return f"{where}{to}: {finding.code}"


@commands.command()
def export() -> None:
    """Print the last checkpoint and the linked audit as JSON lines, for `audit verify --file`. Itself audited."""
    with console(Settings()) as engine:
        for lines in auditing.export(engine, whose_login()):
            sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
