"""The commands `channels`: which ways there are, and drills that test one end to end.

Joins the command line by an entry point. A drill travels as a referral does, from the outbox through a worker to
the other side, and says of itself that it is none: it has no case, no facts, and a reference of its own kind.
"""

from dataclasses import asdict
from time import monotonic, sleep
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Engine

from router.bell import BROKER_FAILURES, publisher, ring_wake
from router.catalogue import Catalogue, Channel, parse_catalogue
from router.cli.asking import console, say_columns, say_json, whose_login
from router.configfile.yamltext import nearest
from router.errors import Broken
from router.model import AuditEntry
from router.settings import Settings
from router.store import policies
from router.store.audit import note
from router.store.drills import Drill, acknowledge_drill, drill, drills, last_drills, post_drill
from router.store.engine import transaction
from router.vocabulary import ReferralState, Scope

commands = typer.Typer(help="See the ways that people are told by, and test them.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
POLL_S: Final = 0.1
ENDED: Final = frozenset({ReferralState.SENT, ReferralState.ACKNOWLEDGED, ReferralState.DEAD})


@commands.command(name="list")
def list_channels(*, as_json: AsJson = False) -> None:
    """List the channels in force: name, kind, scope, guarantee, how often they are drilled, and the last drill."""
    with console(Settings()) as engine:
        catalogue, _ = _in_force(engine)
        with transaction(engine) as connection:
            last = last_drills(connection, list(catalogue.channels))
    rows = [_row(channel, last.get(channel.name)) for channel in catalogue.channels.values()]
    if as_json:
        say_json(rows)
        return
    drilled = {name: _told(found) for name, found in last.items()}
    words = ("name", "kind", "scope", "guarantee")
    say_columns([(*(row[word] for word in words), drilled.get(row["name"], "never drilled")) for row in rows])


@commands.command(name="drill")
def post(
    name: Annotated[str, typer.Argument(help="The channel to test.")],
    *,
    wait: Annotated[float, typer.Option(min=0, max=3600, help="Seconds to wait for the delivery.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Send a marked drill to an internal channel, wait for it, and print how long it took; exit 1 if it did not arrive.

    It takes the same way as a referral, so workers must be running. It says that it is a drill and belongs to no case.
    """
    settings = Settings()
    with console(settings) as engine:
        catalogue, digest = _in_force(engine)
        channel = _drillable(catalogue, name)
        with transaction(engine) as connection:
            reference = post_drill(connection, channel=channel.name, kind=channel.kind, policy=digest)
            note(connection, [AuditEntry(whose_login(), "drill_asked", reference, detail=channel.name)])
        _ring(settings, channel)
        ended = _wait(engine, reference, wait_s=wait)
    if as_json:
        say_json(asdict(ended))
    elif ended.delivered_after_s is not None:
        typer.echo(f"{ended.reference}  {ended.channel}: {_told(ended)}")
        typer.echo(f"When somebody there has seen it: concern-router channels acknowledge {ended.reference}")
    if ended.delivered_after_s is None:
        typer.echo(f"concern-router: {ended.reference}: {_wrong(ended, wait)}", err=True)
        raise typer.Exit(1)


@commands.command(name="drills")
def history(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List drills: reference, channel, when asked, seconds to delivery and to acknowledgement, outcome."""
    with console(Settings()) as engine, transaction(engine) as connection:
        rows = drills(connection, limit)
    if as_json:
        say_json(rows)
        return
    say_columns([(row.reference, row.channel, row.asked_at.isoformat(timespec="seconds"), _told(row)) for row in rows])


@commands.command()
def acknowledge(
    reference: Annotated[str, typer.Argument(help="The drill, DRILL-....-....-....")], *, as_json: AsJson = False
) -> None:
    """Say that a person on the other side saw a drill: the time until then is kept."""
    meant = reference.strip().upper()
    with console(Settings()) as engine, transaction(engine) as connection:
        if acknowledge_drill(connection, meant):
            note(connection, [AuditEntry(whose_login(), "drill_acknowledged", meant)])
        else:
            raise _not_acknowledged(drill(connection, meant))
        seen = drill(connection, meant)
    if seen is None:
        return
    if as_json:
        say_json(asdict(seen))
    else:
        typer.echo(f"{seen.reference}  {seen.channel}: {_told(seen)}")


def _in_force(engine: Engine) -> tuple[Catalogue, str]:
    """Return the channels in force and their policy's digest; raises Broken before the very first start."""
    with transaction(engine) as connection:
        stored = policies.active(connection)
    if stored is None:
        raise Broken("no_policy", "no policy is in force yet: start the public part, or `concern-router up`, first")
    return parse_catalogue(stored.channels_text), stored.digest


def _drillable(catalogue: Catalogue, name: str) -> Channel:
    channel = catalogue.get(name)
    if channel is None:
        raise Broken("unknown_channel", f"no channel in force is called so{nearest(name, catalogue.channels)}")
    if channel.scope is Scope.EXTERNAL:
        hint = "it leads out of the organisation: police and hotlines act on what they get, so they are never drilled"
        raise Broken("external_channel", hint)
    return channel


def _ring(settings: Settings, channel: Channel) -> None:
    """Ring the channel; should that fail, the sweeps ring it within seconds."""
    try:
        ring_wake(publisher(settings.broker), channel.name, channel.pool)
    except BROKER_FAILURES:
        typer.echo("concern-router: Redis could not be reached; the next sweep will ring", err=True)


def _wait(engine: Engine, reference: str, *, wait_s: float) -> Drill:
    until = monotonic() + wait_s
    while True:
        with transaction(engine) as connection:
            found = drill(connection, reference)
        if found is None:
            raise Broken("unknown_drill", "the drill is gone: somebody deleted its row")
        if found.state in ENDED or monotonic() >= until:
            return found
        sleep(POLL_S)


def _row(channel: Channel, last: Drill | None) -> dict[str, Any]:
    every = channel.drill_every
    return {
        "name": channel.name,
        "kind": channel.kind,
        "scope": channel.scope,
        "guarantee": channel.guarantee,
        "drill_every_h": every.total_seconds() / 3600 if every else None,
        "last_drill": asdict(last) if last else None,
    }


def _told(found: Drill) -> str:
    """Return how far the drill is, for people."""
    if found.delivered_after_s is None:
        return f"not delivered ({found.state}, {found.attempts} tried, {found.outcome or 'no answer yet'})"
    seen = f"{found.acknowledged_after_s:.0f} s" if found.acknowledged_after_s is not None else "not yet"
    return f"delivered after {found.delivered_after_s:.2f} s ({found.outcome}), acknowledged: {seen}"


def _wrong(found: Drill, wait_s: float) -> str:
    if found.state == ReferralState.DEAD:
        return f"undeliverable: {found.outcome}"
    if not found.attempts:
        return f"no worker took it within {wait_s:g} s: are workers running? See `concern-router doctor`"
    return f"not delivered within {wait_s:g} s: {found.attempts} tried, {found.outcome or 'no answer yet'}; it goes on"


def _not_acknowledged(found: Drill | None) -> Broken:
    if found is None:
        return Broken("unknown_drill", "there is no such drill; `concern-router channels drills` lists them")
    if found.state == ReferralState.ACKNOWLEDGED:
        return Broken("already_acknowledged", f"after {found.acknowledged_after_s:.0f} s")
    return Broken("not_delivered", f"the drill is {found.state}: nobody over there can have seen it")
