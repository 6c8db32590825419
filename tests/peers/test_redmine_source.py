"""A real Redmine: staff mark an issue, `sources poll` files its facts over HTTP, and the issue is told and moved."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import yaml

from tests.configs import shipped
from tests.peers.redminepeer import Peer
from tests.running import CHECKOUT, Product, running

pytestmark = pytest.mark.peers

RECIPE = CHECKOUT / "config/recipes/sources/redmine.yaml"
HELPDESK, APART = "elsewhere", "facilities"
MARKED = "MARKED-51ce"  # of its own: what others file must stand nowhere in Redmine, and this stands there
WITHIN_S = 60


@pytest.fixture(scope="module")
def product(redmine: Peer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`up` with the recipe, the peer's numbers in place of yours, and a channel for the way back."""
    root = tmp_path_factory.mktemp("redmine-source")
    config = shipped(root / "config")
    channels = yaml.safe_load((config / "channels.yaml").read_text())
    channels["redmine-notes"] = {
        "kind": "redmine",
        "scope": "internal",
        "carries": ["source_ticket"],
        "readable_by": ["it_helpdesk"],
        "url": redmine.url,
        "key": "env:REDMINE_HELPDESK_KEY",
        "project": HELPDESK,
        "taken_over_project": APART,
        "tracker": redmine.tracker,
        "custom_fields": {"reference": redmine.fields["reference"]},
    }
    (config / "channels.yaml").write_text(yaml.safe_dump(channels, sort_keys=False))
    numbers = {"7": redmine.fields["category"], "8": redmine.fields["link"], "9": redmine.fields["claim_by"]}
    text = RECIPE.read_text().replace("https://redmine.example.org", redmine.url)
    for yours, theirs in numbers.items():
        text = text.replace(f"/custom_fields/{yours}/", f"/custom_fields/{theirs}/").replace(
            f"cf_{yours}=", f"cf_{theirs}="
        )
    (config / "sources.yaml").write_text(f"{text}  note_back: redmine-notes\n")
    env = {"CONCERN_ROUTER_LEASE_S": "12", "CONCERN_ROUTER_SWEEP_EVERY_S": "1", "REDMINE_HELPDESK_KEY": redmine.key}
    with running(root, env=env) as product:
        product.env["REDMINE_HELPDESK_TOKEN"] = product.cli_json("clients", "add", "redmine-helpdesk")["token"]
        yield product


def opened(redmine: Peer, **marks: str) -> str:
    """Return the number of an issue that staff opened at the helpdesk, with these custom fields."""
    fields = [{"id": redmine.fields[name], "value": value} for name, value in marks.items()]
    issue = {
        "project_id": HELPDESK,
        "tracker_id": redmine.tracker,
        "subject": MARKED,
        "description": MARKED,
        "custom_fields": fields,
    }
    headers = {"X-Redmine-API-Key": redmine.told["REDMINE_OFFICER_KEY"]}
    made = httpx2.post(f"{redmine.url}/issues.json", json={"issue": issue}, headers=headers, timeout=60)
    return str(made.raise_for_status().json()["issue"]["id"])


def eventually(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN_S
    while not (found := true()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def poll(product: Product) -> Any:
    return product.cli_json("sources", "poll", "redmine-helpdesk")


def test_a_marked_issue_is_a_case_once_and_is_told_privately_and_moved(redmine: Peer, product: Product) -> None:
    before = poll(product)  # other tests leave issues there that are refused each time
    plain = opened(redmine)
    number = opened(redmine, category="Abuse material", link="NB-0815", claim_by="1")
    first, again = poll(product), poll(product)
    (told,) = eventually(lambda: [row for row in product.deliveries() if row["remote_id"] == number])

    assert (first["filed"], first["refused"]) == (1, before["refused"])
    assert (again["filed"], again["known"]) == (0, before["known"] + 1)
    assert [private for private, text in redmine.said(number) if told["reference"] in text] == [True]
    assert redmine.shown(number)["project"]["id"] == redmine.project_number(APART)
    assert redmine.shown(number)["description"] == MARKED
    assert redmine.said(plain) == []


def test_what_was_written_in_the_issue_never_leaves_it(product: Product) -> None:
    texts = [path for path in product.state.rglob("*") if path.is_file() and MARKED.encode() in path.read_bytes()]

    assert not texts
    assert MARKED not in product.output.read_text()


def test_an_issue_whose_choice_has_no_word_of_ours_is_told_by_its_pointer(redmine: Peer, product: Product) -> None:
    opened(redmine, category=MARKED, claim_by="1")

    assert poll(product)["refused"] == [f"/custom_fields/{redmine.fields['category']}/value unknown_value"]
