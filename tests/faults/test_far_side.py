"""A ticket system that misbehaves: nothing is lost or doubled, other channels go on, and it is used again by itself."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.embedded.redis import EmbeddedRedis
from tests.certificates import Authority
from tests.conftest import Database
from tests.faults.deployment import Deployment, deployed, wait_until
from tests.faults.farside import BOTH, RECORDS, TICKET, TICKETS, FarSide
from tests.faults.filer import Filer
from tests.faults.front import Front, Odd, Speak
from tests.faults.verdict import Scene
from tests.oddservers import say

pytestmark = pytest.mark.faults
core = pytest.mark.core

CREATE, LOOK_UP = b"POST /REST/2.0/ticket ", b"GET /REST/2.0/tickets?"
ENDED = threading.Event()


@pytest.fixture(scope="module")
def names(root: Path) -> Path:
    """What the machine's resolver says, one address after the other: see `pointed`."""
    file = root / "names.json"
    file.write_text(json.dumps({"localhost": ["127.0.0.2"]}))
    return file


@pytest.fixture(scope="module")
def front(far: FarSide) -> Iterator[Front]:
    """RT, on another address than 127.0.0.1."""
    with Front(int(far.rt.url.rpartition(":")[2]), host="127.0.0.2") as made:
        yield made


@pytest.fixture(scope="module")
def authority(root: Path) -> Authority:
    return Authority(root / "authority")


@pytest.fixture(scope="module")
def tls_front(far: FarSide, authority: Authority) -> Iterator[Front]:
    """The sink, over TLS."""
    good = authority.vouch("127.0.0.1", called="good").server()
    with Front(int(far.sink.url.rpartition(":")[2]), tls=good) as made:
        yield made


@pytest.fixture(scope="module")
def shared_scene(  # noqa: PLR0917 - pytest's way of saying what it stands on
    root: Path,
    shared_database: Database,
    own_redis: EmbeddedRedis,
    far: FarSide,
    front: Front,
    tls_front: Front,
    authority: Authority,
    names: Path,
) -> Iterator[Scene]:
    far.more[RECORDS] = {"ca": str(authority.file)}
    far.configure(
        root / "config", tickets=f"http://localhost:{front.port}", records=f"https://127.0.0.1:{tls_front.port}"
    )
    with deployed(Deployment(root, shared_database, own_redis.url, names=names)) as deployment:
        yield Scene(deployment, Filer(deployment.url), far)


@pytest.fixture(autouse=True)
def well_again(front: Front) -> Iterator[None]:
    yield
    front.behave()


def trickle(line: socket.socket) -> None:
    """Say a byte a second."""
    line.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 1000\r\n\r\n")
    while not ENDED.wait(1):
        line.sendall(b"{")


