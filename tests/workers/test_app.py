"""The Celery application: its two tasks, and what a fresh process imports."""

import subprocess
import sys

from router.bell import SWEEP, WAKE
from tests.workers.processes import CHECKOUT

BROKER = "redis://127.0.0.1:1/0"


def test_tasks_are_two_and_neither_waits_retries_or_answers() -> None:
    program = "from workers.app import app; print(sorted(n for n in app.tasks if not n.startswith('celery.')))"

    assert in_a_fresh_process(program) == str(sorted([WAKE, SWEEP]))
    source = "".join((CHECKOUT / "workers").joinpath(name).read_text() for name in ("app.py", "deliver.py", "sweep.py"))
    assert not any(word in source for word in ("countdown=", "eta=", ".retry("))


def test_a_worker_does_not_import_what_it_must_not_know() -> None:
    forbidden = ("router.vault", "router.triage", "router.intake", "router.console", "router.reporter", "fastapi")

    program = f"import sys, workers.app; print([m for m in sys.modules if m.startswith({forbidden!r})])"
    assert in_a_fresh_process(program) == "[]"


def in_a_fresh_process(program: str) -> str:
    """Run `program` in an interpreter of its own and return what it printed."""
    env = {"PATH": "/usr/bin", "CONCERN_ROUTER_REDIS_URL": BROKER}
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True, env=env
    )
    return ran.stdout.strip()
