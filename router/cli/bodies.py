"""The commands `bodies`: the directory of outside bodies, whether it is right, and whom a concern is for.

Reads files alone: nobody outside is asked, and nothing is sent.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from router import clock
from router.bodies.body import Body
from router.bodies.directory import FILE, Directory, bodies_text, parse_directory, where
from router.cli.policyreading import AsJson, decided, fail, refuse
from router.errors import PolicyErrors
from router.model import Decision
from router.settings import Settings
from router.triage.explain import in_words
from router.triage.lint.bodies import outdated
from router.triage.policy import Policy
from router.vocabulary import ReferralState

commands = typer.Typer(help="See the outside bodies, and whom a concern would be handed over to.", no_args_is_help=True)

UNVERIFIED = "unverified: check it before you use it"


@commands.command(name="list")
def list_bodies(
    *,
    country: Annotated[str | None, typer.Option(help="Only those of this country, and those for everybody.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the bodies of bodies.yaml: what each takes, how it is reached, and who verified that and when."""
    directory, _ = _directory(Settings().config_dir, as_json=as_json)
    shown = [body for body in directory if country is None or body.country in {country.upper(), "any"}]
    if as_json:
        typer.echo(json.dumps([body.model_dump(mode="json") for body in shown]))
        return
    for body in shown:
        typer.echo("\n".join(_lines(body)))


@commands.command()
def check(*, as_json: AsJson = False) -> None:
    """Read bodies.yaml; print every problem, and each entry that nobody verified or not for a year.

    Exit 2 when it does not load. What nobody verified is no error: `policy check` says where such an entry is used.
    """
    config_dir = Settings().config_dir
    directory, place = _directory(config_dir, as_json=as_json)
    today = clock.now().date()
    never = [body.code for body in directory if body.verified_on is None]
    old = [body.code for body in directory if outdated(body, today)]
    if as_json:
        typer.echo(json.dumps({"ok": True, "bodies": len(directory.bodies), "unverified": never, "old": old}))
        return
    for code in never:
        typer.echo(f"{place}:{directory.lines[code]}: note: {code!r} is {UNVERIFIED}")
    for code in old:
        typer.echo(f"{place}:{directory.lines[code]}: note: {code!r} was not verified within a year; compare it again")
    typer.echo(f"{place}: good. {len(directory.bodies)} bodies")


@commands.command()
def which(
    facts_file: Annotated[
        str, typer.Argument(metavar="FACTS.json", help="The facts of a concern as JSON; - reads them.")
    ],
    *,
    at: Annotated[str | None, typer.Option(help="When it is received: RFC 3339 with zone; now if left out.")] = None,
    client: Annotated[bool, typer.Option("--client", help="A machine client reports, not a person.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say whom the drafts of a concern are for and why, who else could take each, and what is missing."""
    policy, _, decision = decided(facts_file, at, client=client, as_json=as_json)
    found = list(_led(policy, decision))
    if as_json:
        typer.echo(json.dumps(found))
        return
    for one in found:
        typer.echo(one["why"] or f"{one['channel']} leads to no body of {FILE}")
        if one["lacks"]:
            typer.echo(f"  nothing can be written, and nobody can approve it, without: {', '.join(one['lacks'])}")
        for code in one["bodies"]:
            body = policy.channels.bodies.bodies[code]
            typer.echo("\n".join(f"  {said}" for said in _lines(body)))
    if not found:
        typer.echo("nothing of it would go outside")


def _led(policy: Policy, decision: Decision) -> Iterator[dict[str, Any]]:
    """Yield, for each draft, which bodies could take it, the first choice first, why, and what is missing."""
    said = in_words(rule for rule in decision.trace if rule.rule.startswith("body:"))
    why = {tried.name: tried.said for tried in said}
    for planned in decision.referrals:
        if planned.state is not ReferralState.DRAFT:
            continue
        channel = policy.channels.channels[planned.channel]
        codes = [body.code for body in channel.bodies_for(planned.fields)]
        lacks = list(channel.lacks(planned.fields))
        yield {"channel": channel.name, "bodies": codes, "why": why.get(channel.name), "lacks": lacks}


def _directory(config_dir: Path, *, as_json: bool) -> tuple[Directory, Path]:
    """Return the directory and its file; exits when there is none, or it does not load."""
    place = where(config_dir)
    try:
        text = bodies_text(config_dir)
        if text is None or place is None:
            fail(f"no_directory: there is no {FILE} in CONFIG_DIR or the folder around it; copy the shipped one")
        return parse_directory(text), place
    except PolicyErrors as error:
        refuse(place.parent if place else config_dir, error.problems, as_json=as_json)


def _lines(body: Body) -> Iterator[str]:
    reached = ", ".join(part for part in (body.address, body.phone) if part)
    stands = f"verified on {body.verified_on}" if body.verified_on else UNVERIFIED
    yield f"{body.code} ({body.country}): {body.name}; {body.kind}, takes {body.takes}; {reached}"
    yield f"  {stands}; {body.source}"
