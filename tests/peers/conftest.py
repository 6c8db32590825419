"""One real RT and one real Redmine for all tests of them."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import redminepeer
from tests.peers.redmineways import WAYS
from tests.peers.rtpeer import SCRIPT, Peer


@pytest.fixture(scope="session")
def rt() -> Iterator[Peer]:
    started = subprocess.run([SCRIPT, "start"], stdout=subprocess.PIPE, text=True, check=True, timeout=280)
    told = dict(line.split("=", 1) for line in started.stdout.splitlines())
    home, mail = Path(told["RT_DATABASE"]).parent, Path(told["RT_MAIL_DIR"])
    yield Peer(told["RT_URL"], told["RT_TOKEN"], told["RT_OFFICER_TOKEN"], home, mail)
    subprocess.run([SCRIPT, "stop"], check=True, timeout=60)


@pytest.fixture(scope="session")
def redmine() -> Iterator[redminepeer.Peer]:
    started = redminepeer.Peer.start()
    yield started
    started.stop()


@pytest.fixture(scope="module", params=sorted(WAYS))
def way(request: pytest.FixtureRequest) -> str:
    """Each way to describe a channel to Redmine."""
    return str(request.param)
