"""Plain words for the reporter's pages: labels, guidance, and what a status means.

Written for somebody who is upset and has five minutes; says nothing about channels or teams.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.reporter.languages import N_
from router.vocabulary import EvidenceState, Identity, Involved, NoticedHow, Urgency, WhereFound

NOTICED_HOW: Final[Mapping[str, str]] = MappingProxyType(
    {
        NoticedHow.COLLEAGUE_WITNESS: N_("I saw or heard it myself"),
        NoticedHow.TOLD_BY_SOMEONE: N_("Somebody told me"),
        NoticedHow.HELPDESK_REPAIR: N_("I came across it while repairing or setting up a device"),
        NoticedHow.SELF_DISCLOSURE: N_("The person concerned told me themselves"),
        NoticedHow.ENDPOINT_HASH_MATCH: N_("A security program on a device reported it"),
        NoticedHow.NETWORK_FILTER: N_("A network filter reported it"),
        NoticedHow.THIRD_PARTY_NOTICE: N_("Another company or organisation wrote to us"),
        NoticedHow.POLICE_NOTICE: N_("The police told us"),
    }
)
WHERE_FOUND: Final[Mapping[str, str]] = MappingProxyType(
    {
        WhereFound.UNKNOWN: N_("I do not know"),
        WhereFound.IN_PERSON: N_("In person"),
        WhereFound.WORKSTATION: N_("Desktop computer"),
        WhereFound.LAPTOP: N_("Laptop"),
        WhereFound.COMPANY_PHONE: N_("Company phone or tablet"),
        WhereFound.REMOVABLE_USB: N_("USB stick or memory card"),
        WhereFound.EXTERNAL_DISK: N_("External disk"),
        WhereFound.SERVER_SHARE: N_("Shared folder on a server"),
        WhereFound.CLOUD_STORAGE: N_("Cloud storage"),
        WhereFound.EMAIL: N_("E-mail"),
        WhereFound.CHAT: N_("Chat or messenger"),
        WhereFound.COLLABORATION_SUITE: N_("Video meeting or team room"),
        WhereFound.PHONE_CALL_OR_SMS: N_("Phone call or text message"),
        WhereFound.WEB_PAGE: N_("Web page"),
        WhereFound.SOCIAL_MEDIA: N_("Social media"),
        WhereFound.FORUM: N_("Forum"),
        WhereFound.LIVE_STREAM: N_("Live stream"),
        WhereFound.ONLINE_GAME: N_("Online game"),
        WhereFound.GENERATIVE_AI_SERVICE: N_("AI service"),
        WhereFound.PEER_TO_PEER: N_("File-sharing network"),
        WhereFound.NEWSGROUP: N_("Newsgroup"),
    }
)
URGENCY: Final[Mapping[str, str]] = MappingProxyType(
    {
        Urgency.CHILD_IN_IMMEDIATE_DANGER: N_("A child is in danger right now"),
        Urgency.DANGER_TO_LIFE: N_("Somebody's life is in danger"),
        Urgency.LIVE_NOW: N_("It is being streamed live now"),
        Urgency.ACCESS_TO_CHILDREN: N_("The person has access to children"),
        Urgency.ONGOING: N_("It is still going on"),
        Urgency.EVIDENCE_AT_RISK: N_("Evidence may disappear"),
    }
)
EVIDENCE_STATE: Final[Mapping[str, str]] = MappingProxyType(
    {
        EvidenceState.LEFT_IN_PLACE: N_("It is where it was; nobody touched it"),
        EvidenceState.DEVICE_ISOLATED: N_("The device is switched off or cut off the network"),
        EvidenceState.WITH_POLICE: N_("The police have it"),
        EvidenceState.DOCUMENTS_KEPT_BY_REPORTER: N_("I have documents in my keeping"),
        EvidenceState.NONE: N_("There is none"),
        EvidenceState.UNKNOWN: N_("I do not know"),
    }
)
INVOLVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        Involved.LINE_MANAGER: N_("My line manager"),
        Involved.SENIOR_MANAGEMENT: N_("Senior management"),
        Involved.HR: N_("Human resources"),
        Involved.LEGAL: N_("Legal"),
        Involved.SECURITY_TEAM: N_("The security team"),
        Involved.IT_HELPDESK: N_("The IT helpdesk"),
        Involved.EXTERNAL_PARTNER: N_("Somebody from another company"),
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
        "category": N_("What is it about?"),
        "noticed_how": N_("How did you notice?"),
        "where_found": N_("Where was it?"),
        "site": N_("Which of our places or companies?"),
        "occurred_at": N_("When did it happen?"),
        "urgency": N_("What cannot wait?"),
        "evidence_state": N_("Where is the evidence now?"),
        "involves": N_("Is one of these involved?"),
        "asset_tag": N_("Number on the device's label"),
        "url": N_("Web address"),
        "narrative": N_("What happened, in your words?"),
        "identity": N_("Do you want to say who you are?"),
        "contact": N_("How can we reach you?"),
        "receipt": N_("Receipt"),
    }
)
"""Questions of the page, by field; the page asks no others."""
AGENT_LABELS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "source_ticket": N_("Ticket"),
        "category": N_("What is it about?"),
        "noticed_how": N_("How was it noticed?"),
        "urgency": N_("What cannot wait?"),
        "where_found": N_("Where was it?"),
        "site": N_("Which of our places or companies?"),
        "occurred_at": N_("When did it happen?"),
        "evidence_state": N_("Where is the evidence now?"),
        "involves": N_("Is one of these involved?"),
        "asset_tag": N_("Number on the device's label"),
    }
)
"""Questions of the helpdesk's page: facts alone."""

