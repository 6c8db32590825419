"""What rooms hand to each other, frozen: what travels (Facts, Referral), what never does (Content), what was decided.

Nothing here reads a clock, a file or a database. The closed lists and patterns stand in
`vocabulary.py`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, NoReturn, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints

from router.keyrecords import ReceiptKey, SealedCase
from router.marking import Tlp
from router.vocabulary import (
    AssetTag,
    Awaited,
    CaseLink,
    Code,
    Country,
    Digest,
    EvidenceState,
    HashAlgorithm,
    Identity,
    Involved,
    Name,
    Notice,
    NoticedHow,
    Proven,
    Reason,
    ReferralReference,
    ReferralState,
    Region,
    Severity,
    SourceTicket,
    SubjectHandle,
    Urgency,
    VerdictSource,
    WebAddress,
    WhereFound,
)


class Frozen(BaseModel):
    """A border model: closed, immutable, and silent about its input when it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Made = TypeVar("Made", bound=Frozen)
_SET: Final = object.__setattr__
_FIELDS: Final[dict[type[Frozen], set[str]]] = {}


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
    named: bool = False
    """The reporter said that whoever works on the case may see the contact; else a custodian must agree."""
    withheld: bool = False
    """There is a contact, and whoever opened this may not see it."""

    @property
    def identity(self) -> Identity:
        """Return how far the reporter lets themselves be known."""
        if self.contact is None and not self.withheld:
            return Identity.ANONYMOUS
        return Identity.NAMED if self.named else Identity.CONFIDENTIAL

    def without_contact(self) -> "Content":
        """Return what somebody may read who may not know who reported."""
        return Content(self.narrative, None, withheld=self.contact is not None)

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

    reference: ReferralReference
    revision: int = 1
    notice: Notice | None = None
    awaited: Awaited | None = None
    """What has not happened yet; said by reminders, breaches and escalations."""
    about: Name | None = None
    """The channel that a notice about the router's own work is about."""
    tlp: Tlp | None = None
    """Who may see it over there; said to whoever is outside, whatever the channel carries."""
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
    jurisdiction: Region | None = None
    """Whose bodies are asked: of the concern's country, else of its site, else of the organisation."""
    involves: tuple[Involved, ...] | None = None
    verdict_source: VerdictSource | None = None
    source_ticket: SourceTicket | None = None
    asset_tag: AssetTag | None = None
    hashes: tuple[FileHash, ...] | None = None
    url: WebAddress | None = None
    subject_handle: SubjectHandle | None = None
    claim_by: AwareDatetime | None = None
    decide_by: AwareDatetime | None = None
    acknowledge_by: AwareDatetime | None = None
    feedback_by: AwareDatetime | None = None
    link: CaseLink | None = None


class PlannedReferral(Frozen):
    """What the decision wants sent: `fields` is already the channel's projection."""

    channel: Name
    kind: Name
    state: ReferralState
    fields: Referral
    due_at: AwareDatetime | None = None
    """When a standby referral becomes due; None for the others: at once, or after approval."""
    awaited: Awaited | None = None
    """What keeps a standby referral from being sent at all, once it was done."""
    kept_from: tuple[Code, ...] = ()
    """Teams in conflict: if one of them reads the channel by the time, nothing is sent there."""
    instead_of: Name | None = None
    """The channel that has until `due_at` to take the case; then this one gets it."""


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
    """When somebody must have acted. Statutory ones run for persons' reports only, where the law is such."""

    claim_by: AwareDatetime
    """The policy's own: a person has taken the case."""
    decide_by: AwareDatetime
    """The policy's own: the case is closed with an outcome."""
    acknowledge_by: AwareDatetime | None = None
    """Directive (EU) 2019/1937, article 9(1)(b): seven days of receipt."""
    feedback_by: AwareDatetime | None = None
    """Article 9(1)(f): three months."""


class DuplicateKey(Frozen):
    """Cases that share a key within the time are about the same thing, it seems: linked, never dropped."""

    key: Digest
    """Keyed digest of fields and this case's values of them."""
    within_s: int


