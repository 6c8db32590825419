"""Rings workers for commands that made something due. Should that fail, the sweeps ring within seconds."""

from collections.abc import Iterable

import typer
from sqlalchemy import Engine

from router.bell import BROKER_FAILURES, publisher, ring_wake
from router.catalogue import Catalogue, parse_catalogue
from router.errors import PolicyErrors
from router.settings import Settings
from router.store import policies
from router.store.engine import transaction


def ring(settings: Settings, engine: Engine, channels: Iterable[str]) -> None:
    """Ring each of `channels` where its workers listen; says so, and goes on, when Redis is away."""
    app, catalogue = publisher(settings.broker), _in_force(engine)
    try:
        for name in sorted(set(channels)):
            ring_wake(app, name, catalogue.pool(name))
    except BROKER_FAILURES:
        typer.echo("concern-router: Redis could not be reached; the next sweep will ring", err=True)


def _in_force(engine: Engine) -> Catalogue:
    """Return the channels in force; none before the first start, or when another version stored what we cannot read."""
    with transaction(engine) as connection:
        stored = policies.active(connection)
    try:
        return parse_catalogue(stored.channels_text) if stored is not None else Catalogue({})
    except PolicyErrors:
        return Catalogue({})
