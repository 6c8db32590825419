"""Commands that show the policy: `policy graph` and `policy schema`. They change nothing."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from router.cli.policyreading import fail, load, written_in
from router.settings import Settings
from router.triage.drawing import svg
from router.triage.graph import mermaid
from router.triage.policy import policy_texts
from router.triage.schema import schema_of

commands = typer.Typer()


class PictureFormat(StrEnum):
    """How the policy is drawn."""

    SVG = "svg"
    MERMAID = "mermaid"


class PolicyFileKind(StrEnum):
    """The files that people write."""

    POLICY = "policy"
    CHANNELS = "channels"
    EXAMPLES = "examples"


@commands.command()
def graph(
    *,
    picture: Annotated[
        PictureFormat, typer.Option("--format", help="An SVG picture, or a Mermaid flowchart.")
    ] = PictureFormat.SVG,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Where to write it; printed if left out.")
    ] = None,
) -> None:
    """Draw the policy: routes in order, who is told at once, by a draft, or later if nothing happens."""
    config_dir = Settings().config_dir
    policy = load(config_dir, as_json=False)
    written = written_in(policy_texts(config_dir)[0])
    ways = policy.channels.channels
    drawn = svg(written, ways, policy.digest) if picture is PictureFormat.SVG else mermaid(written, ways)
    if output is None:
        typer.echo(drawn, nl=False)
        return
    try:
        output.write_text(drawn, encoding="utf-8")
    except OSError:
        fail("unwritable: the file cannot be written")


@commands.command()
def schema(
    *,
    file: Annotated[PolicyFileKind, typer.Option("--file", help="Which file it is for.")] = PolicyFileKind.POLICY,
) -> None:
    """Print the JSON Schema of a file, by which an editor completes and checks it."""
    typer.echo(json.dumps(schema_of(file.value), indent=2))
