"""What must be true after any fault: all that was accepted is there once, or stands in front of a person, in order.

Asked again after each fault, over everything that was ever filed there.
"""

import time
from collections import Counter
from dataclasses import asdict, dataclass, field

from router import secretfiles
from router.audit.checkpointfile import CheckpointFile
from router.clock import now
from router.store.chain import verify_stored
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.faults.deployment import Deployment, wait_until
from tests.faults.farside import BOTH, RECORD, RECORDS, TICKET, TICKETS, FarSide, open_ones
from tests.faults.filer import Filer

SETTLED_S = 120.0
COPIED_S = 15.0
MENDED_S = 15.0
TOLD = {BOTH: {TICKETS, RECORDS}, TICKET: {TICKETS}, RECORD: {RECORDS}}
MENDED = "second_ticket_closed"

RECOVERED: dict[str, list[float]] = {}
"""Seconds to recovery by fault; printed at the end of a run."""


@dataclass
class Verdict:
    """What was found."""

    accepted: int = 0
    delivered: int = 0
    dead: int = 0
    mended: int = 0
    wrong: list[str] = field(default_factory=list)

    def assert_right(self) -> None:
        assert not self.wrong, asdict(self)


@dataclass
class Scene:
    """A deployment, who files there, and what is on the far side."""

    deployment: Deployment
    filer: Filer
    far: FarSide

    def recovered(self, fault: str, since: float, *, within_s: float = SETTLED_S, of: str = BOTH) -> Verdict:
        """Wait until all is well without a hand: nothing waits, and a new concern gets through. Note how long it took.

        `since` is when (monotonic) the fault struck, or was over if it lasted.
        """
        # First what was there: a new concern's doorbell would have the others sent as well.
        self.wait_settled(within_s)
        self.filer.file(1, of)
        self.wait_settled(within_s)
        took_s = time.monotonic() - since
        RECOVERED.setdefault(fault, []).append(took_s)
        verdict = self.judge()
        verdict.assert_right()
        return verdict

    def wait_settled(self, within_s: float = SETTLED_S) -> None:
        """Wait until no referral waits for anybody."""
        ends = time.monotonic() + within_s
        while not self.deployment.settled():
            assert time.monotonic() < ends, self._open()
            time.sleep(0.1)

    def judge(self) -> Verdict:
        """Compare what was accepted with what is in the database and over there."""
        verdict = Verdict(accepted=len(self.filer.accepted))
        known = {row["reference"] for row in self.deployment.rows("select reference from cases")}
        if known != set(self.filer.accepted):
            verdict.wrong.append(
                f"{len(known - set(self.filer.accepted))} cases nobody was told of, "
                f"{len(set(self.filer.accepted) - known)} accepted and not there"
            )
        self._judge_deliveries(verdict)
        self._judge_doubles(verdict)
        self._judge_order(verdict)
        self._judge_audit(verdict)
        return verdict

    def _judge_deliveries(self, verdict: Verdict) -> None:
        query = "select reference, channel, state from referrals where case_reference is not null and notice is null"
        rows = {(row["reference"], row["channel"]): row["state"] for row in self.deployment.rows(query)}
        tickets, records = self.far.tickets(), self.far.records()
        for reference, category in self.filer.accepted.items():
            for channel in TOLD[category]:
                there = bool(tickets.get(reference)) if channel == TICKETS else 1 in records.get(reference, [])
                state = rows.get((reference, channel))
                if state in {"sent", "acknowledged"} and there:
                    verdict.delivered += 1
                elif state == "dead":
                    verdict.dead += 1
                else:
                    verdict.wrong.append(f"{reference} at {channel}: {state}, {'there' if there else 'not there'}")

    def _judge_doubles(self, verdict: Verdict) -> None:
        # A second ticket is closed by a look, and nothing that is sent waits for that.
        ends = time.monotonic() + MENDED_S
        while (found := self._doubles())[1] and time.monotonic() < ends:
            time.sleep(0.1)
        verdict.mended += found[0]
        verdict.wrong += found[1]

    def _doubles(self) -> tuple[int, list[str]]:
        """Return how many second tickets were closed and reported, and what is wrong with the others."""
        query = "select object, count(*) as n from audit where action = %s group by 1"
        reported = {row["object"]: row["n"] for row in self.deployment.rows(query, MENDED)}
        mended, wrong = 0, []
        for reference, tickets in self.far.tickets().items():
            told, still_open = reported.get(reference, 0), open_ones(tickets)
            if len(tickets) > 1 and still_open == 1 and told:
                mended += len(tickets) - 1
            elif len(tickets) > 1:
                wrong.append(f"{reference}: {len(tickets)} tickets, {still_open} open, {told} told")
        return mended, wrong

    def _judge_order(self, verdict: Verdict) -> None:
        for reference, revisions in self.far.records().items():
            if revisions != sorted(set(revisions)):
                verdict.wrong.append(f"{reference}: revisions came as {revisions}")
        for reference, said in self.far.said().items():
            ours = [text for text in said if "notice" in text]
            if len(ours) != len(set(ours)) or ours != sorted(ours, key=lambda text: int(text.rpartition(" ")[2])):
                verdict.wrong.append(f"{reference}: said {ours}")

    def _judge_audit(self, verdict: Verdict) -> None:
        unlinked = "select 1 from audit where seq is null"
        wait_until(lambda: not self.deployment.rows(unlinked), within_s=30, what="all audit entries are linked")
        ends = time.monotonic() + COPIED_S
        # The newest checkpoints may be committed and not copied yet.
        while (codes := self._audit_findings()) and time.monotonic() < ends:
            time.sleep(0.2)
        if codes:
            verdict.wrong.append(f"audit: {dict(codes)}")

    def _audit_findings(self) -> Counter[str]:
        key = secretfiles.read_public_key(self.deployment.root / "secrets" / secretfiles.AUDIT_PUBLIC)
        outside = CheckpointFile.below(self.deployment.root / "state").read()
        engine = connect(self.deployment.database.dsn(Login.CONSOLE), process="test-auditor", pool_size=1)
        try:
            with transaction(engine) as connection:
                _, findings = verify_stored(connection, key, outside, copied_before=now())
        finally:
            engine.dispose()
        return Counter(finding.code for finding in findings)

    def _open(self) -> str:
        query = """
            select channel, state, outcome, attempts, count(*) as n, min(due_at - clock_timestamp())::text as due_in
            from referrals where state in ('due', 'leased') group by 1, 2, 3, 4 order by n desc limit 8"""
        return str(self.deployment.rows(query))
