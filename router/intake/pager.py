"""Tells a person when a channel fails, or ticket and case disagree there. By another channel, and of no case.

A channel fails that is late, dead, held, or has two of one thing.
However many processes look, one posts: at most one notice of a kind about a channel in an hour, and one trouble once
as long as it lasts, or once a day. A notice is a referral like others, so one that fails in turn is told of like
others, and no more often.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine

from router.catalogue import Channel
from router.clock import new_reference
from router.model import AuditEntry
from router.store.audit import note
from router.store.engine import transaction
from router.store.lateness import (
    LOOK_BACK_S,
    Standing,
    Standings,
    kept_from_there,
    pager_is_ours,
    standings,
    unproven,
)
from router.store.notices import post_notice, posted, reference_about
from router.telemetry import (
    CHANNEL_BREAKER,
    CHANNEL_DEAD,
    CHANNEL_DUE,
    CHANNEL_OLDEST_S,
    NOBODY_TO_PAGE,
    PAGES,
    channels_shown,
    get_log,
)
from router.triage.onduty import on_duty
from router.triage.policy import Policy
from router.vocabulary import Breaker, Notice, Proven, Scope

LOOK_EVERY_S: Final = 15.0
APART: Final = timedelta(hours=1)
"""Between two notices of one kind about one channel."""
AGAIN_AFTER: Final = timedelta(days=1)
"""A trouble that goes on is told of again: by then somebody else is on duty."""
NOTICES: Final = (
    Notice.CHANNEL_HELD,
    Notice.DELIVERY_LATE,
    Notice.UNDELIVERABLE,
    Notice.SECOND_TICKET,
    Notice.CLOSED_THERE,
    Notice.CLOSED_HERE,
)
LATE_AFTER: Final = timedelta(minutes=15)
"""For a channel that the policy in force does not name any more."""
_ACTOR: Final = "pager"
_WORD: Final = {Breaker.CLOSED: 0, Breaker.HALF_OPEN: 1, Breaker.OPEN: 2}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something about a channel that a person must hear."""

    about: str
    notice: Notice
    reference: str
    """Of the notice: always the same where the trouble can be named, else new."""


class Pager:
    """Looks after the channels of the policy in force."""

    def __init__(
        self, engine: Engine, in_force: Callable[[], Policy], *, ring: Callable[[Iterable[str]], None]
    ) -> None:
        """Prepare; `ring` wakes a channel after a commit."""
        self._engine = engine
        self._in_force = in_force
        self._ring = ring
        self._fine: dict[tuple[str, Notice], datetime] = {}
        """When this process last saw that there was no such trouble."""
        self._unheard: frozenset[tuple[str, Notice]] = frozenset()
        """Troubles of which nobody could be told at the last look."""

    def look(self) -> None:
        """Post what a person must hear, and set the gauges; raises Unavailable or StoreFailed: it comes again."""
        policy = self._in_force()
        with transaction(self._engine) as connection:
            if not pager_is_ours(connection):
                return
            seen = standings(connection, NOTICES)
            late = frozenset(name for name in _names(policy, seen) if _is_late(connection, policy, seen, name))
            troubles = list(self._troubles(connection, policy, seen, late))
            told = [(one, self._told(connection, policy, one, seen, late)) for one in troubles]
        self._ring({channel for _, channel in told if channel is not None})
        for trouble, channel in told:
            if channel is not None:
                PAGES.labels(trouble.notice).inc()
                get_log().warning("paged", channel=trouble.about, code=trouble.notice.value)
        self._note_unheard({(one.about, one.notice) for one, channel in told if channel is None})
        _show(policy, seen)

    @staticmethod
    def _told(
        connection: Connection, policy: Policy, one: Trouble, seen: Standings, late: frozenset[str]
    ) -> str | None:
        """Post it to the first choice; return its name. Of what goes outside nobody hears from whom it is kept."""
        about = policy.channels.get(one.about)
        # What is named no more may have led outside.
        inside = about is not None and about.scope is Scope.INTERNAL
        not_to = frozenset() if inside else kept_from_there(connection, one.about)
        choices = _choices(policy, one.about, seen, late)
        return _page(connection, policy, one, (to for to in choices if not_to.isdisjoint(to.readable_by)))

    def degraded(self) -> list[str]:
        """Return codes of what is wrong and does not stop work."""
        return ["nobody_to_page"] if self._unheard else []

    def _note_unheard(self, unheard: set[tuple[str, Notice]]) -> None:
        if unheard:
            NOBODY_TO_PAGE.inc()
        for about, notice in sorted(unheard - self._unheard):
            get_log().critical("nobody_to_page", channel=about, code=notice.value)
        self._unheard = frozenset(unheard)

    def _troubles(
        self, connection: Connection, policy: Policy, seen: Standings, late: frozenset[str]
    ) -> Iterator[Trouble]:
        """Yield what a person must hear now, and has not."""
        day_ago = seen.now - AGAIN_AFTER
        for name in _names(policy, seen):
            standing = seen.of(name)
            for notice, there in ((Notice.CHANNEL_HELD, standing.held), (Notice.DELIVERY_LATE, name in late)):
                if not there:
                    self._fine[name, notice] = seen.now
                elif _is_news(seen, name, notice, max(day_ago, self._fine.get((name, notice), day_ago))):
                    yield Trouble(name, notice, new_reference("NOTICE"))
            if _lately(seen, standing) and _is_news(seen, name, Notice.UNDELIVERABLE, standing.died_at):
                yield Trouble(name, Notice.UNDELIVERABLE, new_reference("NOTICE"))
            for notice, at in (
                (Notice.CLOSED_THERE, standing.closed_there_at),
                (Notice.CLOSED_HERE, standing.closed_here_at),
            ):
                if at is not None and _is_news(seen, name, notice, at):
                    yield Trouble(name, notice, new_reference("NOTICE"))
            if standing.doubled and _is_news(seen, name, Notice.SECOND_TICKET):
                named = [reference_about(Notice.SECOND_TICKET, name, reference) for reference in standing.doubled]
                known = posted(connection, named)
                new = next((reference for reference in named if reference not in known), None)
                if new is not None:
                    yield Trouble(name, Notice.SECOND_TICKET, new)


