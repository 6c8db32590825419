"""Two years of concerns for the clock test: a policy, what it must lead to by a plain reading of it, and who acts when.

The expectations are written down here a second time, by hand; nothing of the product's triage is used.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from tests.system.naive_clock import MINUTE, Office, three_months_after

START: Final = datetime(2026, 11, 1, tzinfo=UTC)
END: Final = datetime(2028, 11, 1, tzinfo=UTC)

POLICY = """\
policy: concern-router/1
taxonomy:
  fraud: {label: Fraud, floor: low}
  other: {label: Other, floor: low}
calendars:
  berlin:
    tz: Europe/Berlin
    days: [mon, tue, wed, thu, fri]
    hours: ["08:00-12:00", "13:00-17:00"]
    holidays: ["2026-12-24", "2026-12-25", "2027-01-01", "2027-03-26", "2027-03-29", "2027-05-06", "2027-12-24",
               "2028-02-28", "2028-04-14", "2028-04-17", "2028-10-03"]
  york: {tz: America/New_York, days: [mon, tue, wed, thu, fri, sat, sun], hours: ["01:00-05:00", "09:00-24:00"],
         holidays: ["2026-11-26", "2027-07-04", "2028-11-23"]}
sites:
  headquarters: {label: Headquarters, calendar: berlin}
  plant: {label: Plant, calendar: york}
teams:
  security: {label: Security, desks: security-desk}
  legal: {label: Legal, desks: legal-desk}
severity:
  - {id: life, when: {urgency: danger_to_life}, set: critical}
  - {id: now, when: {urgency: ongoing}, set: high}
  - {id: soon, when: {urgency: evidence_at_risk}, set: medium}
  - {id: otherwise, set: low}
deadlines:
  calendar: berlin
  critical: {claim: 1h, decide: 1d, escalate: duty}
  high: {claim: 4h, decide: 3d, clock: working, escalate: chain}
  medium: {claim: 1d, decide: 10d, clock: working, escalate: chain}
  low: {claim: 2d, decide: 30d}
reminders: {claim: 15m, decide: 4h, acknowledge: 2d, feedback: 14d}
escalations:
  duty: [{unclaimed: 30m, to: phone}, {unclaimed: 1h, to: [phone, security-desk]}, {undecided: 20h, to: legal-desk},
         {undelivered: 15m, to: phone}]
  chain: [{unclaimed: 3h, to: legal-desk}, {undecided: 2d, to: [legal-desk, phone]}, {undelivered: 1h, to: phone}]
routes:
  - {id: fraud, when: {category: fraud}, teams: [security, legal], to: [security-desk, legal-desk]}
  - {id: other, teams: security, to: security-desk}
