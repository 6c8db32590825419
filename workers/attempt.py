"""One attempt: what forbids it, the bytes, the call, how it ended, and what that says of the channel.

Knows neither the database nor whose turn it is. Raises nothing.
"""

import random
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from typing import Final

from router import clock
from router.catalogue import Channel
from router.channels import KINDS
from router.channels.fixedtimes import FixedTimes
from router.errors import NOT_SEEN, Declined, TryLater
from router.failpoints import FailPoint, reach
from router.model import LeasedReferral, Payload, Proof
from router.store.breaker import HOPELESS, Heard
from router.store.digests import AWAITS
from router.store.referrals import Ended
from router.telemetry import get_log
from router.vocabulary import Notice, Proven, Scope
from workers.channels.base import Sender
from workers.looking import LOOKS_S
from workers.retry import MOST_BROKEN, MOST_TRIES, wait_before

OF_ONE: Final = frozenset({NOT_SEEN, "nothing_there", "lease_lost", "not_noted", "not_retracted", "report_gone"})
"""Codes of TryLater that are about one referral: the channel answered, and the next referral may well get through."""
HELD_FOR_S: Final = 900.0
"""After a fixed time, until what waited for its mail is looked at again: the mail should have gone by then."""
NOT_APPROVED: Final = "not_approved"
"""It would leave the organisation, and not enough people approved exactly this by exactly this way."""
LOOKS_WANTED: Final = 2
"""How often a channel that shows things late must be seen to have nothing before anything is made there again."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of the referral, and what that says of the channel."""

    ended: Ended
    heard: Heard


def attempt(channel: Channel, sender: Sender, leased: LeasedReferral, *, deadline_s: float) -> Tried:
    """Render and send one referral and return how that ended. An edge: raises nothing."""
    started, began = clock.now(), monotonic()
    if why_not := _why_not(channel, leased):
        return _unsent(leased, why_not, started)
    if channel.digest is not None and leased.fields.notice is not Notice.DIGEST:
        return _held(channel.digest, leased, started)
    leased = replace(leased, fields=channel.narrowed(leased.fields))
    payload = _rendered(channel, leased)
    if payload is None:
        return _unsent(leased, "unrenderable", started)
    if not _approved(channel, leased, payload):
        return _unapproved(leased, started)
    reach(FailPoint.BEFORE_SEND)
    tried = _sent(channel, sender, leased, payload, started=started, deadline_s=deadline_s)
    reach(FailPoint.AFTER_SEND)
    return replace(tried, ended=replace(tried.ended, took_ms=round(1000 * (monotonic() - began))))


def _sent(
    channel: Channel, sender: Sender, leased: LeasedReferral, payload: Payload, *, started: datetime, deadline_s: float
) -> Tried:
    try:
        proof = sender.send(leased, payload, deadline_s=deadline_s)
    except TryLater as later:
        return _later(channel, leased, later, started)
    except Declined as declined:
        # A no is an answer, unless every other referral would get it too.
        heard = Heard(declined.code, worked=declined.code not in HOPELESS)
        return Tried(Ended(leased, "dead", declined.code, started), heard)
    except Exception:  # noqa: BLE001 - counted as `unforeseen`, and tried again
        get_log().exception("crashed", channel=channel.name, referral=leased.id)
        # What raised may have come after a byte was written.
        return _later(channel, leased, TryLater("unforeseen", ambiguous=True), started)
    if proof.in_hand:
        return Tried(Ended(leased, "in_hand", "in_hand", started), Heard("in_hand", worked=True))
    ended = Ended(leased, "sent", _outcome(proof), started, remote_id=proof.remote_id, proven=proof.proven)
    ended = replace(ended, look_after_s=_look_after_s(channel, doubled=proof.doubled))
    if proof.receipt is not None:
        ended = replace(ended, document=payload, receipt=proof.receipt)
    return Tried(ended, Heard(ended.outcome, worked=True))


