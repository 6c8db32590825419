"""`up` from nothing, again, and after every kind of end; it touches nothing outside its state directory."""

import os
import pwd
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import httpx2
import psutil
import psycopg
import pytest

from router.embedded.account import Account, blocked_at
from router.embedded.running import identity
from router.vocabulary import Login
from tests.running import CHECKOUT, Product, running

A_CONCERN = {"category": "fraud", "noticed_how": "colleague_witness"}
PARTS = {
    "public": ("--part public",),
    "console": ("--part console",),
    "worker": ("workers.app worker",),
    "beat": ("workers.app beat",),
    "chainer": ("audit chain",),
    "postgres": ("bin/postgres", "config_file"),
    "redis": ("redis-server",),
}


def a_root(folder: Path) -> Path:
    copytree(CHECKOUT / "config", folder / "config")
    return folder


def file_a_concern(product: Product) -> str:
    answer = httpx2.post(
        f"{product.url}/api/v1/concerns", json=A_CONCERN, headers={"Idempotency-Key": os.urandom(16).hex()}
    )
    assert answer.status_code == httpx2.codes.CREATED, answer.text
    return str(answer.json()["reference"])


def wait(done: Callable[[], object], *, within_s: float = 60) -> None:
    end = time.monotonic() + within_s
    while not done():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.1)


def leaders(product: Product) -> dict[str, int]:
    """The process that leads each part, by name; parts that do not run are missing."""
    found = {}
    for name, words in PARTS.items():
        for process in product.processes(*words):
            if os.getsid(process.pid) == process.pid:
                found[name] = process.pid
    return found


def surroundings(state: Path) -> dict[str, object]:
    """Everything that a start might disturb, so that it can be compared."""
    folders = {str(folder): folder.stat() for folder in state.parents}
    return {
        "folders": {path: (seen.st_mode, seen.st_uid, seen.st_gid) for path, seen in folders.items()},
        "users": pwd.getpwall(),
        "sockets": sorted(str(path) for path in Path("/tmp").glob(".s.PGSQL*")),  # noqa: S108 - looked at only
        "home": sorted(path.name for path in Path.home().iterdir()),
    }


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(a_root(tmp_path_factory.mktemp("up"))) as product:
        yield product


def test_first_start_disturbs_nothing_around_it(tmp_path: Path) -> None:
    root = a_root(tmp_path)
    temporary = tmp_path / "temporary"
    temporary.mkdir(mode=0o700)
    before = surroundings(root / "state")

    with running(root, env={"TMPDIR": str(temporary)}) as product:
        file_a_concern(product)
        assert surroundings(root / "state") == before
        assert list(temporary.iterdir()) == []

    assert surroundings(root / "state") == before
    assert list(temporary.iterdir()) == []


def test_every_file_with_a_secret_is_private(product: Product) -> None:
    for folder in ("logs", "secrets", "run", "metrics"):
        assert stat.S_IMODE((product.state / folder).stat().st_mode) == 0o700
        for file in (product.state / folder).iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE((product.state / "servers.json").stat().st_mode) == 0o600


def test_each_process_knows_its_own_login_only(product: Product) -> None:
    for name, pid in leaders(product).items():
        process = psutil.Process(pid)
        given = {key for key in process.environ() if key.startswith("CONCERN_ROUTER_DATABASE_URL")}
        expected = {
            "public": {"CONCERN_ROUTER_DATABASE_URL_INTAKE"},
            "console": {"CONCERN_ROUTER_DATABASE_URL_CONSOLE"},
            "worker": {"CONCERN_ROUTER_DATABASE_URL_WORKER"},
            "chainer": {"CONCERN_ROUTER_DATABASE_URL_CHAINER"},
        }
        assert given == expected.get(name, set())
        assert "postgresql://" not in " ".join(process.cmdline())
        assert "redis://" not in " ".join(process.cmdline())


def test_when_one_public_process_dies_the_other_goes_on(product: Product) -> None:
    first, second = product.processes("--part public")
    first.kill()
    first.wait(10)

    assert len({file_a_concern(product) for _ in range(20)}) == 20
    wait(lambda: len(product.processes("--part public")) == 2)
    assert second.is_running()


def test_no_process_dumps_core(product: Product) -> None:
    for name, pid in leaders(product).items():
        if name not in {"postgres", "redis"}:
            # By Linux' rule 1 keeps a dump from files and from programs, 0 from files only.
            assert psutil.Process(pid).rlimit(psutil.RLIMIT_CORE) == (1, 1), name


def test_doctor_finds_nothing_wrong(product: Product) -> None:
    findings = product.cli_json("doctor")

    assert [finding for finding in findings if not finding["ok"]] == []


def test_doctor_says_what_is_wrong_and_fails(product: Product) -> None:
    secret = product.state / "secrets/intake.key"
    secret.chmod(0o644)
    try:
        done = product.cli("doctor")
    finally:
        secret.chmod(0o600)

    assert done.returncode == 1
    assert f"chmod 600 {secret}" in done.stdout
    assert done.stderr.count("\n") == 1


