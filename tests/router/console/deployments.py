"""A small deployment for tests of what staff do: a policy in force, real keys, cases as the intake makes them.

`ana` is a member of every team, `sven` of security alone, `lena` of legal alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, Table, insert, select, text

from router import clock
from router.console.opening import open_case
from router.keymaking import FirstKeys, add_person, first_keys
from router.keyrecords import ReceiptKey
from router.model import Content, Facts, Flooded, NewCase
from router.reporter.following.letters import Letters
from router.store import byreceipt, cases, policies
from router.store.byreceipt import Written
from router.store.engine import connect, transaction
from router.store.keys import active_recipients
from router.store.stafftables import people_roles
from router.store.tables import member_keys, people, recipient_keys, team_key_wraps
from router.triage.decide import decide
from router.triage.parking import parked
from router.triage.policy import parse_policy
from router.vault.receipt import receipt_holder
from router.vault.seal import seal_case
from router.vocabulary import Login, ReporterKind
from tests.conftest import Database
from tests.makers import login

CONSOLE = "http://127.0.0.1:8001"
TEAMS = ("security", "legal", "ombuds")
SECRET = bytes(range(32))
"""What receipts are derived with."""
WRITTEN = Content("MARKED-7f3a narrative", "MARKED-7f3a contact")
POLICY = """\
policy: concern-router/1
taxonomy:
  fraud: {label: Fraud, floor: high}
  other: {label: Other, floor: low}
  grave: {label: Grave, floor: critical}
teams:
  security: {label: Security, involved_as: security_team, backup: legal, desks: security-desk}
  legal: {label: Legal, involved_as: legal, desks: legal-desk}
  ombuds: {label: Ombudsperson, desks: ombuds-desk}
severity:
  - {id: otherwise, set: low}
deadlines:
  critical: {claim: 30m, decide: 1d, escalate: grave}
  high: {claim: 4h, decide: 3d, escalate: duty}
  medium: {claim: 2d, decide: 10d}
  low: {claim: 5d, decide: 30d}
reminders: {claim: 1h, feedback: 14d}
escalations:
  duty: [{unclaimed: 5h, to: ombuds-desk}, {undelivered: 15m, to: ombuds-desk}]
  grave: [{undelivered: 15m, to: ombuds-desk}, {undelivered: 20m, to: security-desk}]
routes:
  - {id: fraud, when: {category: fraud}, teams: [security, legal], to: [security-desk, legal-desk]}
  - {id: grave, when: {category: grave}, teams: security, to: security-desk, hold: police}
  - {id: rest, teams: security, to: security-desk}
fallback: [legal, ombuds]
"""
CHANNELS = """\
security-desk:
  {kind: folder, scope: internal, carries: [category, severity, claim_by], readable_by: [security], path: a}
legal-desk: {kind: folder, scope: internal, carries: [category, claim_by, link], readable_by: [legal], path: b}
ombuds-desk: {kind: folder, scope: internal, carries: [severity], readable_by: [ombuds], path: c}
police: {kind: folder, scope: external, carries: [category], readable_by: [security], path: d}
"""

_made: list[tuple[FirstKeys, dict[str, str], dict[Table, list[dict[str, Any]]]]] = []


@dataclass
class Deployment:
    """One database with keys and a policy, and what staff know."""

    intake: Engine
    console: Engine
    owner: Engine
    passphrases: dict[str, str]
    recovery_identity: str
    channels: str
    rung: list[str] = field(default_factory=list)
    """Channels that were rung for what reporters wrote."""

    def file(
        self,
        category: str = "other",
        *,
        ago: timedelta = timedelta(0),
        receipt: ReceiptKey | None = None,
        written: Content = WRITTEN,
        flood: str | None = None,
        **facts: Any,
    ) -> NewCase:
        """Record a case that came in `ago`, as a person's report, and in a flood if one is named."""
        policy = parse_policy(POLICY, self.channels)
        known = Facts.model_validate({"category": category, "noticed_how": "told_by_someone", **facts})
        reference, received_at = clock.new_reference(), clock.now() - ago
        decision = decide(
            policy, known, reference=reference, received_at=received_at, statutory=True, console_url=CONSOLE
        )
        flooded = None
        if flood is not None:
            decision, waits_until = parked(decision, received_at=received_at)
            flooded = Flooded(flood, waits_until)
        with transaction(self.intake) as connection:
            keys = active_recipients(connection)
            sealed = seal_case(reference, written, [keys[owner] for owner in (*decision.teams, "recovery")])
            case = NewCase(reference, received_at, None, known, decision, sealed, receipt, None, flooded=flooded)
            cases.record(connection, [case])
        return case

    def write(self, receipt: str, words: str, kind: ReporterKind = ReporterKind.ADDITION, key: str = "") -> Written:
        """Write to the team as the holder of `receipt`."""
        holder = receipt_holder(receipt, SECRET)
        with transaction(self.intake) as connection:
            case = byreceipt.find(connection, holder.lookup)
        assert case
        policy = parse_policy(POLICY, self.channels)
        letters = Letters(self.intake, lambda: policy, ring=self.rung.extend)
        return letters.keep(holder, case, kind=kind, words=words, key=key)

    def open(self, reference: str, handle: str) -> Content:
        given = self.passphrases[handle]
        return open_case(self.console, reference=reference, handle=handle, passphrase=given, reason="a test")

    def run(self, statement: str, **values: Any) -> None:
        with transaction(self.owner) as connection:
            connection.execute(text(statement), values)

    def rows(self, query: str, **values: Any) -> list[Any]:
        with transaction(self.owner) as connection:
            return [tuple(row) for row in connection.execute(text(query), values)]

    def sent(self, reference: str, channel: str, state: str = "sent") -> None:
        """Let the channel's referrals that are due be as if a worker had handled them."""
        self.run(
            "update referrals set state = :state, attempts = 1, settled_at = now(), outcome = :state"
            " where reference = :reference and channel = :channel and state = 'due'",
            reference=reference,
            channel=channel,
            state=state,
        )


def _keys(console: Engine, owner: Engine) -> tuple[FirstKeys, dict[str, str]]:
    """Make the keys once, and copy their rows later: a passphrase costs 0.3 s and 128 MiB."""
    tables = (people, people_roles, recipient_keys, member_keys, team_key_wraps)
    if not _made:
        first = first_keys(console, TEAMS, "ana")
        assert first is not None
        given = {"ana": first.passphrase}
        for handle, team in {"sven": "security", "lena": "legal"}.items():
            given[handle] = add_person(console, handle=handle, teams=[team], by="ana", passphrase=first.passphrase)
        with transaction(owner) as connection:
            rows = {t: [dict(row) for row in connection.execute(select(t)).mappings()] for t in tables}
        _made.append((first, given, rows))
        return first, given
    first, given, rows = _made[0]
    with transaction(owner) as connection:
        for table in tables:
            connection.execute(insert(table), rows[table])
    return first, given


@contextmanager
def a_deployment(database: Database, channels: str = CHANNELS) -> Iterator[Deployment]:
    """Yield a deployment on a fresh database."""
    policy = parse_policy(POLICY, channels)
    owner = connect(database.owner_dsn, process="test-owner")
    with ExitStack() as opened:
        opened.callback(owner.dispose)
        intake = opened.enter_context(login(database, Login.INTAKE))
        console = opened.enter_context(login(database, Login.CONSOLE))
        first, given = _keys(console, owner)
        with transaction(intake) as connection:
            policies.keep(connection, policy.digest, POLICY, channels)
            policies.activate(connection, policy.digest)
        yield Deployment(intake, console, owner, given, first.recovery_identity, channels)
