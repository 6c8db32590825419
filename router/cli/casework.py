"""Commands by which staff hands a case over, keeps it from being deleted, or steps out of it; they open nothing."""

from typing import Annotated

import typer

from router.cli.asking import console, said, whose_login
from router.console import casework
from router.console.acting import By
from router.settings import Settings

commands = typer.Typer()

Reference = Annotated[str, typer.Argument(help="The case, CR-....-....-....")]
Handle = Annotated[str | None, typer.Option("--as", help="Who does it; asked for if left out.")]
Reason = Annotated[
    str | None, typer.Option("--reason", help="Why, for the audit: 3 to 200 characters; asked for if left out.")
]
_WHO, _WHY = "Who are you (handle)", "Reason, for the audit"


@commands.command(name="hand-over")
def hand_over(
    reference: Reference, *, to: Annotated[str, typer.Option(help="Who gets it.")], handle: Handle = None
) -> None:
    """Give your case to a colleague who may work on it. Words to them are for the console, which seals them."""
    settings, who = Settings(), said(handle, "--as", _WHO)
    with console(settings) as engine:
        casework.hand_over(engine, By(reference, who, whose_login(), lasts_s=settings.claim_s), to=to)
    _say(reference, f"handed over to {to.strip().lower()}")


@commands.command()
def hold(
    reference: Reference,
    *,
    lift: Annotated[bool, typer.Option("--lift", help="Let it be deleted again when its time has come.")] = False,
    reason: Reason = None,
    handle: Handle = None,
) -> None:
    """Keep a case and all that belongs to it from being deleted (legal hold), or lift that."""
    settings, who = Settings(), said(handle, "--as", _WHO)
    why = said(reason, "--reason", _WHY)
    with console(settings) as engine:
        by = By(reference, who, whose_login(), lasts_s=settings.claim_s)
        (casework.lift if lift else casework.hold)(engine, by, reason=why)
    _say(reference, "no longer on legal hold" if lift else "on legal hold")


@commands.command()
def recuse(
    reference: Reference,
    *,
    though_last: Annotated[bool, typer.Option("--though-last", help="You know that nobody else is left.")] = False,
    reason: Reason = None,
    handle: Handle = None,
) -> None:
    """Step out of a case for good: you see it no more, and give it back if you have it."""
    who = said(handle, "--as", _WHO)
    why = said(reason, "--reason", _WHY)
    with console(Settings()) as engine:
        casework.recuse(engine, By(reference, who, whose_login()), reason=why, though_last=though_last)
    _say(reference, f"{who.strip().lower()} has stepped out")


def _say(reference: str, what: str) -> None:
    typer.echo(f"{reference.strip().upper()}: {what}")
