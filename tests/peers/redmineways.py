"""The ways to describe a channel to the real Redmine: the suite of `test_redmine*.py` runs over each.

Add a way: a function like `by_kind`, and a line in WAYS.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import yaml

from router import clock
from router.channels import KINDS
from router.model import LeasedReferral, Proof, Referral, Seen
from tests.peers.redminepeer import PROJECT, Peer
from tests.standins.shelf import RECIPES
from tests.workers.rooms import SURROUNDINGS
from workers.channels import SENDERS


@dataclass(frozen=True)
class Wanted:
    """What a test wants of the channel."""

    peer: Peer
    url: str = ""
    """Where Redmine is, where something stands in between; empty: at the peer's own address."""
    key: str = "env:REDMINE_KEY"
    """Reference of the secret."""
    project: str = PROJECT
    fields: Mapping[str, int] = field(default_factory=dict)
    """Custom fields other than the peer's, by our names."""

    @property
    def address(self) -> str:
        return self.url or self.peer.url

    @property
    def custom_fields(self) -> dict[str, int]:
        return {**self.peer.fields, **self.fields}


def by_kind(wanted: Wanted) -> dict[str, Any]:
    """Return what `channels.yaml` says for the kind `redmine`."""
    return {
        "kind": "redmine",
        "url": wanted.address,
        "key": wanted.key,
        "project": wanted.project,
        "tracker": wanted.peer.tracker,
        "custom_fields": wanted.custom_fields,
        "priorities": wanted.peer.priorities,
    }


def by_recipe(wanted: Wanted) -> dict[str, Any]:
    """Return what `channels.yaml` says for the kind `rest`: the recipe, with the peer's numbers in place of yours."""
    numbers = {"1": "reference", "2": "category", "3": "severity"}
    said = re.sub(
        r"(\{id: |\bcf_)([123])\b",
        lambda found: f"{found[1]}{wanted.custom_fields[numbers[found[2]]]}",
        (RECIPES / "redmine.yaml").read_text(),
    )
    (entry,) = yaml.safe_load(said).values()
    entry["names"]["tracker"] = wanted.peer.tracker
    entry["names"]["project_number"] = wanted.peer.project_number(wanted.project)
    entry["names"]["priority"]["is"] = wanted.peer.priorities
    entry["auth"]["headers"]["X-Redmine-API-Key"]["secret"] = wanted.key
    own = {name: value for name, value in entry.items() if name not in {"scope", "readable_by", "carries", "text"}}
    return {**own, "url": wanted.address, "desk": wanted.project}


WAYS: dict[str, Callable[[Wanted], dict[str, Any]]] = {"recipe": by_recipe, "redmine": by_kind}
"""By name: returns the entry of `channels.yaml`, `kind` among it, without scope, readable_by and carries."""


class Desk:
    """A sender to the project that is wanted, by one of the ways."""

    def __init__(self, way: str, peer: Peer, **wanted: Any) -> None:
        self.way = way
        self.peer = peer
        entry = WAYS[way](replace(Wanted(peer), **wanted))
        kind = entry.pop("kind")
        self._kind = KINDS[kind]
        self._settings = self._kind.Settings.model_validate(entry)
        self._sender: Any = SENDERS[kind](self._settings, SURROUNDINGS)

    def send(self, referral: Referral, **more: Any) -> Proof:
        payload = self._kind.render(self._settings, referral, key="k")
        proof: Proof = self._sender.send(self._leased(referral, **more), payload, deadline_s=20)
        return proof

    def look(self, referral: Referral, remote_id: str | None) -> Seen:
        seen: Seen = self._sender.look(self._leased(referral, remote_id=remote_id), deadline_s=20)
        return seen

    def reopen(self, referral: Referral, remote_id: str) -> bool:
        """Open the case's issue, as is done the first time that staff closed it too early."""
        return bool(self._sender.reopen(self._leased(referral, remote_id=remote_id), 1, deadline_s=20))

    def changed(self, since: datetime) -> Sequence[str]:
        changed: Sequence[str] = self._sender.changed(since, deadline_s=20)
        return changed

    def check(self) -> list[tuple[str, str]]:
        return [(found.code, found.named) for found in self._sender.check(deadline_s=20)]

    def _leased(self, referral: Referral, **more: Any) -> LeasedReferral:
        return replace(LeasedReferral("k", "desk", referral, 1, 1, clock.now()), **more)
