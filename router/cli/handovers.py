"""Commands for what people hand over outside themselves: what waits for that, and that it was done.

Shows no field of a case: the sheet is for the console, which knows who may see it.
"""

from datetime import datetime
from typing import Annotated

import typer

from router.cli.asking import console, said, say_columns, say_json, whose_login
from router.clock import now
from router.console import handing
from router.console.acting import By
from router.console.approving import Desk
from router.console.handing import Given
from router.console.policies import Policies
from router.model import AuditEntry
from router.settings import Settings
from router.store import handovers as stored
from router.store.audit import note
from router.store.engine import transaction

commands = typer.Typer(
    help="What people hand over outside themselves: see what waits, record that it was done.", no_args_is_help=True
)

_WHO = "Who are you (handle)"


@commands.command(name="list")
def list_handovers(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, the worst first.")] = 1000,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List what was approved and waits to be handed over: case, channel, severity, since when."""
    with console(Settings()) as engine, transaction(engine) as connection:
        waiting = stored.everything(connection, limit=limit)
        note(connection, [AuditEntry(whose_login(), "handovers_listed", "handovers", detail=f"count={len(waiting)}")])
    rows = [
        {
            "reference": one.reference,
            "channel": one.channel,
            "revision": one.revision,
            "severity": one.severity.value,
            "in_hand_at": one.in_hand_at,
        }
        for one in waiting
    ]
    if as_json:
        say_json(rows)
    elif rows:
        since = [f"{one.in_hand_at:%Y-%m-%d %H:%M} UTC" for one in waiting]
        cells = [(one.reference, one.channel, str(one.revision), one.severity.value) for one in waiting]
        head = ("case", "channel", "revision", "severity", "since")
        say_columns([head, *((*row, at) for row, at in zip(cells, since, strict=True))])
    else:
        typer.echo("Nothing waits to be handed over.")


@commands.command()
def record(
    reference: Annotated[str, typer.Argument(help="The case, CR-....-....-....")],
    channel: Annotated[str, typer.Argument(help="The channel, as the list names it.")],
    *,
    to: Annotated[str, typer.Option(help="Who has it now: the code of a body in bodies.yaml.")],
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M%z", "%Y-%m-%dT%H:%M:%S%z"], help="When they got it; now if left out."),
    ] = None,
    their_reference: Annotated[str, typer.Option(help="Under which reference they have it, if they gave one.")] = "",
    desk: Annotated[str, typer.Option(help="Which desk or station of theirs, if they said so.")] = "",
    handle: Annotated[str | None, typer.Option("--as", help="Who does it; asked for if left out.")] = None,
) -> None:
    """Record that something was handed over: it counts as sent from then on. Only reviewers of its case may."""
    settings, who = Settings(), said(handle, "--as", _WHO)
    case = reference.strip().upper()
    with console(settings) as engine:
        with transaction(engine) as connection:
            one = stored.newest(connection, case, channel)
        by = By(case, who, whose_login(), lasts_s=settings.claim_s)
        given = Given(to, desk, their_reference, at or now())
        handing.record(Desk(engine, Policies(engine)), by, referral=one.id if one else "", given=given)
    typer.echo(f"{case}: handed over to {to}, recorded")
