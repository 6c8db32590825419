"""What the console says: its navigation, why something was refused, what was done, times in words. No case in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from router.console.rights import Right
from router.errors import RouterError, Taken
from router.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Entry:
    """One place in the navigation."""

    path: str
    label: str
    right: Right


NAVIGATION: Final = (
    Entry("/console", "Queue", Right.WORK_ON_CASES),
    Entry("/console/tasks", "Tasks", Right.WORK_ON_CASES),
    Entry("/console/handovers", "Handovers", Right.WORK_ON_CASES),
    Entry("/console/behalf", "Take down", Right.WORK_ON_CASES),
    Entry("/console/approvals", "Approvals", Right.APPROVE),
    Entry("/console/identity", "Identity", Right.GRANT_IDENTITY),
    Entry("/console/routing", "Routing", Right.SEE_ROUTING),
    Entry("/console/channels", "Channels", Right.SEE_CHANNELS),
    Entry("/console/audit", "Audit", Right.READ_AUDIT),
    Entry("/console/people", "People", Right.MANAGE_PEOPLE),
)
"""All places, in order; each person sees those that they have the right to."""

TOLD: Final[Mapping[str, str]] = MappingProxyType(
    {
        "role_missing": "Your role does not include this page. An administrator gives roles.",
        "signed_out": "Your session has ended. Sign in again; nothing that you sent was stored.",
        "form_outdated": "This form is from another session or from before you signed in. Open the page again.",
        "sent_from_elsewhere": "Another site made your browser send this. Nothing was done.",
        "unknown_case": "There is no case with this reference.",
        "view_malformed": "This filter cannot be saved. Set it anew.",
        "view_name": "Give a name of 1 to 40 characters on one line.",
        "too_many_views": "You have 30 views. Forget one first.",
        "unknown_page": "There is no such page.",
        "not_a_member": "No team of yours has a key to this case.",
        "recused": "You took yourself out of this case.",
        "in_conflict": "Your team must know nothing of this case.",
        "already_claimed": "Somebody else has this case.",
        "withdrawal_not_asked": "The reporter has not asked for that; choose another outcome.",
        "not_claimed": "Nobody has this case; claim it first.",
        "nothing_changed": "Nothing is different from how the case was decided. Change something first.",
        "unknown_value": "The policy does not know the category or the site. Choose one of the list.",
        "nobody_to_tell": "Nobody would be left to tell: every team of the policy's fallback is in conflict.",
        "policy_not_understood": "This version cannot read the policy that the case was decided by.",
        "changed_since": "Somebody changed this while your page was open. Nothing was overwritten.",
        "locked": "Unlock with your passphrase first.",
        "no_receipt": "A system reported this; there is nobody to write to.",
        "not_a_task": "There is no such task to be done on this case. Somebody may have done it.",
        "not_a_colleague": "Choose somebody who may see this case.",
        "links_unused": "You have links that were not used. Use one of them, or end them first.",
        "reason_malformed": "Give a reason of 3 to 200 characters on one line.",
        "wrong_passphrase": "This is not your passphrase.",
        "wrong_handle_or_password": "Handle and password do not fit together, or may not sign in.",
        "single_failed": "Single sign-on did not work. It is on record; try again from here.",
        "unknown_subject": "Single sign-on knows you, and nobody here is linked to you. An administrator can do that.",
        "oidc_no_answer": "Single sign-on does not answer now. Try again in a moment.",
        "wrong_code": "This code does not count, or was used already. Wait for the next one.",
        "passwords_differ": "The two are not the same.",
        "password_short": "At least 12 characters are needed.",
        "password_long": "At most 200 characters fit.",
        "password_common": "This is made of common words, dates or rows of keys, and would be guessed. Take another.",
        "password_same": "This is the password that you were given. Choose your own.",
        "wrong_password": "This is not your password.",
        "no_account": "There is no account to sign in to any more.",
        "no_second_factor": "There is no second factor yet.",
        "unknown_session": "That session has ended already.",
        "unknown_person": "There is nobody with this handle.",
        "own_account": "Nobody resets their own account. Change your password under Account, or ask a colleague.",
        "own_roles": "Nobody gives roles to themselves. Ask another administrator.",
        "last_administrator": "Nobody would be left who can manage people. Make somebody else an administrator first.",
        "unknown_draft": "There is no such draft.",
        "unknown_kept": "There is no such copy any more. Its time may have passed; the audit says so.",
        "nothing_left": "Nobody let this leave: what nobody approved, or what was withdrawn, is not handed out.",
        "unreadable_referral": "Another version wrote this, or nothing names its channel any more.",
        "drafted_it": "You drafted this. Others decide about it.",
        "person_named": "You may be the person whom the concern names. Others decide.",
        "disabled_person": "This account is disabled.",
        "already_approved": "You approved exactly this before. Others must too.",
        "already_drafted": "A draft to this channel waits already. Take it back first, if it was yours.",
        "not_the_drafter": "Somebody else drafted this. They take it back, or an approver refuses it.",
        "draft_approved": "Enough people approved this already: it is on its way.",
        "draft_refused": "Somebody refused this draft: it has ended.",
        "draft_expired": "This draft's time is over. A reviewer of the case may draft another one.",
        "draft_withdrawn": "This draft was withdrawn.",
        "draft_replaced": "Another draft took this one's place.",
        "read_by_involved": "Somebody who is said to be involved can read what arrives there. Nothing goes that way.",
        "unrenderable": "This cannot be written out for the channel as it is now.",
        "unknown_handover": "There is nothing such to be handed over.",
        "handover_recorded": "Somebody recorded this already. Nothing was changed; see below what they said.",
        "body_unknown": "Choose one of the bodies listed.",
        "desk_malformed": "A desk or station has at most 80 letters, digits, blanks and . , ' / ( ) & -",
        "external_reference_malformed": "A reference has at most 64 letters, digits, blanks and . _ / # : + -",
        "handed_at_malformed": "Give the day, the time and what your clock differs from UTC.",
        "handed_at_future": "This is still to come. Record it when they have it.",
        "handed_at_early": "This is before the concern came in. Check the day and the clock's difference from UTC.",
        "unknown_request": "There is no such request.",
        "asked_it": "You asked for this yourself. Somebody else decides.",
        "already_asked": "You asked before, and nobody has decided yet.",
        "already_granted": "You may see who reported already. Open the report.",
        "already_decided": "Somebody else has decided about this.",
        "request_expired": "Nobody decided about this in time. Whoever asked may ask again.",
        "asker_may_not": "Whoever asked may not open the case any more.",
        "no_custodian": "Nobody is custodian here: who reported is not kept apart.",
        "quota_exceeded": "Too many attempts. Wait a little, then try again.",
        "case_closed": "The case is closed.",
        "case_withdrawn": "The case was withdrawn.",
        "nobody_left": "Nobody else may work on this case. Say that you know.",
        "unknown_outcome": "Choose how it ended.",
        "unknown_referral": "There is no such referral of this case.",
        "unknown_delivery": "Nothing of this case goes to this channel, or nothing is left to try again.",
        "not_parked": "Nothing of it waits any more that you could let go or close.",
        "held_before": "The case is on legal hold already.",
        "not_held": "The case is not on legal hold.",
        "being_sent": "A worker has it just now. Look again in a minute.",
        "already_sent": "It arrived; nothing is sent twice.",
        "not_approved": "It waits for approvals; without them it never leaves.",
        "not_yet": "It waits for its time.",
        "withdrawn": "It was withdrawn for good.",
        "not_a_reviewer": "You are no reviewer any more.",
        "content_replaced": "What is stored is not what came in. Nothing was shown; tell the operator at once.",
        "key_swapped": "The case's key was exchanged. Nothing was shown; tell the operator at once.",
        "unavailable": "The database does not answer. Nothing was stored; try again in a moment.",
        "key_missing": "The audit's public key, audit.pub, is not within reach of the console. Nothing was checked.",
        "unknown_channel": "No channel is called so, in force or with anything left to send.",
        "unknown_field": "The form had a field that this page does not ask for. Nothing was done.",
        "body_too_large": "That is more text than fits. Shorten it.",
    }
)
"""Why something was refused, and what to do, by code."""

SAID: Final[Mapping[str, str]] = MappingProxyType(
    {
        "case_claimed": "You have this case now.",
        "case_kept": "You keep the case.",
        "case_released": "The case is back in the queue.",
        "case_handed_over": "Handed over.",
        "case_closed": "The case is closed.",
        "case_let_go": "Let go: its channels are told now.",
        "flood_let_go": "Let go: their channels are told now.",
        "flood_closed": "Closed as one. Nobody is told of them.",
        "case_held": "The case is on legal hold.",
        "case_hold_lifted": "The legal hold is lifted.",
        "case_recused": "You stepped out of the case.",
        "delivery_retried": "It is tried again now.",
        "locked": "Locked: what is sealed needs your passphrase again.",
        "signed_out": "You are signed out.",
        "tried_again": "Due again now. A worker takes it within seconds; look again then.",
        "nothing_dead": "Nothing is dead on this channel any more.",
        "note_written": "The note is kept.",
        "task_set": "The task is kept; they find it among their tasks.",
        "task_done": "The task is done.",
        "acknowledgement_sent": "Sent. It is on record that the reporter was told that the report arrived.",
        "question_sent": "Sent to the reporter.",
        "feedback_sent": "Sent. It is on record that the reporter was told what was done.",
        "links_ended": "Your unused links have ended.",
        "case_rerouted": "Re-routed. Who must know is told, and who need not know any more was told to forget it.",
        "case_rerouted_away": "Re-routed. The case is with others now, and you cannot open it any more.",
        "case_conflict_found": "The team is out of the case.",
        "next_taken": "This is the most urgent case that nobody had. It is yours now.",
        "nothing_waits": "Nothing waits that nobody has.",
        "view_saved": "Saved. You find it above the list.",
        "view_forgotten": "That view is gone.",
        "view_unknown": "You have no view of that name.",
        "password_changed": "Your password is changed; your other sessions have ended.",
        "session_ended": "That session has ended.",
        "draft_made": "The draft waits for approvals. Nothing was sent.",
        "draft_withdrawn": "The draft is taken back.",
        "draft_approved": "You approved this. It leaves when enough others have.",
        "draft_released": "Yours was the last approval that was needed: it is on its way.",
        "draft_refused": "You refused this. The draft has ended.",
        "handover_recorded": "Recorded: it counts as sent. Sheet and record are kept, sealed to the case.",
        "identity_asked": "Asked. A custodian decides; you see here what they say.",
        "identity_granted": "Granted. The reporter is told that somebody was allowed to know.",
        "identity_refused": "Refused.",
        "roles_changed": "The roles are changed, from now on.",
        "person_disabled": "Disabled, and signed out everywhere.",
        "person_enabled": "Enabled again.",
        "second_factor_reset": "The second factor is gone; another is set up at the next sign-in.",
    }
)
"""What was done, by the code in the address of where a form leads."""


ROLES: Final[Mapping[Role, str]] = MappingProxyType(
    {
        Role.REVIEWER: "works on the cases of their own teams",
        Role.APPROVER: "says whether a draft may leave the organisation",
        Role.CUSTODIAN: "says whether a reviewer may learn who reported",
        Role.AUDITOR: "sees who did and saw what, and no case",
        Role.ADMINISTRATOR: "gives accounts and roles, looks after channels, and sees no case",
    }
)
"""What each role is for."""


def told(error: RouterError) -> str:
    """Return what a person is told of an error; of one that nobody wrote words for, that it failed."""
    if isinstance(error, Taken):
        return f"{error.holder} has this case since {error.since:%-d %B, %H:%M} UTC."
    known = TOLD.get(error.code) or (TOLD["unavailable"] if error.code.startswith("database_") else None)
    return known or "This did not work. It is on record; if it stays, tell the operator this code."


_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))


def left(moment: datetime, now: datetime) -> str:
    """Return how far away a time is, in two units: `in 3 h 20 min`, `2 d 4 h ago`."""
    away = moment - now
    text = span(abs(away))
    return f"in {text}" if away > timedelta(0) else f"{text} ago"


def span(length: timedelta) -> str:
    """Return a length of time in at most two units; under a minute says so."""
    rest = int(length.total_seconds())
    parts: list[str] = []
    for unit, name in _UNITS:
        count, rest = divmod(rest, unit)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 ")) or "less than 1 min"
