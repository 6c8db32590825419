"""The words of the interface: closed lists, and the patterns that names and identifiers have.

Values are those that clients send and channels show; changing one is a change for all of them.
Circumstances only: no word here describes content.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import StringConstraints


class Severity(StrEnum):
    """How bad it may be, ascending; never below the floor that the category sets."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return 0 for low up to 3 for critical."""
        return tuple(Severity).index(self)


class NoticedHow(StrEnum):
    """How the concern came to light: circumstances, never content."""

    ENDPOINT_HASH_MATCH = "endpoint_hash_match"
    NETWORK_FILTER = "network_filter"
    HELPDESK_REPAIR = "helpdesk_repair"
    COLLEAGUE_WITNESS = "colleague_witness"
    TOLD_BY_SOMEONE = "told_by_someone"
    SELF_DISCLOSURE = "self_disclosure"
    THIRD_PARTY_NOTICE = "third_party_notice"
    POLICE_NOTICE = "police_notice"


class WhereFound(StrEnum):
    """The medium or place; decides which outside body can act."""

    WORKSTATION = "workstation"
    LAPTOP = "laptop"
    SERVER_SHARE = "server_share"
    REMOVABLE_USB = "removable_usb"
    EXTERNAL_DISK = "external_disk"
    COMPANY_PHONE = "company_phone"
    WEB_PAGE = "web_page"
    CLOUD_STORAGE = "cloud_storage"
    FORUM = "forum"
    SOCIAL_MEDIA = "social_media"
    GENERATIVE_AI_SERVICE = "generative_ai_service"
    EMAIL = "email"
    CHAT = "chat"
    COLLABORATION_SUITE = "collaboration_suite"
    LIVE_STREAM = "live_stream"
    ONLINE_GAME = "online_game"
    PEER_TO_PEER = "peer_to_peer"
    NEWSGROUP = "newsgroup"
    PHONE_CALL_OR_SMS = "phone_call_or_sms"
    IN_PERSON = "in_person"
    UNKNOWN = "unknown"


class Urgency(StrEnum):
    """What cannot wait."""

    CHILD_IN_IMMEDIATE_DANGER = "child_in_immediate_danger"
    LIVE_NOW = "live_now"
    ACCESS_TO_CHILDREN = "access_to_children"
    ONGOING = "ongoing"
    EVIDENCE_AT_RISK = "evidence_at_risk"
    DANGER_TO_LIFE = "danger_to_life"


CALL_FIRST: Final = frozenset({Urgency.CHILD_IN_IMMEDIATE_DANGER, Urgency.LIVE_NOW, Urgency.DANGER_TO_LIFE})
"""What a report is too slow for: the emergency number comes first, and nothing that we send is one."""


class EvidenceState(StrEnum):
    """Where the evidence is now; we never take it."""

    LEFT_IN_PLACE = "left_in_place"
    DEVICE_ISOLATED = "device_isolated"
    WITH_POLICE = "with_police"
    DOCUMENTS_KEPT_BY_REPORTER = "documents_kept_by_reporter"
    NONE = "none"
    UNKNOWN = "unknown"


class Involved(StrEnum):
    """Who is said to be involved; the policy maps each to teams, which are then not told."""

    IT_HELPDESK = "it_helpdesk"
    SECURITY_TEAM = "security_team"
    HR = "hr"
    LEGAL = "legal"
    LINE_MANAGER = "line_manager"
    SENIOR_MANAGEMENT = "senior_management"
    EXTERNAL_PARTNER = "external_partner"


class Identity(StrEnum):
    """How far a reporter lets themselves be known."""

    ANONYMOUS = "anonymous"
    """They said nothing of who they are."""
    CONFIDENTIAL = "confidential"
    """A custodian must agree before somebody who works on the case may know."""
    NAMED = "named"
    """Whoever may open the case may know at once."""


class VerdictSource(StrEnum):
    """Who says what it is; none means a suspicion."""

    NONE = "none"
    HASH_LIST = "hash_list"
    VENDOR_VERIFIED = "vendor_verified"
    POLICE = "police"


class HashAlgorithm(StrEnum):
    """Cryptographic hashes only: perceptual ones can be inverted into a likeness."""

    MD5 = "md5"
    SHA1 = "sha1"
    SHA256 = "sha256"


