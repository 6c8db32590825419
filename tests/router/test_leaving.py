"""What people approve is told by a digest that is the same in every process, and another for anything else."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from router.catalogue import parse_catalogue, ways_text
from router.errors import PolicyErrors
from tests.conftest import CHECKOUT

SAY = """
import sys
from pathlib import Path
from router.catalogue import parse_catalogue, ways_text
from router.model import Payload
for path in map(Path, sys.argv[1:]):
    text = ways_text(path.parent) if path.name == "channels.yaml" else path.read_text()
    for name, channel in parse_catalogue(text).channels.items():
        print(name, channel.leaving(Payload(b"x", "text/plain"), key="k"))
"""
FILES = [CHECKOUT / "config" / "channels.yaml", *sorted((CHECKOUT / "config" / "recipes").glob("*.yaml"))]
CHANNEL = "police: {kind: folder, scope: external, carries: [severity], path: a}"


def readable(paths: list[Path]) -> list[Path]:
    """Return those of the shipped files that are channels."""
    found = []
    for path in paths:
        try:
            parse_catalogue(ways_text(path.parent) if path.name == "channels.yaml" else path.read_text())
        except PolicyErrors:  # of sources
            continue
        found.append(path)
    return found


def test_each_process_makes_the_same_digest_of_the_same_thing() -> None:
    """The console shows it, and a worker elsewhere compares: nothing in it may go by a process's own order."""
    paths = list(map(str, readable(FILES)))
    said = {
        subprocess.run(
            [sys.executable, "-c", SAY, *paths],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=CHECKOUT,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(said) == 1
    assert len(paths) > 3


@pytest.mark.parametrize("approvals", ["0", "-1", "10", "many", "1.5"])
def test_how_many_must_approve_is_a_small_number(approvals: str) -> None:
    with pytest.raises(PolicyErrors, match="Input should be"):
        parse_catalogue(CHANNEL.replace("path", f"approvals: {approvals}, path"))


def test_two_must_approve_where_nothing_is_said() -> None:
    assert parse_catalogue(CHANNEL).channels["police"].approvals == 2


def test_an_internal_channel_needs_no_approvals() -> None:
    inside = CHANNEL.replace("external", "internal").replace("path", "readable_by: [security], approvals: 2, path")
    with pytest.raises(PolicyErrors, match="needs no approvals"):
        parse_catalogue(inside)
