"""What a process says about itself, and what it never says: by a real one, and its standard error."""

import json
import subprocess
import sys
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
