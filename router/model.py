"""The vocabulary, frozen: what travels (Facts, Referral), what never does (Content), what was decided.

Nothing here reads a clock, a file or a database. Values of the closed lists are those of the
public interface; changing one is a change for every client.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NoReturn

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints


class Frozen(BaseModel):
    """A border model: closed, immutable, and silent about its input when it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


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
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
SourceTicket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._#-]{1,64}$")]
AssetTag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
SubjectHandle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._@\\-]{1,64}$")]
WebAddress = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,2075}$", max_length=2083)]
CaseLink = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[A-Za-z0-9.:\[\]-]{1,255}/console/cases/CR(-[0-9A-HJKMNP-TV-Z]{4}){3}$"),
]


class FileHash(Frozen):
    """A cryptographic hash that a list or a product already knew; lower-case hex of the right length."""

    algorithm: HashAlgorithm
    value: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32,64}$")]


class Facts(Frozen):
    """What may travel: facts, and identifiers that only cleared channels get."""

    category: Code
    noticed_how: NoticedHow
    where_found: WhereFound | None = None
    site: Code | None = None
    occurred_at: AwareDatetime | None = None
    noticed_at: AwareDatetime | None = None
    urgency: tuple[Urgency, ...] = ()
    evidence_state: EvidenceState | None = None
    country: Country | None = None
    involves: tuple[Involved, ...] = ()
    verdict_source: VerdictSource | None = None
    source_ticket: SourceTicket | None = None
    asset_tag: AssetTag | None = None
    hashes: tuple[FileHash, ...] = ()
    url: WebAddress | None = None
    subject_handle: SubjectHandle | None = None


IDENTIFIERS = frozenset({"source_ticket", "asset_tag", "hashes", "url", "subject_handle"})
"""The facts that name a thing or a person; a channel must be cleared for each by name."""


@dataclass(frozen=True, slots=True, repr=False)
class Content:
    """What a person wrote and who they are. Sealed at the door; prints as its length, never dumps."""

    narrative: str | None
    contact: str | None

    def __repr__(self) -> str:
        return f"Content({len(self.narrative or '')}+{len(self.contact or '')} characters)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("content_is_not_pickled")

    def __bool__(self) -> bool:
        return bool(self.narrative or self.contact)


class Referral(Frozen):
    """One case to one channel: enums, ids, times and a link; no free string anywhere.

    Only the fields on the channel's list are set. `revision` counts from 1; a later one
    supersedes an earlier one in the same place.
    """

    reference: Reference
    revision: int = 1
    category: Code | None = None
    severity: Severity | None = None
    noticed_how: NoticedHow | None = None
    where_found: WhereFound | None = None
    site: Code | None = None
    occurred_at: AwareDatetime | None = None
    noticed_at: AwareDatetime | None = None
    received_at: AwareDatetime | None = None
    urgency: tuple[Urgency, ...] | None = None
    evidence_state: EvidenceState | None = None
    country: Country | None = None
    involves: tuple[Involved, ...] | None = None
    verdict_source: VerdictSource | None = None
    source_ticket: SourceTicket | None = None
    asset_tag: AssetTag | None = None
    hashes: tuple[FileHash, ...] | None = None
    url: WebAddress | None = None
    subject_handle: SubjectHandle | None = None
    respond_by: AwareDatetime | None = None
    acknowledge_by: AwareDatetime | None = None
    feedback_by: AwareDatetime | None = None
    link: CaseLink | None = None


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
    SENT = "sent"
    """The channel accepted it and showed it when read back."""
    ACKNOWLEDGED = "acknowledged"
    """A person over there took it."""
    RECALLED = "recalled"
    """Withdrawn after a conflict was found."""
    DEAD = "dead"
    """Could not be delivered; stands in front of a person."""


class Guarantee(StrEnum):
    """How a channel kind keeps a second delivery from becoming a second ticket (promise 3)."""

    FOUND = "found"
    """Looked up by our reference before each create, and verified in the hit."""
    KEYED = "keyed"
    """The receiver drops repeats by our id."""
    REPEATABLE = "repeatable"
    """A repeat overwrites or is recognisable as the same message."""


