"""Rings workers for commands that made something due. Should that fail, the sweeps ring within seconds."""

from collections.abc import Iterable

import typer
from sqlalchemy import Engine

from router.bell import BROKER_FAILURES, channels_in_force, publisher, ring_wake
from router.settings import Settings


def ring(settings: Settings, engine: Engine, channels: Iterable[str]) -> None:
    """Ring each of `channels` where its workers listen; says so, and goes on, when Redis is away."""
    app, catalogue = publisher(settings.broker), channels_in_force(engine)
    try:
        for name in sorted(set(channels)):
            ring_wake(app, name, catalogue.pool(name))
    except BROKER_FAILURES:
        typer.echo("concern-router: Redis could not be reached; the next sweep will ring", err=True)
