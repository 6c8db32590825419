"""Commands for cases: `cases list` and `cases show` print codes and times, `cases open` a case's content to who may.

Each leaves an entry in the audit before it shows anything.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer

from router.cli import conflicts, progress
from router.cli.asking import console, said, say_json, secret, whose_login
from router.console.attempt import attempted
from router.console.opening import open_case, open_case_with_recovery
from router.model import AuditEntry
from router.settings import Settings
from router.store import casefile
from router.store.audit import note
from router.store.engine import transaction

commands = typer.Typer(help="List and show cases, open one, and say how far it is.", no_args_is_help=True)
commands.add_typer(progress.commands)
commands.add_typer(conflicts.commands)


@commands.command(name="list")
def list_cases(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the newest cases: reference, state, category, severity, deadline, route and who has it; never content."""
    with console(Settings()) as engine:
        with transaction(engine) as connection:
            note(connection, [AuditEntry(whose_login(), "cases_listed", "cases")])
        with transaction(engine) as connection:
            rows = casefile.newest(connection, limit)
    if as_json:
        say_json(rows)
        return
    for row in rows:
        route = f"{row['route']} ({row['reason']})" if row["reason"] else row["route"]
        stands = f"{row['reference']}  {row['state']:9}  {row['severity']:8}  {_moment(row['claim_by'])}"
        typer.echo(f"{stands}  {row['category']:28}  {route:32}  {row['claimed_by'] or '-'}")


@commands.command()
def show(
    reference: Annotated[str, typer.Argument(help="The case, CR-....-....-....")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Show one case: state, claim, deadlines and what became of them, referrals, likely duplicates; never content."""
    login, _, account = whose_login().partition(":")
    with console(Settings()) as engine:
        look = attempted(engine, "case_shown", kind=login, handle=account, reference=reference)
        with transaction(engine) as connection:
            case = casefile.whole(connection, look.reference)
        if case is None:
            look.refuse("unknown_case")
        look.note()
    if as_json:
        say_json(case)
    else:
        _print(case)


def _print(case: Mapping[str, Any]) -> None:
    for name in ("reference", "state", "category", "severity", "site", "route", "reason", "policy"):
        typer.echo(f"{name:12}{case[name] or '-'}")
    for name in ("teams", "avoided"):
        typer.echo(f"{name:12}{', '.join(case[name]) or '-'}")
    typer.echo(f"{'received':12}{_moment(case['received_at'])}")
    typer.echo(f"{'claimed':12}{_done(case['claimed_at'], case['claimed_by'])}")
    typer.echo(f"{'closed':12}{_done(case['closed_at'], case['outcome'])}")
    for title in ("deadlines", "referrals", "duplicates", "conflicts"):
        _table(title, case[title])


def _moment(value: datetime) -> str:
    return value.isoformat(timespec="minutes")


def _done(at: datetime | None, said: str | None) -> str:
    return f"{_moment(at)}  {said}" if at else "-"


def _table(title: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print the rows below their title, or nothing when there is none."""
    for number, row in enumerate(rows):
        if number == 0:
            typer.echo(f"\n{title}: {'  '.join(row)}")
        cells = (_moment(value) if isinstance(value, datetime) else str(value) for value in row.values())
        typer.echo("  " + "  ".join("-" if cell == "None" else cell for cell in cells))


@commands.command(name="open")
def open_one(
    reference: Annotated[str, typer.Argument(help="The case, CR-....-....-....")],
    *,
    handle: Annotated[str | None, typer.Option("--as", help="Who opens it; asked for if left out.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why, for the audit: 3 to 200 characters; asked for if left out.")
    ] = None,
    recovery: Annotated[bool, typer.Option(help="Open with the offline recovery identity.")] = False,
    passphrase_stdin: Annotated[
        bool, typer.Option(help="Read passphrase or recovery identity from standard input.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Print narrative and contact of a case, to a member of one of its teams. The audit says who and why."""
    handle = said(handle, "--as", "Who are you (handle)")
    reason = said(reason, "--reason", "Reason, for the audit")
    with console(Settings()) as engine:
        if recovery:
            identity = secret("Recovery identity", from_stdin=passphrase_stdin)
            content = open_case_with_recovery(
                engine, reference=reference, handle=handle, identity=identity, reason=reason
            )
        else:
            passphrase = secret(f"Passphrase of {handle}", from_stdin=passphrase_stdin)
            content = open_case(engine, reference=reference, handle=handle, passphrase=passphrase, reason=reason)
    if as_json:
        say_json({"reference": reference, "narrative": content.narrative, "contact": content.contact})
        return
    for title, written in (("narrative", content.narrative), ("contact", content.contact)):
        # As bytes: nothing between here and the terminal may change a character.
        typer.echo(f"--- {title} ---\n{'(none)' if written is None else written}".encode())