class Decision(Frozen):
    """Who must know, how fast, and why."""

    policy: Digest
    severity: Severity
    route: Name
    teams: tuple[Code, ...]
    """Teams that get a key to the case, most responsible first."""
    avoided: tuple[Code, ...]
    """Teams that would have been told, or could have read it, but are involved or have the person named in them."""
    deadlines: Deadlines
    referrals: tuple[PlannedReferral, ...]
    trace: tuple[RuleTried, ...]
    reason: Reason | None = None
    """Why the fallback teams were told; None when a route matched."""
    say: tuple[str, ...] = ()
    """Sentences of the policy that the reporter is shown."""
    duplicates: tuple[DuplicateKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Payload:
    """The exact bytes that a channel sends for a referral, and their media type."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What the channel showed after sending: its own id of the thing, and whether it was there already."""

    remote_id: str | None
    proven: Proven = Proven.ACCEPTED
    repeated: bool = False
    doubled: bool = False
    """More than one was there: whoever looks again closes the others."""
    receipt: bytes | None = None
    """What the outside body answered, as it came; kept sealed beside what was sent, and nowhere else."""
    in_hand: bool = False
    """Nothing has left yet: it lies before a person, who hands it over and records that."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a later look at the far side showed of a referral that was sent."""

    remote_id: str | None
    """None: nothing is there any more."""
    proven: Proven | None = None
    closed: tuple[str, ...] = ()
    """Ids of second things that were there, and that this look closed."""
    left: tuple[str, ...] = ()
    """Ids of second things that it left alone: somebody works on them, so a person must look."""
    resolved: bool | None = None
    """Whether it is closed there; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a channel cannot be used as it is configured: our own code, and which of our own settings is meant."""

    code: str
    """`not_authorised`, `field_missing`, `queue_missing`, `unreachable` ...: stable, listed in the README."""
    named: str = ""
    """What `channels.yaml` calls it: a custom field, a queue, a right. Never anything that the far side said."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit: codes and ids only."""

    actor: str
    action: str
    object: str
    outcome: str = "ok"
    detail: str = ""
    """A code, a digest of a ciphertext, or a short reason of a member of staff; never anything from a concern."""


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
class Flooded:
    """A flood of concerns, and until when this one waits for a look."""

    flood: str
    """Says nothing of where it came from."""
    waits_until: datetime | None
    """None: it waits for nobody."""


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
    behalf: bytes | None = None
    """The digest of the link by which a member of staff took it down; used up with the case, or nothing is written."""
    flooded: Flooded | None = None
    """The flood that it came in."""


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
    """Seconds since it first was due, or a person last asked for it, by the database's clock, when it was leased."""
    kept_from: tuple[str, ...] = ()
    """Teams that must not read it, should the channel have other readers by now."""
    unsure: int = 0
    """How often the far side must still be seen to have nothing before it may be made: an earlier attempt may have."""
    remote_id: str | None = None
    told_before: str | None = None
    """Where what was said before of the case there is, if searches may not show it yet."""
    retried_after: int = 0
    """How many of the attempts were made before a person asked for it anew."""
    broke: int = 0
    """How often since then it was leased, and its worker left no line of how that ended."""
    drafted: bool = False
    """It was a draft: people decide whether it leaves."""
    approved: tuple[str, ...] = ()
    """Digests of what enough different people approved, by exactly which way; see `Channel.leaving`."""
    readable: bool = True
    """False when the stored fields are not ours to read: `fields` then holds the reference alone."""

    @property
    def tries(self) -> int:
        """How often it was leased since a person last asked for it, this time included: what its waits go by."""
        return self.attempts - self.retried_after


def made(model: type[Made], values: dict[str, Any]) -> Made:
    """Return a `model` of `values` that were checked before; every field must be in them.

    For what is made by the dozen in each decision: checking costs twice as much, `model_construct` ten times.
    """
    new = model.__new__(model)
    # What pydantic's own `model_construct` does, without its walk over the fields.
    _SET(new, "__dict__", values)
    _SET(new, "__pydantic_fields_set__", _FIELDS.get(model) or _FIELDS.setdefault(model, set(model.model_fields)))
    _SET(new, "__pydantic_extra__", None)
    _SET(new, "__pydantic_private__", None)
    return new


def plain(model: Frozen) -> dict[str, Any]:
    """Return the model as JSON-ready values, unset fields left out."""
    return model.model_dump(mode="json", exclude_none=True)
