"""`channels list`: each way, how it does now, and what is said of it."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer

from router.catalogue import Channel
from router.channels import KINDS
from router.channelwords import moment, span, why_shut, wrong
from router.cli.asking import console, say_json
from router.settings import Settings
from router.store.drills import Drill, last_drills
from router.store.engine import transaction
from router.store.lateness import Standing, standings
from router.store.shut import Shut, shut_channels
from router.vocabulary import Breaker, Proven, Scope
from workers.cli.asked import AsJson, in_force, named
from workers.cli.drilling import told

commands = typer.Typer()


@commands.command(name="list")
def list_channels(
    names: Annotated[list[str] | None, typer.Argument(help="The channels to list; all when none is named.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """List the channels in force: kind, guarantee, whether each is used and why not, what waits, who is told instead.

    What a channel's file says and what this prints are the same: names of our own, never anything that the other side
    said. Ages and times are the database's.
    """
    with console(Settings()) as engine:
        channels = named(in_force(engine)[0], names or ())
        with transaction(engine) as connection:
            drilled = last_drills(connection, [channel.name for channel in channels])
            shut = shut_channels(connection)
            now = standings(connection, ())
    every = [(c, shut.get(c.name), now.of(c.name), drilled.get(c.name)) for c in channels]
    if as_json:
        say_json([_row(*one) for one in every])
        return
    for channel, shut_one, standing, drill in every:
        typer.echo(f"{channel.name}  {channel.kind}, {channel.scope}, {channel.guarantee}")
        for line in _lines(channel, shut_one, standing, drill):
            typer.echo(f"  {line}")


def _lines(channel: Channel, shut: Shut | None, standing: Standing, drill: Drill | None) -> Iterator[str]:
    if shut is not None and shut.breaker is not Breaker.CLOSED:
        yield why_shut(channel, shut)
    else:
        checked_at = _checked_at(channel, shut)
        yield f"in use, checked {moment(checked_at)}" if checked_at else "in use, and checked before the first is sent"
    oldest = f", the oldest for {span(standing.oldest_s)}" if standing.due else ""
    yield f"due: {standing.due}{oldest}; dead: {standing.dead}"
    late = f"late after {span(channel.late_after.total_seconds())} without proof '{_wanted(channel)}'"
    instead = f"; {channel.instead} gets a case instead after {span(channel.instead_after.total_seconds())}"
    yield f"{late}: {channel.page or 'the fallback'} is told{instead if channel.instead else ''}"
    yield f"pool {channel.pool}; {_pace(channel)}"
    if drill is not None:
        yield f"drilled {moment(drill.asked_at)}: {told(drill)}"
    else:
        yield "never drilled" if channel.scope is Scope.INTERNAL else "never drilled: it leads out of the organisation"


def _checked_at(channel: Channel, shut: Shut | None) -> datetime | None:
    """Return when the channel passed its check as it is configured now."""
    return shut.checked_at if shut is not None and shut.checked == channel.settings_digest else None


def _pace(channel: Channel) -> str:
    rate = f"at most {channel.at_most:g} a second" if channel.at_most is not None else "no rate limit"
    return (
        f"{rate}, {f'{channel.at_once} at once' if channel.at_once is not None else 'as many at once as workers send'}"
    )


def _wanted(channel: Channel) -> Proven:
    return channel.proof or Proven.ACCEPTED


def _row(channel: Channel, shut: Shut | None, standing: Standing, drill: Drill | None) -> dict[str, Any]:
    every = channel.drill_every
    is_shut = shut is not None and shut.breaker is not Breaker.CLOSED
    return {
        "name": channel.name,
        "kind": channel.kind,
        "scope": channel.scope,
        "guarantee": channel.guarantee,
        "proves": KINDS[channel.kind].PROVES,
        "breaker": shut.breaker if shut else Breaker.CLOSED,
        "since": shut.since if is_shut and shut else None,
        "until": shut.until if is_shut and shut else None,
        "code": shut.code if is_shut and shut else None,
        "named": shut.named if is_shut and shut else None,
        "said": wrong(channel, shut.code, shut.named or "") if is_shut and shut and shut.code else None,
        "checked_at": _checked_at(channel, shut),
        "due": standing.due,
        "oldest_due_s": standing.oldest_s if standing.due else None,
        "dead": standing.dead,
        "proof": _wanted(channel),
        "late_after_s": channel.late_after.total_seconds(),
        "page": channel.page,
        "instead": channel.instead,
        "instead_after_s": channel.instead_after.total_seconds() if channel.instead else None,
        "pool": channel.pool,
        "at_most_per_s": channel.at_most,
        "at_once": channel.at_once,
        "drill_every_h": every.total_seconds() / 3600 if every else None,
        "last_drill": asdict(drill) if drill else None,
    }
