"""The command `preserved list`: what is kept of what left, and until when. Opens nothing; `cases hold` holds a case."""

from dataclasses import asdict
from typing import Annotated

import typer

from router.cli.asking import console, say_columns, say_json, whose_login
from router.model import AuditEntry
from router.settings import Settings
from router.store import preserved
from router.store.audit import note
from router.store.engine import transaction
from router.store.preserved import Preserved

commands = typer.Typer(
    help="Sealed copies of what left the organisation with a receipt. `cases hold` keeps them for longer.",
    no_args_is_help=True,
)


@commands.command(name="list")
def list_kept(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the newest copies: case, channel, which part, since and until when, and whether the case is held."""
    with console(Settings()) as engine, transaction(engine) as connection:
        found = preserved.newest(connection, limit)
        note(connection, [AuditEntry(whose_login(), "outside_kept_listed", "cases", detail=f"count={len(found)}")])
    if as_json:
        say_json([asdict(one) for one in found])
    elif found:
        say_columns([("case", "channel", "part", "since", "until", "held"), *map(_line, found)])
    else:
        typer.echo("Nothing has left with a receipt.")


def _line(one: Preserved) -> tuple[str, ...]:
    until = f"{one.keep_until:%Y-%m-%d}" if one.keep_until else "not said yet"
    held = "held" if one.held else "-"
    return (one.reference, f"{one.channel}:{one.revision}", one.part, f"{one.kept_at:%Y-%m-%d}", until, held)
