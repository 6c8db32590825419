"""A member of staff takes a report down for somebody who tells it: a link to the public part, for once and an hour.

What is told is typed there and sealed there; this process never sees it. The link's own secret is shown once and kept
nowhere. Whoever made it stands in the audit as who took the report down.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from sqlalchemy import Engine

from router.errors import Forbidden
from router.model import AuditEntry
from router.store import behalf
from router.store.audit import note
from router.store.engine import transaction

MADE: Final = "behalf_link_made"
ENDED: Final = "behalf_links_ended"
LASTS_S: Final = 3600
MOST_UNUSED: Final = 3
"""Links that one person may have open at once: nobody takes down more than that at a time."""
KEPT_H: Final = 24
_PLACE: Final = "/report/behalf"
_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Link:
    """What is shown once to whoever made it."""

    address: str = field(repr=False)
    ends_at: datetime


def make_link(engine: Engine, handle: str, *, public_url: str) -> Link:
    """Return a new link of `handle`, who may work on cases; raises Forbidden `links_unused`, audited."""
    token = secrets.token_urlsafe(_BYTES)
    actor = f"person:{handle}"
    with transaction(engine) as connection:
        made = None
        behalf.hold_maker(connection, handle)
        if behalf.unused(connection, handle) < MOST_UNUSED:
            made = behalf.add(connection, sha256(token.encode()).digest(), handle, lasts_s=LASTS_S)
        note(connection, [AuditEntry(actor, MADE, actor, "ok" if made else "refused_links_unused")])
    if made is None:
        raise Forbidden("links_unused")
    return Link(f"{public_url}{_PLACE}?link={token}", made)


def end_links(engine: Engine, handle: str) -> None:
    """End the unused links of `handle`."""
    actor = f"person:{handle}"
    with transaction(engine) as connection:
        ended = behalf.revoke(connection, handle)
        note(connection, [AuditEntry(actor, ENDED, actor, detail=str(ended))])


def forget_links(engine: Engine) -> None:
    """Delete links whose time has been over for a day."""
    with transaction(engine) as connection:
        behalf.forget_ended(connection, older_than_h=KEPT_H)
