"""Commands for cases: `cases list` shows codes and times, `cases open` a case's content to who may.

Both leave an entry in the audit before they show anything.
"""

from typing import Annotated

import typer

from router.cli.asking import console, said, say_json, secret, whose_login
from router.console.opening import open_case, open_case_with_recovery
from router.model import AuditEntry
from router.settings import Settings
from router.store import cases
from router.store.audit import note
from router.store.engine import transaction

commands = typer.Typer(help="List cases, and open one.", no_args_is_help=True)


@commands.command(name="list")
def list_cases(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the newest cases: reference, state, category, severity, deadline; never content."""
    with console(Settings()) as engine:
        with transaction(engine) as connection:
            note(connection, [AuditEntry(whose_login(), "cases_listed", "cases")])
        with transaction(engine) as connection:
            rows = cases.newest(connection, limit)
    if as_json:
        say_json(rows)
        return
    for row in rows:
        by = row["claim_by"].isoformat(timespec="minutes")
        typer.echo(f"{row['reference']}  {row['state']:9}  {row['severity']:8}  {by}  {row['category']}")


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
