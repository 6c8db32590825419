"""Commands for cases: `cases list` and `cases show` print codes and times, `cases open` a case's content to who may.

Each leaves an entry in the audit before it shows anything.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from router.cli import casework, conflicts, progress
from router.cli.asking import console, said, say_columns, say_json, secret, whose_login
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
commands.add_typer(casework.commands)


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
    say_columns([_line(row) for row in rows])


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    route = f"{row['route']} ({row['reason']})" if row["reason"] else row["route"]
    by = _cell(row["claim_by"])
    return (row["reference"], row["state"], row["severity"], by, row["category"], route, _cell(row["claimed_by"]))


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
    plain = ("reference", "state", "received_at", "category", "severity", "site", "route", "reason", "policy")
    facts = [(name, _cell(case[name])) for name in plain]
    in_conflict = {found["team"] for found in case["conflicts"]}
    teams = (f"{team} (in conflict)" if team in in_conflict else team for team in case["teams"])
    facts += [("teams", ", ".join(teams)), ("avoided", ", ".join(case["avoided"]) or "-")]
    facts += [(name, _cell(case[name])) for name in ("claimed_at", "claimed_by", "claim_until")]
    facts += [(name, _cell(case[name])) for name in ("closed_at", "outcome", "held_at", "held_by")]
    facts += [("reporter_wrote_at", _cell(case["reporter_wrote_at"]))]
    say_columns(facts)
    for title in ("deadlines", "referrals", "duplicates", "conflicts", "messages"):
        rows = case[title]
        if rows:
            typer.echo(f"\n{title}:")
            say_columns([tuple(rows[0]), *(tuple(map(_cell, row.values())) for row in rows)])


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
    return "-" if value is None else str(value)


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
    """Print narrative and contact of a case, to a member of one of its teams. The audit says who and why.

    Where there are custodians, a confidential contact only to whom one of them granted it.
    """
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
        told = {"reference": reference, "narrative": content.narrative, "contact": content.contact}
        say_json({**told, "identity": content.identity.value, "contact_withheld": content.withheld})
        return
    why = "(withheld: ask a custodian in the console)" if content.withheld else "(none)"
    absent = {"narrative": "(none)", "contact": why}
    typer.echo(f"--- identity ---\n{content.identity.value}")
    for title, written in (("narrative", content.narrative), ("contact", content.contact)):
        # As bytes: nothing between here and the terminal may change a character.
        typer.echo(f"--- {title} ---\n{absent[title] if written is None else written}".encode())
