"""What runs a command `channels` in a test."""

import json
from collections.abc import Callable
from typing import Any

Run = Callable[..., tuple[int, str, str]]
"""Takes arguments; returns exit status, standard output, standard error."""


def found(run: Run, *arguments: str) -> Any:
    """Return what a command prints as JSON."""
    status, out, err = run(*arguments, "--json")
    assert (status, err) == (0, "")
    return json.loads(out)
