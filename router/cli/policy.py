"""Commands that test the policy: `policy check`, `explain` and `test`. None needs a database or changes anything."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from router import clock
from router.cli import policycompare, policyprofiles, policytools
from router.cli.policyreading import (
    AsJson,
    as_values,
    counted,
    decided,
    fail,
    line,
    load,
    refuse,
)
from router.configfile.yamltext import read_file
from router.errors import PolicyErrors, Problem
from router.model import PlannedReferral
from router.settings import Settings
from router.sources.file import notes_back
from router.store.posting import referral_id
from router.triage import examples
from router.triage.explain import as_json, as_lines, linked_by
from router.triage.lint import findings
from router.triage.parts import everyone
from router.triage.policy import Policy, parse_policy, policy_texts

commands = typer.Typer(help="Test the policy, and show what it does.", no_args_is_help=True)

DIFFERS = 1
"""Exit status when an example gets another decision than it says."""


@commands.command()
def check(*, as_json_text: AsJson = False) -> None:
    """Read policy.yaml and channels.yaml; print every problem with file and line, and exit 2 if there is one.

    An error keeps the policy from loading; a warning does not, but is hardly meant.
    """
    config_dir = Settings().config_dir
    policy, errors, warnings = _checked(config_dir)
    levels = [(one, "error") for one in errors] + [(one, "warning") for one in warnings]
    levels.sort(key=lambda found: (found[0].file, found[0].line, found[0].said))
    if as_json_text:
        listed = [value for one, level in levels for value in as_values(config_dir, [one], level)]
        typer.echo(json.dumps({"ok": not levels, "policy": policy.digest if policy else None, "problems": listed}))
    else:
        for one, level in levels:
            typer.echo(line(config_dir, one, level))
    if errors:
        more = f" and {counted(len(warnings), 'warning')}" if warnings else ""
        fail(f"policy_refused: {counted(len(errors), 'problem')}{more}; nothing was loaded")
    if warnings:
        fail(f"policy_doubtful: {counted(len(warnings), 'warning')}; it would load")
    if policy is not None and not as_json_text:
        typer.echo(
            f"{config_dir}: good. {counted(len(list(everyone(policy.routes))), 'route')}, "
            f"{counted(len(policy.teams), 'team')}, {counted(len(policy.channels.channels), 'channel')}; "
            f"policy {policy.digest}"
        )


def _checked(config_dir: Path) -> tuple[Policy | None, tuple[Problem, ...], tuple[Problem, ...]]:
    """Return the policy if it loads, what keeps it from that, and what is odd about it."""
    try:
        texts = policy_texts(config_dir)
    except PolicyErrors as error:
        return None, error.problems, ()
    policy: Policy | None = None
    errors: tuple[Problem, ...] = ()
    try:
        policy = parse_policy(*texts)
    except PolicyErrors as error:
        errors = error.problems
    return policy, errors, findings(*texts, today=clock.now().date(), notes_back=notes_back(config_dir))


@commands.command()
def explain(
    facts_file: Annotated[
        str, typer.Argument(metavar="FACTS.json", help="The facts of a concern as JSON; - reads them.")
    ],
    *,
    at: Annotated[str | None, typer.Option(help="When it is received: RFC 3339 with zone; now if left out.")] = None,
    client: Annotated[bool, typer.Option("--client", help="A machine client reports, not a person.")] = False,
    as_json_text: AsJson = False,
) -> None:
    """Show every rule tried, who would be told and when, and the exact bytes that each channel would send."""
    policy, facts, decision = decided(facts_file, at, client=client, as_json=as_json_text)
    linked = linked_by(policy, facts, statutory=not client)
    if as_json_text:
        typer.echo(json.dumps(as_json(policy, decision, _key_of, linked=linked)))
    else:
        for one in as_lines(policy, facts, decision, _key_of, linked=linked):
            typer.echo(one)


@commands.command(name="test")
def run_examples(
    *,
    examples_file: Annotated[
        Path | None,
        typer.Option("--examples", metavar="FILE", help="The examples; the configuration's own if left out."),
    ] = None,
    as_json_text: AsJson = False,
) -> None:
    """Decide every example, and print those that come out otherwise; exit 1 if there are any.

    Also lists the routes that no example reaches.
    """
    config_dir = Settings().config_dir
    policy = load(config_dir, as_json=as_json_text)
    file = examples_file or config_dir / examples.FILE
    try:
        outcomes = examples.run(policy, examples.read_examples(read_file(file), policy, file=file.name))
    except PolicyErrors as error:
        refuse(file.parent, error.problems, as_json=as_json_text)
    failed = [outcome for outcome in outcomes if outcome.differences]
    missed = examples.unreached(policy, outcomes)
    if as_json_text:
        typer.echo(json.dumps(_report(file, outcomes, failed, missed)))
    else:
        for outcome in failed:
            typer.echo(f"{file}:{outcome.line}: {outcome.example.name}")
            for one in outcome.differences:
                typer.echo(f"  {one.field}: wanted {one.wanted}; got {one.got}")
        for route in missed:
            typer.echo(f"no example reaches the route {route}")
        typer.echo(f"{counted(len(outcomes), 'example')}, {len(failed)} of them otherwise than wanted")
    if failed:
        raise typer.Exit(DIFFERS)


def _report(
    file: Path, outcomes: tuple[examples.Outcome, ...], failed: list[examples.Outcome], missed: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "ok": not failed,
        "examples": len(outcomes),
        "failed": [
            {
                "file": str(file),
                "line": outcome.line,
                "name": outcome.example.name,
                "differences": [
                    {"field": one.field, "wanted": one.wanted, "got": one.got} for one in outcome.differences
                ],
            }
            for outcome in failed
        ],
        "unreached": missed,
    }


def _key_of(planned: PlannedReferral) -> str:
    return referral_id(planned.fields.reference, planned.channel, planned.fields.revision)


commands.add_typer(policytools.commands)
commands.add_typer(policyprofiles.commands)
commands.add_typer(policycompare.commands)
