"""A real Request Tracker 5: a concern filed over HTTP is a ticket there, once, with facts and without content."""

import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml

from tests.configs import shipped
from tests.marked import Search
from tests.peers.rtpeer import NAMES, Peer
from tests.proxy import Proxy
from tests.running import Product, running

pytestmark = pytest.mark.peers

NARRATIVE, CONTACT = "MARKED-7f3a-narrative", "MARKED-7f3a-contact"
CREATE, LOOK_UP = b"POST /REST/2.0/ticket ", b"GET /REST/2.0/tickets?query=CF."


class Cutter:
    """Stands in front of RT: counts tickets created, and when armed kills the worker before it knows the answer."""

    def __init__(self) -> None:
        self.created = 0
        self._victim: Product | None = None
        self._at = CREATE

    def arm(self, product: Product, at: bytes = CREATE) -> None:
        self._at, self._victim = at, product

    @property
    def armed(self) -> bool:
        return self._victim is not None

    def __call__(self, request: bytes, answer: bytes) -> bool:
        self.created += request.startswith(CREATE) and b" 201 " in answer.split(b"\r\n", 1)[0]
        if self._victim is None or not request.startswith(self._at):
            return True
        victim, self._victim = self._victim, None
        assert victim.kill("celery", "worker") >= 2
        return False


@pytest.fixture(scope="module")
def cutter() -> Cutter:
    return Cutter()


