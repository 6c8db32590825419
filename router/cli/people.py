"""Commands for people: who may open cases, what they may do in the console, how they sign in."""

from dataclasses import asdict
from typing import Annotated

import typer

from router.cli.asking import console, said, say_json, secret, whose_login
from router.console import accounts
from router.keymaking import add_person
from router.settings import Settings
from router.store.engine import transaction
from router.store.staff import members
from router.vocabulary import Role

commands = typer.Typer(help="Who may open cases, and sign in to the console.", no_args_is_help=True)

Handle = Annotated[str, typer.Argument(help="The person's handle.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
_ONCE = "Hand this over now; it is stored nowhere and not shown again."


@commands.command()
def add(
    handle: Annotated[str, typer.Argument(help="The new person's handle.")],
    *,
    team: Annotated[list[str] | None, typer.Option(help="A team to join; may be given more than once.")] = None,
    by: Annotated[
        str | None, typer.Option("--as", help="A member of these teams; their passphrase is asked for.")
    ] = None,
    role: Annotated[list[Role] | None, typer.Option(help="A role to give; may be given more than once.")] = None,
    passphrase_stdin: Annotated[bool, typer.Option(help="Read the passphrase from standard input.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a person and print their sign-in password once, and with --team their passphrase.

    Only a member can hand on a team's key, so with --team a member's passphrase is asked for, and the new person is a
    reviewer too. Without, they get no key and open nothing: for approvers, custodians, auditors, administrators.
    Password and second factor are set by themselves at the first sign-in.
    """
    password, roles_given = accounts.first_password(), role or ()
    passphrase = None
    with console(Settings()) as engine:
        if team:
            giver = said(by, "--as", "A member of these teams")
            given = secret(f"Passphrase of {giver}", from_stdin=passphrase_stdin)
            also = accounts.begins_with(password, roles_given, by=whose_login())
            passphrase = add_person(engine, handle=handle, teams=team, by=giver, passphrase=given, also=also)
        else:
            accounts.add_without_key(engine, handle, password, roles_given, by=whose_login())
    if as_json:
        secrets = {"passphrase": passphrase, "password": password.text}
        say_json({"handle": handle, "teams": team or [], **secrets})
        return
    typer.echo(_ONCE)
    if passphrase is not None:
        typer.echo(f"  passphrase of {handle}: {passphrase}")
    typer.echo(f"  sign-in password of {handle}: {password.text}")


@commands.command(name="list")
def list_all(*, as_json: AsJson = False) -> None:
    """List everybody with their teams, roles and ways to sign in."""
    with console(Settings()) as engine, transaction(engine) as connection:
        people = members(connection)
    if as_json:
        say_json([{**asdict(person), "roles": sorted(person.roles)} for person in people])
        return
    for person in people:
        ended = "  disabled" if person.disabled_at else ""
        typer.echo(f"{person.handle:24}  {', '.join(person.teams):32}  {', '.join(sorted(person.roles))}{ended}")


@commands.command()
def roles(
    handle: Handle,
    *,
    give: Annotated[list[Role] | None, typer.Option(help="A role to give; may be given more than once.")] = None,
    take: Annotated[list[Role] | None, typer.Option(help="A role to take; may be given more than once.")] = None,
) -> None:
    """Give roles to a person and take them away; counts from their next request on."""
    with console(Settings()) as engine:
        accounts.change_roles(engine, handle, give=give or (), take=take or (), by=whose_login())
    typer.echo("changed")


@commands.command()
def password(
    handle: Handle,
    *,
    second_factor: Annotated[bool, typer.Option(help="Take the second factor away too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a new first password once, to be changed at the next sign-in; every session of theirs ends."""
    with console(Settings()) as engine:
        new = accounts.give_first_password(engine, handle, by=whose_login())
        if second_factor:
            accounts.reset_second_factor(engine, handle, by=whose_login())
    if as_json:
        say_json({"handle": handle, "password": new})
        return
    typer.echo(_ONCE)
    typer.echo(f"  sign-in password of {handle}: {new}")


@commands.command()
def disable(handle: Handle) -> None:
    """Let a person do nothing any more, at once. Their keys stay: `enable` gives all back."""
    with console(Settings()) as engine:
        accounts.disable(engine, handle, by=whose_login())
    typer.echo("disabled")


@commands.command()
def enable(handle: Handle) -> None:
    """Let a disabled person sign in again."""
    with console(Settings()) as engine:
        accounts.enable(engine, handle, by=whose_login())
    typer.echo("enabled")


@commands.command()
def link(
    handle: Handle,
    *,
    issuer: Annotated[str, typer.Option(help="The OpenID provider's issuer, exactly as it names itself.")],
    subject: Annotated[str, typer.Option(help="What the provider calls this person: the claim `sub`.")],
) -> None:
    """Let single sign-on's subject be this person; nobody gets in by it who is not linked."""
    with console(Settings()) as engine:
        accounts.link(engine, handle, issuer, subject, by=whose_login())
    typer.echo("linked")


@commands.command()
def unlink(handle: Handle) -> None:
    """Take single sign-on away from a person."""
    with console(Settings()) as engine:
        accounts.unlink(engine, handle, by=whose_login())
    typer.echo("unlinked")
