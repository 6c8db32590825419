"""The command `doctor`: checks a deployment and says what to do."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from router.settings import Settings

commands = typer.Typer()


@commands.command()
def doctor(
    *,
    only: Annotated[list[str] | None, typer.Option(help="Run only this check; may be given again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of findings as JSON.")] = False,
) -> None:
    """Check databases, rights, Redis, secrets, keys, policy, audit and deliveries; exit 1 if one is not ok."""
    from router.operating.doctor import findings  # noqa: PLC0415 - other commands need none of it

    seen = []
    for finding in findings(Settings(), only=frozenset(only or ())):
        seen.append(finding)
        if not as_json:
            typer.echo(f"{'ok    ' if finding.ok else 'FAILED'}  {finding.check:18}  {finding.advice}".rstrip())
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in seen]))
    if not seen:
        raise typer.BadParameter("there is no such check", param_hint="--only")
    failed = sum(not finding.ok for finding in seen)
    if failed:
        typer.echo(f"concern-router: {failed} of {len(seen)} checks failed", err=True)
        raise typer.Exit(1)
