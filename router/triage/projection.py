"""What each channel gets of a case: the fields on its own list, of what is known, and nothing else (promise 4).

Pure. Also what may be said later is made here, once, so that whoever says it needs to know nothing more.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from router.catalogue import Channel
from router.model import Deadlines, Facts, PlannedReferral, Referral, made
from router.triage.clocks import Wait
from router.triage.parts import Policy
from router.vocabulary import Awaited, Notice, ReferralState, Scope, Severity

_NEWS: Final[Mapping[Awaited, tuple[str, ...]]] = {
    Awaited.CLAIM: ("severity", "claim_by", "link"),
    Awaited.DECIDE: ("severity", "decide_by", "link"),
    Awaited.ACKNOWLEDGE: ("severity", "acknowledge_by", "link"),
    Awaited.FEEDBACK: ("severity", "feedback_by", "link"),
    Awaited.DELIVERY: ("severity", "link"),
}
"""What somebody who knows the case already needs to be told of something awaited; no deadline for a delivery."""
_NOTHING: Final[dict[str, Any]] = dict.fromkeys(Referral.model_fields)


def known(
    policy: Policy,
    facts: Facts,
    *,
    severity: Severity,
    deadlines: Deadlines,
    reference: str,
    received_at: datetime,
    console_url: str,
) -> dict[str, Any]:
    """Return everything that a referral of this case could hold, checked; raises ValidationError."""
    everything = {
        **facts.__dict__,
        **deadlines.__dict__,
        "occurred_at": _utc(facts.occurred_at),
        "noticed_at": _utc(facts.noticed_at),
        "reference": reference,
        "severity": severity,
        "received_at": received_at,
        "jurisdiction": policy.regions.whose(facts).region,
        "tlp": policy.tlp(facts.category),
        "link": f"{console_url.rstrip('/')}/console/cases/{reference}",
    }
    return checked(everything)


def checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of `fields` that say something, as a referral holds them; raises ValidationError.

    What is projected from them is not checked again.
    """
    whole = Referral(**fields)
    return {name: value for name, value in whole.__dict__.items() if value is not None and value != ()}


def planned(
    known: Mapping[str, Any],
    to: Iterable[Channel],
    hold: Iterable[Channel],
    waits: Sequence[Wait],
    *,
    kept_from: tuple[str, ...],
) -> tuple[PlannedReferral, ...]:
    """Return one referral for each channel of `to`, now, and of `hold`, as a draft, and those that wait for their time.

    `waits` are in the order of their times; each channel's referrals are numbered in that order. A channel that is
    not told at once gets all that it may carry with the first one that waits for the same thing, since the earlier
    ones may never be sent; otherwise it is only told what is new. So it does when it comes in instead of another one.
    `kept_from` names the teams in conflict.
    """
    rows = []
    said: dict[str, int] = {}
    complete: set[tuple[str, Awaited | None]] = set()
    for channels, state in ((to, ReferralState.DUE), (hold, ReferralState.DRAFT)):
        for channel in channels:
            said[channel.name] = 1
            rows.append(_row(channel, state, _projection(known, channel.carries, 1, scope=channel.scope), kept_from))
    at_once = frozenset(said)
    for due_at, channel, notice, awaited, instead_of in waits:
        name = channel.name
        revision = said[name] = said.get(name, 0) + 1
        carries: Sequence[str] = channel.carries
        if instead_of is None:
            if name in at_once or (name, awaited) in complete:
                carries = [field for field in _NEWS[awaited] if field in carries]
            else:
                complete.add((name, awaited))
        fields = _projection(known, carries, revision, notice, awaited, scope=channel.scope)
        rows.append(_row(channel, ReferralState.STANDBY, fields, kept_from, due_at=due_at, instead_of=instead_of))
    return tuple(rows)


def _row(
    channel: Channel,
    state: ReferralState,
    fields: Referral,
    kept_from: tuple[str, ...],
    *,
    due_at: datetime | None = None,
    instead_of: str | None = None,
) -> PlannedReferral:
    return made(
        PlannedReferral,
        {
            "channel": channel.name,
            "kind": channel.kind,
            "state": state,
            "fields": fields,
            "due_at": due_at,
            "awaited": fields.awaited,
            "kept_from": kept_from,
            "instead_of": instead_of,
        },
    )


def _projection(
    known: Mapping[str, Any],
    carries: Iterable[str],
    revision: int,
    notice: Notice | None = None,
    awaited: Awaited | None = None,
    *,
    scope: Scope,
) -> Referral:
    fields = _NOTHING.copy()
    for name in carries:
        if name in known:
            fields[name] = known[name]
    fields["reference"], fields["revision"] = known["reference"], revision
    fields["notice"], fields["awaited"] = notice, awaited
    # A marking tells people elsewhere what they may do; here the allow-list has said it.
    fields["tlp"] = known.get("tlp") if scope is Scope.EXTERNAL else None
    return made(Referral, fields)


def _utc(moment: datetime | None) -> datetime | None:
    """Return the same moment in UTC: a zone says where somebody was."""
    return moment.astimezone(UTC) if moment is not None else None
