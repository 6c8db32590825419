"""What the deployment delivers to: a stand-in for RT, which keeps no key of ours, and a sink that does.

A second create in the stand-in would be a second ticket, as in RT itself.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.servers import RT_TOKEN, SINK_SECRET, Sink, StandInRT

TICKETS, RECORDS = "tickets", "records"
"""The channels: one in RT, one a webhook to the sink."""
BOTH, TICKET, RECORD = "security_incident", "fraud", "other"
"""Categories: told to both channels, to RT alone, to the sink alone."""

POLICY = """\
policy: concern-router/1
taxonomy:
  security_incident: {label: Incident, floor: low}
  fraud: {label: Fraud, floor: low}
  other: {label: Other, floor: low}
teams:
  security: {label: Security, desks: tickets}
  legal: {label: Legal, desks: records}
severity:
  - {id: otherwise, set: high}
deadlines:
  critical: {claim: 30d, decide: 60d}
  high: {claim: 30d, decide: 60d, escalate: late}
  medium: {claim: 30d, decide: 60d}
  low: {claim: 30d, decide: 60d}
reminders: {claim: 1d}
escalations:
  late: [{unclaimed: 20d, to: [tickets, records]}]
routes:
  - {id: both, when: {category: security_incident}, teams: [security, legal], to: [tickets, records]}
  - {id: ticket, when: {category: fraud}, teams: security, to: tickets}
  - {id: record, when: {category: other}, teams: legal, to: records}
fallback: [legal, security]
"""


@dataclass
class FarSide:
    """Both systems, and what they hold."""

    rt: StandInRT
    sink: Sink
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Keys added to the channels' entries."""

    def configure(self, folder: Path, **urls: str) -> None:
        """Write policy and channels; `urls` leads a channel elsewhere, through what stands in between."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, secret in {"rt.token": RT_TOKEN, "sink.secret": SINK_SECRET}.items():
            (folder / name).write_text(secret)
            (folder / name).chmod(0o600)
        channels: dict[str, dict[str, Any]] = {
            TICKETS: {
                "scope": "internal",
                "carries": ["category", "severity", "claim_by"],
                "kind": "rt",
                "readable_by": ["security"],
                "url": urls.get(TICKETS, self.rt.url),
                "token": f"file:{folder / 'rt.token'}",
                "queue": "Safeguarding",
                "custom_fields": {"reference": "Reference id", "category": "Category", "severity": "Severity"},
            },
            RECORDS: {
                "scope": "internal",
                "carries": ["category", "severity", "claim_by"],
                "kind": "webhook",
                "readable_by": ["legal"],
                "url": f"{urls.get(RECORDS, self.sink.url)}/records",
                "secret": f"file:{folder / 'sink.secret'}",
            },
        }
        for name, keys in self.more.items():
            channels[name].update(keys)
        (folder / "channels.yaml").write_text(yaml.safe_dump(channels, sort_keys=False))
        (folder / "policy.yaml").write_text(POLICY)

    def tickets(self) -> dict[str, list[dict[str, Any]]]:
        """Return RT's tickets by our reference."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        with self.rt.changed:
            for ticket in self.rt.tickets:
                found[self.rt.values(ticket)["Reference id"]].append(dict(ticket))
        return found

    def records(self) -> dict[str, list[int]]:
        """Return the revisions that the sink took of each reference, in the order in which they took effect."""
        found: dict[str, list[int]] = defaultdict(list)
        with self.sink.changed:
            taken = [request.json["data"] for request in self.sink.taken.values()]
        for said in taken:
            found[said["reference"]].append(said.get("revision", 1))
        return found

    def said(self) -> dict[str, list[str]]:
        """Return by reference the subjects of what was said in its ticket, in order."""
        with self.rt.changed:
            of = {str(ticket["id"]): self.rt.values(ticket)["Reference id"] for ticket in self.rt.tickets}
            spoken = [(of[said["ObjectId"]], said["Subject"]) for said in self.rt.spoken if said["Type"] == "Comment"]
        found: dict[str, list[str]] = defaultdict(list)
        for reference, subject in spoken:
            found[reference].append(subject)
        return found


@contextmanager
def a_far_side(**more: dict[str, Any]) -> Iterator[FarSide]:
    """Yield both systems, listening."""
    with StandInRT() as rt, Sink() as sink:
        yield FarSide(rt, sink, more)


def open_ones(tickets: Sequence[dict[str, Any]]) -> int:
    """Return how many of the tickets somebody would still work on."""
    return sum(ticket["Status"] not in {"resolved", "rejected", "deleted"} for ticket in tickets)
