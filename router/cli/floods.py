"""Commands for concerns that came in a flood and wait for a look: which there are, let them go, close them as one."""

from dataclasses import asdict
from typing import Annotated

import typer

from router.cli.asking import console, said, say_columns, say_json, whose_login
from router.console import floods
from router.model import AuditEntry
from router.settings import Settings
from router.store import floods as stored
from router.store.audit import note
from router.store.engine import transaction

commands = typer.Typer(
    help="Concerns that came with very many others and wait for a look: list, let go, close as one.",
    no_args_is_help=True,
)

Flood = Annotated[str, typer.Argument(help="The flood, FLOOD-....-....-....")]
Handle = Annotated[str | None, typer.Option("--as", help="Who does it; asked for if left out.")]
_WHO = "Who are you (handle)"


@commands.command(name="list")
def list_floods(*, as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the floods of which something waits: name, how many wait, and how often people ended the wait of others."""
    with console(Settings()) as engine, transaction(engine) as connection:
        waiting = stored.waiting(connection)
        note(connection, [AuditEntry(whose_login(), "floods_listed", "floods", detail=f"count={len(waiting)}")])
    if as_json:
        say_json([asdict(one) for one in waiting])
    elif waiting:
        say_columns([("flood", "waits", "ended"), *((one.flood, str(one.count), str(one.ends)) for one in waiting)])
    else:
        typer.echo("No concern waits because it came with very many others.")


@commands.command(name="let-go")
def let_go(flood: Flood, *, handle: Handle = None) -> None:
    """Have the channels told of all concerns of a flood that you may work on and nobody has; a worker does so soon."""
    who = said(handle, "--as", _WHO)
    with console(Settings()) as engine:
        ended = floods.let_go(engine, flood=flood, handle=who, login=whose_login())
    typer.echo(f"{flood.strip().upper()}: {ended.count} let go")


@commands.command()
def close(
    flood: Flood,
    *,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why, for the audit: 3 to 200 characters; asked for if left out.")
    ] = None,
    handle: Handle = None,
) -> None:
    """Close all concerns of a flood that wait, that you may work on and nobody has: nothing is done about them."""
    who = said(handle, "--as", _WHO)
    why = said(reason, "--reason", "Reason, for the audit")
    with console(Settings()) as engine:
        ended = floods.close(engine, flood=flood, handle=who, login=whose_login(), reason=why)
    typer.echo(f"{flood.strip().upper()}: {ended.count} closed")