def a_gigabyte(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n")
    for _ in range(16384):
        line.sendall(b"x" * 65536)


def hang(line: socket.socket) -> None:
    """Say nothing until the other side goes."""
    line.recv(1)


def status(line: str, body: str = "", *headers: str) -> Speak:
    head = "".join(f"{header}\r\n" for header in headers)
    return say(f"HTTP/1.1 {line}\r\n{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}".encode())


HEADERS_ONLY = say(b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n")
HTML = status("200 OK", "<html><body>Please sign in</body></html>", "Content-Type: text/html")
NONSENSE = status("201 Created", '{"id": "MARKED-7f3a"}', "Content-Type: application/json")

MISBEHAVES = (
    pytest.param(Odd(hang), id="hangs"),
    pytest.param(Odd(hang, CREATE, effect=True), id="hangs_after_creating", marks=core),
    pytest.param(Odd(trickle), id="trickles"),
    pytest.param(Odd(HEADERS_ONLY, CREATE, effect=True), id="closes_after_headers_having_created", marks=core),
    pytest.param(Odd(HTML), id="200_with_html"),
    pytest.param(Odd(HTML, CREATE), id="200_with_html_to_the_create"),
    pytest.param(Odd(NONSENSE, CREATE), id="201_with_nonsense"),
    pytest.param(Odd(NONSENSE, CREATE, effect=True), id="201_with_nonsense_having_created"),
    pytest.param(Odd(status("429 Slow Down")), id="429"),
    pytest.param(Odd(status("429 Slow Down", "", "Retry-After: 3")), id="429_retry_after_seconds", marks=core),
    pytest.param(Odd(status("429 Slow Down", "", "Retry-After: MARKED-7f3a")), id="429_retry_after_nonsense"),
    pytest.param(Odd(status("500 Oops"), CREATE, effect=True), id="500_having_created", marks=core),
    pytest.param(Odd(status("503 Down", "", "Retry-After: -1")), id="503"),
    pytest.param(Odd(status("401 No", '{"message":"Unauthorized"}')), id="401"),
    pytest.param(Odd(a_gigabyte, LOOK_UP), id="a_gigabyte"),
    pytest.param(Odd(a_gigabyte, CREATE, effect=True), id="a_gigabyte_having_created"),
)


@pytest.mark.parametrize("odd", MISBEHAVES)
def test_ticket_system_misbehaves(scene: Scene, front: Front, odd: Odd, request: pytest.FixtureRequest) -> None:
    met = front.met
    front.odd = odd
    references = scene.filer.file(6, BOTH)
    wait_until(lambda: front.met >= met + 2, what="it was met twice")
    wait_until(lambda: all(scene.far.records()[each] for each in references), what="the other channel has them all")
    front.behave()
    over = time.monotonic()

    verdict = scene.recovered(f"ticket system {request.node.callspec.id}", over)
    assert verdict.dead == 0


def test_it_redirects_to_another_host_and_nobody_goes_there(scene: Scene, front: Front) -> None:
    with Front(0) as elsewhere:
        met = front.met
        front.odd = Odd(status("307 Over There", "", f"Location: http://127.0.0.1:{elsewhere.port}/"))
        scene.filer.file(3, BOTH)
        wait_until(lambda: front.met > met, what="it redirected")
        front.behave()
        over = time.monotonic()

        verdict = scene.recovered("ticket system redirects", over)
        assert verdict.dead == 0
        assert elsewhere.asked == []


def test_an_absurd_retry_after_parks_the_channel_for_an_hour_and_not_for_a_year(scene: Scene, front: Front) -> None:
    deployment = scene.deployment
    front.odd = Odd(status("429 Slow Down", "", "Retry-After: 31536000"))
    scene.filer.file(3, BOTH)
    held = "select extract(epoch from until - clock_timestamp()) as s from channel_states where channel = %s"
    wait_until(lambda: any(row["s"] for row in deployment.rows(held, TICKETS)), what="the channel is held")
    [row] = deployment.rows(held, TICKETS)
    front.behave()
    assert 0 < row["s"] <= 3600
    deployment.let_wait_be_over()
    over = time.monotonic()

    scene.recovered("ticket system 429 for a year, after the hour", over)


@core
def test_its_certificate_runs_out_and_is_renewed(scene: Scene, tls_front: Front, authority: Authority) -> None:
    good = tls_front.tls
    scene.wait_settled()
    tls_front.tls = authority.vouch("127.0.0.1", days=-1, called="expired").server()
    tls_front.behave()
    asked = len(tls_front.asked)
    references = scene.filer.file(4, BOTH)
    wait_until(lambda: bool(_code(scene, RECORDS)), what="the channel is held")
    assert _code(scene, RECORDS) == "tls_failed"
    wait_until(lambda: all(scene.far.tickets()[each] for each in references), what="the other channel has them all")
    assert len(tls_front.asked) == asked, "not a byte was sent to it"
    tls_front.tls = good
    over = time.monotonic()

    scene.recovered("certificate ran out and was renewed", over)


@core
def test_its_name_leads_elsewhere_between_the_check_and_the_connection(scene: Scene, front: Front, names: Path) -> None:
    """0.0.0.0 is refused, and would lead to 127.0.0.1, where a stranger listens at the same port."""
    with Front(0, port=front.port) as stranger:
        names.write_text(json.dumps({"localhost": ["127.0.0.2", "0.0.0.0"]}))  # noqa: S104 - a name's answer
        front.behave()
        scene.filer.file(10, TICKET)
        wait_until(lambda: bool(_code(scene, TICKETS)), what="the name's other answer was refused")
        assert _code(scene, TICKETS) == "refused_address"
        names.write_text(json.dumps({"localhost": ["127.0.0.2"]}))
        over = time.monotonic()

        scene.recovered("name leads elsewhere at times", over)
        assert stranger.asked == []


def _code(scene: Scene, channel: str) -> str:
    """Return why the channel is held, if it is."""
    rows = scene.deployment.rows("select code from channel_states where channel = %s and breaker <> 'closed'", channel)
    return str(rows[0]["code"] or "") if rows else ""
