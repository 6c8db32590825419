"""Policies that load and that nobody would write: everybody reads everything, backups in rings, routes in routes.

Made from a seed, as two files; every word that the language knows may stand in them somewhere.
"""

import random
from collections.abc import Sequence
from typing import Any

import yaml

from router.triage.file import LinkField, ReportedBy
from router.triage.policy import Policy, parse_policy
from router.vocabulary import EvidenceState, Involved, NoticedHow, Severity, Urgency, VerdictSource, WhereFound

CATEGORIES = ("fraud", "harassment", "other")
SITES = ("plant", "office")
FIELDS = (
    *("category", "severity", "noticed_how", "where_found", "site", "occurred_at", "noticed_at", "received_at"),
    *("urgency", "evidence_state", "country", "involves", "verdict_source", "source_ticket", "asset_tag", "hashes"),
    *("subject_handle", "claim_by", "decide_by", "acknowledge_by", "feedback_by", "link"),
)
LAST = "last_resort"


class _Maker:
    """One policy in the making."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._teams = [f"team_{number}" for number in range(self._random.randint(2, 6))]
        self._readers: dict[str, list[str]] = {}
        self._routes = 0

    def files(self) -> tuple[dict[str, Any], dict[str, Any]]:
        channels = self._channels()
        teams = {name: self._team(name) for name in self._teams}
        rng = self._random
        policy = {
            "policy": "concern-router/1",
            "legal_profile": rng.choice(["eu_employer", "us_employer"]),
            "taxonomy": {name: {"label": name, "floor": str(rng.choice(list(Severity)))} for name in CATEGORIES},
            "calendars": {
                "days": {"tz": "Europe/Berlin", "days": ["mon", "tue"], "hours": ["00:00-03:00", "08:00-24:00"]},
                "nights": {"tz": "America/New_York", "days": "sun", "hours": "01:00-04:00"},
            },
            "sites": {"plant": {"label": "Plant", "calendar": "nights"}, "office": {"label": "Office"}},
            "handles": {"domains": self._some(["corp", "example.org"], 0)},
            "people": {f"person_{n}": {"handles": [f"p{n}.name", f"X{n}"]} for n in range(4)},
            "teams": {**teams, LAST: {"label": LAST, "desks": ["last-desk"]}},
            "severity": [
                {"id": f"s{n}", "when": self._when(), "set": str(rng.choice(list(Severity)))}
                for n in range(rng.randint(1, 3))
            ],
            "deadlines": {"calendar": "days", **{str(severity): self._times() for severity in Severity}},
            "reminders": {"claim": "5m", "decide": "1d", "acknowledge": "8d", "feedback": "1h"},
            "escalations": {name: [self._step() for _ in range(rng.randint(1, 4))] for name in ("one", "two")},
            "sentences": {"danger": "Call.", "keep": "Keep."},
            "routes": [self._route(depth=0) for _ in range(rng.randint(1, 6))],
            "fallback": [*self._some(self._teams, 0), LAST],
        }
        return policy, channels

    def _some(self, of: Sequence[str], least: int = 1) -> list[str]:
        return self._random.sample(list(of), self._random.randint(least, len(of)))

    def _channels(self) -> dict[str, Any]:
        for team in self._teams:
            for number in range(2):
                others = self._some(self._teams, 0) if self._chance(0.6) else []
                self._readers[f"{team.replace('_', '-')}-{number}"] = list(dict.fromkeys([team, *others]))
        self._readers["last-desk"] = [LAST]
        inside = {
            name: self._channel(name, "internal", self._some(FIELDS, 0), readers) | self._stand_ins(name)
            for name, readers in self._readers.items()
        }
        outside = {
            name: self._channel(name, "external", [*self._some(FIELDS, 0), "url"], self._some(self._teams, 0))
            for name in ("out-0", "out-1")
        }
        return inside | outside

    def _channel(self, name: str, scope: str, carries: list[str], readers: list[str]) -> dict[str, Any]:
        return {"kind": "folder", "scope": scope, "carries": carries, "readable_by": readers, "path": name}

    def _stand_ins(self, name: str) -> dict[str, Any]:
        others = [other for other in self._readers if other != name]
        after = {"instead_after": self._random.choice(["1s", "5m", "4h", "2d"])}
        instead = {"instead": self._random.choice(others)} | after if self._chance(0.6) else {}
        return instead | ({"page": self._random.choice(others)} if self._chance(0.5) else {})

    def _chance(self, of: float) -> bool:
        return self._random.random() < of

    def _team(self, name: str) -> dict[str, Any]:
        own = name.replace("_", "-")
        return {
            "label": name,
            "involved_as": self._some([str(value) for value in Involved], 0)[:3],
            "members": self._some([f"person_{n}" for n in range(4)], 0)[:2],
            "backup": self._random.choice([other for other in [*self._teams, LAST] if other != name]),
            "desks": [f"{own}-{number}" for number in range(2)],
        }

    def _times(self) -> dict[str, Any]:
        rng = self._random
        times: dict[str, Any] = {"claim": rng.choice(["1m", "4h", "2d"]), "decide": rng.choice(["1d", "5d", "30d"])}
        times["clock"] = rng.choice(["always", "working"])
        return times | ({"escalate": rng.choice(["one", "two"])} if self._chance(0.7) else {})

    def _step(self) -> dict[str, Any]:
        awaited = self._random.choice(["unclaimed", "undecided", "undelivered"])
        return {awaited: self._random.choice(["1m", "1h", "1d"]), "to": self._some(list(self._readers))}

    def _when(self) -> dict[str, Any]:
        conditions: dict[str, Sequence[str]] = {
            "category": CATEGORIES,
            "site": SITES,
            "noticed_how": [str(value) for value in NoticedHow],
            "where_found": [str(value) for value in WhereFound],
            "urgency": [str(value) for value in Urgency],
            "evidence_state": [str(value) for value in EvidenceState],
            "involves": [str(value) for value in Involved],
            "verdict_source": [str(value) for value in VerdictSource],
            "country": ["DE", "US"],
            "from": [str(value) for value in ReportedBy],
        }
        return {name: self._some(conditions[name]) for name in self._some(list(conditions), 0)[:2]}

    def _route(self, depth: int) -> dict[str, Any]:
        rng = self._random
        self._routes += 1
        goes_on = self._chance(0.3)
        teams = self._some([*self._teams, LAST], 0 if goes_on else 1)
        to = list(dict.fromkeys([*(self._desk_of(team) for team in teams), *self._some(list(self._readers), 0)[:2]]))
        route: dict[str, Any] = {
            "id": f"r{self._routes}",
            "when": self._when(),
            "hold": self._some(["out-0", "out-1"], 0),
            "say": self._some(["danger", "keep"], 0),
        }
        if teams or not depth:
            route |= {"teams": teams, "to": to or ["last-desk"]}
        if self._chance(0.5):
            route["deadlines"] = self._times()
        if self._chance(0.5):
            route["link_duplicates"] = {"by": self._some(LinkField.__args__)[:2], "within": "2d"}  # type: ignore[attr-defined]
        if goes_on:
            route |= {"continue": True, "say": ["danger"]}
        if depth < 2 and self._chance(0.4):
            route["routes"] = [self._route(depth + 1) for _ in range(rng.randint(1, 3))]
        return {key: value for key, value in route.items() if value != {}}

    def _desk_of(self, team: str) -> str:
        return "last-desk" if team == LAST else f"{team.replace('_', '-')}-{self._random.randint(0, 1)}"


def nasty(seed: int) -> tuple[Policy, str]:
    """Return the policy of that seed, and the text of its first file; raises PolicyErrors never."""
    policy, channels = _Maker(seed).files()
    text = yaml.safe_dump(policy, sort_keys=False)
    return parse_policy(text, yaml.safe_dump(channels, sort_keys=False), handle_key=b"key"), text
