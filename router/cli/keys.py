"""Commands for keys: `keys init` and `keys list`. Prints each secret once, keeps none."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Annotated

import typer

from router import secretfiles
from router.cli.asking import console, say_json
from router.console.accounts import first_password
from router.keymaking import FirstKeys, first_keys, keys_for_new_teams
from router.settings import Settings
from router.store.engine import transaction
from router.store.keys import active_recipients
from router.triage.policy import load_policy

commands = typer.Typer(help="Make and list the keys that cases are sealed to.", no_args_is_help=True)


@commands.command()
def init(
    *,
    member: Annotated[str, typer.Option(help="Handle of the first member, who joins every team.")] = "reviewer",
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Make what is missing: deployment secrets, a key for each team of the policy, a first member, recovery.

    The first time it prints the member's sign-in password, their passphrase and the recovery
    identity. They are stored nowhere: write them down. Later it makes keys for teams that are new in
    the policy and hands them to `--member`.
    """
    settings = Settings()
    secretfiles.make(settings.secrets_path)
    teams = load_policy(settings.config_dir).key_teams
    password = first_password()

    def show(made: Sequence[str], first: FirstKeys | None = None) -> None:
        if as_json:
            secrets = {"password": password.text, **asdict(first)} if first else {}
            say_json({"member": member, "teams": made, **secrets})
            return
        typer.echo(f"teams with a new key: {', '.join(made) or 'none'}; their member: {member}")
        if first:
            typer.echo("Write these three down now; they are stored nowhere and not shown again.")
            typer.echo(f"  sign-in password of {member}: {password.text}")
            typer.echo(f"  passphrase of {member}: {first.passphrase}")
            typer.echo(f"  recovery identity: {first.recovery_identity}")

    with console(settings) as engine:
        # Shown before they are kept; should this be cut short, the next call makes and shows others.
        if not first_keys(engine, teams, member, show=partial(show, teams), also=password.keep):
            show(keys_for_new_teams(engine, teams, member))


@commands.command(name="list")
def list_keys(*, as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the keys that new cases are sealed to: each team's, and recovery's."""
    with console(Settings()) as engine, transaction(engine) as connection:
        keys = sorted(active_recipients(connection).values(), key=lambda key: key.owner)
    if as_json:
        say_json([{"owner": key.owner, "key_id": key.key_id, "suite": key.suite} for key in keys])
        return
    for key in keys:
        typer.echo(f"{key.owner:24}  {key.key_id}  {key.suite}")
