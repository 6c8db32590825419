"""One real RT for all tests of it."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.rtpeer import SCRIPT, Peer


@pytest.fixture(scope="session")
def rt() -> Iterator[Peer]:
    started = subprocess.run([SCRIPT, "start"], stdout=subprocess.PIPE, text=True, check=True, timeout=280)
    told = dict(line.split("=", 1) for line in started.stdout.splitlines())
    home, mail = Path(told["RT_DATABASE"]).parent, Path(told["RT_MAIL_DIR"])
    yield Peer(told["RT_URL"], told["RT_TOKEN"], told["RT_OFFICER_TOKEN"], home, mail)
    subprocess.run([SCRIPT, "stop"], check=True, timeout=60)
