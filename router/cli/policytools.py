"""Commands that show the policy: `policy schema`. It changes nothing."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from router.triage.schema import schema_of

commands = typer.Typer()


class PolicyFileKind(StrEnum):
    """The files that people write."""

    POLICY = "policy"
    CHANNELS = "channels"
    EXAMPLES = "examples"


@commands.command()
def schema(
    *,
    file: Annotated[PolicyFileKind, typer.Option("--file", help="Which file it is for.")] = PolicyFileKind.POLICY,
) -> None:
    """Print the JSON Schema of a file, by which an editor completes and checks it."""
    typer.echo(json.dumps(schema_of(file.value), indent=2))
