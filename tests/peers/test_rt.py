"""A real Request Tracker 5: a concern filed over HTTP is a ticket there, once, with facts and without content."""

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
import yaml

from router import clock
from router.channels import rt as channel
from router.errors import TryLater
from router.model import LeasedReferral, Proof, Referral
from router.vocabulary import Awaited, Notice, Severity
from tests.configs import shipped
from tests.marked import Search
from tests.proxy import Proxy
from tests.running import Product, running
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rt import NOTHING_THERE, RtSender

pytestmark = pytest.mark.peers

SCRIPT = Path(__file__).parent / "rt5.sh"
NAMES = {
    "reference": "Reference id",
    "category": "Category",
    "severity": "Severity",
    "claim_by": "Claim by",
    "link": "Link",
}
NARRATIVE, CONTACT = "MARKED-7f3a-narrative", "MARKED-7f3a-contact"
CREATE = b"POST /REST/2.0/ticket "


@dataclass(frozen=True)
class Peer:
    """The running RT, seen with the router's own account."""

    url: str
    token: str
    home: Path
    mail: Path

    def tickets(self, reference: str) -> list[dict[str, str]]:
        """Return the custom fields of every ticket with this reference, with Subject and id."""
        query = f"'CF.{{Reference id}}' = '{reference}'"
        found = self._get("tickets", query=query)["items"]
        return [self._plain(self._get(f"ticket/{item['id']}")) for item in found]

    def create(self, ticket: Mapping[str, Any]) -> None:
        httpx2.post(f"{self.url}/REST/2.0/ticket", json=ticket, headers=self._headers).raise_for_status()

    def move(self, number: str, queue: str) -> None:
        """Put a ticket into another queue, as a member of staff does."""
        place = f"{self.url}/REST/2.0/ticket/{number}"
        httpx2.put(place, json={"Queue": queue}, headers=self._headers).raise_for_status()
        assert self._get(f"ticket/{number}")["Queue"]["id"] == str(self._get(f"queue/{queue}")["id"])

    def said(self, number: str) -> list[tuple[str, str]]:
        """Return what was said in a ticket, as how and what: `Create` and `Comment` stay among staff."""
        items = self._get(f"ticket/{number}/history", fields="Type", per_page="100")["items"]
        spoken = {item["id"]: item["Type"] for item in items if item["Type"] in {"Create", "Comment", "Correspond"}}
        texts = self._get(f"ticket/{number}/attachments", fields="Content,TransactionId", per_page="100")["items"]
        return [(spoken[text["TransactionId"]], text["Content"]) for text in texts if text["TransactionId"] in spoken]

    def shown(self, number: str) -> dict[str, Any]:
        """Return a ticket as RT shows it."""
        return dict(self._get(f"ticket/{number}"))

    def queue_id(self, name: str) -> str:
        return str(self._get(f"queue/{name}")["id"])

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"}

    def _get(self, path: str, **parameters: str) -> Any:
        answer = httpx2.get(f"{self.url}/REST/2.0/{path}", params=parameters, headers=self._headers)
        return answer.raise_for_status().json()

    def _plain(self, ticket: Mapping[str, Any]) -> dict[str, str]:
        fields = {field["name"]: field["values"][0] for field in ticket["CustomFields"] if field["values"]}
        return {**fields, "id": str(ticket["id"]), "Subject": ticket["Subject"]}


class Cutter:
    """Stands in front of RT: counts tickets created, and when armed kills the worker before it can know."""

    def __init__(self) -> None:
        self.created = 0
        self._victim: Product | None = None

    def arm(self, product: Product) -> None:
        self._victim = product

    @property
    def armed(self) -> bool:
        return self._victim is not None

    def __call__(self, request: bytes, answer: bytes) -> bool:
        if not request.startswith(CREATE) or b" 201 " not in answer.split(b"\r\n", 1)[0]:
            return True
        self.created += 1
        victim, self._victim = self._victim, None
        if victim is None:
            return True
        assert victim.kill("celery", "worker") >= 2
        return False


@pytest.fixture(scope="module")
def rt() -> Iterator[Peer]:
    started = subprocess.run([SCRIPT, "start"], stdout=subprocess.PIPE, text=True, check=True, timeout=280)
    told = dict(line.split("=", 1) for line in started.stdout.splitlines())
    yield Peer(told["RT_URL"], told["RT_TOKEN"], Path(told["RT_DATABASE"]).parent, Path(told["RT_MAIL_DIR"]))
    subprocess.run([SCRIPT, "stop"], check=True, timeout=60)


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


def delivery(product: Product, reference: str, channel: str) -> dict[str, Any]:
    """Wait until nothing is open any more and return where this referral stands."""
    ledger = product.wait_delivered(1)
    told = [line for line in ledger if (line["reference"], line["channel"]) == (reference, channel)]
    return next(line for line in told if line["state"] != "standby")