def _is_news(seen: Standings, name: str, notice: Notice, since: datetime | None = None) -> bool:
    """Say whether nothing was told of it `since` then, and may be now."""
    told_at = seen.told.get((name, notice))
    return told_at is None or (seen.now - told_at >= APART and (since is None or told_at < since))


def _names(policy: Policy, seen: Standings) -> list[str]:
    """Return the channels in force, and those that have something to show all the same."""
    return sorted({*policy.channels.channels, *seen.channels})


def _lately(seen: Standings, standing: Standing) -> bool:
    """Say whether something died, and not long ago."""
    return standing.died_at is not None and (seen.now - standing.died_at).total_seconds() < LOOK_BACK_S


def _is_late(connection: Connection, policy: Policy, seen: Standings, name: str) -> bool:
    """Say whether the channel has something that should have been proved to have arrived."""
    channel = policy.channels.get(name)
    late_after = channel.late_after if channel is not None else LATE_AFTER
    standing = seen.of(name)
    if max(standing.oldest_s, standing.in_hand_s) >= late_after.total_seconds():
        return True
    wanted = channel.proof if channel is not None else None
    if wanted in {None, Proven.ACCEPTED}:
        return False
    return unproven(connection, name, wanted=wanted, late_after=late_after)


def _choices(policy: Policy, about: str, seen: Standings, late: frozenset[str]) -> Iterator[Channel]:
    """Yield who may be told that `about` fails, the first choice first: none that fails itself."""
    for channel in on_duty(policy, about):
        if channel.name not in late and seen.of(channel.name).breaker is Breaker.CLOSED:
            yield channel


def _page(connection: Connection, policy: Policy, trouble: Trouble, choices: Iterator[Channel]) -> str | None:
    """Post the notice to the first choice and return its name; None if there is none."""
    channel = next(choices, None)
    if channel is None:
        return None
    post_notice(
        connection,
        reference=trouble.reference,
        channel=channel.name,
        kind=channel.kind,
        policy=policy.digest,
        notice=trouble.notice,
        about=trouble.about,
    )
    detail = f"{trouble.notice} {trouble.about} by {channel.name}"
    note(connection, [AuditEntry(_ACTOR, "paged", trouble.reference, detail=detail)])
    return channel.name


def _show(policy: Policy, seen: Standings) -> None:
    """Set the gauges; those of a channel that is no more are 0."""
    # Of what leaves the organisation no number moves: it would tell whoever may see it.
    for name in channels_shown().union(_names(policy, seen)) - policy.channels.outside:
        standing = seen.of(name)
        CHANNEL_DUE.labels(name).set(standing.due)
        CHANNEL_OLDEST_S.labels(name).set(standing.oldest_s)
        CHANNEL_DEAD.labels(name).set(standing.dead)
        CHANNEL_BREAKER.labels(name).set(_WORD[standing.breaker])
