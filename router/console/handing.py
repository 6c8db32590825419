"""People hand over outside what was approved, and record that: to which body, when, under which reference of theirs.

Recording makes it sent. The sheet that people approved and what was recorded are kept, sealed to the case. Until then
whoever is on duty is told again and again that it waits. Nothing is handed over from here; refused tries are audited.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import orjson
from pydantic import ValidationError
from sqlalchemy import Connection

from router.catalogue import Channel
from router.channels import hand_over
from router.channels.hand_over.sheet import MEDIA_TYPE, Sheet, read_sheet
from router.console.acting import By, act, begin
from router.console.approving import Desk
from router.console.duty import remind
from router.console.outgoing import channel_now
from router.errors import Forbidden
from router.model import Payload
from router.preserving import DOCUMENT, RECEIPT, Kept, preserve
from router.store import drafts, handovers
from router.store.engine import transaction
from router.store.handovers import HandOver, Lies, Said
from router.store.outsidewaits import Waits
from router.store.progress import Standing
from router.vocabulary import Notice, Severity

RECORDED: Final = "handover_recorded"
SKEW: Final = timedelta(minutes=2)
"""How far a person's clock may be off; they say no seconds, either."""
_REFERENCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/#:+-]{0,63}")
_DESK: Final = re.compile(r"[^\W_][\w .,'/()&-]{0,79}")


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody typed."""

    body: str
    desk: str
    external_reference: str
    at: datetime | None
    """None: it was no time."""


@dataclass(frozen=True, slots=True)
class Laid:
    """One that lies before a person, with what they see of it."""

    one: HandOver
    sheet: Sheet | None
    """None: another version made it, and we cannot read it."""
    same: bool
    """Whether the channel would make and send exactly this now; if not, its directory or settings have changed."""
    bodies: Mapping[str, str]
    """Whom it may have been handed to, by code."""


def laid(desk: Desk, one: HandOver) -> Laid:
    """Return it with the sheet that people approved."""
    channel = channel_now(desk.engine, desk.policies, one.channel)
    sheet = _sheet(one)
    return Laid(one, sheet, _same(channel, one), _bodies(channel, sheet))


def find(desk: Desk, referral: str) -> HandOver | None:
    """Return the one that is or was in hand, None if there is no such."""
    with transaction(desk.engine) as connection:
        return handovers.find(connection, referral)


def record(desk: Desk, by: By, *, referral: str, given: Given) -> HandOver:
    """Write that it was handed over. `by` says of which case. Raises Forbidden with a code, audited.

    Also when it was withdrawn meanwhile: what has left has left, and the ledger says so.
    """
    attempt = begin(desk.engine, RECORDED, by)
    found = find(desk, referral)
    if found is None or found.reference != attempt.reference:
        attempt.refuse("unknown_handover")
    code, said = _checked(laid(desk, found), given)

    def change(connection: Connection, _case: Standing, who: str) -> bool:
        if said is None:
            raise Forbidden(code)
        drafts.lock(connection, referral)
        still = handovers.find(connection, referral)
        if still is None or still.recorded:
            raise Forbidden("handover_recorded" if still else "unknown_handover")
        handovers.record(connection, still, said, by=who)
        _keep(connection, still, said, who)
        return True

    act(
        desk.engine,
        RECORDED,
        by,
        change=change,
        why_not=lambda _case: Forbidden("unknown_case"),
        detail=lambda _case: _detail(found, said),
        ready=attempt,
    )
    return found


def tend(desk: Desk, ring: Callable[[Iterable[str]], None] = lambda _channels: None) -> None:
    """Tell whoever is on duty of what waits to be handed over, at once and again. A chore: done again."""
    with transaction(desk.engine) as connection:
        lying = handovers.lying(connection)
        channels = {name: channel_now(desk.engine, desk.policies, name) for name in {one.channel for one in lying}}
        waits = [_waits(channels[one.channel], one) for one in lying]
        rung = remind(connection, desk.policies, Notice.HAND_OVER_WAITS, waits)
    ring(rung)


def _waits(channel: Channel | None, one: Lies) -> Waits:
    settings = channel.settings if channel else None
    critical = one.severity is Severity.CRITICAL
    # Where the channel is of another kind by now, or no file names it, they are reminded as usual.
    again = hand_over.REMIND_CRITICAL_EVERY if critical else hand_over.REMIND_EVERY
    if isinstance(settings, hand_over.Settings):
        again = settings.remind_critical_every if critical else settings.remind_every
    return Waits(one.channel, one.policy, one.kept_from, one.in_hand_at, again)


def _checked(known: Laid, given: Given) -> tuple[str, Said | None]:
    """Return what is recorded, or the code of what is wrong with what was typed."""
    one, reference, place = known.one, given.external_reference.strip(), given.desk.strip()
    for wrong, code in (
        (given.body not in known.bodies, "body_unknown"),
        (bool(place) and not _DESK.fullmatch(place), "desk_malformed"),
        (bool(reference) and not _REFERENCE.fullmatch(reference), "external_reference_malformed"),
        (given.at is None, "handed_at_malformed"),
        (given.at is not None and given.at > one.now + SKEW, "handed_at_future"),
        (given.at is not None and given.at < one.received_at - SKEW, "handed_at_early"),
    ):
        if wrong:
            return code, None
    return "", Said(given.body, place or None, reference or None, given.at) if given.at else None


def _detail(one: HandOver, said: Said | None) -> str:
    """Return what the audit says of it: which, to whom, and what about it was out of order."""
    odd = {"withdrawn_before": one.withdrawn, "before_approval": said is not None and said.at < one.approved_at - SKEW}
    words = (
        f"{one.channel}:{one.revision}",
        said.body if said else "",
        *(word for word, is_so in odd.items() if is_so),
    )
    return " ".join(words) + " "


def _keep(connection: Connection, one: HandOver, said: Said, who: str) -> None:
    """Keep, sealed to the case, the sheet that people approved and what was recorded of it."""
    told = {
        "format": "concern-router/handed-over/1",
        "reference": one.reference,
        "channel": one.channel,
        "revision": one.revision,
        "body": said.body,
        "desk": said.desk,
        "external_reference": said.external_reference,
        "handed_over_at": said.at,
        "recorded_by": who,
    }
    receipt = orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    about = (one.id, one.reference, one.channel, one.revision, one.lease_no)
    parts = [(RECEIPT, receipt), *([(DOCUMENT, one.sheet)] if one.sheet is not None else [])]
    preserve(connection, [Kept(*about, part, Payload(body, MEDIA_TYPE)) for part, body in parts], by=f"person:{who}")


def _sheet(one: HandOver) -> Sheet | None:
    try:
        return read_sheet(one.sheet) if one.sheet is not None else None
    except ValidationError:
        return None


def _same(channel: Channel | None, one: HandOver) -> bool:
    """Say whether these bytes by the channel as it is now are what people approved."""
    if channel is None or one.sheet is None:
        return False
    return channel.leaving(Payload(one.sheet, MEDIA_TYPE), key=one.id) == one.digest


def _bodies(channel: Channel | None, sheet: Sheet | None) -> dict[str, str]:
    """Return whom it may have been handed to, by code: the sheet's first, then every other one of the channel."""
    settings = channel.settings if channel else None
    every = settings.bodies if isinstance(settings, hand_over.Settings) else ()
    first = (sheet.to, *sheet.others) if sheet and sheet.to else ()
    named = {one.code: f"{one.name} ({one.country})" for one in first}
    return named | {one.code: f"{one.name} ({one.country})" for one in every}