@pytest.fixture
def say(rt: Peer, monkeypatch: pytest.MonkeyPatch) -> Callable[[Referral], Proof]:
    """Send what is given to the queue Safeguarding, as a worker would; withdrawn tickets go to Withdrawn."""
    monkeypatch.setenv("RT_TOKEN", rt.token)
    given = {"url": rt.url, "token": "env:RT_TOKEN", "queue": "Safeguarding", "custom_fields": NAMES}
    settings = channel.Settings.model_validate({**given, "recall_queue": "Withdrawn"})
    sender = RtSender(settings, SURROUNDINGS)

    def send(referral: Referral) -> Proof:
        payload = channel.render(settings, referral, key="k")
        return sender.send(LeasedReferral("k", "desk", referral, 1, 1, clock.now()), payload, deadline_s=20)

    return send


def test_a_reminder_is_one_internal_comment_though_it_is_repeated(rt: Peer, say: Callable[[Referral], Proof]) -> None:
    case = Referral(reference=clock.new_reference(), category="fraud", severity=Severity.HIGH)
    reminder = Referral(reference=case.reference, revision=2, notice=Notice.REMINDER, awaited=Awaited.CLAIM)
    first = say(case)
    proofs = [say(reminder), say(reminder)]
    (ticket,) = rt.tickets(case.reference)

    assert proofs == [Proof(first.remote_id), Proof(first.remote_id, repeated=True)]
    assert rt.said(ticket["id"])[1:] == [("Comment", f"Reminder: a person should have taken {case.reference}.\n")]


def test_a_withdrawn_ticket_is_told_emptied_closed_and_put_apart(rt: Peer, say: Callable[[Referral], Proof]) -> None:
    case = Referral(reference=clock.new_reference(), category="fraud", severity=Severity.HIGH)
    recall = Referral(reference=case.reference, revision=2, notice=Notice.RECALLED)
    first = say(case)
    proofs = [say(recall), say(recall)]
    (ticket,) = rt.tickets(case.reference)
    shown = rt.shown(ticket["id"])

    assert proofs == [Proof(first.remote_id), Proof(first.remote_id, repeated=True)]
    assert {name for name in ticket if name not in {"id", "Subject"}} == {"Reference id"}
    assert shown["Status"] == "rejected"
    assert shown["Queue"]["id"] == rt.queue_id("Withdrawn")
    assert [how for how, _ in rt.said(ticket["id"])] == ["Create", "Comment"]
    assert shown["Requestor"] == shown["Cc"] == []


def test_a_withdrawal_without_a_ticket_makes_none(rt: Peer, say: Callable[[Referral], Proof]) -> None:
    reference = clock.new_reference()

    with pytest.raises(TryLater, match=NOTHING_THERE):
        say(Referral(reference=reference, revision=2, notice=Notice.RECALLED))
    assert rt.tickets(reference) == []


def test_a_drill_is_a_ticket_that_says_so(rt: Peer, say: Callable[[Referral], Proof]) -> None:
    reference = clock.new_reference("DRILL")
    say(Referral(reference=reference, notice=Notice.DRILL))
    (ticket,) = rt.tickets(reference)

    assert ticket["Subject"] == f"{reference} drill, not a case"
    assert rt.said(ticket["id"])[0][1].startswith("This is a drill, not a case")


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


def test_a_field_that_rt_drops_is_not_counted_as_sent_and_said(rt: Peer, product: Product) -> None:
    reference = file(product, "harassment")
    dead = delivery(product, reference, "hr-desk")

    assert dead["state"] == "dead"
    assert dead["outcome"] == "field_dropped"
    assert all("Severity" not in ticket for ticket in rt.tickets(reference))


def test_one_ticket_when_the_worker_is_killed_between_answer_and_settle(
    rt: Peer, product: Product, cutter: Cutter
) -> None:
    before = cutter.created
    cutter.arm(product)
    reference = file(product, "security_incident")
    sent = delivery(product, reference, "security-desk")

    assert not cutter.armed, "the worker was killed with the ticket created"
    assert cutter.created == before + 1
    assert len(rt.tickets(reference)) == 1
    assert sent["state"] == "sent"
    assert sent["attempts"] == 2


def test_one_ticket_though_staff_moved_it_to_another_queue_meanwhile(
    rt: Peer, product: Product, cutter: Cutter
) -> None:
    before = cutter.created
    cutter.arm(product)
    reference = file(product, "security_incident")
    end = time.monotonic() + 60
    while cutter.armed:
        assert time.monotonic() < end, "no ticket was made"
        time.sleep(0.1)
    (made,) = rt.tickets(reference)
    rt.move(made["id"], "Facilities")
    sent = delivery(product, reference, "security-desk")

    assert cutter.created == before + 1
    assert (sent["state"], sent["remote_id"], sent["attempts"]) == ("sent", made["id"], 2)
