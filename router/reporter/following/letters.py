"""What the holder of a receipt writes to their team: sealed to the case, kept once, and the team's desks are told.

What was written travels nowhere: a desk hears that the reporter wrote, at most once in APART for however many messages.
Where no desk knows of the case, the fallback's is told. Keeps no text and no receipt.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import Engine

from router import clock
from router.catalogue import Channel
from router.model import PlannedReferral, Referral
from router.store import byreceipt
from router.store.byreceipt import FollowedCase, HasHeard, Written
from router.store.engine import transaction
from router.store.posting import Post, post
from router.triage.policy import Policy
from router.vault.receipt import ReceiptHolder
from router.vault.seal import seal_message
from router.vocabulary import Notice, ReferralState, ReporterKind, Scope

MOST_A_DAY: Final = 20
"""Messages on one case within 24 hours: enough for anybody who writes, too few to fill a disk."""
APART: Final = timedelta(hours=1)
"""Between two notices to one desk that the reporter of a case wrote."""


class Letters:
    """Keeps what reporters write on their cases."""

    def __init__(self, engine: Engine, policy: Callable[[], Policy], *, ring: Callable[[Iterable[str]], None]) -> None:
        """Prepare; `ring` wakes channels after a commit."""
        self._engine = engine
        self._policy = policy
        self._ring = ring

    def keep(self, holder: ReceiptHolder, case: FollowedCase, *, kind: ReporterKind, words: str, key: str) -> Written:
        """Keep `words`, which were looked at, and tell the desks; return what became of it.

        `key` is the form's own: by it the same message is known when it comes twice. Raises what `transaction` raises.
        """
        sealed = seal_message(case.reference, words, case.suite, case.public)
        notice = Notice.WITHDRAWAL_ASKED if kind is ReporterKind.WITHDRAWAL else Notice.REPORTER_WROTE
        posts: list[Post] = []
        with transaction(self._engine) as connection:
            written = byreceipt.write(
                connection,
                holder.lookup,
                reference=case.reference,
                kind=kind,
                mark=holder.mark(key, kind.value, words),
                sealed=sealed,
                most=MOST_A_DAY,
            )
            if written is Written.KEPT:
                heard = byreceipt.have_heard(connection, holder.lookup, [notice])
                posts = _posts(self._policy(), case.reference, heard, notice)
                post(connection, posts)
        self._ring({posted.planned.channel for posted in posts if posted.planned.state is ReferralState.DUE})
        return written


def _posts(policy: Policy, reference: str, heard: Sequence[HasHeard], notice: Notice) -> list[Post]:
    """Return what tells the desks, but for those that are still to be told the same.

    Nothing while all of them are still to hear of the case itself: then they read what its reporter wrote, too.
    """
    if any(one.hears_later for one in heard) and not any(one.heard for one in heard):
        return []
    kept_from = tuple(sorted({team for one in heard for team in one.kept_from}))
    known = {one.channel: one for one in heard}
    told = _desks(policy, [one.channel for one in heard if one.heard], kept_from)
    return [
        _post(policy, reference, channel, known.get(channel.name), notice=notice, kept_from=kept_from)
        for channel in told
        if channel.name not in known or not known[channel.name].waiting
    ]


def _desks(policy: Policy, heard: Sequence[str], kept_from: Sequence[str]) -> list[Channel]:
    """Return the desks among the channels that know of the case; if none does, those channels, or the fallback's desk.

    A duty phone that rang for the case need not ring for every word. Never one that leads outside, nor one that
    somebody in conflict reads.
    """
    desks = [desk.name for team in policy.teams.values() for desk in team.desks]
    usable = [channel for name in heard if (channel := policy.channels.get(name)) and _usable(channel, kept_from)]
    if usable:
        return [channel for channel in usable if channel.name in desks] or usable
    fallback = (desk for team in policy.fallback for desk in team.desks if _usable(desk, kept_from))
    return list(fallback)[:1]


def _usable(channel: Channel, kept_from: Sequence[str]) -> bool:
    return channel.scope is Scope.INTERNAL and not set(kept_from).intersection(channel.readable_by)


def _post(
    policy: Policy,
    reference: str,
    channel: Channel,
    heard: HasHeard | None,
    *,
    notice: Notice,
    kept_from: tuple[str, ...],
) -> Post:
    again_at = heard.told_at + APART if heard and heard.told_at else None
    waits = again_at is not None and again_at > clock.now()
    fields = Referral(
        reference=reference,
        revision=heard.revision + 1 if heard else 1,
        notice=notice,
        severity=heard.severity if heard else None,
        link=heard.link if heard else None,
    )
    planned = PlannedReferral(
        channel=channel.name,
        kind=channel.kind,
        state=ReferralState.STANDBY if waits else ReferralState.DUE,
        fields=fields,
        due_at=again_at if waits else None,
        kept_from=kept_from,
    )
    return Post(reference, heard.policy if heard else policy.digest, planned)
