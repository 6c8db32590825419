"""Commands for deliveries: where each referral stands. Facts and content are not shown; looking is audited."""

from typing import Annotated, Any

import typer

from router.cli.asking import console, say_columns, say_json, whose_login
from router.model import AuditEntry
from router.settings import Settings
from router.store.audit import note
from router.store.engine import transaction
from router.store.ledger import newest

commands = typer.Typer(help="See where each referral stands.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Keep `list` a word of its own, whatever joins it later."""


@commands.command(name="list")
def list_deliveries(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 1000,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Also what waits for its time, or was withdrawn before it was tried.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the newest referrals: reference, channel, state, attempts, the other side's id, outcome."""
    with console(Settings()) as engine:
        with transaction(engine) as connection:
            note(connection, [AuditEntry(whose_login(), "deliveries_listed", "referrals")])
        with transaction(engine) as connection:
            rows = newest(connection, limit, waiting=waiting)
    if as_json:
        say_json(rows)
        return
    say_columns([_cells(row) for row in rows])


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    at = (row["settled_at"] or row["due_at"]).isoformat(timespec="seconds")
    to = f"{row['channel']} ({row['kind']})"
    ended = (row["outcome"] or "-", row["remote_id"] or "-")
    return (row["reference"], row["state"], f"{row['attempts']} tried", at, to, *ended)
