"""Commands for people: `people add` and `people list`."""

from typing import Annotated

import typer

from router.cli.asking import console, say_json, secret
from router.keymaking import add_person
from router.settings import Settings
from router.store.engine import transaction
from router.store.keys import list_people

commands = typer.Typer(help="Who may open cases.", no_args_is_help=True)


@commands.command()
def add(
    handle: Annotated[str, typer.Argument(help="The new person's handle.")],
    *,
    team: Annotated[list[str], typer.Option(help="A team to join; may be given more than once.")],
    by: Annotated[str, typer.Option("--as", help="A member of these teams, whose passphrase is asked for.")],
    passphrase_stdin: Annotated[bool, typer.Option(help="Read the passphrase from standard input.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Give a new person access to teams and print their passphrase once.

    Only a member can hand on a team's key, so a member's passphrase is needed.
    """
    with console(Settings()) as engine:
        passphrase = secret(f"Passphrase of {by}", from_stdin=passphrase_stdin)
        new = add_person(engine, handle=handle, teams=team, by=by, passphrase=passphrase)
    if as_json:
        say_json({"handle": handle, "teams": team, "passphrase": new})
        return
    typer.echo("Hand this over now; it is stored nowhere and not shown again.")
    typer.echo(f"  passphrase of {handle}: {new}")


@commands.command(name="list")
def list_all(*, as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List everybody with their teams."""
    with console(Settings()) as engine, transaction(engine) as connection:
        people = list_people(connection)
    if as_json:
        say_json(people)
        return
    for person in people:
        ended = "  disabled" if person.disabled_at else ""
        typer.echo(f"{person.handle:24}  {', '.join(person.teams)}{ended}")
