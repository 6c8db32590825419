"""What a referral with a notice says, in sentences for people; the same for every kind that writes to them.

Pure. Only fields that the referral carries are said. A recall gives no reason: whoever must not know of a
case must not learn that either.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from router.model import Referral
from router.vocabulary import Awaited, Notice

FIELDS_SAID: Final = frozenset({"severity", "claim_by", "decide_by", "acknowledge_by", "feedback_by", "link"})
"""What a notice says where the channel may carry it."""

_DUTY: Final[Mapping[Awaited, str]] = MappingProxyType(
    {
        Awaited.CLAIM: "a person should have taken {0}",
        Awaited.DECIDE: "{0} should have been decided and closed",
        Awaited.ACKNOWLEDGE: "the reporter of {0} should have been told that the report arrived",
        Awaited.FEEDBACK: "the reporter of {0} should have been told what was done",
        Awaited.DELIVERY: "everybody who must know of {0} at once should have been told",
    }
)
_LEADS: Final[Mapping[Notice, str]] = MappingProxyType(
    {
        Notice.REMINDER: "Reminder: ",
        Notice.OVERDUE: "Overdue: ",
        Notice.ESCALATION: "Escalation, because this has not happened: ",
    }
)
_OF_A_CASE: Final[Mapping[Notice, str]] = MappingProxyType(
    {
        Notice.RECALLED: "{0} is withdrawn. Nothing is to be done about it here any more; please leave it closed.",
        Notice.TAKEN_OVER: (
            "This was reported as a concern and has the reference {0}; the people who must act have it. What to do "
            "now: write, attach and copy nothing more about it here; leave the device and everything on it as it is "
            "and keep others away; do not look again; speak about it with nobody who need not know. Whoever deals with "
            "{0} comes to you. Is somebody in danger now, call the emergency number first."
        ),
        Notice.CLOSED: "{0} is closed by those who decide about it. Nothing is to be done about it here any more.",
        Notice.CORRECTED: "{0} was decided anew. What is said here counts, and not what was said of it before.",
        Notice.REPORTER_WROTE: "The reporter of {0} has written. What, can be read in the console alone.",
        Notice.WITHDRAWAL_ASKED: (
            "The reporter of {0} asks for the report to be withdrawn. Those who decide about it decide about that, "
            "too, in the console."
        ),
        Notice.INSTEAD: "{0} comes here because it has not reached those who should have had it first.",
    }
)
_OF_NO_CASE: Final[Mapping[Notice, str]] = MappingProxyType(
    {
        Notice.DRILL: (
            "This is a drill, not a case: nobody has reported anything. Whoever sees it tells the people who run "
            "concern-router, who note it with: concern-router channels acknowledge {0}"
        ),
        Notice.DIGEST: "This comes at fixed times and always says the same, whether or not there is something new.",
        Notice.POLICY_REFUSED: (
            "This is not a case. The files policy.yaml and channels.yaml of concern-router are wrong, and the last "
            "good ones stay in force. What is wrong: concern-router policy check"
        ),
        Notice.SOURCES_REFUSED: (
            "This is not a case. The file sources.yaml of concern-router is wrong, and the last good one stays in "
            "force. What is wrong: concern-router sources check"
        ),
        Notice.FLOOD: (
            "This is not a case. Very many concerns came in at once. All are kept. Those that can wait do so until "
            "somebody has looked through them; at the latest within a day their teams are told by themselves. "
            "Reviewers let them go or close them as one in the console, under Floods. What there is: "
            "concern-router floods list"
        ),
        Notice.DELIVERY_LATE: (
            "This is not a case. Something that concern-router sends by the channel {1} has been under way for too "
            "long, and there is no proof that it arrived; it goes on trying. Why: concern-router channels list {1}. "
            "What waits: concern-router deliveries list --state due --channel {1}"
        ),
        Notice.UNDELIVERABLE: (
            "This is not a case. Something that concern-router should send by the channel {1} could not be delivered, "
            "and is not tried again by itself: somebody must mend the channel, or tell people another way. What it is: "
            "concern-router deliveries list --state dead --channel {1}"
        ),
        Notice.CHANNEL_HELD: (
            "This is not a case. concern-router does not use the channel {1}, because its settings do not fit the "
            "other side; everything for it waits. What is wrong, and what helps: concern-router channels check {1}"
        ),
        Notice.SECOND_TICKET: (
            "This is not a case. Something that concern-router sent by the channel {1} was there twice. The second one "
            "is closed now (second_closed), or somebody works in it already, and a person must join the two "
            "(second_left). Which it is: concern-router deliveries list --channel {1}"
        ),
        Notice.CLOSED_THERE: (
            "This is not a case. A ticket that concern-router made by the channel {1} was closed there, and its case "
            "is open here: either the case is to be closed too, or the ticket to be opened again. Which it is: "
            "concern-router deliveries list --disagreeing --channel {1}"
        ),
        Notice.CLOSED_HERE: (
            "This is not a case. A case is closed here, and the ticket that concern-router made for it by the channel "
            "{1} is open there: somebody should close it, or find out who still works on it. Which it is: "
            "concern-router deliveries list --disagreeing --channel {1}"
        ),
        # Which body it is for is not said aloud: a telephone on a table shows these.
        Notice.DRAFT_WAITS: (
            "This is not a case. Something that should leave the organisation waits for people to approve it, and "
            "nothing leaves before they do. Approvers see it in the console, under Approvals. Is somebody in danger "
            "now, call the emergency number first: do not wait for an approval. What waits: "
            "concern-router deliveries list --state draft"
        ),
        Notice.DRAFT_EXPIRED: (
            "This is not a case. Something that should have left the organisation ended, because nobody decided about "
            "it in time. Nothing was sent. Those who deal with its case see it there, and can draft it anew. Which it "
            "was: concern-router deliveries list --state recalled"
        ),
        Notice.HAND_OVER_WAITS: (
            "This is not a case. Something that was approved to leave the organisation waits for a person to hand it "
            "over; nobody outside has it yet. What to do is in the console, under Handovers. Is somebody in danger "
            "now, call the emergency number first. What waits: concern-router deliveries list --state in_hand"
        ),
    }
)


def said(referral: Referral) -> str:
    """Return what the referral's notice says, in a sentence or two; empty without a notice."""
    notice = referral.notice
    if notice is None:
        return ""
    plain = _OF_A_CASE.get(notice) or _OF_NO_CASE.get(notice)
    if plain is not None:
        return plain.format(referral.reference, referral.about)
    duty = _DUTY[referral.awaited].format(referral.reference) if referral.awaited else f"{referral.reference} waits"
    # A delivery has no deadline.
    by: datetime | None = getattr(referral, f"{referral.awaited}_by", None)
    until = f" by {moment(by)}" if by is not None else ""
    return f"{_LEADS[notice]}{duty}{until}."


def said_of_no_case(referral: Referral) -> str:
    """Return what the referral says if it belongs to no case; else nothing: its fields speak for themselves.

    For kinds that write fields for programs: a page or a drill may be all that somebody woken at night sees.
    """
    return said(referral) if referral.notice in _OF_NO_CASE else ""


def title(referral: Referral) -> str:
    """Return what the thing is called over there: the reference, what it is, and nothing of the matter."""
    if referral.notice is Notice.DRILL:
        return f"{referral.reference} drill, not a case"
    if referral.notice in _OF_NO_CASE:
        return f"{referral.reference} notice about concern-router itself, not a case"
    if referral.notice is Notice.TAKEN_OVER:
        return f"{referral.reference} taken over"
    return f"{referral.reference} confidential referral"


def moment(at: datetime) -> str:
    """Return a moment in UTC, to the second."""
    # Not strftime: on Linux it writes the year 987 with three digits.
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
