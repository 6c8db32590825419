"""The policies that cases were decided by, and the one in force, read once each: a policy never changes."""

import threading
from collections import OrderedDict
from typing import Final

from sqlalchemy import Engine

from router.errors import Broken
from router.store import policies
from router.store.engine import transaction
from router.triage.policy import Policy, parse_policy

MOST_KEPT: Final = 8


class Policies:
    """Policies by digest, the last used ones in memory. Several threads may ask."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Policy] = OrderedDict()

    def in_force(self) -> Policy:
        """Return the active policy; raises Broken `no_policy`, PolicyErrors when this version cannot read it."""
        with transaction(self._engine) as connection:
            digest = policies.active_digest(connection)
        if digest is None:
            raise Broken("no_policy", "the public part puts the first one in force when it starts")
        return self.of(digest)

    def of(self, digest: str) -> Policy:
        """Return the policy with this digest; raises Broken `no_policy`, PolicyErrors."""
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
                return self._kept[digest]
        with transaction(self._engine) as connection:
            found = policies.kept(connection, digest)
        if not found:
            raise Broken("no_policy", "no policy with this digest was ever in force")
        made = parse_policy(found[0].policy_text, found[0].channels_text)
        with self._lock:
            self._kept[digest] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made