def test_metrics_of_every_process_stand_on_their_own_address(product: Product) -> None:
    file_a_concern(product)

    wait(lambda: "\nconcerns_accepted_total 0.0" not in httpx2.get(f"{product.metrics_url}/metrics").text)

    assert "concerns_accepted_total" in httpx2.get(f"{product.metrics_url}/metrics").text
    for url in (product.url, product.console_url):
        assert httpx2.get(f"{url}/metrics").status_code == httpx2.codes.NOT_FOUND


def test_a_second_up_in_the_same_place_says_so_and_harms_nothing(product: Product) -> None:
    before = leaders(product)

    second = product.cli("up")

    assert second.returncode == 1
    assert "already_running" in second.stderr
    assert leaders(product) == before
    assert product.cli("cases", "list").returncode == 0


@pytest.mark.parametrize("name", PARTS)
def test_what_is_killed_runs_again(product: Product, name: str) -> None:
    first = leaders(product)[name]
    os.kill(first, signal.SIGKILL)

    wait(lambda: leaders(product).get(name, first) != first)

    product.wait_ready()
    file_a_concern(product)


def test_second_start_keeps_everything_and_shows_no_secret(tmp_path: Path) -> None:
    product = Product(a_root(tmp_path))
    product.start()
    try:
        reference = file_a_concern(product)
        passphrase = product.passphrase()
        product.stop()
        shown = len(product.output.read_text())

        product.start()

        assert passphrase in product.output.read_text()[:shown]
        assert "passphrase" not in product.output.read_text()[shown:]
        assert reference in product.cli("cases", "list").stdout
        kept = [file for file in (tmp_path / "state").rglob("*") if file.is_file() and os.access(file, os.R_OK)]
        assert not any(passphrase.encode() in file.read_bytes() for file in kept if file.suffix != ".db")
    finally:
        product.stop()


def test_stop_leaves_no_process_and_no_login_behind(tmp_path: Path) -> None:
    product = Product(a_root(tmp_path))
    product.start()
    try:
        assert product._up is not None
        family = psutil.Process(product._up.pid).children(recursive=True)

        product._up.send_signal(signal.SIGINT)

        assert product._up.wait(60) == 0
        assert [process for process in family if identity(process.pid) and process.is_running()] == []
        assert not (product.state / "servers.json").exists()
        assert list((product.state / "run").glob("*.json")) == []
        assert product.cli("cases", "list").returncode == 1
    finally:
        product._up = None


def test_up_recovers_after_it_was_killed(tmp_path: Path) -> None:
    product = Product(a_root(tmp_path))
    product.start()
    try:
        assert product._up is not None
        reference = file_a_concern(product)
        orphans = leaders(product)
        assert set(orphans) == set(PARTS)
        product._up.kill()
        product._up.wait()
        marks = {pid: identity(pid) for pid in orphans.values()}

        product.start()
        # The orphans served on the same addresses until the new `up` ended them.
        wait(lambda: set(leaders(product)) == set(PARTS))
        product.wait_ready()

        assert {name: pid for name, pid in orphans.items() if identity(pid) == marks[pid]} == {}
        assert reference in product.cli("cases", "list").stdout
    finally:
        product.stop()


def test_given_servers_are_used_and_none_is_started(product: Product, tmp_path: Path) -> None:
    # The first product's servers play those of an operator.
    from json import loads  # noqa: PLC0415

    given = loads((product.state / "servers.json").read_text())
    root = a_root(tmp_path)
    copytree(product.state / "secrets", root / "state/secrets")
    env = {f"CONCERN_ROUTER_{name.upper()}": str(url) for name, url in given.items()}

    with running(root, env=env) as second:
        assert {"postgres", "redis"} & set(leaders(second)) == set()
        assert not (second.state / "servers.json").exists()
        with psycopg.connect(given[f"database_url_{Login.CONSOLE}"]) as connection:
            row = connection.execute("select count(*) from people").fetchone()
        assert row == (1,)


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user runs all of this file as itself")
def test_serves_as_an_ordinary_user_too(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    closed = blocked_at(Account("nobody", nobody.pw_uid, nobody.pw_gid), Path(sys.executable).resolve())
    if closed:
        pytest.skip(f"an ordinary user may not run this Python: {closed}")
    product = Product(a_root(tmp_path))
    product.state.mkdir(mode=0o700)
    os.chown(product.state, nobody.pw_uid, nobody.pw_gid)
    with product.output.open("ab") as output:
        product._up = subprocess.Popen(
            [sys.executable, "-m", "router.cli", "up"],
            env=product.env,
            cwd=CHECKOUT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=(),
        )
    try:
        product.wait_ready()

        owners = {psutil.Process(pid).uids().real for pid in leaders(product).values()}

        assert owners == {nobody.pw_uid}
        file_a_concern(product)
    finally:
        product.stop()