@pytest.fixture(scope="module")
def product(rt: Peer, cutter: Cutter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`up` with two desks in RT: security's in a queue with all fields, HR's in one that lacks Severity."""
    root = tmp_path_factory.mktemp("rt")
    for folder in (root, root.parent):  # the unprivileged database server has to pass
        folder.chmod(0o711)
    at = urlsplit(rt.url)
    with Proxy(str(at.hostname), int(at.port or 0), on_answer=cutter) as proxy:
        config = shipped(root / "config")
        token = config / "rt.token"
        token.write_text(rt.token)
        token.chmod(0o600)
        channels = yaml.safe_load((config / "channels.yaml").read_text())
        for desk, queue in {"security-desk": "Safeguarding", "hr-desk": "Facilities"}.items():
            channels[desk] = {
                **{key: channels[desk][key] for key in ("scope", "readable_by")},
                "kind": "rt",
                "carries": ["category", "severity", "claim_by", "link"],
                "url": proxy.url,
                "token": f"file:{token}",
                "queue": queue,
                "custom_fields": dict(NAMES),
            }
        (config / "channels.yaml").write_text(yaml.safe_dump(channels, sort_keys=False))
        with running(root, env={"CONCERN_ROUTER_LEASE_S": "12", "CONCERN_ROUTER_SWEEP_EVERY_S": "1"}) as product:
            yield product


def file(product: Product, category: str, *, key: str = "") -> str:
    concern = {"category": category, "noticed_how": "helpdesk_repair", "narrative": NARRATIVE, "contact": CONTACT}
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    answer = httpx2.post(f"{product.url}/api/v1/concerns", json=concern, headers=headers, timeout=10)
    assert answer.status_code == httpx2.codes.CREATED
    return str(answer.json()["reference"])


def delivery(product: Product, reference: str, channel: str, *, state: str = "sent") -> dict[str, Any]:
    """Wait until this referral is in the state, and return where it stands."""
    end = time.monotonic() + 120
    while True:
        told = [line for line in product.deliveries() if (line["reference"], line["channel"]) == (reference, channel)]
        found = next((line for line in told if line["state"] == state), None)
        if found:
            return dict(found)
        assert time.monotonic() < end, [(line["state"], line["outcome"]) for line in told]
        time.sleep(0.5)


def test_a_concern_is_a_ticket_with_reference_category_severity_deadline_and_link(rt: Peer, product: Product) -> None:
    reference = file(product, "security_incident")
    sent = delivery(product, reference, "security-desk")

    (ticket,) = rt.tickets(reference)
    assert sent["state"] == "sent"
    assert sent["remote_id"] == ticket["id"]
    assert ticket["Category"] == "security_incident"
    assert ticket["Severity"] in {"low", "medium", "high", "critical"}
    assert ticket["Claim by"].endswith("Z")
    assert ticket["Link"] == f"{product.console_url}/console/cases/{reference}"


def test_the_same_key_again_makes_no_second_ticket(rt: Peer, product: Product) -> None:
    key = str(uuid.uuid4())
    references = {file(product, "security_incident", key=key) for _ in range(3)}
    (reference,) = references
    delivery(product, reference, "security-desk")

    assert len(rt.tickets(reference)) == 1


def test_neither_mail_nor_files_of_rt_hold_content(rt: Peer, product: Product) -> None:
    reference = file(product, "security_incident")
    delivery(product, reference, "security-desk")
    rt.create({"Queue": "Safeguarding", "Subject": "CONTROL-7f3a", "Content": "CONTROL-7f3a"})

    assert list(Search([reference]).in_folder(rt.mail)), "RT mailed about the ticket"
    assert list(Search(["CONTROL-7f3a"]).in_folder(rt.mail)), "a text in a ticket would show in the mail"
    assert list(Search(["CONTROL-7f3a"]).in_folder(rt.home, but=frozenset({"token"}))), "and in the database"
    assert list(Search([NARRATIVE, CONTACT]).in_folder(rt.home)) == []


def test_a_desk_whose_field_rt_lacks_does_not_start_and_says_which(product: Product) -> None:
    done = product.cli("channels", "check", "hr-desk", "security-desk")

    assert done.returncode == 1
    assert done.stdout == (
        "security-desk  ok\n"
        "hr-desk  Request Tracker has no custom field 'Severity' for queue 'Facilities' [field_missing]: "
        "add it there as 'Enter one value', or let the account see it (SeeCustomField)\n"
    )


@pytest.mark.parametrize("at", [LOOK_UP, CREATE])
def test_one_ticket_when_the_worker_is_killed_between_look_up_and_settle(
    rt: Peer, product: Product, cutter: Cutter, at: bytes
) -> None:
    before = cutter.created
    cutter.arm(product, at)
    reference = file(product, "security_incident")
    sent = delivery(product, reference, "security-desk")

    assert not cutter.armed, "the worker was killed"
    assert cutter.created == before + 1
    assert len(rt.tickets(reference)) == 1
    assert sent["state"] == "sent"
    assert sent["attempts"] == 2


def made_while_killed(rt: Peer, cutter: Cutter, reference: str) -> list[dict[str, str]]:
    """Wait until the worker was killed, and return the case's tickets as they are then."""
    end = time.monotonic() + 60
    while cutter.armed:
        assert time.monotonic() < end, "no ticket was made"
        time.sleep(0.1)
    return rt.tickets(reference)


def test_one_ticket_though_staff_moved_it_to_another_queue_meanwhile(
    rt: Peer, product: Product, cutter: Cutter
) -> None:
    before = cutter.created
    cutter.arm(product)
    reference = file(product, "security_incident")
    (made,) = made_while_killed(rt, cutter, reference)
    rt.move(made["id"], "Facilities")
    sent = delivery(product, reference, "security-desk")

    assert cutter.created == before + 1
    assert (sent["state"], sent["remote_id"], sent["attempts"]) == ("sent", made["id"], 2)


def test_a_second_ticket_is_closed_and_reported_and_the_one_that_somebody_took_is_acknowledged(
    rt: Peer, product: Product, cutter: Cutter
) -> None:
    cutter.arm(product)
    reference = file(product, "security_incident")
    (made,) = made_while_killed(rt, cutter, reference)
    second = rt.again(reference)
    rt.take(made["id"])
    told = delivery(product, reference, "security-desk", state="acknowledged")

    assert (told["remote_id"], told["outcome"]) == (made["id"], "second_closed")
    assert rt.shown(second)["Status"] == "rejected"
    assert rt.shown(made["id"])["Status"] == "new"
