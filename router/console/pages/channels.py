"""The channels' pages: how each does, what waits and what did not get through, and trying that again.

Counts and codes for everybody who may look; of a case only what somebody sees anyway. Sends nothing: it makes due and
rings, and a worker does the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.responses import Response

from router.catalogue import Catalogue, Channel
from router.channelwords import mends, wrong
from router.console import deliveries
from router.console.deliveries import RETRIED
from router.console.pages import access
from router.console.pages.ask import Ask, page
from router.console.pages.rendering import go, show
from router.console.rights import Right, may
from router.errors import Broken, Forbidden, RouterError
from router.store import deadletters
from router.store.deadletters import DeadLetter, Reason
from router.store.drills import Drill, last_drills
from router.store.engine import transaction
from router.store.lateness import Standing, Standings, standings
from router.store.shut import Shut, shut_channels
from router.vocabulary import Breaker, Scope

LISTED, VIEWED = "channels_listed", "channel_viewed"
MOST_SHOWN: Final = 100
"""Dead letters of one's own cases on one page."""


@dataclass(frozen=True, slots=True)
class Line:
    """How one channel does; without a `channel` when no file in force names it any more."""

    name: str
    channel: Channel | None
    standing: Standing
    shut: Shut | None
    reasons: tuple[Reason, ...]
    drill: Drill | None
    arrived_at: datetime | None
    hidden: bool = False
    """Whoever asks is shown no number and no time of it: one that moves would tell them of somebody's case."""

    @property
    def is_shut(self) -> bool:
        """Whether nothing is sent there now but a probe."""
        return self.shut is not None and self.shut.breaker is not Breaker.CLOSED

    @property
    def why(self) -> str:
        """Why nothing is sent there, in words."""
        if not self.channel or not self.shut or not self.shut.code:
            return ""
        return wrong(self.channel, self.shut.code, self.shut.named or "")

    @property
    def helps(self) -> str:
        """What helps against that."""
        if not self.channel or not self.shut or not self.shut.code:
            return ""
        return mends(self.channel, self.shut.code, self.shut.named or "")

    @property
    def is_late(self) -> bool:
        """Whether what waits there has waited longer than the file allows."""
        standing, channel = self.standing, self.channel
        return channel is not None and standing.due > 0 and standing.oldest_s > channel.late_after.total_seconds()

    @property
    def checked_at(self) -> datetime | None:
        """When it passed its check as it is configured now."""
        passed = self.shut and self.channel and self.shut.checked == self.channel.settings_digest
        return self.shut.checked_at if passed and self.shut else None

    @property
    def last_at(self) -> datetime | None:
        """When something last arrived there, a drill included, as far as is known."""
        drill, times = self.drill, [self.arrived_at]
        if drill and drill.delivered_after_s is not None:
            times.append(drill.asked_at + timedelta(seconds=drill.delivered_after_s))
        return max((at for at in times if at), default=None)

    def said_of(self, code: str) -> str:
        """Return what a reason's code says."""
        return wrong(self.channel, code) if self.channel else code


def show_channels(ask: Ask) -> Response:
    """Show how all channels do, those in trouble first."""
    lines = _lines(ask)
    ask.note(LISTED, "channels", detail=f"count={len(lines)}")
    return show(ask, "channels/list.html", lines=lines)


def show_channel(ask: Ask) -> Response:
    """Show how one does, and what of one's own cases did not get through there."""
    return _one(ask)


def retry_all(ask: Ask) -> Response:
    """Make due now all that is dead for the channel."""
    name = _known(ask).name
    who = ("person", ask.viewer.handle)
    try:
        count = deliveries.retry_dead(ask.desk.engine, who, name, ask.form.get("reason"))
    except Forbidden as error:
        if error.code != "reason_malformed":
            raise
        return _one(ask, refused=error)
    if not count:
        ask.note(RETRIED, f"channel:{name}", "refused_nothing_dead")
        return go(f"/console/channels/{name}", said="nothing_dead")
    ask.desk.ring([name])
    return go(f"/console/channels/{name}", said="tried_again")


