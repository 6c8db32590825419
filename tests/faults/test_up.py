"""`concern-router up` itself: what it starts and supervises comes back, and every 201 becomes one ticket."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.configs import to_rt
from tests.faults.farside import BOTH
from tests.faults.filer import Filer
from tests.running import Product, running
from tests.servers import RT_TOKEN, StandInRT

pytestmark = pytest.mark.faults
core = pytest.mark.core

FAST = {
    "CONCERN_ROUTER_LEASE_S": "6",
    "CONCERN_ROUTER_SWEEP_EVERY_S": "1",
    "CONCERN_ROUTER_ANONYMOUS_PER_HOUR": "1000000",
    "CONCERN_ROUTER_PARKED_ABOVE_PER_MINUTE": "1000000",
}


@pytest.fixture(scope="module")
def rt() -> Iterator[StandInRT]:
    with StandInRT() as rt:
        yield rt


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, rt: StandInRT) -> Iterator[Product]:
    root = tmp_path_factory.mktemp("up")
    to_rt(root / "config", rt.url, RT_TOKEN)
    with running(root, env=FAST) as product:
        yield product


@pytest.fixture(scope="module")
def filer(product: Product) -> Filer:
    return Filer(product.url)


def assert_one_ticket_each(product: Product, filer: Filer, rt: StandInRT) -> None:
    product.wait_delivered(len(filer.accepted), within_s=120)
    made = [rt.values(ticket)["Reference id"] for ticket in rt.tickets]
    assert sorted(made) == sorted(filer.accepted)


@core
@pytest.mark.parametrize("who", [("celery", "worker"), ("celery", "beat"), ("serve", "public"), ("audit", "chain")])
def test_it_starts_again_what_was_killed(product: Product, filer: Filer, rt: StandInRT, who: tuple[str, str]) -> None:
    with filer.filing():
        filer.file(5, BOTH)
        assert product.kill(*who)
        filer.file(5, BOTH)

    assert_one_ticket_each(product, filer, rt)


@core
def test_it_starts_postgresql_again(product: Product, filer: Filer, rt: StandInRT) -> None:
    with filer.filing():
        filer.file(5, BOTH)
        postmaster = int((next(product.state.rglob("postmaster.pid"))).read_text().split("\n")[0])
        psutil.Process(postmaster).send_signal(signal.SIGQUIT)  # immediate: as after a crash
        filer.file(5, BOTH)

    assert_one_ticket_each(product, filer, rt)


@core
def test_it_starts_redis_again(product: Product, filer: Filer, rt: StandInRT) -> None:
    with filer.filing():
        filer.file(5, BOTH)
        assert product.kill("127.0.0.1:", "redis") or product.kill("redis-server")
        filer.file(5, BOTH)

    assert_one_ticket_each(product, filer, rt)


def test_it_takes_concerns_though_redis_says_nothing_from_the_start(tmp_path: Path, rt: StandInRT) -> None:
    to_rt(tmp_path / "config", rt.url, RT_TOKEN)
    with socket.create_server(("127.0.0.1", 0), backlog=1) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        with running(tmp_path, env={**FAST, "CONCERN_ROUTER_REDIS_URL": address}) as product:
            filer = Filer(product.url)
            filer.file(5)

            assert set(filer.answers) == {"201"}
            assert {row["state"] for row in product.deliveries()} <= {"due", "draft"}
