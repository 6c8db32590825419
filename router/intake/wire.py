"""Public shapes of requests and answers, size limits included.

Closed and silent: an unknown member is refused without its name, and no error shows a value.
"""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from router.errors import Fault
from router.model import Frozen
from router.vocabulary import (
    AssetTag,
    Country,
    EvidenceState,
    Identity,
    Involved,
    NoticedHow,
    Reference,
    Region,
    SourceTicket,
    SubjectHandle,
    Urgency,
    VerdictSource,
    WhereFound,
)

MAX_BODY_BYTES: Final = 64 * 1024
MAX_BATCH_BYTES: Final = 1024 * 1024
MAX_BATCH_ITEMS: Final = 500
MAX_NARRATIVE: Final = 4000
MAX_CONTACT: Final = 400
MAX_HASHES: Final = 64
MAX_FAULTS: Final = 32
"""Most faults that one answer lists."""

Word = Annotated[str, StringConstraints(max_length=64)]
ItemKey = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]


class HashIn(Frozen):
    """A hash that a list or a product already knew; the algorithm is md5, sha1 or sha256."""

    algorithm: Word
    value: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{1,128}$")]


class ConcernIn(Frozen):
    """What a sender says; `guard` splits it into what may travel and what never does."""

    category: Word
    noticed_how: NoticedHow
    where_found: WhereFound | None = None
    site: Word | None = None
    occurred_at: Word | None = None
    noticed_at: Word | None = None
    urgency: Annotated[tuple[Urgency, ...], Field(max_length=len(Urgency))] | None = None
    evidence_state: EvidenceState | None = None
    country: Country | None = None
    involves: Annotated[tuple[Involved, ...], Field(max_length=len(Involved))] | None = None
    verdict_source: VerdictSource | None = None
    source_ticket: SourceTicket | None = None
    asset_tag: AssetTag | None = None
    hashes: Annotated[tuple[HashIn, ...], Field(max_length=MAX_HASHES)] | None = None
    url: Annotated[str, StringConstraints(min_length=1, max_length=2083)] | None = None
    subject_handle: SubjectHandle | None = None
    narrative: Annotated[str, StringConstraints(max_length=MAX_NARRATIVE)] | None = None
    contact: Annotated[str, StringConstraints(max_length=MAX_CONTACT)] | None = None
    identity: Identity | None = None
    """Who may see `contact`: whom a custodian lets (confidential, the default), or all who work on the case (named)."""


class BatchItemIn(ConcernIn):
    """One concern of a batch, with its own idempotency key."""

    key: ItemKey | None = None


class BatchIn(Frozen):
    """Up to 500 concerns of one client."""

    concerns: Annotated[tuple[BatchItemIn, ...], Field(min_length=1, max_length=MAX_BATCH_ITEMS)]


class AcceptedOut(Frozen):
    """The concern is kept. The receipt is there if and only if no client token was used, and so is the guidance."""

    reference: Reference
    acknowledge_by: AwareDatetime | None
    feedback_by: AwareDatetime | None
    receipt: str | None = None
    guidance: tuple[str, ...] = ()
    """What the policy has to say to who reports this; absent when it has nothing to say."""
    it_staff_duty: Region | None = None
    """The state of the US whose law may oblige whoever came across this in a repair to report it themselves: tell them
    to talk to counsel. This report does not do it for them. Absent where no such state is known."""


class FaultOut(Frozen):
    """One field and what to do about it."""

    field: str
    code: str
    guidance: str
    pointer: str | None = None
    """Where in a source's message the field was looked for, as `sources.yaml` says."""


class ProblemOut(Frozen):
    """RFC 9457 problem details; nothing of the request is in it."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: tuple[FaultOut, ...] = ()


class BatchAnswerOut(Frozen):
    """The answer to one item: 201 and the accepted concern, or another status and a problem."""

    status: int
    body: AcceptedOut | ProblemOut


class BatchOut(Frozen):
    """Answers in the order of the items."""

    answers: tuple[BatchAnswerOut, ...]


class StatusOut(Frozen):
    """How far a concern is, for the client that filed it."""

    reference: Reference
    state: str
    received_at: AwareDatetime
    acknowledge_by: AwareDatetime | None
    feedback_by: AwareDatetime | None
    referrals: tuple[str, ...]


FIELDS: Final = frozenset(ConcernIn.model_fields)
"""The only names that an error may carry."""

_CODES: Final = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "enum": "unknown_value",
    "string_too_long": "too_long",
    "too_long": "too_many",
    "string_too_short": "malformed",
    "too_short": "missing",
    "string_pattern_mismatch": "malformed",
}


def known(name: object) -> str:
    """Return `name` if it is one of our fields, else `unknown`."""
    return name if isinstance(name, str) and name in FIELDS else "unknown"


def faults_of(error: ValidationError) -> Iterator[Fault]:
    """Yield pydantic's findings as our codes and field names; no value, no foreign key."""
    for finding in error.errors(include_url=False, include_context=False, include_input=False):
        location = finding["loc"]
        code = _CODES.get(finding["type"], "wrong_type")
        yield Fault("unknown" if code == "unknown_field" else known(location[0] if location else None), code)