def _why_not(channel: Channel, leased: LeasedReferral) -> str | None:
    """Return the code of what forbids to send it at all."""
    if leased.broke >= MOST_BROKEN:
        return "ends_its_worker"
    if leased.tries > MOST_TRIES:
        return "given_up"
    # The channel may have changed since the case was decided: none is made for readers who are in conflict.
    return None if set(leased.kept_from).isdisjoint(channel.readable_by) else "read_by_involved"


def _unsent(leased: LeasedReferral, code: str, started: datetime) -> Tried:
    """Return the end of a referral that no try can help; the channel was not asked."""
    return Tried(Ended(leased, "dead", code, started), Heard(code, worked=None))


def _approved(channel: Channel, leased: LeasedReferral, payload: Payload) -> bool:
    """Say whether it may leave: inside by itself, outside only what enough people approved, byte for byte and way.

    What was a draft needs it wherever the channel leads by now.
    """
    inside = channel.scope is Scope.INTERNAL and not leased.drafted
    return inside or channel.leaving(payload, key=leased.id) in leased.approved


def _unapproved(leased: LeasedReferral, started: datetime) -> Tried:
    """Return that nobody approved this: it is a draft again if it was one, else a person must look."""
    unsent = _unsent(leased, NOT_APPROVED, started)
    return replace(unsent, ended=replace(unsent.ended, state="draft")) if leased.drafted else unsent


def _rendered(channel: Channel, leased: LeasedReferral) -> Payload | None:
    """Return the payload, or None when another try would fail as well."""
    if not leased.readable:
        return None
    try:
        return channel.render(leased.fields, key=leased.id)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is this referral's alone
        get_log().exception("crashed", channel=channel.name, referral=leased.id)
        return None


def _later(channel: Channel, leased: LeasedReferral, later: TryLater, started: datetime) -> Tried:
    """Return when to try again, or that it is over.

    Where things show late, nothing is looked for sooner than they can show after an attempt that may have made one.
    """
    worked = None if later.code in OF_ONE else False
    heard = Heard(later.code, worked, asked_s=later.retry_after_s)
    jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
    wait_s = wait_before(leased.tries + 1, age_s=leased.age_s, jitter=jitter, retry_after_s=later.retry_after_s)
    # At the next attempt, should only a person ask for one, what was made and could not be read back is known by its
    # id, and what may have been made is looked for.
    ended = Ended(leased, "dead", later.code, started, later.remote_id, ambiguous=later.ambiguous)
    ended = replace(ended, looks_wanted=looks_wanted(channel), look_after_s=_look_after_s(channel))
    if wait_s is None:
        return Tried(ended, heard)
    if later.ambiguous or later.code == NOT_SEEN:
        wait_s = max(wait_s, search_lag_s(channel))
    return Tried(replace(ended, state="due", wait_s=wait_s), heard)


def _held(digest: FixedTimes, leased: LeasedReferral, started: datetime) -> Tried:
    """Return that it waits for the mail of the next fixed time, which will stand for it; the channel was not asked.

    Should that mail not have got through by then, it waits for the one after that, for as long as anything is tried.
    """
    over = wait_before(leased.tries + 1, age_s=leased.age_s, jitter=0) is None
    now = clock.now()
    wait_s = (digest.next(now) - now).total_seconds() + HELD_FOR_S
    ended = Ended(leased, "dead" if over else "due", AWAITS, started, wait_s=wait_s)
    return Tried(ended, Heard(AWAITS, worked=None))


def search_lag_s(channel: Channel) -> float:
    """Return how long the far side may take to show what was made there."""
    return KINDS[channel.kind].search_lag_s(channel.settings)


def looks_wanted(channel: Channel) -> int:
    """Return how often the far side must be seen to have nothing after an attempt that may have made something."""
    return LOOKS_WANTED if search_lag_s(channel) > 0 else 0


def _look_after_s(channel: Channel, *, doubled: bool = False) -> float | None:
    """Return when to look at the far side again: at once when it holds two, never where there is no more to be seen."""
    if KINDS[channel.kind].PROVES is not Proven.ACKNOWLEDGED:
        return None
    return 0.0 if doubled else LOOKS_S[0]


def _outcome(proof: Proof) -> str:
    if proof.doubled:
        return "doubled"
    return "repeated" if proof.repeated else "sent"
