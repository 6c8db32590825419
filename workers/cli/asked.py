"""What the commands `channels` share: the channels that they are about."""

from collections.abc import Sequence
from typing import Annotated

import typer
from sqlalchemy import Engine

from router.catalogue import Catalogue, Channel, parse_catalogue
from router.configfile.yamltext import nearest
from router.errors import Broken
from router.store import policies
from router.store.engine import transaction

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


def in_force(engine: Engine) -> tuple[Catalogue, str]:
    """Return the channels in force and their policy's digest; raises Broken before the very first start."""
    with transaction(engine) as connection:
        stored = policies.active(connection)
    if stored is None:
        raise Broken("no_policy", "no policy is in force yet: start the public part, or `concern-router up`, first")
    return parse_catalogue(stored.channels_text), stored.digest


def named(catalogue: Catalogue, names: Sequence[str]) -> list[Channel]:
    """Return the channels called so, all of them when none is named; raises Broken for a name that is none."""
    for name in names:
        if catalogue.get(name) is None:
            raise Broken("unknown_channel", f"no channel is called {name}{nearest(name, catalogue.channels)}")
    return [channel for name, channel in catalogue.channels.items() if not names or name in names]
