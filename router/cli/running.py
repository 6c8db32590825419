"""Commands that run processes: `up` starts everything, `serve` one web process."""

import os
import sys
from typing import Annotated

import typer

from router.settings import METRICS_VARIABLE, Settings

commands = typer.Typer()


@commands.command()
def up(
    *,
    reviewer: Annotated[str, typer.Option(help="Handle of the first reviewer, made at the first start.")] = "reviewer",
) -> None:
    """Start everything below STATE_DIR, on embedded servers unless addresses are given; stay in the foreground."""
    from router import telemetry  # noqa: PLC0415 - other commands need none of it
    from router.operating.up import up as run  # noqa: PLC0415

    settings = Settings()
    telemetry.configure("up", level=settings.log_level)
    run(Settings, reviewer=reviewer, say=typer.echo)


@commands.command()
def serve(
    *,
    part: Annotated[str, typer.Option(help="public, console, or both in one process.")] = "both",
    shared: Annotated[bool, typer.Option("--shared", help="Share BIND with other processes that do.")] = False,
) -> None:
    """Serve one part over HTTP until SIGINT or SIGTERM."""
    settings = Settings()
    if part not in {"public", "console", "both"}:
        raise typer.BadParameter("public, console or both", param_hint="--part")
    if METRICS_VARIABLE not in os.environ:
        # The metrics library reads the variable when it is imported, which has happened by now.
        folder = settings.state_dir.absolute() / "metrics"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        again = [sys.executable, "-m", "router.cli", "serve", "--part", part, *(("--shared",) if shared else ())]
        os.execve(sys.executable, again, {**os.environ, METRICS_VARIABLE: str(folder)})  # noqa: S606 - ourselves
    from router.operating.serve import ServedPart  # noqa: PLC0415
    from router.operating.serve import serve as run  # noqa: PLC0415

    run(settings, ServedPart(part), shared=shared)
