"""Promise 7: a policy that cannot be applied still reaches the fallback team, and the operator hears of it.

So does a case whose channel is down or refuses it: another one gets it, and a person is told by a third.
"""

from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any

import httpx2
import orjson
import psycopg
import pytest
import yaml
from httpx2 import codes
from starlette.testclient import TestClient

from router.catalogue import parse_catalogue
from router.intake.pager import Pager
from router.model import PlannedReferral, Referral
from router.store.engine import transaction
from router.store.posting import Post, post
from router.store.standby import flip_standby
from router.triage import decide
from router.triage.policy import parse_policy
from router.vocabulary import Awaited, Login, Notice, ReferralState
from tests.configs import to_sink
from tests.conftest import Database
from tests.makers import POLICY as MADE_BY
from tests.makers import login
from tests.policies import POLICY
from tests.publicpart import logged, public, settings, start
from tests.running import Product, running
from tests.servers import SINK_SECRET, Answer, Sink
from tests.workers.processes import wait_until
from tests.workers.rooms import a_room

__all__ = ["logged", "public", "settings", "start"]  # fixtures


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("MARKED-7f3a")


def states(database: Database) -> Counter[str]:
    with psycopg.connect(database.owner_dsn) as connection:
        return Counter(state for (state,) in connection.execute("select state from referrals"))


