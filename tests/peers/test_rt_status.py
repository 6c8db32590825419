"""A real Request Tracker: staff close and open tickets, and it comes back by the document's scrip, or by asking."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.configs import to_rt
from tests.peers.rtpeer import Peer
from tests.running import CHECKOUT, Product, running

pytestmark = pytest.mark.peers

DOCUMENT = (CHECKOUT / "docs/helpdesk/status.md").read_text()
WITHIN_S = 60.0
"""The first look that comes by itself is after two minutes."""


@pytest.fixture(scope="module", params=["by hook", "by asking"])
def product(request: pytest.FixtureRequest, rt: Peer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`up` with the security desk in RT: told by the document's scrip and never asking, or asking and never told."""
    root = tmp_path_factory.mktemp("rt-status")
    secret = root / "hook.secret"
    secret.write_text("hook-secret-of-a-test\n")
    secret.chmod(0o600)
    hooked = request.param == "by hook"
    way = {"poll_every": "never", "hook_secret": f"file:{secret}"} if hooked else {"poll_every": "2s"}
    config = to_rt(root / "config", rt.url, rt.token, closed_here="close", **way)
    assert config.is_dir()
    with running(root, env={"CONCERN_ROUTER_LEASE_S": "30", "CONCERN_ROUTER_SWEEP_EVERY_S": "1"}) as product:
        if hooked:
            install(rt, product.url, secret, root)
        yield product


def install(rt: Peer, url: str, secret: Path, folder: Path) -> None:
    """Put the document's scrip into RT, with the address and the file of this test."""
    condition, commit = re.findall(r"```perl\n(.*?)```", DOCUMENT, re.DOTALL)
    commit = commit.replace("https://concerns.example.org", url).replace("hooks/NAME", "hooks/security-desk")
    commit = commit.replace("/etc/request-tracker5/hook.secret", str(secret))
    files = [folder / "condition.pl", folder / "commit.pl"]
    for file, text in zip(files, (condition, commit), strict=True):
        file.write_text(text)
    settings = {"RT_SITE_CONFIG": str(rt.home / "settings.pm"), "RT_SITE_CONFIG_DIR": str(rt.home / "settings.d")}
    script = Path(__file__).parent / "rt5_scrip.pl"
    words = ["perl", str(script), "Safeguarding", "Concern router, status", *map(str, files)]
    subprocess.run(words, env={**os.environ, **settings}, check=True, timeout=60)


def eventually(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def filed(product: Product) -> dict[str, Any]:
    """File a concern, and return its referral to RT once that is there."""
    body = {"category": "csam_suspected", "noticed_how": "helpdesk_repair"}
    answer = httpx2.post(f"{product.url}/api/v1/concerns", json=body, timeout=30).raise_for_status()
    reference = answer.json()["reference"]
    row: dict[str, Any] = eventually(lambda: at_rt(product, reference, state={"sent", "acknowledged"}))
    return row


def at_rt(product: Product, reference: str, **wanted: set[Any]) -> dict[str, Any] | None:
    """Return the case's first referral to RT, if its columns are among those wanted."""
    rows = product.cli_json("deliveries", "show", reference, "--channel", "security-desk")
    row: dict[str, Any] = next(row for row in rows if row["revision"] == 1)
    return row if all(row[name] in values for name, values in wanted.items()) else None


def test_closed_and_opened_again_by_staff_shows_in_the_ledger(rt: Peer, product: Product) -> None:
    row = filed(product)
    reference, number = row["reference"], row["remote_id"]
    rt.put(number, "resolved")
    closed = eventually(lambda: at_rt(product, reference, ticket={"resolved"}))
    rt.put(number, "open")
    opened = eventually(lambda: at_rt(product, reference, ticket={"reopened"}))

    assert (closed["state"], closed["disagreement"]) == ("acknowledged", "closed_there")
    assert (opened["state"], opened["disagreement"]) == ("acknowledged", None)


def test_a_case_closed_here_closes_its_ticket_there_and_that_is_no_news(rt: Peer, product: Product) -> None:
    row = filed(product)
    reference, number = row["reference"], row["remote_id"]
    (person,) = product.cli_json("people", "list")
    done = product.cli("cases", "close", reference, "--outcome", "acted", "--as", person["handle"])
    assert done.returncode == 0, done.stderr
    closed = eventually(lambda: at_rt(product, reference, ticket={"resolved"}))
    said = [text for how, text in rt.said(number) if how == "Comment"]

    assert rt.shown(number)["Status"] in {"resolved", "rejected"}
    assert [reference in text for text in said] == [True]
    assert (closed["disagreement"], closed["state"]) == (None, "sent")
