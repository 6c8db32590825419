"""The command line: commands that stay inside. What speaks to the outside joins from `workers`.

Every command has --help and ends with an exit status other than 0 and one line on standard error
when it failed. Never prints a trace: its lines could hold what somebody wrote.
"""

import os
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Final

import typer
from pydantic import ValidationError
from typer import Typer

from router import telemetry
from router.cli import (
    audit,
    bodies,
    cases,
    clients,
    database,
    deliveries,
    doctor,
    floods,
    handovers,
    house,
    keys,
    people,
    policy,
    preserved,
    running,
)
from router.errors import RouterError

ENTRY_POINTS: Final = "concern_router.commands"
"""Distributions add groups of commands under their entry point's name."""

GROUPS: Final = {
    "db": database,
    "policy": policy,
    "bodies": bodies,
    "house": house,
    "deliveries": deliveries,
    "cases": cases,
    "floods": floods,
    "handovers": handovers,
    "preserved": preserved,
    "clients": clients,
    "people": people,
    "keys": keys,
    "audit": audit,
}

PRIVATE: Final = 0o077

WHAT_TO_DO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "unknown_case": "`concern-router cases list` names the newest",
        "unknown_handover": "`concern-router handovers list` names what waits",
        "handover_recorded": "somebody recorded it already, and nothing was changed",
        "body_unknown": "--to is the code of a body that the channel may lead to; `concern-router bodies list`",
        "handed_at_future": "record it when they have it",
        "handed_at_early": "that is before the concern came in; check the zone",
        "not_parked": "nothing of it waits that you may work on and nobody has; see `concern-router floods list`",
        "unknown_person": "`concern-router people list` names everybody",
        "unknown_team": "`concern-router people list` names the teams",
        "not_a_member": "only members of a team that has a key to it may",
        "withdrawal_not_asked": "the reporter has not asked for that",
        "not_claimed": "nobody has the case",
        "case_closed": "only `cases acknowledge` and `cases answer` go on",
        "in_conflict": "your team must know nothing of this case",
        "reviewer_without_team": "add --team and --as: only a member of a team can hand on its key",
        "no_role": "add --role, or --team and --as for a reviewer",
        "nobody_yet": "`concern-router keys init` makes the first person, who has a key",
        "reason_malformed": "a reason has 3 to 200 characters",
    }
)
"""What helps, by code; a code that stands for itself is not here."""

OF_THE_DATABASE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "database_away": "the database does not answer; is it running? `concern-router doctor` says which part",
        "database_refused_42501": "this login may not do that; `concern-router doctor` says what helps",
        "database_refused_42p01": "a table is missing: run `concern-router db upgrade`",
        "database_refused_42703": "a column is missing: run `concern-router db upgrade`",
    }
)
"""The same for codes that begin so: what follows is PostgreSQL's own SQLSTATE."""


def program() -> Typer:
    """Return the whole command line."""
    commands = Typer(
        name="concern-router",
        help="Take a workplace concern to exactly those who must act, with metadata only.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    commands.add_typer(running.commands)
    commands.add_typer(doctor.commands)
    for name, module in GROUPS.items():
        commands.add_typer(module.commands, name=name)
    for entry in entry_points(group=ENTRY_POINTS):
        commands.add_typer(entry.load(), name=entry.name)
    return commands


def main() -> None:
    """Run the command line and exit."""
    os.umask(PRIVATE)
    try:
        program()()
    except RouterError as error:
        hint = _hint(str(error))
        _fail(f"{error}: {hint}" if hint else str(error))
    except ValidationError as error:
        names = sorted({f"CONCERN_ROUTER_{str(part['loc'][0]).upper()}" for part in error.errors() if part["loc"]})
        _fail(f"settings_refused: {', '.join(names) or 'settings contradict each other'}; see config/env.example")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:  # noqa: BLE001 - a process edge: class and place, never the text
        _fail(f"crashed: {type(error).__name__} at {telemetry.places(error.__traceback__)}")


def _hint(said: str) -> str | None:
    begun = (hint for code, hint in OF_THE_DATABASE.items() if said.startswith(code))
    return WHAT_TO_DO.get(said) or next(begun, None)


def _fail(said: str) -> None:
    typer.echo(f"concern-router: {said}", err=True)
    raise SystemExit(1)