class PlannedReferral(Frozen):
    """What the decision wants sent: `fields` is already the channel's projection."""

    channel: Name
    kind: Name
    state: ReferralState
    fields: Referral


class ConditionTried(Frozen):
    """One condition of a rule: what it wanted, what the concern had."""

    field: str
    wanted: tuple[str, ...]
    actual: tuple[str, ...]
    ok: bool


class RuleTried(Frozen):
    """One rule in the order tried."""

    rule: str
    matched: bool
    tests: tuple[ConditionTried, ...] = ()


class Deadlines(Frozen):
    """When somebody must have acted. Statutory ones run for persons' reports only."""

    respond_by: AwareDatetime
    """The policy's own: a person has taken the case."""
    acknowledge_by: AwareDatetime | None = None
    """Directive (EU) 2019/1937, article 9(1)(b): seven days of receipt."""
    feedback_by: AwareDatetime | None = None
    """Article 9(1)(f): three months."""


class Decision(Frozen):
    """Who must know, how fast, and why."""

    policy: Digest
    severity: Severity
    route: Name
    teams: tuple[Code, ...]
    """Teams that get a key to the case, most responsible first."""
    avoided: tuple[Code, ...]
    """Teams that would have been told but are said to be involved."""
    deadlines: Deadlines
    referrals: tuple[PlannedReferral, ...]
    trace: tuple[RuleTried, ...]


@dataclass(frozen=True, slots=True)
class Payload:
    """The exact bytes that a channel sends for a referral, and their media type."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What the channel showed after sending: its own id of the thing, and whether it was there already."""

    remote_id: str | None
    repeated: bool = False
    doubled: bool = False
    """More than one was there: a person should close the others."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext with the suite that made it."""

    suite: str
    blob: bytes


@dataclass(frozen=True, slots=True)
class KeyWrap:
    """A case's private key, sealed to one recipient's public key."""

    key_id: str
    sealed: Sealed


@dataclass(frozen=True, slots=True)
class RecipientKey:
    """A public key that a case key may be sealed to: a team's, or the offline recovery recipient's."""

    key_id: str
    owner: str
    """The team's name, or `recovery`."""
    suite: str
    public: bytes


@dataclass(frozen=True, slots=True)
class SealedCase:
    """All key material of a new case: nothing in it opens without a recipient's private key."""

    suite: str
    public: bytes
    wraps: tuple[KeyWrap, ...]
    content: Sealed | None


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """What the server keeps of a receipt: a look-up id and the public half; the receipt itself is not kept."""

    lookup: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit: codes and ids only."""

    actor: str
    action: str
    object: str
    outcome: str = "ok"
    detail: str = ""
    """A code or a short reason of a member of staff; never anything from a concern."""


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    """How a repeat is recognised and answered; none of the three gives away key or body."""

    key: bytes
    """H(scope, key)."""
    body: bytes
    """Keyed digest of the body."""
    answer: bytes
    """The answer, encrypted under a key derived from the raw Idempotency-Key."""


@dataclass(frozen=True, slots=True)
class NewCase:
    """Everything that one accepted concern writes, ready for one transaction."""

    reference: str
    received_at: datetime
    client_id: str | None
    facts: Facts
    decision: Decision
    sealed: SealedCase
    receipt: ReceiptKey | None
    idempotent: IdempotentAnswer | None


@dataclass(frozen=True, slots=True)
class LeasedReferral:
    """A referral that this worker owns until its lease runs out."""

    id: str
    """Digest of case, channel and revision: the key that goes along with every attempt."""
    channel: str
    fields: Referral
    lease_no: int
    attempts: int
    """How often it was leased, this time included."""
    first_due_at: datetime
    age_s: float = 0.0
    """Seconds since it first was due, by the database's clock, when it was leased."""
    readable: bool = True
    """False when the stored fields are not ours to read: `fields` then holds the reference alone."""


def plain(model: Frozen) -> dict[str, Any]:
    """Return the model as JSON-ready values, unset fields left out."""
    return model.model_dump(mode="json", exclude_none=True)
