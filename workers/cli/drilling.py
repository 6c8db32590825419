"""Drills: a way tested end to end.

A drill travels as a referral does, from the outbox through a worker to the other side, and says of itself that it is
none: it has no case, no facts, and a reference of its own kind.
"""

from dataclasses import asdict
from time import monotonic, sleep
from typing import Annotated, Final

import typer
from sqlalchemy import Engine

from router.catalogue import Catalogue, Channel
from router.channelwords import why_shut
from router.cli.asking import console, say_columns, say_json, whose_login
from router.cli.ringing import ring
from router.configfile.yamltext import nearest
from router.errors import Broken
from router.model import AuditEntry
from router.settings import Settings
from router.store.audit import note
from router.store.drills import Drill, acknowledge_drill, drill, drills, post_drill
from router.store.engine import transaction
from router.store.shut import Shut, shut_channels
from router.vocabulary import ReferralState, Scope
from workers.cli.asked import AsJson, in_force

POLL_S: Final = 0.1
ENDED: Final = frozenset({ReferralState.SENT, ReferralState.ACKNOWLEDGED, ReferralState.DEAD})

commands = typer.Typer()


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
        catalogue, digest = in_force(engine)
        channel = _drillable(catalogue, name)
        with transaction(engine) as connection:
            reference = post_drill(connection, channel=channel.name, kind=channel.kind, policy=digest)
            note(connection, [AuditEntry(whose_login(), "drill_asked", reference, detail=channel.name)])
        ring(settings, engine, [channel.name])
        ended = _wait(engine, reference, wait_s=wait)
        with transaction(engine) as connection:
            shut = shut_channels(connection).get(channel.name)
    if as_json:
        say_json(asdict(ended))
    elif ended.delivered_after_s is not None:
        typer.echo(f"{ended.reference}  {ended.channel}: {told(ended)}")
        typer.echo(f"When somebody there has seen it: concern-router channels acknowledge {ended.reference}")
    if ended.delivered_after_s is None:
        typer.echo(f"concern-router: {ended.reference}: {_wrong(ended, wait, channel, shut)}", err=True)
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
    say_columns([(row.reference, row.channel, row.asked_at.isoformat(timespec="seconds"), told(row)) for row in rows])


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
        typer.echo(f"{seen.reference}  {seen.channel}: {told(seen)}")


def _drillable(catalogue: Catalogue, name: str) -> Channel:
    channel = catalogue.get(name)
    if channel is None:
        raise Broken("unknown_channel", f"no channel in force is called so{nearest(name, catalogue.channels)}")
    if channel.scope is Scope.EXTERNAL:
        hint = "it leads out of the organisation: police and hotlines act on what they get, so they are never drilled"
        raise Broken("external_channel", hint)
    return channel


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


def told(found: Drill) -> str:
    """Return how far the drill is, for people."""
    if found.delivered_after_s is None:
        return f"not delivered ({found.state}, {found.attempts} tried, {found.outcome or 'no answer yet'})"
    seen = f"{found.acknowledged_after_s:.0f} s" if found.acknowledged_after_s is not None else "not yet"
    return f"delivered after {found.delivered_after_s:.2f} s ({found.outcome}), acknowledged: {seen}"


def _wrong(found: Drill, wait_s: float, channel: Channel, shut: Shut | None) -> str:
    if found.state == ReferralState.DEAD:
        return f"undeliverable: {found.outcome}; see `concern-router deliveries show {found.reference}`"
    if shut is not None and shut.code is not None:
        return f"not delivered: {channel.name} {why_shut(channel, shut)}; it goes out when the channel takes it"
    if not found.attempts:
        return f"no worker took it within {wait_s:g} s: are workers running? See `concern-router doctor`"
    return f"not delivered within {wait_s:g} s: {found.attempts} tried, {found.outcome or 'no answer yet'}; it goes on"


def _not_acknowledged(found: Drill | None) -> Broken:
    if found is None:
        return Broken("unknown_drill", "there is no such drill; `concern-router channels drills` lists them")
    if found.state == ReferralState.ACKNOWLEDGED:
        return Broken("already_acknowledged", f"after {found.acknowledged_after_s:.0f} s")
    return Broken("not_delivered", f"the drill is {found.state}: nobody over there can have seen it")
