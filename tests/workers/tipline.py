"""A worker that files at a stand-in of CyberTipline, for tests: its channel, its referrals, and what became of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import yaml
from sqlalchemy import text

from router import clock
from router.catalogue import Catalogue, Channel, parse_catalogue
from router.keyrecords import Sealed
from router.model import NewCase, Referral
from router.store.engine import transaction
from router.vault.suite import new_pair
from router.vault.unseal import unseal_kept
from tests.standins.cybertip import PASSWORD, TEST_PASSWORD, TEST_USER, USER, CybertipStandIn
from tests.workers.rooms import PACE, Fixed, Room
from workers.deliver import Deliverer
from workers.sweep import sweep

CHANNEL: Final = "tipline"
PRIVATE, PUBLIC = new_pair()
"""Of every case."""
CARRIES: Final = ["category", "received_at", "where_found", "asset_tag", "noticed_at"]


def channels(there: CybertipStandIn, folder: Path, *, production: bool = False, **more: Any) -> str:
    """Return a channels.yaml with the one channel; its account's name and password stand in files of `folder`."""
    given = (USER, PASSWORD) if production else (TEST_USER, TEST_PASSWORD)
    for name, value in zip(("tipline.user", "tipline.password"), given, strict=True):
        (folder / name).write_text(value)
    told = {
        "kind": "cybertipline",
        "scope": "external",
        "readable_by": ["security"],
        "carries": CARRIES,
        "url": there.real if production else there.test,
        "test_url": there.test,
        "networks": ["127.0.0.1"],
        "user": f"file:{folder / 'tipline.user'}",
        "password": f"file:{folder / 'tipline.password'}",
        "reporter": {"email": "safeguarding@example.org"},
        "esp_service": "Example workplace devices",
    }
    if production:
        told |= {"environment": "production", "signed_off": "2026-11-01"}
    return yaml.safe_dump({CHANNEL: told | more})


@dataclass
class Tipline:
    """The worker, the ledger, and the other side."""

    room: Room
    there: CybertipStandIn
    channel: Channel
    worker: Deliverer

    def post(self, count: int = 1) -> list[NewCase]:
        """Have as many reports due."""
        cases = self.room.post(count, channels=(CHANNEL,))
        fields = {"category": "csam_suspected", "where_found": "removable_usb", "asset_tag": "LAP-7"}
        self.room.run(
            "update referrals set kind = 'cybertipline', state = 'draft', fields = fields || cast(:fields as jsonb)",
            fields=orjson.dumps(fields | {"received_at": clock.now()}).decode(),
        )
        self.room.run("update cases set suite = :suite, public = :public", suite=PUBLIC.suite, public=PUBLIC.raw)
        self.approve()
        return cases

    def approve(self) -> None:
        """Have all drafts approved by two people, as the console would."""
        run = self.room.run
        for handle in ("tom", "una"):
            run("insert into people (handle) values (:handle) on conflict do nothing", handle=handle)
        for row in self.room.rows("id, fields", "state = 'draft'"):
            payload = self.channel.render(Referral.model_validate(row.fields), key=row.id)
            more = {"id": row.id, "digest": self.channel.leaving(payload, key=row.id)}
            run(
                "insert into drafts (referral, drafted_by, digest, needed, expires_at, ended_at, ended)"
                " values (:id, 'policy', :digest, 2, now() + interval '9 days', now(), 'approved')",
                **more,
            )
            for handle in ("tom", "una"):
                columns = "referral, digest, handle, verdict, reason"
                run(f"insert into approvals ({columns}) values (:id, :digest, :h, 'approved', 'r')", h=handle, **more)  # noqa: S608 - ours
            run("update referrals set state = 'due' where id = :id", id=row.id)

    def take_turn(self) -> None:
        """Let the worker do what it would now, whatever waits for its time or for the channel."""
        self.room.let_it_be_tried()
        self.room.run("update referrals set due_at = clock_timestamp() where state = 'due'")
        self.worker.deliver(CHANNEL)

    def rung(self) -> bool:
        """Sweep, and say whether the channel has something to do."""
        return CHANNEL in sweep(self.room.engine, lease_s=PACE.lease_s)

    def referral(self) -> tuple[str, str | None, str | None]:
        """Return the one referral's state, outcome and number there."""
        [row] = self.room.rows("state, outcome, remote_id")
        return row.state, row.outcome, row.remote_id

    def outcome(self) -> str:
        """Return what the last attempt came to."""
        query = "(select outcome from attempts a where a.referral = referrals.id order by a.id desc limit 1)"
        [row] = self.room.rows(query)
        return str(row[0])

    def filings(self) -> list[tuple[str, str | None]]:
        """Return the reports' states and numbers, the oldest first."""
        known = "from filings f where f.referral = referrals.id"
        rows = self.room.rows(f"(select array_agg(array[f.state, f.report_id] order by f.id) {known})")
        found = [tuple(one) for [all_of_it] in rows for one in all_of_it or []]
        return [(str(state), number) for state, number in found]

    def another(self) -> Deliverer:
        """Return another worker."""
        return a_deliverer(self.room, Catalogue({CHANNEL: self.channel}))

    def kept(self) -> list[bytes]:
        """Return what is kept of the case, opened with its key."""
        with transaction(self.room.owner) as connection:
            rows = connection.execute(text("select reference, referral, part, suite, blob from preserved order by id"))
            return [
                unseal_kept(row.reference, row.referral, row.part, Sealed(row.suite, row.blob), PRIVATE) for row in rows
            ]

    def audited(self) -> list[str]:
        """Return what the audit says of reports."""
        query = "(select array_agg(action || ' ' || detail order by id) from audit where action like 'filing%')"
        return [str(one) for [said] in self.room.rows(query)[:1] for one in said or []]


def a_deliverer(room: Room, catalogue: Catalogue, *, production: bool = False) -> Deliverer:
    """Return a worker's deliverer."""
    return Deliverer(
        room.engine, Fixed(catalogue), PACE, state_dir=room.folder, stopping=lambda: False, production=production
    )


@contextmanager
def a_tipline(room: Room, *, production: bool = False, switched_on: bool = True, **more: Any) -> Iterator[Tipline]:
    """Yield it all, with the test system unless `production`; `more` is what channels.yaml says."""
    with CybertipStandIn() as there:
        catalogue = parse_catalogue(channels(there, room.folder, production=production, **more))
        yield Tipline(
            room,
            there,
            catalogue.channels[CHANNEL],
            a_deliverer(room, catalogue, production=switched_on and production),
        )
