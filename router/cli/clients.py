"""Commands for machine clients: `clients add`, `clients list`, `clients link`, `clients revoke`.

A token is printed once and stored as its digest only.
"""

import re
import secrets
from hashlib import sha256
from typing import Annotated, Final

import typer

from router.cli.asking import console, say_json, whose_login
from router.clock import now
from router.errors import Broken, StoreFailed
from router.model import AuditEntry
from router.reporter import links
from router.secretfiles import intake_secrets
from router.settings import Settings
from router.store.audit import note
from router.store.clients import add_client, all_clients, revoke_client
from router.store.engine import transaction

commands = typer.Typer(help="Give machine clients a token, and take it away.", no_args_is_help=True)

TOKEN_BYTES: Final = 32
TAKEN: Final = "database_refused_23505"

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,47}")
Name = Annotated[str, typer.Argument(help="The client: a small letter, then small letters, digits, _ and -.")]


@commands.command()
def add(
    name: Name,
    *,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Most concerns a minute.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Add a client and print its token, this once."""
    if not _NAME.fullmatch(name):
        raise Broken("client_name", "use a small letter, then up to 47 small letters, digits, _ and -")
    settings = Settings()
    token = f"crt_{secrets.token_urlsafe(TOKEN_BYTES)}"
    quota = per_minute or settings.client_per_minute
    with console(settings) as engine:
        try:
            with transaction(engine) as connection:
                add_client(connection, name, token_digest=sha256(token.encode()).digest(), per_minute=quota)
                note(connection, [AuditEntry(whose_login(), "client_added", f"client:{name}")])
        except StoreFailed as error:
            if error.code == TAKEN:
                raise Broken("client_exists", "choose another name; a revoked client keeps its name") from None
            raise
    if as_json:
        say_json({"name": name, "per_minute": quota, "token": token})
        return
    typer.echo(token)
    typer.echo("Keep it now: it is shown this once, and only its digest is stored.", err=True)


@commands.command(name="list")
def list_clients(*, as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List the clients: name, quota, when added and revoked; never a token."""
    with console(Settings()) as engine, transaction(engine) as connection:
        rows = all_clients(connection)
    if as_json:
        say_json(rows)
        return
    for row in rows:
        state = "revoked" if row["revoked_at"] else "active"
        typer.echo(f"{row['name']:48}  {state:7}  {row['per_minute']} a minute")


@commands.command()
def link(
    name: Name,
    *,
    days: Annotated[
        int | None, typer.Option(min=1, max=3660, help="For how long; else until the client is revoked.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Print the address of the form for helpdesk agents: whoever has it can file facts as this client.

    Put it behind a button of the ticket system; `&source_ticket=...&category=...&asset_tag=...` after it fill the form.
    """
    settings = Settings()
    with console(settings) as engine, transaction(engine) as connection:
        active = [row for row in all_clients(connection) if row["name"] == name and row["revoked_at"] is None]
        if not active:
            raise Broken("no_such_client", "see `clients list`")
        note(connection, [AuditEntry(whose_login(), "client_linked", f"client:{name}")])
    until = int(now().timestamp()) + days * 24 * 3600 if days else links.FOR_EVER
    query = links.signed(intake_secrets(settings.secrets_path).link, name, until)
    address = f"{str(settings.public_url).rstrip('/')}{links.PLACE}?{query}"
    if as_json:
        say_json({"name": name, "link": address, "until": until or None})
        return
    typer.echo(address)


@commands.command()
def revoke(name: Name) -> None:
    """Refuse a client's token from now on, for good."""
    with console(Settings()) as engine, transaction(engine) as connection:
        if not revoke_client(connection, name):
            raise Broken("no_such_client", "see `clients list`")
        note(connection, [AuditEntry(whose_login(), "client_revoked", f"client:{name}")])
    typer.echo(f"{name} is revoked; running processes follow within seconds")
