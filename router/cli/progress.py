"""Commands by which staff says how far a case is: they stop the clocks that wait for it, and open nothing."""

from typing import Annotated

import typer

from router.cli.asking import console, said, whose_login
from router.cli.ringing import ring
from router.console import progress
from router.settings import Settings
from router.vocabulary import CaseOutcome

commands = typer.Typer()

Reference = Annotated[str, typer.Argument(help="The case, CR-....-....-....")]
Handle = Annotated[str | None, typer.Option("--as", help="Who does it; asked for if left out.")]
_WHO = "Who are you (handle)"


@commands.command()
def claim(reference: Reference, *, handle: Handle = None) -> None:
    """Take a case: nobody else can, and it is not escalated as unclaimed any more."""
    handle = said(handle, "--as", _WHO)
    settings = Settings()
    lasts_s = settings.claim_s
    with console(settings) as engine:
        progress.claim(engine, reference=reference, handle=handle, login=whose_login(), lasts_s=lasts_s)
    _say(reference, f"claimed; given back by itself after {lasts_s // 60} min without you")


@commands.command()
def release(reference: Reference, *, handle: Handle = None) -> None:
    """Give a case back, your own or one whose holder is away: what waited for a claim waits again."""
    handle = said(handle, "--as", _WHO)
    with console(Settings()) as engine:
        progress.release(engine, reference=reference, handle=handle, login=whose_login())
    _say(reference, "given back")


@commands.command()
def acknowledge(reference: Reference, *, handle: Handle = None) -> None:
    """Say that the reporter was told that the report arrived: seven days, by EU law."""
    handle = said(handle, "--as", _WHO)
    settings = Settings()
    with console(settings) as engine:
        progress.acknowledge(engine, reference=reference, handle=handle, login=whose_login(), lasts_s=settings.claim_s)
    _say(reference, "the reporter knows that it arrived")


@commands.command()
def answer(reference: Reference, *, handle: Handle = None) -> None:
    """Say that the reporter was told what was done: three months, by EU law. Also when the case is closed."""
    handle = said(handle, "--as", _WHO)
    settings = Settings()
    with console(settings) as engine:
        progress.answer(engine, reference=reference, handle=handle, login=whose_login(), lasts_s=settings.claim_s)
    _say(reference, "the reporter knows what was done")


@commands.command()
def close(
    reference: Reference,
    *,
    outcome: Annotated[CaseOutcome, typer.Option(help="How it ended.")],
    told: Annotated[bool, typer.Option("--told", help="The reporter was told; else that clock goes on.")] = False,
    handle: Handle = None,
) -> None:
    """Close a case with its outcome: nothing of it is escalated any more."""
    handle = said(handle, "--as", _WHO)
    settings = Settings()
    with console(settings) as engine:
        to_ring = progress.close(
            engine, reference=reference, handle=handle, login=whose_login(), outcome=outcome, told=told
        )
        if to_ring:
            ring(settings, engine, to_ring)
    _say(reference, f"closed, {outcome.value}")


def _say(reference: str, what: str) -> None:
    typer.echo(f"{reference.strip().upper()}: {what}")
