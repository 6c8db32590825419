"""Commands for the database: `db upgrade`."""

from typing import Annotated

import typer
from psycopg.conninfo import conninfo_to_dict

from router.settings import Settings
from router.vocabulary import Login

commands = typer.Typer(help="Bring the database up to date.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Keep `upgrade` a command of its own while it is the only one."""


@commands.command()
def upgrade(
    *,
    intake: Annotated[str | None, typer.Option(help="Role of the public part.")] = None,
    worker: Annotated[str | None, typer.Option(help="Role of Celery's workers.")] = None,
    console: Annotated[str | None, typer.Option(help="Role of the console part.")] = None,
    chainer: Annotated[str | None, typer.Option(help="Role of the audit's chainer.")] = None,
) -> None:
    """Migrate to the newest schema as DATABASE_URL's owner, and give each role its rights anew.

    A role that is not named is taken from its own DATABASE_URL_..., else it is called like its
    login: intake, worker, console, chainer. The roles must exist.
    """
    from router.store import upgrade as store  # noqa: PLC0415 - other commands need no alembic

    settings = Settings()
    named = {Login.INTAKE: intake, Login.WORKER: worker, Login.CONSOLE: console, Login.CHAINER: chainer}
    store.upgrade(settings.owner_dsn, {login: role or _role(settings, login) for login, role in named.items()})
    typer.echo("schema and rights are current")


def _role(settings: Settings, login: Login) -> str:
    secret = getattr(settings, f"database_url_{login}")
    role = conninfo_to_dict(secret.get_secret_value()).get("user") if secret else None
    return str(role or login.value)
