"""Referrals that belong to no case: drills, and notices about the router itself.

They have a reference of their own kind, so that nobody takes one for a case. Never commits.
"""

from collections.abc import Collection
from hashlib import sha256

from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql import insert as upsert

from router.clock import CROCKFORD
from router.model import Referral, plain
from router.store.posting import referral_id
from router.store.tables import referrals
from router.vocabulary import Notice, ReferralState

_GROUPS, _GROUP = 3, 4


def reference_about(*what: str) -> str:
    """Return the reference of the notice about `what`: always the same for the same, so that it is told once."""
    digits = sha256("\n".join(what).encode()).digest()
    drawn = "".join(CROCKFORD[byte & 31] for byte in digits[: _GROUPS * _GROUP])
    return "-".join(["NOTICE", *(drawn[start : start + _GROUP] for start in range(0, len(drawn), _GROUP))])


def posted(connection: Connection, references: Collection[str]) -> frozenset[str]:
    """Return those of `references` that were posted before, to whatever channel."""
    query = text("select distinct reference from referrals where reference = any(:references)")
    return frozenset(connection.execute(query, {"references": list(references)}).scalars())


def post_notice(
    connection: Connection,
    *,
    reference: str,
    channel: str,
    kind: str,
    policy: str,
    notice: Notice,
    about: str | None = None,
) -> bool:
    """Post the notice to `channel`, due now; return False when this reference was posted there before.

    `reference` is of the kind DRILL or NOTICE; `about` names the channel that it tells of. Ring the
    channel after the commit.
    """
    fields = Referral(reference=reference, notice=notice, about=about)
    row = {
        "id": referral_id(reference, channel, fields.revision),
        "reference": reference,
        "channel": channel,
        "kind": kind,
        "revision": fields.revision,
        "policy": policy,
        "state": ReferralState.DUE,
        "fields": plain(fields),
        "notice": notice,
        "about": about,
    }
    # Counted, not returned: the intake may not read ids back.
    statement = upsert(referrals).values(row).on_conflict_do_nothing().execution_options(preserve_rowcount=True)
    return connection.execute(statement).rowcount == 1
