"""`make run` in a clean checkout: sets itself up, serves, and leaves nothing outside but package caches."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from router.embedded.account import free_port
from tests.running import CHECKOUT

WITHIN_S = 180


def a_clean_checkout(folder: Path) -> Path:
    """What a clone would hold: no environment, no state."""
    shutil.copytree(
        CHECKOUT,
        folder,
        ignore=lambda path, names: {
            name
            for name in names
            if name in {".venv", "var", ".git", "__pycache__", "tests"}
            or name.endswith((".egg-info", "_cache"))
            or (Path(path) == CHECKOUT and name in {"build", "dist", "secrets", "mutants", ".hypothesis"})
        },
    )
    return folder


@pytest.mark.timeout(WITHIN_S + 90)
def test_serves_from_a_clean_checkout_and_leaves_nothing_around_it(tmp_path: Path) -> None:
    checkout = a_clean_checkout(tmp_path / "checkout")
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    for folder in (home, temporary):
        folder.mkdir(mode=0o700)
    url = f"http://127.0.0.1:{free_port()}"
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("CONCERN_ROUTER_", "VIRTUAL_ENV"))},
        # Not the caller's: pip asks `rustc` for its version, and rustup's stand-in makes a folder for that.
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "CONCERN_ROUTER_BIND": url.removeprefix("http://"),
        "CONCERN_ROUTER_CONSOLE_BIND": f"127.0.0.1:{free_port()}",
        "CONCERN_ROUTER_METRICS_BIND": f"127.0.0.1:{free_port()}",
    }
    users = pwd.getpwall()
    modes = {folder: folder.stat().st_mode for folder in checkout.parents}
    python = f"PYTHON={sys.base_prefix}/bin/python3"
    with (tmp_path / "make.out").open("wb") as output:
        make = subprocess.Popen(
            ["make", "run", python], cwd=checkout, env=env, stdout=output, stderr=output, start_new_session=True
        )
    try:
        assert served(url, make), (tmp_path / "make.out").read_text()
    finally:
        # As Ctrl-C does: to all of the foreground.
        os.killpg(make.pid, signal.SIGINT)
        make.wait(60)

    assert list(temporary.iterdir()) == []
    assert {entry.name for entry in home.iterdir()} <= {".cache"}
    assert pwd.getpwall() == users
    assert {folder: folder.stat().st_mode for folder in checkout.parents} == modes


def served(url: str, make: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end and make.poll() is None:
        try:
            if httpx2.get(f"{url}/readyz", timeout=2).status_code == httpx2.codes.OK:
                return True
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    return False
