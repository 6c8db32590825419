"""Starts a process of the product with its fail points obeying a test's orders: `-m tests.faults.pointed MODULE ...`.

What runs is the product's own entry, unchanged. With FAULTS_CLOCK set to a file, this process's own wall clock is off
by the seconds that stand there, from the moment that they do; its monotonic clock stays right, as the kernel's does.
With FAULTS_NAMES set to a file, names in it lead to the addresses that stand there, to one after the other.
"""

import json
import os
import runpy
import socket
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from router.failpoints import on_reach
from tests.faults.orders import FOLDER, WHO, Orders

CLOCK, NAMES = "FAULTS_CLOCK", "FAULTS_NAMES"
LOOK_EVERY_S = 0.05


def main() -> None:
    orders, who = Orders(Path(os.environ[FOLDER])), os.environ[WHO]
    on_reach(lambda point: orders.obey(point, who))
    if clock := os.environ.get(CLOCK):
        _follow(Path(clock))
    if names := os.environ.get(NAMES):
        _resolve_by(Path(names))
    _, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _resolve_by(file: Path) -> None:
    """Answer each question for a name with the next of its addresses."""
    asked: Counter[str] = Counter()
    really = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        known = json.loads(file.read_text()).get(host)
        if known:
            asked[host] += 1
            host = known[(asked[host] - 1) % len(known)]
        return really(host, *rest, **more)

    socket.getaddrinfo = resolve


def _follow(file: Path) -> None:
    """Keep this process's wall clock, and those of its forks, as wrong as `file` says."""
    import time_machine  # noqa: PLC0415 - it changes functions in place, for those who ask for that alone

    traveller = time_machine.travel(datetime.now(UTC), tick=True)  # noqa: TID251 - the clock itself is the point
    known = [0.0]

    def look() -> None:
        if not file.exists():
            return
        seconds, said = file.read_text().split()
        wrong = float(seconds)
        if wrong != known[0]:
            coordinates.shift(timedelta(seconds=wrong - known[0]))
            known[0] = wrong
        (file.with_suffix(".seen") / f"{os.getpid()}-{said}").touch()

    def keep_looking() -> None:
        pause = threading.Event()
        while not pause.wait(LOOK_EVERY_S):
            look()

    def begin() -> None:
        threading.Thread(target=keep_looking, name="wrong-clock", daemon=True).start()

    coordinates = traveller.start()
    look()
    os.register_at_fork(after_in_child=begin)
    begin()


if __name__ == "__main__":
    main()
