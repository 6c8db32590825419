"""The command `house check`: is what the organisation says of itself ready to be shown? Changes nothing."""

import json
from pathlib import Path

import typer

from router import clock
from router.cli.policyreading import AsJson, as_values, counted, fail, line
from router.configfile.yamltext import read_file
from router.errors import PolicyErrors, Problem
from router.reporter.house.check import doubts, notes, of_example
from router.reporter.house.house import FILE, is_nobodys, parse_house
from router.settings import Settings
from router.triage.policy import Policy, load_policy

commands = typer.Typer(help="Test what the organisation says of itself to reporters.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Keep `check` a word of its own while it is the only command."""


@commands.command()
def check(*, as_json_text: AsJson = False) -> None:
    """Read house.yaml and its logo; print every problem with file and line, and exit 2 if there is one.

    An error keeps the public part from starting; a warning does not, but is hardly meant; a note is for some day.
    """
    settings = Settings()
    folder = settings.config_dir
    errors, warnings, notes = _found(settings)
    levels = [(errors, "error"), (warnings, "warning"), (notes, "note")]
    found = sorted(((one, level) for some, level in levels for one in some), key=lambda pair: pair[0].line)
    if as_json_text:
        listed = [value for one, level in found for value in as_values(folder, [one], level)]
        typer.echo(json.dumps({"ok": not errors and not warnings, "problems": listed}))
    else:
        for one, level in found:
            typer.echo(line(folder, one, level))
    if errors:
        fail(f"house_refused: {counted(len(errors), 'problem')}; the public part would not start")
    if warnings:
        fail(f"house_doubtful: {counted(len(warnings), 'warning')}; the public part would start")
    if not as_json_text:
        typer.echo(f"{folder / FILE}: good, with {counted(len(notes), 'note')}")


def _found(settings: Settings) -> tuple[tuple[Problem, ...], tuple[Problem, ...], tuple[Problem, ...]]:
    """Return what keeps the public part from starting, what is hardly meant, and what is for some day."""
    folder = settings.config_dir
    try:
        text = read_file(folder / FILE)
        house = parse_house(text, folder)
    except PolicyErrors as error:
        return error.problems, (), ()
    real = not is_nobodys(settings.public_url.host or "")
    example = of_example(text, house, real=real)
    aged = notes(text, house, clock.now().date())
    warnings = doubts(text, house, _policy(folder))
    return (example, warnings, aged) if real else ((), warnings, (*example, *aged))


def _policy(folder: Path) -> Policy | None:
    """Return the policy whose labels are looked at; none of one that is wrong, of which `policy check` tells."""
    try:
        return load_policy(folder)
    except PolicyErrors:
        return None