def test_a_broken_decision_is_accepted_told_to_the_fallback_and_logged(
    public: TestClient, database: Database, logged: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched, because a policy that loaded has no known way to fail."""
    monkeypatch.setattr(decide, "choose", broken)

    answer = public.post("/api/v1/concerns", json={"category": "fraud", "noticed_how": "told_by_someone"})

    assert answer.status_code == codes.CREATED
    assert states(database)["due"] == 1
    line = next(line for line in logged.getvalue().splitlines() if "policy_failed" in line)
    assert answer.json()["reference"] in line
    assert "MARKED-7f3a" not in logged.getvalue()


DOWN = Answer(503)
OFTEN = {"CONCERN_ROUTER_SWEEP_EVERY_S": "1"}
HURRIED = {"late_after": "1s", "instead_after": "2s"}


def said(sink: Sink, channel: str) -> list[dict[str, Any]]:
    """Return what the channel's receiver took, in order."""
    return [orjson.loads(got.body) for got in sink.taken.values() if got.path == f"/{channel}"]


def types(sink: Sink, channel: str) -> list[str]:
    return [body["type"] for body in said(sink, channel)]


def a_hurried_root(root: Path, desk: Sink, others: Sink) -> Path:
    """Return a folder with the shipped configuration in which the security desk has its own receiver, and no time."""
    config = to_sink(root / "config", others.url)
    shipped = yaml.safe_load((config / "channels.yaml").read_text())
    shipped["security-desk"] |= {"url": f"{desk.url}/security-desk", "page": "duty-phone", "instead": "security-lead"}
    shipped["legal-desk"] |= {"page": "duty-phone", "instead": "ombuds-desk"}
    for name in ("security-desk", "legal-desk"):
        shipped[name] |= HURRIED
    (config / "channels.yaml").write_text(yaml.safe_dump(shipped, sort_keys=False))
    return root


def shown(product: Product, channel: str) -> dict[str, float]:
    """Return what the gauges show of the channel."""
    lines = httpx2.get(f"{product.metrics_url}/metrics").text.splitlines()
    mine = [line for line in lines if f'{{channel="{channel}"}}' in line and line.startswith("channel_")]
    return {line.partition("{")[0].removeprefix("channel_"): float(line.rpartition(" ")[2]) for line in mine}


def tried_again(product: Product, desk: Sink) -> bool:
    """Say whether the desk took something, now that nothing has to wait for its next try."""
    product.let_wait_be_over()
    return desk.wait_until(lambda: bool(desk.taken), timeout_s=2)


@pytest.mark.timeout(400)
def test_while_a_desk_is_down_another_gets_the_case_and_a_person_is_told_and_nothing_comes_twice(
    tmp_path: Path,
) -> None:
    """Real processes; the stand-ins refuse repeats, so what they count is what came."""
    with Sink() as desk, Sink() as others, running(a_hurried_root(tmp_path, desk, others), env=OFTEN) as product:
        desk.answer_always(DOWN)
        filed = httpx2.post(
            f"{product.url}/api/v1/concerns", json={"category": "csam_suspected", "noticed_how": "helpdesk_repair"}
        )
        reference = filed.json()["reference"]
        told = others.wait_until(
            lambda: bool(types(others, "duty-phone") and types(others, "security-lead")), timeout_s=90
        )
        assert wait_until(lambda: shown(product, "security-desk").get("breaker", 0) > 0)
        while_down = shown(product, "security-desk")
        desk.answer_always(None)
        back = wait_until(lambda: tried_again(product, desk), 180)
        assert wait_until(lambda: shown(product, "security-desk") == dict.fromkeys(while_down, 0.0))
        ready = httpx2.get(f"{product.url}/readyz").json()

    assert (told, back) == (True, True)
    # Beside it the phone hears within a minute that the case's draft for the police waits.
    (page,) = [one for one in said(others, "duty-phone") if one["type"] != "referral.draft_waits"]
    assert (page["type"], page["data"]["about"]) == ("referral.delivery_late", "security-desk")
    assert set(page["data"]) == {"reference", "revision", "notice", "about"}
    (instead,) = said(others, "security-lead")
    assert (instead["type"], instead["data"]["reference"]) == ("referral.instead", reference)
    assert instead["data"]["category"] == "csam_suspected"
    (first,) = said(desk, "security-desk")
    assert (first["type"], first["data"]["reference"]) == ("referral.created", reference)
    assert types(others, "legal-desk") == ["referral.created"]
    assert types(others, "ombuds-desk") == []
    assert (desk.repeats, others.repeats) == ([], [])
    assert while_down["due"] == 1
    assert while_down["oldest_due_seconds"] > 1
    assert ready == {"status": "ready", "codes": []}


@pytest.mark.parametrize("poison", [True, False], ids=["cannot be made", "is refused"])
def test_what_can_never_be_delivered_is_told_to_a_person_at_once(
    database: Database, tmp_path: Path, *, poison: bool
) -> None:
    secret = tmp_path / "sink.secret"
    secret.write_text(SINK_SECRET)
    common = f"secret: 'file:{secret}', scope: internal, kind: webhook, carries: [category]"
    with Sink() as desk, Sink() as others, a_room(database, tmp_path) as room:
        ways = f"""
legal-desk: {{{common}, url: '{desk.url}', readable_by: [legal], page: phone, instead: security-desk}}
phone: {{{common}, url: '{others.url}/phone', readable_by: [security]}}
security-desk: {{{common}, url: '{others.url}/security-desk', readable_by: [security]}}
ombuds-desk: {{{common}, url: '{others.url}/ombuds-desk', readable_by: [ombuds]}}
police: {{kind: folder, scope: external, carries: [], path: d}}
"""
        desk.answer_always(Answer(400))
        (case,) = room.post(channels=("legal-desk",))
        fields = Referral(reference=case.reference, notice=Notice.INSTEAD, awaited=Awaited.DELIVERY, category="other")
        stand_in = PlannedReferral(
            channel="security-desk",
            kind="webhook",
            state=ReferralState.STANDBY,
            fields=fields,
            due_at=case.received_at.replace(year=case.received_at.year + 1),
            awaited=Awaited.DELIVERY,
            instead_of="legal-desk",
        )
        with transaction(room.owner) as connection:
            post(connection, [Post(case.reference, MADE_BY, stand_in)])
        if poison:
            room.run("update referrals set fields = fields || '{\"category\": 7}' where channel = 'legal-desk'")
        deliverer = room.deliverer(parse_catalogue(ways))
        with login(database, Login.INTAKE) as intake:
            pager = Pager(intake, lambda: parse_policy(POLICY, ways), ring=lambda _: None)
            deliverer.deliver("legal-desk")
            with transaction(room.engine) as connection:
                flip_standby(connection)
            pager.look()
            for channel in ("phone", "security-desk", "ombuds-desk"):
                deliverer.deliver(channel)

    assert len(desk.everything) == (0 if poison else 1)
    assert types(others, "security-desk") == ["referral.instead"]
    assert types(others, "phone") == ["referral.undeliverable"]
    assert types(others, "ombuds-desk") == []