def retry_one(ask: Ask) -> Response:
    """Make due now what of a case did not get through there; raises Forbidden, audited, of a case one may not see."""
    attempt = access.begin(ask, RETRIED)
    name = _known(ask).name
    who = ("person", ask.viewer.handle)
    try:
        deliveries.retry(ask.desk.engine, who, attempt.reference, name, ask.form.get("reason"))
    except Forbidden as error:
        if error.code != "reason_malformed":
            raise
        return _one(ask, refused=error, at=attempt.reference)
    except Broken as error:
        raise Forbidden(error.code) from None
    ask.desk.ring([name])
    return go(f"/console/channels/{name}", said="tried_again")


def _one(ask: Ask, *, refused: RouterError | None = None, at: str = "") -> Response:
    """Show one channel, after a form on it with why that was refused; `at` is the case that the form was of."""
    line, viewer, own = _known(ask), ask.viewer, list[DeadLetter]()
    reviews = may(viewer.roles, Right.WORK_ON_CASES)
    if reviews:
        with transaction(ask.desk.engine) as connection:
            own = deadletters.of_reader(connection, line.name, viewer.handle, MOST_SHOWN + 1)
    ask.note(VIEWED, f"channel:{line.name}", detail=f"count={len(own[:MOST_SHOWN])}" if reviews else "")
    return show(
        ask,
        "channels/one.html",
        403 if refused else 200,
        line=line,
        own=own[:MOST_SHOWN],
        more=len(own) > MOST_SHOWN,
        reviews=reviews,
        refused=refused.code if refused else "",
        refused_at=at,
    )


def _known(ask: Ask) -> Line:
    """Return how the channel in the address does; raises Forbidden `unknown_channel`."""
    for line in _lines(ask):
        if line.name == ask.path["channel"]:
            return line
    ask.note(VIEWED, "channel:unknown", "refused_unknown_channel")
    raise Forbidden("unknown_channel")


def _lines(ask: Ask) -> list[Line]:
    """Return how those in force do, and those that something is left for; those in trouble first."""
    in_force = _in_force(ask)
    with transaction(ask.desk.engine) as connection:
        now = standings(connection, ())
        shut = shut_channels(connection)
        reasons = deadletters.reasons(connection)
        arrived = deadletters.last_arrivals(connection)
        names = sorted({*in_force.channels, *(name for name, one in now.channels.items() if one.due or one.dead)})
        drilled = last_drills(connection, names)
    lines = [_line(name, in_force.get(name), now, shut, reasons, drilled, arrived) for name in names]
    lines = [_as_seen(ask, line) for line in lines]
    return sorted(lines, key=lambda line: (not line.is_shut, not line.standing.dead, line.name))


def _as_seen(ask: Ask, line: Line) -> Line:
    """Return the line as whoever asks may see it.

    A reviewer sees how the channels do that their own teams read: elsewhere a number that moves would tell of a case
    that is kept from them. So little leaves the organisation that there it would tell anybody: that stands at the case.
    Who looks after channels sees all the same whether one is left alone.
    """
    roles, channel = ask.viewer.roles, line.channel
    looks_after = may(roles, Right.MOVE_CHANNELS)
    inside = channel is None or channel.scope is Scope.INTERNAL
    reads = channel is not None and not set(channel.readable_by).isdisjoint(ask.viewer.teams)
    if inside and (reads or looks_after or may(roles, Right.READ_AUDIT)):
        return line
    return Line(line.name, channel, Standing(), line.shut if looks_after else None, (), None, None, hidden=True)


def _line(  # noqa: PLR0917 - what was read of all, for one
    name: str,
    channel: Channel | None,
    now: Standings,
    shut: Mapping[str, Shut],
    reasons: Mapping[str, list[Reason]],
    drilled: Mapping[str, Drill],
    arrived: Mapping[str, datetime],
) -> Line:
    why = tuple(reasons.get(name, ()))
    return Line(name, channel, now.of(name), shut.get(name), why, drilled.get(name), arrived.get(name))


def _in_force(ask: Ask) -> Catalogue:
    """Return the channels in force; none when the policy cannot be read, and then the rest is shown all the same."""
    try:
        return ask.desk.policies.in_force().channels
    except Broken:
        return Catalogue({})


PAGES = (
    page("GET", "/console/channels", Right.SEE_CHANNELS, show_channels),
    page("GET", "/console/channels/{channel}", Right.SEE_CHANNELS, show_channel),
    page("POST", "/console/channels/{channel}/retry", Right.MOVE_CHANNELS, retry_all, "reason"),
    page("POST", "/console/channels/{channel}/cases/{reference}/retry", Right.WORK_ON_CASES, retry_one, "reason"),
)