HEX_DIGITS = {HashAlgorithm.MD5: 32, HashAlgorithm.SHA1: 40, HashAlgorithm.SHA256: 64}
Reference = Annotated[str, StringConstraints(pattern=r"^CR(-[0-9A-HJKMNP-TV-Z]{4}){3}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
"""A name from the policy: category, site, team."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,47}$")]
"""A name from the configuration: channel, route, rule."""
DEFAULT_POOL = "doorbells"
"""The Celery queue of every channel that names no other; sweeps are asked for there too."""
ReferralReference = Annotated[str, StringConstraints(pattern=r"^(CR|DRILL|NOTICE)(-[0-9A-HJKMNP-TV-Z]{4}){3}$")]
"""What a channel is told about: a case, or plainly no case: a drill, or a notice about the router itself."""
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
"""A country (ISO 3166-1 alpha-2), or a part of one (ISO 3166-2) such as US-TX."""
SourceTicket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._#-]{1,64}$")]
AssetTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
SubjectHandle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@\\-]{1,64}$")]
WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,2076}$", max_length=2083)]
CaseLink = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9.:\[\]-]{1,255}/console/cases/CR(-[0-9A-HJKMNP-TV-Z]{4}){3}$"),
]


class Login(StrEnum):
    """One database login for each kind of process; the value ends the setting's name."""

    INTAKE = "intake"
    WORKER = "worker"
    CONSOLE = "console"
    CHAINER = "chainer"


class Scope(StrEnum):
    """Inside the organisation a referral may leave by itself; outside it waits for approvals."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class ReferralState(StrEnum):
    """Where a referral stands in the ledger."""

    DRAFT = "draft"
    """Waits for enough different people to approve it."""
    STANDBY = "standby"
    """Waits for its time; the sweep makes it due."""
    DUE = "due"
    """Should be sent now, or as soon as `due_at` has come."""
    LEASED = "leased"
    """A worker owns it until `lease_until`."""
    IN_HAND = "in_hand"
    """Approved, and a person must hand it over outside; it is sent when they have recorded that."""
    SENT = "sent"
    """The channel accepted it and showed it when read back."""
    ACKNOWLEDGED = "acknowledged"
    """A person over there took it."""
    RECALLED = "recalled"
    """Withdrawn before it was sent: what it waited for was done in time, or a conflict was found."""
    DEAD = "dead"
    """Could not be delivered; stands in front of a person."""


class Proven(StrEnum):
    """What a channel showed of a referral, ascending."""

    ACCEPTED = "accepted"
    """It said yes."""
    VISIBLE = "visible"
    """It showed the thing when read back."""
    ACKNOWLEDGED = "acknowledged"
    """A person over there took it."""

    @property
    def rank(self) -> int:
        """Return 0 for accepted up to 2 for acknowledged."""
        return tuple(Proven).index(self)


class TicketState(StrEnum):
    """What the far side showed last of the ticket that a referral made."""

    OPEN = "open"
    RESOLVED = "resolved"
    """Closed there."""
    REOPENED = "reopened"
    """Open there, and closed before."""


class WhenClosedThere(StrEnum):
    """What follows when a ticket is closed there and the case is open here."""

    TELL = "tell"
    """Whoever is in `page` is told; nothing is changed."""
    REOPEN = "reopen"
    """The ticket is opened again, with a note."""


class WhenClosedHere(StrEnum):
    """What follows when a case is closed here and its ticket is open there."""

    TELL = "tell"
    """Whoever is in `page` is told; nothing is changed."""
    CLOSE = "close"
    """The ticket is closed, with a note."""


class Breaker(StrEnum):
    """Whether a channel is used."""

    CLOSED = "closed"
    """It is."""
    OPEN = "open"
    """It failed too often in a row, asked for a pause, or failed its check: not before `until`."""
    HALF_OPEN = "half_open"
    """One referral is sent to see whether it is back."""


class Notice(StrEnum):
    """What a referral says beside the facts; a case's first referral to a channel says nothing more."""

    REMINDER = "reminder"
    """A deadline comes nearer."""
    OVERDUE = "overdue"
    """A deadline has passed."""
    ESCALATION = "escalation"
    """Nothing happened for so long that others are told too."""
    RECALLED = "recalled"
    """What was sent before is withdrawn: close it, keep it apart, ask nobody here about it."""
    DRILL = "drill"
    """No case: somebody tests the way."""
    DIGEST = "digest"
    """No case: the mail that goes out at a fixed time, whether or not there is something."""
    POLICY_REFUSED = "policy_refused"
    """No case: the policy's files are wrong, and the last good ones stay in force."""
    INSTEAD = "instead"
    """A case that another channel should have got first, and did not in time."""
    DELIVERY_LATE = "delivery_late"
    """No case: something for the channel `about` has no proof yet, and should have."""
    UNDELIVERABLE = "undeliverable"
    """No case: something for the channel `about` is dead, and a person must look."""
    CHANNEL_HELD = "channel_held"
    """No case: the channel `about` failed its check and is not used until that is mended."""
    TAKEN_OVER = "taken_over"
    """For the ticket that a concern came out of: it is a case now, and nothing more is to be said of it there."""
    SOURCES_REFUSED = "sources_refused"
    """No case: sources.yaml is wrong, and the last good one stays in force."""
    SECOND_TICKET = "second_ticket"
    """No case: a case had two tickets at the channel `about`; the second one was closed."""
    CLOSED = "closed"
    """The case is closed: nothing is to be done in its ticket any more, which is closed too."""
    CORRECTED = "corrected"
    """The case was decided anew: what this says counts, and not what was said before."""
    REPORTER_WROTE = "reporter_wrote"
    """The reporter of a case that is known there has written; what, is not said."""
    WITHDRAWAL_ASKED = "withdrawal_asked"
    """The reporter of a case that is known there asks for it to be withdrawn."""
    CLOSED_THERE = "closed_there"
    """No case: a ticket at the channel `about` was closed there, and its case is open here."""
    CLOSED_HERE = "closed_here"
    """No case: a case is closed here, and its ticket at the channel `about` is open there."""
    FLOOD = "flood"
    """No case: very many concerns came at once, and those that can wait for a look."""
    DRAFT_WAITS = "draft_waits"
    """No case: a draft to the outside body `about` waits for approvals."""
    DRAFT_EXPIRED = "draft_expired"
    """No case: a draft to the outside body `about` ended, because nobody decided it in time."""
    HAND_OVER_WAITS = "hand_over_waits"
    """No case: an approved referral to the outside body `about` waits for a person to hand it over."""


class Awaited(StrEnum):
    """What ends a wait; a standby referral that waits for it is not sent once it was done."""

    CLAIM = "claim"
    """A person took the case."""
    DECIDE = "decide"
    """The case was closed with an outcome."""
    ACKNOWLEDGE = "acknowledge"
    """The reporter was told that the report arrived: Directive (EU) 2019/1937, article 9(1)(b)."""
    FEEDBACK = "feedback"
    """The reporter was told what was done: article 9(1)(f)."""
    DELIVERY = "delivery"
    """Everyone who should know at once was told."""


class Reason(StrEnum):
    """Why a case went to the fallback teams."""

    NO_MATCH = "no_match"
    POLICY_ERROR = "policy_error"


class CaseOutcome(StrEnum):
    """How a case ended."""

    ACTED = "acted"
    """The organisation did something about it."""
    REFERRED = "referred"
    """An outside body has it now."""
    UNFOUNDED = "unfounded"
    """It was looked into, and it is not so."""
    DUPLICATE = "duplicate"
    """Another case is about the same."""
    NO_ACTION = "no_action"
    """Nothing could or need be done."""
    WITHDRAWN = "withdrawn"
    """The reporter asked for that, and nothing speaks against it."""


class NoteKind(StrEnum):
    """What staff wrote on a case, for each other."""

    NOTE = "note"
    TASK = "task"
    HAND_OVER = "hand_over"


class MessageKind(StrEnum):
    """What staff wrote to the reporter."""

    ACKNOWLEDGEMENT = "acknowledgement"
    """That the report arrived: what the law asks for within days."""
    QUESTION = "question"
    """Anything else: a question, a word between."""
    FEEDBACK = "feedback"
    """What was done: what the law asks for within months."""


class ReporterKind(StrEnum):
    """What the reporter wrote after their report."""

    ANSWER = "answer"
    """To what staff asked."""
    ADDITION = "addition"
    """More facts, or a question of their own."""
    WITHDRAWAL = "withdrawal"
    """They ask for the report to be withdrawn."""


class Role(StrEnum):
    """What somebody may do in the console; a person may have several."""

    REVIEWER = "reviewer"
    """Works on the cases of their own teams."""
    APPROVER = "approver"
    """Says whether a draft may leave the organisation: sees what would be sent, and to whom."""
    CUSTODIAN = "custodian"
    """Says whether a reviewer may learn who reported; sees no narrative by this."""
    AUDITOR = "auditor"
    """Sees who did and saw what, and no case."""
    ADMINISTRATOR = "administrator"
    """Gives accounts and roles, looks after channels, and sees no case."""


class Guarantee(StrEnum):
    """How a channel kind keeps a second delivery from becoming a second ticket (promise 3)."""

    FOUND = "found"
    """Looked up by our reference before each create, and verified in the hit."""
    KEYED = "keyed"
    """The receiver drops repeats by our id."""
    REPEATABLE = "repeatable"
    """A repeat overwrites or is recognisable as the same message."""
