"""Web processes: uvicorn with our deadlines, and metrics apart from both parts.

Logs no request: uvicorn's access log is off, and what its own loggers say goes through telemetry,
which drops texts.
"""

import asyncio
import os
import resource
import socket
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

import uvicorn
import uvloop
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector

from router import telemetry
from router.app import console_app, public_app
from router.embedded.account import make_folder
from router.settings import METRICS_VARIABLE, Settings
from router.web.deadlines import with_deadline

CONNECTIONS: Final = 4000
"""Open at once in one part; more are answered 503. Idle ones are cut by the header deadline."""
SPARE_FILES: Final = 200
BACKLOG: Final = 2048
"""Connections that wait to be taken; uvicorn's own default."""
KEEP_ALIVE_S: Final = 15
STOP_S: Final = 10


class ServedPart(StrEnum):
    """What one process serves."""

    PUBLIC = "public"
    CONSOLE = "console"
    BOTH = "both"


def serve(settings: Settings, part: ServedPart, *, shared: bool = False) -> None:
    """Serve `part` until SIGINT or SIGTERM; requests under way may take STOP_S more.

    `shared`: other processes serve the public part on the same address, and the kernel spreads connections.
    METRICS_VARIABLE must be set before this module is imported: prometheus_client reads it then.
    """
    telemetry.configure(f"web-{part}", level=settings.log_level)
    most = _most_connections()
    served = []
    if part is not ServedPart.CONSOLE:
        served.append((_server(settings, public_app(settings), most), _line(settings.bind, shared=shared)))
    if part is not ServedPart.PUBLIC:
        served.append((_server(settings, console_app(settings), most), _line(settings.console_bind, shared=False)))
        _serve_metrics(settings)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(served))


async def _run(served: Iterable[tuple[uvicorn.Server, socket.socket]]) -> None:
    asyncio.get_running_loop().set_exception_handler(telemetry.asyncio_edge())
    await asyncio.gather(*(server.serve([line]) for server, line in served))


def _line(bind: str, *, shared: bool) -> socket.socket:
    """Return a socket that listens there."""
    host, _, port = bind.rpartition(":")
    return socket.create_server((host, int(port)), backlog=BACKLOG, reuse_port=shared)


def _server(settings: Settings, app: FastAPI, most: int) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=with_deadline(settings.header_deadline_s),
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            limit_concurrency=most,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_S,
        )
    )


def _most_connections() -> int:
    """Raise this process's own limit of open files as far as it may; return how many connections fit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + SPARE_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(min(CONNECTIONS, soft - SPARE_FILES), 1)


def _serve_metrics(settings: Settings) -> None:
    """Answer with the metrics of all processes, on an address of its own."""
    folder = Path(os.environ[METRICS_VARIABLE])
    make_folder(folder, 0o700)
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]
    host, _, port = settings.metrics_bind.rpartition(":")
    start_http_server(int(port), addr=host, registry=registry)
