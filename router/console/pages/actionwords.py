"""What an entry of the audit says, in words: `person:ana case_claimed` becomes `ana claimed the case`. Codes only."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LOOKS: Final = frozenset(
    {
        *("case_viewed", "case_shown", "referral_shown", "delivery_shown", "case_timeline_viewed"),
        *("case_notes_listed", "case_messages_listed"),
        *("draft_shown", "draft_previewed", "identity_request_shown", "handover_shown"),
    }
)
"""Acts that changed nothing and opened nothing: left out where only what happened is asked for."""
DONE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "attempt": "tried to send",
        "behalf_link_made": "made a link to take a report down",
        "behalf_links_ended": "ended their links to take a report down",
        "behalf_links_listed": "looked at their links to take a report down",
        "case_acknowledged": "told the reporter that it arrived",
        "case_answered": "told the reporter what was done",
        "case_claim_lapsed": "ended the claim: nothing was done for too long",
        "case_claimed": "claimed the case",
        "case_closed": "closed the case",
        "case_corrected": "told a channel what counts now",
        "case_conflict_found": "took a team out: conflict",
        "case_handed_over": "handed the case over",
        "case_held": "put the case on legal hold",
        "case_hold_lifted": "lifted the legal hold",
        "case_key_given": "gave a team the key",
        "case_key_taken": "took the key from a team",
        "case_opened": "opened what was reported",
        "case_recalled": "recalled what a channel was told",
        "case_received": "brought the concern in",
        "case_recused": "stepped out of the case",
        "case_released": "gave the case back",
        "case_rerouted": "re-routed the case",
        "case_shown": "looked at the case by the command line",
        "case_stopped": "stopped what was not sent yet",
        "case_taken_down": "took the report down for the reporter",
        "case_timeline_viewed": "looked at the timeline",
        "case_told_instead": "told another channel instead",
        "case_viewed": "looked at the case",
        "deadline_passed": "noted that a deadline passed",
        "delivery_shown": "looked at a delivery",
        "draft_approved": "approved a draft",
        "draft_expired": "ended a draft: too few approved it in time",
        "draft_made": "drafted a referral to an outside body",
        "draft_previewed": "looked at what a draft would say",
        "draft_refused": "refused a draft",
        "draft_released": "gave the last approval that was needed",
        "draft_reopened": "asked for approvals again: what would be sent has changed",
        "draft_shown": "looked at a draft",
        "draft_withdrawn": "took a draft back",
        "escalated": "escalated",
        "case_messages_listed": "looked at which messages there are",
        "case_notes_listed": "looked at which notes there are",
        "case_let_go": "let it go: its channels are told",
        "case_linked_to_flood": "noted that it came with very many others",
        "case_parked": "parked it: it came with very many others",
        "filing_expired": "noted that a report at an outside body expired there, unfiled",
        "filing_finished": "filed a report at an outside body for good",
        "filing_gone": "noted that an outside body does not know a report any more",
        "filing_lost": "got no answer to a report that it asked to open; one may be open there, and expires",
        "filing_opened": "opened a report at an outside body",
        "filing_retracted": "cancelled an open report at an outside body",
        "filing_stray": "opened a report at an outside body that another had replaced meanwhile",
        "filing_unopened": "could not open a report at an outside body",
        "flood_closed": "closed what waited of a flood as one",
        "flood_let_go": "let go what waited of a flood",
        "flood_told": "told the fallback's desk of a flood",
        "floods_listed": "looked at which floods there are",
        "handover_recorded": "recorded that it was handed over outside",
        "handover_shown": "looked at what is to be handed over",
        "handovers_listed": "looked at what is to be handed over",
        "identity_asked": "asked who reported",
        "identity_expired": "ended a request to learn who reported: nobody decided",
        "identity_granted": "let somebody learn who reported",
        "identity_refused": "refused to let somebody learn who reported",
        "identity_request_shown": "looked at a request to learn who reported",
        "message_received": "wrote to the team",
        "message_sent": "wrote to the reporter",
        "messages_opened": "opened the messages",
        "note_written": "wrote a note",
        "notes_opened": "opened the notes",
        "referral_draft": "did not send what nobody approved so",
        "referral_exported": "took out what left, as a document for programs",
        "referral_given_up": "gave a delivery up",
        "referral_retried": "had a delivery tried again",
        "referral_in_hand": "laid it before people, to be handed over",
        "referral_sent": "sent",
        "referral_shown": "looked at what is sent",
        "outside_kept": "kept, sealed, what left or what came back",
        "outside_kept_let_go": "deleted a kept copy: its time had passed",
        "outside_kept_opened": "opened a kept copy",
        "outside_kept_until": "said until when a copy is kept",
        "reminded": "reminded",
        "tasks_listed": "listed their tasks",
        "task_done": "did a task",
        "task_set": "asked a colleague to do something",
        "told_instead": "told another channel instead",
    }
)
"""What was done, by the audit's action."""
_WHO: Final[Mapping[str, str]] = MappingProxyType(
    {"clock": "The clock", "worker": "A worker", "reporter": "The reporter", "nobody": "Somebody not signed in"}
)


def done(action: str) -> str:
    """Return an action in words."""
    return DONE.get(action) or action.replace("_", " ")


def who(actor: str) -> str:
    """Return who did it: a person by their handle alone."""
    kind, _, name = actor.partition(":")
    if kind == "person":
        return name
    return _WHO.get(actor) or (f"{kind} {name}" if name else kind)


def ended(outcome: str) -> str:
    """Return how it ended, nothing where that goes without saying."""
    if outcome == "ok":
        return ""
    start, _, rest = outcome.partition("_")
    said = f"{start}: {rest}" if start in {"refused", "failed"} else outcome
    return said.replace("_", " ")
