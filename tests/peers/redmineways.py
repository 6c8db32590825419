"""The ways to describe a channel to the real Redmine: the suite of `test_redmine*.py` runs over each.

Add a way: a function like `by_kind`, and a line in WAYS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.peers.redminepeer import PROJECT, Peer


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


WAYS: dict[str, Callable[[Wanted], dict[str, Any]]] = {"redmine": by_kind}
"""By name: returns the entry of `channels.yaml`, `kind` among it, without scope, readable_by and carries."""
