"""One attempt: what forbids it, the bytes, the call, and how it ended.

Knows neither the database nor whose turn it is. Raises nothing.
"""

import random
from dataclasses import replace
from datetime import datetime

from router import clock
from router.catalogue import ALWAYS_CARRIED, Channel
from router.errors import Declined, TryLater
from router.model import LeasedReferral, Payload, Proof, Referral
from router.store.referrals import Ended
from router.telemetry import get_log
from router.vocabulary import Scope
from workers.channels.base import Sender
from workers.retry import MOST_TRIES, wait_before


def attempt(channel: Channel, sender: Sender, leased: LeasedReferral, *, deadline_s: float) -> Ended:
    """Render and send one referral and return how that ended. An edge: raises nothing."""
    started = clock.now()
    if why_not := _why_not(channel, leased):
        return Ended(leased, "dead", why_not, started)
    leased = replace(leased, fields=_narrowed(channel, leased.fields))
    payload = _rendered(channel, leased)
    if payload is None:
        return Ended(leased, "dead", "unrenderable", started)
    try:
        proof = sender.send(leased, payload, deadline_s=deadline_s)
    except TryLater as later:
        return _later(leased, later.code, started, retry_after_s=later.retry_after_s)
    except Declined as declined:
        return Ended(leased, "dead", declined.code, started)
    except Exception:  # noqa: BLE001 - counted as `unforeseen`, and tried again
        get_log().exception("crashed", channel=channel.name, referral=leased.id)
        return _later(leased, "unforeseen", started)
    return Ended(leased, "sent", _outcome(proof), started, remote_id=proof.remote_id)


def _why_not(channel: Channel, leased: LeasedReferral) -> str | None:
    """Return the code of what forbids to send it at all."""
    if leased.attempts > MOST_TRIES:
        return "given_up"
    # The channel may have changed since the case was decided: only drafts are made for outside, and none for readers
    # who are in conflict.
    if channel.scope is Scope.EXTERNAL:
        return "not_approved"
    return None if set(leased.kept_from).isdisjoint(channel.readable_by) else "read_by_involved"


def _rendered(channel: Channel, leased: LeasedReferral) -> Payload | None:
    """Return the payload, or None when another try would fail as well."""
    if not leased.readable:
        return None
    try:
        return channel.render(leased.fields, key=leased.id)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, it is this referral's alone
        get_log().exception("crashed", channel=channel.name, referral=leased.id)
        return None


def _narrowed(channel: Channel, fields: Referral) -> Referral:
    """Return what the channel may still carry, if its list became shorter since the case was decided."""
    over = fields.model_fields_set - ALWAYS_CARRIED - set(channel.carries)
    return fields.model_copy(update=dict.fromkeys(over)) if over else fields


def _later(leased: LeasedReferral, code: str, started: datetime, *, retry_after_s: float = 0.0) -> Ended:
    """Return when to try again, or that it is over."""
    jitter = random.random()  # noqa: S311 - spreads load, keeps no secret
    wait_s = wait_before(leased.attempts + 1, age_s=leased.age_s, jitter=jitter, retry_after_s=retry_after_s)
    if wait_s is None:
        return Ended(leased, "dead", code, started)
    return Ended(leased, "due", code, started, wait_s=wait_s)


def _outcome(proof: Proof) -> str:
    if proof.doubled:
        return "doubled"
    return "repeated" if proof.repeated else "sent"
