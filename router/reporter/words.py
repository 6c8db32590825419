"""Plain words for the reporter's pages: labels, guidance, and what a status means.

Written for somebody who is upset and has five minutes; says nothing about channels or teams.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.reporter.languages import N_
from router.vocabulary import EvidenceState, Identity, Involved, NoticedHow, Urgency, WhereFound
from router.web.refusals import GUIDANCE

NOTICED_HOW: Final[Mapping[str, str]] = MappingProxyType(
    {
        NoticedHow.COLLEAGUE_WITNESS: "I saw or heard it myself",
        NoticedHow.TOLD_BY_SOMEONE: "Somebody told me",
        NoticedHow.HELPDESK_REPAIR: "I came across it while repairing or setting up a device",
        NoticedHow.SELF_DISCLOSURE: "The person concerned told me themselves",
        NoticedHow.ENDPOINT_HASH_MATCH: "A security program on a device reported it",
        NoticedHow.NETWORK_FILTER: "A network filter reported it",
        NoticedHow.THIRD_PARTY_NOTICE: "Another company or organisation wrote to us",
        NoticedHow.POLICE_NOTICE: "The police told us",
    }
)
WHERE_FOUND: Final[Mapping[str, str]] = MappingProxyType(
    {
        WhereFound.UNKNOWN: "I do not know",
        WhereFound.IN_PERSON: "In person",
        WhereFound.WORKSTATION: "Desktop computer",
        WhereFound.LAPTOP: "Laptop",
        WhereFound.COMPANY_PHONE: "Company phone or tablet",
        WhereFound.REMOVABLE_USB: "USB stick or memory card",
        WhereFound.EXTERNAL_DISK: "External disk",
        WhereFound.SERVER_SHARE: "Shared folder on a server",
        WhereFound.CLOUD_STORAGE: "Cloud storage",
        WhereFound.EMAIL: "E-mail",
        WhereFound.CHAT: "Chat or messenger",
        WhereFound.COLLABORATION_SUITE: "Video meeting or team room",
        WhereFound.PHONE_CALL_OR_SMS: "Phone call or text message",
        WhereFound.WEB_PAGE: "Web page",
        WhereFound.SOCIAL_MEDIA: "Social media",
        WhereFound.FORUM: "Forum",
        WhereFound.LIVE_STREAM: "Live stream",
        WhereFound.ONLINE_GAME: "Online game",
        WhereFound.GENERATIVE_AI_SERVICE: "AI service",
        WhereFound.PEER_TO_PEER: "File-sharing network",
        WhereFound.NEWSGROUP: "Newsgroup",
    }
)
URGENCY: Final[Mapping[str, str]] = MappingProxyType(
    {
        Urgency.CHILD_IN_IMMEDIATE_DANGER: "A child is in danger right now",
        Urgency.DANGER_TO_LIFE: "Somebody's life is in danger",
        Urgency.LIVE_NOW: "It is being streamed live now",
        Urgency.ACCESS_TO_CHILDREN: "The person has access to children",
        Urgency.ONGOING: "It is still going on",
        Urgency.EVIDENCE_AT_RISK: "Evidence may disappear",
    }
)
EVIDENCE_STATE: Final[Mapping[str, str]] = MappingProxyType(
    {
        EvidenceState.LEFT_IN_PLACE: "It is where it was; nobody touched it",
        EvidenceState.DEVICE_ISOLATED: "The device is switched off or cut off the network",
        EvidenceState.WITH_POLICE: "The police have it",
        EvidenceState.DOCUMENTS_KEPT_BY_REPORTER: "I have documents in my keeping",
        EvidenceState.NONE: "There is none",
        EvidenceState.UNKNOWN: "I do not know",
    }
)
INVOLVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Involved.LINE_MANAGER: "My line manager",
        Involved.SENIOR_MANAGEMENT: "Senior management",
        Involved.HR: "Human resources",
        Involved.LEGAL: "Legal",
        Involved.SECURITY_TEAM: "The security team",
        Involved.IT_HELPDESK: "The IT helpdesk",
        Involved.EXTERNAL_PARTNER: "Somebody from another company",
    }
)
IDENTITY: Final[Mapping[str, str]] = MappingProxyType(
    {
        Identity.ANONYMOUS: N_("No, I stay anonymous"),
        Identity.CONFIDENTIAL: N_("Yes, but only in confidence"),
        Identity.NAMED: N_("Yes, openly"),
    }
)
IDENTITY_HINTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Identity.ANONYMOUS: N_("You give no name. With your receipt you can still read our answers and write to us."),
        Identity.CONFIDENTIAL: N_(
            "Your name is kept from those who work on your report. They see it only if another person agrees that they "
            "need it. We tell you when that happens."
        ),
        Identity.NAMED: N_("Those who work on your report see your name at once and can talk to you directly."),
    }
)
"""What each answer means, where custodians keep who reported apart."""
NOT_KEPT_APART: Final = N_(
    "Those who work on your report can see your name when they open it, and must tell nobody else. Here, no other "
    "person has to agree first."
)
"""What confidential means where nobody is custodian."""
LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "category": "What is it about?",
        "noticed_how": "How did you notice?",
        "where_found": "Where was it?",
        "site": "Which of our places or companies?",
        "occurred_at": "When did it happen?",
        "urgency": "What cannot wait?",
        "evidence_state": "Where is the evidence now?",
        "involves": "Is one of these involved?",
        "asset_tag": "Number on the device's label",
        "url": "Web address",
        "narrative": "What happened, in your words?",
        "identity": N_("Do you want to say who you are?"),
        "contact": N_("How can we reach you?"),
        "receipt": "Receipt",
    }
)
"""Questions of the page, by field; the page asks no others."""
AGENT_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "source_ticket": "Ticket",
        "category": "What is it about?",
        "noticed_how": "How was it noticed?",
        "urgency": "What cannot wait?",
        "where_found": "Where was it?",
        "site": "Which of our places or companies?",
        "occurred_at": "When did it happen?",
        "evidence_state": "Where is the evidence now?",
        "involves": "Is one of these involved?",
        "asset_tag": "Number on the device's label",
    }
)
"""Questions of the helpdesk's page: facts alone."""

_PLAIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "Please choose an answer.",
        "unknown_category": "Please choose an answer from the list.",
        "unknown_site": "Please choose an answer from the list.",
        "unknown_value": "Please choose an answer from the list.",
        "too_long": "Please shorten it.",
        "contact_missing": N_("Please write how we can reach you, or choose to stay anonymous."),
        "contact_though_anonymous": N_(
            "You chose to stay anonymous. Please empty this line, or choose that we may know who you are."
        ),
        "malformed": "Please write it as described beside the question.",
        "time_in_future": "This time has not come yet. Please check day, hour and time zone.",
        "time_without_zone": "Please choose a time zone.",
        "url_refused": "Please give an address that begins with http:// or https:// and has neither blanks nor "
        "accents, or leave this empty and write it into your own words below.",
        "encoded_run": "This looks like a file turned into letters and digits. Please describe it in words. "
        "Do not send material. Leave it where it is.",
        "quota_exceeded": "Very many reports came from your network in the last hour. Please try again later, or use "
        "another network or a telephone.",
        "unavailable": "We cannot keep your report right now. Nothing was stored. Please press Send again in a moment.",
        "idempotency_key_reused": "This page was sent before with other answers. Please check and send them again.",
        "body_too_large": "That was too much text. Please shorten it. Do not send material. Leave it where it is.",
        "body_too_slow": "Your report did not arrive in time. Please send it again.",
        "sent_from_elsewhere": "This came to us from another web page, and we did not keep it. If it is what you want "
        "to tell us, please press the button below.",
        "link_refused": "This link is not valid any more. Please ask whoever runs this page for a new one, or use the "
        "page for everybody.",
        "not_a_form": "Please fill in this page and press Send.",
        "internal_error": "Something went wrong on our side, and we cannot keep your report right now. "
        "Please try again, or go to somebody you trust.",
    }
)


def plainly(code: str) -> str:
    """Return what a person is told to do about `code`."""
    return _PLAIN.get(code) or GUIDANCE[code]


WRONG_RECEIPT: Final = "We do not know this receipt. Please check it character by character."

_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "open": "We have your report, and it is being worked on.",
        "closed": "Your report has been dealt with, and the case is closed.",
        "withdrawn": "The report was withdrawn.",
    }
)


def identity_hints(*, custodians: bool) -> Mapping[str, str]:
    """Return what each way to be known means here: without custodians, what is confidential is not kept apart."""
    return IDENTITY_HINTS if custodians else {**IDENTITY_HINTS, Identity.CONFIDENTIAL: NOT_KEPT_APART}


def state_in_words(state: str, referral_states: tuple[str, ...]) -> str:
    """Return where a case stands, as its reporter may know it."""
    if state == "open" and not {"sent", "acknowledged"} & set(referral_states):
        return "We have your report. The people in charge are being told now."
    return _STATES.get(state, _STATES["open"])
