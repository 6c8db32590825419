"""A real Request Tracker: an agent sets one field, and the ticket becomes a case; docs/helpdesk/rt.md as it stands."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.configs import shipped
from tests.peers.rtpeer import Peer
from tests.running import CHECKOUT, Product, running

pytestmark = pytest.mark.peers

DOCUMENT = (CHECKOUT / "docs/helpdesk/rt.md").read_text()
RECIPE = CHECKOUT / "config/recipes/sources/rt.yaml"
MARKED = "MARKED-93d1"  # of its own: what others file must stand nowhere in RT, and this stands there
WITHIN_S = 60


def code(language: str) -> list[str]:
    """Return the document's pieces of code."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)


@pytest.fixture(scope="module")
def product(rt: Peer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`up` with the document's channel and the recipe's source; RT with the document's scrip."""
    root = tmp_path_factory.mktemp("rt-source")
    config = shipped(root / "config")
    (config / "rt.token").write_text(rt.token)
    (config / "rt.token").chmod(0o600)
    channels = yaml.safe_load((config / "channels.yaml").read_text())
    (notes,) = [yaml.safe_load(piece) for piece in code("yaml")]
    channels |= notes
    channels["helpdesk-notes"] |= {
        "url": rt.url,
        "token": f"file:{config / 'rt.token'}",
        "taken_over_queue": "Withdrawn",
    }
    (config / "channels.yaml").write_text(yaml.safe_dump(channels, sort_keys=False))
    (config / "sources.yaml").write_text(f"{RECIPE.read_text()}  note_back: helpdesk-notes\n")
    with running(root, env={"CONCERN_ROUTER_LEASE_S": "12", "CONCERN_ROUTER_SWEEP_EVERY_S": "1"}) as product:
        token = root / "client.token"
        token.write_text(product.cli_json("clients", "add", "rt-helpdesk")["token"])
        install(rt, product.url, token, root)
        yield product


def install(rt: Peer, url: str, token: Path, folder: Path) -> None:
    """Put the document's scrip into RT, with the address and the file of this test."""
    condition, commit = code("perl")
    commit = commit.replace("https://concerns.example.org", url)
    commit = commit.replace("/etc/request-tracker5/concern-router.token", str(token))
    files = [folder / "condition.pl", folder / "commit.pl"]
    for file, text in zip(files, (condition, commit), strict=True):
        file.write_text(text)
    settings = {"RT_SITE_CONFIG": str(rt.home / "settings.pm"), "RT_SITE_CONFIG_DIR": str(rt.home / "settings.d")}
    script = Path(__file__).parent / "rt5_helpdesk.pl"
    subprocess.run(["perl", script, *files], env={**os.environ, **settings}, check=True, timeout=60)


def eventually(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def opened(rt: Peer) -> str:
    """Return the number of a ticket that somebody wrote to the helpdesk."""
    return rt.create({"Queue": "Helpdesk", "Subject": MARKED, "Content": MARKED}, by_staff=True)


def choose(rt: Peer, number: str, **fields: str) -> None:
    """Set custom fields, as an agent does."""
    headers = {"Authorization": f"token {rt.officer_token}"}
    answer = httpx2.put(
        f"{rt.url}/REST/2.0/ticket/{number}", json={"CustomFields": fields}, headers=headers, timeout=60
    )
    answer.raise_for_status()


def notes_back(product: Product) -> list[dict[str, Any]]:
    return [row for row in product.deliveries() if row["channel"] == "helpdesk-notes" and row["state"] == "sent"]


def test_an_agents_choice_makes_a_case_and_the_ticket_is_told_and_put_apart(rt: Peer, product: Product) -> None:
    number = opened(rt)
    before = sorted(path.stat().st_size for path in rt.mail.glob("*.mbox"))
    choose(rt, number, Concern="Abuse material", Asset="NB-0815")
    (told,) = eventually(lambda: [row for row in notes_back(product) if row["remote_id"] == number])

    how, said = rt.said(number)[-1]
    assert how == "Comment"
    assert told["reference"] in said
    assert rt.shown(number)["Queue"]["id"] == rt.queue_id("Withdrawn")
    assert rt.shown(number)["Status"] in {"new", "open"}
    assert [path for path in rt.mail.glob("*.mbox") if MARKED in path.read_text()[sum(before) :]] == []
    case = product.cli_json("cases", "show", told["reference"])
    assert "csam_suspected" in str(case)


def test_what_was_written_in_the_ticket_never_leaves_it(rt: Peer, product: Product) -> None:
    number = opened(rt)
    choose(rt, number, Concern="Fraud")
    eventually(lambda: [row for row in notes_back(product) if row["remote_id"] == number])

    texts = [path for path in product.state.rglob("*") if path.is_file() and MARKED.encode() in path.read_bytes()]
    assert not texts
    assert MARKED not in product.output.read_text()


def test_chosen_again_it_is_the_same_case(rt: Peer, product: Product) -> None:
    number = opened(rt)
    choose(rt, number, Concern="Fraud")
    eventually(lambda: [row for row in notes_back(product) if row["remote_id"] == number])
    choose_again(rt, number)

    assert len([row for row in notes_back(product) if row["remote_id"] == number]) == 1


def choose_again(rt: Peer, number: str) -> None:
    """Set the field away and back, with our own account: it alone sees the ticket now."""
    headers = {"Authorization": f"token {rt.token}"}
    for value in ("", "Fraud"):
        place = f"{rt.url}/REST/2.0/ticket/{number}"
        httpx2.put(place, json={"CustomFields": {"Concern": value}}, headers=headers, timeout=60).raise_for_status()
