"""The command `cases conflict`: takes a team out of a case when a conflict is found after the case was decided."""

from dataclasses import asdict
from typing import Annotated

import typer

from router.cli.asking import console, said, say_json, secret
from router.console.conflict import Removed, Who
from router.console.conflict import conflict as take_out
from router.settings import Settings

commands = typer.Typer()


@commands.command()
def conflict(
    reference: Annotated[str, typer.Argument(help="The case, CR-....-....-....")],
    team: Annotated[str, typer.Argument(help="The team that must know nothing of it any more.")],
    *,
    handle: Annotated[str | None, typer.Option("--as", help="Who found it; asked for if left out.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Why, for the audit: 3 to 200 characters; asked for if left out.")
    ] = None,
    recovery: Annotated[bool, typer.Option(help="Hand the key on with the offline recovery identity.")] = False,
    passphrase_stdin: Annotated[
        bool, typer.Option(help="Read passphrase or recovery identity from standard input.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Take a team out of a case: recall what it was sent, take its key, tell whoever comes in its place.

    A member of another team of the case does this, with their passphrase: only who can open the case can hand its
    key on. Doing it again changes nothing.
    """
    settings = Settings()
    handle = said(handle, "--as", "Who are you (handle)")
    reason = said(reason, "--reason", "Reason, for the audit")
    with console(settings) as engine:
        asked = "Recovery identity" if recovery else f"Passphrase of {handle}"
        who = Who(handle, secret(asked, from_stdin=passphrase_stdin), recovery)
        removed = take_out(
            engine, reference=reference, team=team, who=who, reason=reason, console_url=str(settings.console_address)
        )
    if as_json:
        say_json(asdict(removed))
    else:
        _print(removed)


def _print(removed: Removed) -> None:
    before = " (which was known before)" if removed.found_before else ""
    typer.echo(f"{removed.reference}: {removed.team} is in conflict{before}")
    for title, names in (
        ("recalled", removed.recalled),
        ("newly told", removed.told),
        ("key handed to", removed.keys_given),
    ):
        typer.echo(f"  {title:18}{', '.join(names) or '-'}")
    typer.echo(f"  {'not sent any more':18}{removed.stopped}")
    if removed.without_key:
        typer.echo(f"  no key yet: {', '.join(removed.without_key)}; run `concern-router keys init`, then this again")
    if removed.released_from:
        typer.echo(f"  {removed.released_from} had claimed the case: nobody has it now")
    for seen in removed.seen_by:
        at = seen.at.isoformat(timespec="minutes")
        typer.echo(f"  {seen.handle} of {removed.team} opened the case at {at}: what was seen cannot be unseen")
    if removed.seen_by:
        typer.echo("  The case keeps its key pair. Whoever opened it has what was written until now; new messages they")
        typer.echo("  cannot open with this program, since their team's key to the case is deleted.")