fallback: [legal, security]
"""
CHANNELS = """\
security-desk: {kind: folder, scope: internal, carries: [severity, claim_by, link], readable_by: [security], path: a}
legal-desk: {kind: folder, scope: internal, carries: [severity, decide_by], readable_by: [legal], path: b}
phone: {kind: folder, scope: internal, carries: [severity], readable_by: [security, legal], path: c}
"""

BERLIN = Office(
    "Europe/Berlin",
    frozenset(range(5)),
    [(time(8), time(12)), (time(13), time(17))],
    frozenset(
        {date(2026, 12, 24), date(2026, 12, 25), date(2027, 1, 1), date(2027, 3, 26), date(2027, 3, 29)}
        | {date(2027, 5, 6), date(2027, 12, 24), date(2028, 2, 28), date(2028, 4, 14), date(2028, 4, 17)}
        | {date(2028, 10, 3)}
    ),
)
YORK = Office(
    "America/New_York",
    frozenset(range(7)),
    [(time(1), time(5)), (time(9), time())],
    frozenset({date(2026, 11, 26), date(2027, 7, 4), date(2028, 11, 23)}),
)
OFFICES = {"headquarters": BERLIN, "plant": YORK, None: BERLIN}
URGENCY = {"critical": "danger_to_life", "high": "ongoing", "medium": "evidence_at_risk", "low": None}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# Days on which clocks change or that come once in four years, and the eve of each.
ODD_DAYS = (
    *(date(2026, 11, 1), date(2027, 3, 13), date(2027, 3, 14), date(2027, 3, 27), date(2027, 3, 28)),
    *(date(2027, 10, 30), date(2027, 10, 31), date(2027, 11, 6), date(2027, 11, 7), date(2027, 11, 29)),
    *(date(2027, 11, 30), date(2028, 2, 27), date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 11)),
    *(date(2028, 3, 12), date(2028, 3, 25), date(2028, 3, 26), date(2028, 10, 28), date(2028, 10, 29)),
)


@dataclass
class Row:
    """Something that must be said to a channel at `due`, unless what is `awaited` was done."""

    due: datetime
    channel: str
    notice: str
    awaited: str
    became: str | None = None
    """None while it waits; `fired`, or why it was withdrawn."""

    @property
    def name(self) -> tuple[str, str, str]:
        return self.channel, self.notice, self.awaited


@dataclass
class Concern:
    """One concern, and by a plain reading of the policy what may be said of it later."""

    received: datetime
    severity: str
    category: str
    site: str | None
    person: bool
    delivered: bool = True
    reference: str = ""
    rows: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rows = sorted(self._expected(), key=lambda row: row.due)  # stable: as they are written below

    def _after(self, *, minutes: int = 0, days: int = 0) -> datetime:
        if self.severity in {"critical", "low"}:
            return self.received + minutes * MINUTE + days * DAY
        office = OFFICES[self.site]
        return office.minutes_after(self.received, minutes) if minutes else office.days_after(self.received, days)

    def _expected(self) -> Iterator[Row]:
        claim = {"critical": {"minutes": 60}, "high": {"minutes": 240}, "medium": {"days": 1}, "low": {"days": 2}}
        decide = {"critical": 1, "high": 3, "medium": 10, "low": 30}
        yield from self._deadline("claim", self._after(**claim[self.severity]), 15 * MINUTE)
        yield from self._deadline("decide", self._after(days=decide[self.severity]), 4 * HOUR)
        if self.person:
            yield from self._deadline("acknowledge", self.received + 7 * DAY, 2 * DAY)
            yield from self._deadline("feedback", three_months_after(self.received), 14 * DAY)
        if self.severity == "critical":
            yield Row(self.received + 30 * MINUTE, "phone", "escalation", "claim")
            yield Row(self.received + HOUR, "phone", "escalation", "claim")
            # The step an hour after receipt names the security desk too, which hears then that the deadline passed.
            yield Row(self.received + 20 * HOUR, "legal-desk", "escalation", "decide")
            yield Row(self.received + 15 * MINUTE, "phone", "escalation", "delivery")
        elif self.severity != "low":
            yield Row(self._after(minutes=180), "legal-desk", "escalation", "claim")
            yield Row(self._after(days=2), "legal-desk", "escalation", "decide")
            yield Row(self._after(days=2), "phone", "escalation", "decide")
            yield Row(self.received + HOUR, "phone", "escalation", "delivery")

    def _deadline(self, awaited: str, by: datetime, before: timedelta) -> Iterator[Row]:
        if by - before > self.received:
            yield Row(by - before, "security-desk", "reminder", awaited)
        yield Row(by, "security-desk", "overdue", awaited)

    def swept(self, now: datetime) -> list[Row]:
        """Let the time pass to `now`; return the rows that left their wait."""
        ripe = [row for row in self.rows if row.became is None and row.due <= now]
        for row in ripe:
            row.became = self._fate(row, now)
        return ripe

    def _fate(self, row: Row, now: datetime) -> str:
        if row.awaited == "delivery" and self.delivered:
            return "not_needed"
        later = self.rows[self.rows.index(row) + 1 :]
        same = [other for other in later if (other.channel, other.awaited) == (row.channel, row.awaited)]
        return "overtaken" if any(other.due <= now for other in same) else "fired"

    def stop(self, outcome: str, *awaited: str) -> None:
        """Withdraw what waits for one of `awaited`."""
        for row in self.rows:
            if row.became is None and row.awaited in awaited:
                row.became = outcome

    def restart(self, outcome: str) -> None:
        """Let wait again what was withdrawn with `outcome`."""
        for row in self.rows:
            if row.became == outcome:
                row.became = None


def concerns(draw: random.Random, count: int) -> list[Concern]:
    """Return `count` concerns of two years, every third on an odd day; received on the minute."""
    made = []
    for number in range(count):
        received = START + draw.randrange(int((END - START) / MINUTE)) * MINUTE
        if number % 3 == 0:
            odd = datetime.combine(ODD_DAYS[number // 3 % len(ODD_DAYS)], time(), UTC)
            received = odd + draw.randrange(24 * 60) * MINUTE
        made.append(
            Concern(
                received=received,
                severity=draw.choice(["critical", "high", "high", "medium", "medium", "low"]),
                category=draw.choice(["fraud", "other"]),
                site=draw.choice(["headquarters", "plant", "plant", None]),
                person=draw.random() < 0.6,
            )
        )
    return made
