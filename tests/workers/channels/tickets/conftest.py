"""Each test of this folder runs over every desk."""

from collections.abc import Iterator

import pytest

from tests.standins.standin import StandIn
from tests.workers.channels.tickets.desks import DESKS, Desk


@pytest.fixture(params=sorted(DESKS))
def desk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Desk:
    found = DESKS[request.param]
    for name, value in found.secrets.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def there(desk: Desk) -> Iterator[StandIn]:
    with desk.stand_in() as running:
        yield running
        assert not running.broken
