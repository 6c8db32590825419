"""Commands for the policy: `policy check` and `policy explain`. Neither needs a database or changes anything."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from pydantic import TypeAdapter, ValidationError

from router import clock
from router.errors import PolicyErrors, Refused
from router.intake import strictjson
from router.model import Facts, PlannedReferral
from router.settings import Settings
from router.store.posting import referral_id
from router.triage.decide import decide
from router.triage.explain import as_json, as_lines
from router.triage.policy import Policy, load_policy
from router.vocabulary import Reference

commands = typer.Typer(help="Test the policy, and show what it does.", no_args_is_help=True)

SHOWN_REFERENCE: Reference = "CR-0000-0000-0000"
"""Stands for the random reference that a real case would get."""
WRONG = 2
"""Exit status when what was given is wrong."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@commands.command()
def check(*, as_json_text: AsJson = False) -> None:
    """Read policy.yaml and channels.yaml; print every problem with file and line, and exit 2 if there is one."""
    config_dir = Settings().config_dir
    policy = _load(config_dir, as_json_text=as_json_text)
    if as_json_text:
        typer.echo(json.dumps({"ok": True, "policy": policy.digest, "problems": []}))
    else:
        typer.echo(
            f"{config_dir}: good. {len(policy.routes)} routes, {len(policy.teams)} teams, "
            f"{len(policy.channels.channels)} channels; policy {policy.digest}"
        )


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
    """Show every rule tried, who would be told, and the exact bytes that each channel would send."""
    settings = Settings()
    policy = _load(settings.config_dir, as_json_text=as_json_text)
    facts = _facts(policy, facts_file)
    decision = decide(
        policy,
        facts,
        reference=SHOWN_REFERENCE,
        received_at=_moment(at),
        statutory=not client,
        console_url=str(settings.console_address),
    )
    if as_json_text:
        typer.echo(json.dumps(as_json(policy, decision, _key_of)))
    else:
        for line in as_lines(policy, facts, decision, _key_of):
            typer.echo(line)


def _load(config_dir: Path, *, as_json_text: bool) -> Policy:
    """Return the policy, or print every problem and exit."""
    try:
        return load_policy(config_dir)
    except PolicyErrors as error:
        problems = error.problems
    if as_json_text:
        listed = [
            {"file": str(config_dir / one.file), "line": one.line, "code": one.code, "message": one.said}
            for one in problems
        ]
        typer.echo(json.dumps({"ok": False, "problems": listed}))
    else:
        for problem in problems:
            typer.echo(config_dir / str(problem))
    return _fail(f"policy_refused: {len(problems)} problem{'s' if len(problems) > 1 else ''}; nothing was loaded")


def _key_of(planned: PlannedReferral) -> str:
    return referral_id(planned.fields.reference, planned.channel, planned.fields.revision)


def _moment(at: str | None) -> datetime:
    if at is None:
        return clock.now()
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        _fail("odd_time: --at takes a time such as 2026-11-30T09:00:00+01:00")
    return moment


def _facts(policy: Policy, name: str) -> Facts:
    """Return the facts in the file; fails naming the fields that are wrong, never what stands in them."""
    try:
        text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError:
        _fail("unreadable: the file with the facts cannot be read")
    try:
        value: Any = strictjson.loads(text)
        facts = TypeAdapter(Facts).validate_json(json.dumps(value))
    except Refused as error:
        _fail(f"facts_refused: {error.code}")
    except ValidationError as error:
        found = {str(detail["loc"][0]) if detail["loc"] else "" for detail in error.errors()}
        listed = sorted(found & set(Facts.model_fields)) + ["an unknown field"] * bool(found - set(Facts.model_fields))
        _fail(f"facts_refused: {', '.join(listed)}")
    unknown = policy.unknown_in(facts)
    if unknown:
        _fail(f"facts_refused: {', '.join(unknown)} not in the policy")
    return facts


def _fail(said: str) -> NoReturn:
    typer.echo(f"concern-router: {said}", err=True)
    raise typer.Exit(WRONG)
