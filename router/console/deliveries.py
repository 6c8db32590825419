"""What a member of staff decides about deliveries: look at them, try again, give up. The audit says who, and why.

Sees and shows no field of a case. Rings nobody: the caller does, after the commit.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Engine

from router.catalogue import parse_catalogue
from router.configfile.yamltext import nearest
from router.console.attempt import Attempt, attempted
from router.errors import Broken
from router.model import AuditEntry
from router.store import ledger, policies, retries
from router.store.audit import note
from router.store.engine import transaction
from router.store.retries import Moved
from router.store.shut import try_now
from router.vocabulary import ReferralState

SHOWN: Final = "delivery_shown"
RETRIED: Final = "referral_retried"
GIVEN_UP: Final = "referral_given_up"

_IN_THE_WAY: Final[Mapping[ReferralState, tuple[str, str]]] = MappingProxyType(
    {
        ReferralState.LEASED: ("being_sent", "a worker has it just now; look again in a minute"),
        ReferralState.IN_HAND: (
            "in_hand",
            "it lies before a person, who hands it over; `concern-router handovers list` names what does",
        ),
        ReferralState.SENT: ("already_sent", "it arrived; nothing is sent twice"),
        ReferralState.ACKNOWLEDGED: ("already_sent", "it arrived, and somebody there took it"),
        ReferralState.DRAFT: ("not_approved", "it waits for approvals; without them it never leaves"),
        ReferralState.STANDBY: (
            "not_yet",
            "what is left of it waits for its time; `deliveries show` says when, `give-up --waiting` withdraws it",
        ),
        ReferralState.RECALLED: ("withdrawn", "it was withdrawn for good; `deliveries show` says why"),
    }
)
"""Why nothing could be done, and what to do: the first that is true of one of the referrals."""


def show(engine: Engine, who: tuple[str, str], reference: str, channel: str | None = None) -> list[dict[str, Any]]:
    """Return every referral of `reference`, or those to `channel`, with their attempts; the look is noted first.

    `who` is a kind and a handle. Raises Broken `unknown_delivery` when there is none.
    """
    attempt = _attempt(engine, SHOWN, who, reference)
    with transaction(engine) as connection:
        known = ledger.whole(connection, attempt.reference)
        found = known if channel is None else ledger.whole(connection, attempt.reference, channel)
    if not found:
        attempt.refuse("unknown_delivery", say=_unknown(channel, {str(row["channel"]) for row in known}))
    attempt.note()
    return found


def retry(engine: Engine, who: tuple[str, str], reference: str, channel: str | None, reason: str | None) -> list[Moved]:
    """Make due now what is dead or waits for another try, its channel with it; return which.

    Raises Broken, with what to do instead, when there is nothing such; Forbidden `reason_malformed`.
    """
    attempt = _attempt(engine, RETRIED, who, reference)
    why = "" if reason is None else attempt.check_reason(reason)
    with transaction(engine) as connection:
        moved = retries.retry(connection, attempt.reference, channel)
        try_now(connection, {row.channel for row in moved}, though_asked=True)
        note(connection, _entries(RETRIED, attempt.actor, moved, why))
    if not moved:
        _refuse(attempt, channel)
    return moved


def retry_dead(engine: Engine, who: tuple[str, str], channel: str, reason: str | None) -> int:
    """Make due now all that is dead for `channel`, and the channel with it; return how many.

    In batches, so that workers go on meanwhile. Raises Broken `unknown_channel`, Forbidden `reason_malformed`.
    """
    attempt = _attempt(engine, RETRIED, who, channel)
    why = "" if reason is None else attempt.check_reason(reason)
    with transaction(engine) as connection:
        asked_at = retries.now(connection)
    count, last = 0, retries.BATCH
    while last == retries.BATCH:
        with transaction(engine) as connection:
            moved = retries.retry_dead(connection, channel, until=asked_at)
            note(connection, _entries(RETRIED, attempt.actor, moved, why))
            last = len(moved)
            if last < retries.BATCH:
                try_now(connection, {channel}, though_asked=True)
        count += last
    if not count:
        check_channel(engine, channel)
    return count


def give_up(
    engine: Engine, who: tuple[str, str], reference: str, channel: str, reason: str, *, waiting: bool
) -> list[Moved]:
    """Withdraw what did not get through to `channel`, with `waiting` also what waits for its time; return which.

    Raises Broken, with what to do instead, when there is nothing such; Forbidden `reason_malformed`.
    """
    attempt = _attempt(engine, GIVEN_UP, who, reference)
    why = attempt.check_reason(reason)
    with transaction(engine) as connection:
        moved = retries.give_up(connection, attempt.reference, channel, waiting=waiting)
        note(connection, _entries(GIVEN_UP, attempt.actor, moved, why))
    if not moved:
        _refuse(attempt, channel)
    return moved


def _attempt(engine: Engine, action: str, who: tuple[str, str], reference: str) -> Attempt:
    kind, handle = who
    return attempted(engine, action, kind=kind, handle=handle, reference=reference)


def _entries(action: str, actor: str, moved: Iterable[Moved], why: str) -> list[AuditEntry]:
    return [
        AuditEntry(actor, action, row.reference, detail=f"{row.channel}:{row.revision} {why}".rstrip()) for row in moved
    ]


def _refuse(attempt: Attempt, channel: str | None) -> None:
    """Note that nothing could be done, and say what could."""
    with transaction(attempt.engine) as connection:
        stand = retries.states(connection, attempt.reference, channel)
        known = {str(row["channel"]) for row in ledger.whole(connection, attempt.reference)} if not stand else set()
    for state, (code, hint) in _IN_THE_WAY.items():
        if state in stand:
            attempt.refuse(code, say=Broken(code, hint))
    attempt.refuse("unknown_delivery", say=_unknown(channel, known))


def _unknown(channel: str | None, known: Iterable[str]) -> Broken:
    if channel is None or not known:
        return Broken("unknown_delivery", "no referral has this reference; `concern-router deliveries list` names them")
    told = ", ".join(sorted(known))
    return Broken("unknown_delivery", f"nothing of it goes to a channel called so, but to: {told}")


def check_channel(engine: Engine, channel: str) -> None:
    """Raise Broken when no channel in force is called so."""
    with transaction(engine) as connection:
        stored = policies.active(connection)
    names = parse_catalogue(stored.channels_text).channels if stored is not None else {}
    if channel not in names:
        raise Broken("unknown_channel", f"no channel in force is called so{nearest(channel, names)}")
