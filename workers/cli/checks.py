"""`channels check`: whether each way can work, asked from where the command runs, before anybody depends on it."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from sqlalchemy import Engine

from router.catalogue import FILE, Channel, parse_catalogue, ways_text
from router.channelwords import mends, wrong
from router.cli.asking import console, say_json
from router.cli.ringing import ring
from router.errors import Broken, PolicyErrors, TryLater
from router.model import Finding
from router.settings import Settings
from router.store.engine import transaction
from router.store.shut import try_now
from workers.channels import SENDERS
from workers.channels.base import Surroundings
from workers.checking import checked
from workers.cli.asked import AsJson, in_force, named

CHECK_S: Final = 30.0
"""Seconds that one channel's check may take."""
AT_ONCE: Final = 8

commands = typer.Typer()


@dataclass(frozen=True, slots=True)
class Checked:
    """What one channel's check found."""

    channel: Channel
    findings: tuple[Finding, ...]
    asked: bool = True
    """Whether the other side could be asked at all; if not, `findings` says why."""

    @property
    def lines(self) -> list[str]:
        """Return what is wrong and what helps, a line each."""
        unasked = "" if self.asked else "could not be checked: "
        return [
            f"{unasked}{wrong(self.channel, one.code, one.named)} [{one.code}]: "
            f"{mends(self.channel, one.code, one.named)}"
            for one in self.findings
        ]


@commands.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="The channels to check; all when none is named.")] = None,
    *,
    files: Annotated[
        bool, typer.Option("--files", help="Check the file in CONFIG_DIR, before it is in force; needs no database.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Ask each channel's other side whether it can work as configured: address, account, queues, fields, rights.

    Nothing is changed over there and nobody is told. Run it where the workers run, as the account and with the
    environment that they have: the secrets that channels.yaml names are looked up by this command itself. What only
    shows when something is sent, a drill shows. A channel that is shut and passes is tried again at once.

    Prints a line for each finding, with what helps; exit 1 when there is one, or when somebody could not be asked.
    """
    settings = Settings()
    with nullcontext(None) if files else console(settings) as engine:
        catalogue = in_force(engine)[0] if engine is not None else parse_catalogue(_file(settings))
        found = _check(named(catalogue, names or ()), settings)
        tried = _try_again(engine, settings, found) if engine is not None else frozenset()
    if as_json:
        say_json([_row(one, tried=one.channel.name in tried) for one in found])
    else:
        for one in found:
            again = ", as far as can be seen without sending: tried again now" if one.channel.name in tried else ""
            for line in one.lines or [f"ok{again}"]:
                typer.echo(f"{one.channel.name}  {line}")
    if any(one.findings for one in found):
        raise typer.Exit(1)


def _file(settings: Settings) -> str:
    try:
        return ways_text(settings.config_dir)
    except PolicyErrors:
        raise Broken("file_unreadable", f"{FILE} in CONFIG_DIR cannot be read") from None


def _check(channels: Sequence[Channel], settings: Settings) -> list[Checked]:
    def one(channel: Channel) -> Checked:
        production = settings.cybertipline == "production"
        surroundings = Surroundings(settings.state_dir, channel.scope, production=production)
        sender = SENDERS[channel.kind](channel.settings, surroundings)
        try:
            return Checked(channel, checked(channel, sender, deadline_s=CHECK_S))
        except TryLater as later:
            return Checked(channel, (Finding(later.code),), asked=False)

    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="check") as threads:
        return list(threads.map(one, channels))


def _try_again(engine: Engine, settings: Settings, found: Sequence[Checked]) -> frozenset[str]:
    """Let those that are shut and passed be tried now; return their names."""
    passed = [one.channel.name for one in found if not one.findings]
    with transaction(engine) as connection:
        tried = try_now(connection, passed)
    if tried:
        ring(settings, engine, tried)
    return tried


def _row(one: Checked, *, tried: bool) -> dict[str, Any]:
    return {
        "name": one.channel.name,
        "kind": one.channel.kind,
        "ok": not one.findings,
        "asked": one.asked,
        "findings": [
            {
                "code": finding.code,
                "named": finding.named,
                "said": wrong(one.channel, finding.code, finding.named),
                "helps": mends(one.channel, finding.code, finding.named),
            }
            for finding in one.findings
        ],
        "tried_at_once": tried,
    }
