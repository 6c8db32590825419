"""What a process says about itself, and what it never says: by a real one, and its standard error."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

BEGIN = "import resource, sys, warnings; from router import telemetry; telemetry.configure('test', level='DEBUG')\n"


def said_by(program: str) -> list[dict[str, Any]]:
    """Return the log lines of a process; whatever else it wrote to standard error is an error."""
    ended = subprocess.run([sys.executable, "-c", BEGIN + program], capture_output=True, text=True, check=False)
    return [json.loads(line) for line in ended.stderr.splitlines()]


def test_a_library_s_warning_is_told_without_its_text() -> None:
    lines = said_by("warnings.warn('MARKED-7f3a')")

    assert [(line["event"], line["logger"]) for line in lines] == [("library_message", "py.warnings")]
    assert "MARKED" not in str(lines)


def test_an_error_at_the_edge_is_told_without_its_text() -> None:
    lines = said_by("raise ValueError('MARKED-7f3a')")

    assert [(line["event"], line["error"]) for line in lines] == [("crashed", "ValueError")]
    assert "MARKED" not in str(lines)


def test_a_core_is_dumped_neither_to_a_file_nor_to_a_program() -> None:
    lines = said_by("telemetry.get_log().info('started', count=resource.getrlimit(resource.RLIMIT_CORE)[0])")

    assert lines[0]["count"] == 1


SET = "from router.telemetry import CHANNEL_DUE; [CHANNEL_DUE.labels(name).set(value) for name, value in {}]"
FORGET = "from router.telemetry import CHANNEL_DUE, channels_shown; print(*sorted(channels_shown()))"
READ = """
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
registry = CollectorRegistry()
MultiProcessCollector(registry)
print(generate_latest(registry).decode())
"""


def test_of_several_processes_the_last_to_look_is_believed_and_each_knows_what_all_show(tmp_path: Path) -> None:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}

    def in_a_process(code: str) -> str:
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        return done.stdout

    in_a_process(SET.format([("gone", 5), ("desk", 3)]))
    in_a_process(SET.format([("desk", 7)]))
    known = in_a_process(FORGET)
    in_a_process(SET.format([("gone", 0)]))
    shown = in_a_process(READ).splitlines()

    assert known.split() == ["desk", "gone"]
    assert 'channel_due{channel="desk"} 7.0' in shown
    assert 'channel_due{channel="gone"} 0.0' in shown