_PART_OF_A_FILE: Final = N_(
    "This may be a picture or a file, or a part of one. Please use words only. Do not send material. "
    "Leave it where it is."
)
_NOT_READ: Final = N_("We could not read what your browser sent. Please open this page anew and try again.")
_PLAIN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": N_("Please choose an answer."),
        "unknown_category": N_("Please choose an answer from the list."),
        "unknown_site": N_("Please choose an answer from the list."),
        "unknown_value": N_("Please choose an answer from the list."),
        "too_long": N_("Please shorten it."),
        "contact_missing": N_("Please write how we can reach you, or choose to stay anonymous."),
        "contact_though_anonymous": N_(
            "You chose to stay anonymous. Please empty this line, or choose that we may know who you are."
        ),
        "malformed": N_("Please write it as described beside the question."),
        "time_in_future": N_("This time has not come yet. Please check day, hour and time zone."),
        "time_without_zone": N_("Please choose a time zone."),
        "url_refused": N_(
            "Please give an address that begins with http:// or https:// and has neither blanks nor "
            "accents, or leave this empty and write it into your own words below."
        ),
        "encoded_run": N_(
            "This looks like a file turned into letters and digits. Please describe it in words. "
            "Do not send material. Leave it where it is."
        ),
        "messages_full": N_(
            "You have written very often within a day. We kept all of that, but not this one yet. Please copy it, and "
            "send it tomorrow."
        ),
        "quota_exceeded": N_(
            "Very many reports came from your network in the last hour. Please try again later, or use "
            "another network or a telephone."
        ),
        "unavailable": N_(
            "We cannot keep your report right now. Nothing was stored. Please press Send again in a moment."
        ),
        "idempotency_key_reused": N_("This page was sent before with other answers. Please check and send them again."),
        "body_too_large": N_("That was too much text. Please shorten it. Do not send material. Leave it where it is."),
        "body_too_slow": N_("Your report did not arrive in time. Please send it again."),
        "sent_from_elsewhere": N_(
            "This came to us from another web page, and we did not keep it. If it is what you want "
            "to tell us, please press the button below."
        ),
        "link_refused": N_(
            "This link is not valid any more. Please ask whoever runs this page for a new one, or use the "
            "page for everybody."
        ),
        **dict.fromkeys(("not_a_form", "unknown_field", "not_utf8"), N_("Please fill in this page and press Send.")),
        **dict.fromkeys(("data_uri", "file_signature", "binary_like"), _PART_OF_A_FILE),
        **dict.fromkeys(("media_type_refused", "content_encoding_refused"), _PART_OF_A_FILE),
        **dict.fromkeys(
            ("control_character", "direction_override", "nul_character", "lone_surrogate"),
            N_("There are characters in it that nobody can see. Please type it by hand."),
        ),
        **dict.fromkeys(("too_many", "duplicate_item"), N_("Please choose each answer once.")),
        "url_credentials": N_("Please take the user name and the password out of the address."),
        "internal_error": N_(
            "Something went wrong on our side, and we cannot keep your report right now. "
            "Please try again, or go to somebody you trust."
        ),
    }
)


def plainly(code: str) -> str:
    """Return what a person is told to do about `code`."""
    return _PLAIN.get(code, _NOT_READ)


NO_COOKIES: Final = N_(
    "Your browser keeps no cookies of this page, so here are all questions on one page. What you typed is filled in."
)
NO_ROOM: Final = N_(
    "Very many reports are being written right now, so here are all questions on one page. What you typed is filled in."
)
NOT_KEPT_NOW: Final = N_(
    "We cannot keep your answer right now. It still stands below. Please press Continue again in a moment."
)
WRONG_RECEIPT: Final = N_("We do not know this receipt. Please check it character by character.")


def identity_hints(*, custodians: bool) -> Mapping[str, str]:
    """Return what each way to be known means here: without custodians, what is confidential is not kept apart."""
    return IDENTITY_HINTS if custodians else {**IDENTITY_HINTS, Identity.CONFIDENTIAL: NOT_KEPT_APART}
