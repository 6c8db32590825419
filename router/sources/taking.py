"""What is taken of a source's message, and from where: the part of `sources.yaml` that makes a concern.

Closed: facts only. There is no way to say that a text of the message travels: narrative and contact cannot be mapped.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from router.configfile.pointers import Pointer
from router.model import Frozen
from router.vocabulary import (
    EvidenceState,
    HashAlgorithm,
    Involved,
    NoticedHow,
    Urgency,
    VerdictSource,
    WhereFound,
)

NOTHING: Final = "nothing"
"""What a word of theirs may become: the field is left out."""
CLOSED: Final[Mapping[str, type[StrEnum]]] = {
    "noticed_how": NoticedHow,
    "where_found": WhereFound,
    "urgency": Urgency,
    "evidence_state": EvidenceState,
    "involves": Involved,
    "verdict_source": VerdictSource,
}
"""Fields whose words are ours."""
TIMES: Final = frozenset({"occurred_at", "noticed_at"})
SEVERAL: Final = frozenset({"urgency", "involves"})

Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Theirs = Annotated[str, StringConstraints(max_length=256)]


class Written(StrEnum):
    """How they write a time."""

    RFC3339 = "rfc3339"
    """With its zone."""
    UTC = "utc"
    """`2026-01-31 08:30:00`, or with a T, without a zone: it is UTC."""
    UNIX = "unix"
    """Seconds since 1970, a fraction or not, as a number or a text."""
    UNIX_MS = "unix_ms"


class Taken(Frozen):
    """How one field is filled: by a word of ours, or by what stands at a pointer."""

    always: Word | None = None
    """The field's value, whatever the message says; a plain text in the file means this."""
    at: Pointer | None = None
    """Where in the message the value stands."""
    optional: bool = False
    """The field is left out when nothing stands there; else such a message is refused."""
    words: Annotated[Mapping[Theirs, Word], Field(min_length=1)] | None = None
    """Their words and ours; `nothing`: the field is left out. Left out: theirs are ours."""
    otherwise: Word | None = None
    """What a word that `words` does not list means; left out: such a message is refused."""
    written: Written | None = None
    """How a time is written; left out: rfc3339."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.always is None) == (self.at is None):
            raise PydanticCustomError("odd_value", "either a word of ours is wanted here, or 'at' with a pointer")
        if self.always is not None and (self.optional or self.words or self.otherwise or self.written):
            raise PydanticCustomError("no_effect", "what always is so needs no more")
        if self.otherwise is not None and self.words is None:
            raise PydanticCustomError("no_effect", "otherwise says what is not in 'words', and there are none")
        return self

    @property
    def ours(self) -> tuple[str, ...]:
        """Return every word that the field may get by this, as far as the file says."""
        said = (self.always, self.otherwise, *(self.words or {}).values())
        return tuple(word for word in said if word is not None and word != NOTHING)


def _taken(value: Any) -> Any:
    return {"always": value} if isinstance(value, str) else value


def _several(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


One = Annotated[Taken, BeforeValidator(_taken)]
Several = Annotated[tuple[One, ...], BeforeValidator(_several), Field(min_length=1, max_length=16)]


class Fields(Frozen):
    """The facts of a concern, and how each is filled. What is not named here is dropped unread."""

    category: One
    noticed_how: One
    where_found: One | None = None
    site: One | None = None
    occurred_at: One | None = None
    noticed_at: One | None = None
    urgency: Several | None = None
    evidence_state: One | None = None
    country: One | None = None
    involves: Several | None = None
    verdict_source: One | None = None
    source_ticket: One | None = None
    asset_tag: One | None = None
    hashes: Annotated[Mapping[HashAlgorithm, Pointer], Field(min_length=1)] | None = None
    """For each algorithm, where its hash stands, if it does."""
    url: One | None = None
    subject_handle: One | None = None

    @model_validator(mode="after")
    def _times_alone(self) -> Self:
        for name, taken in self.each():
            if taken.written is not None and name not in TIMES:
                raise PydanticCustomError("no_effect", "{field} is no time", {"field": name})
        return self

    def each(self) -> tuple[tuple[str, Taken], ...]:
        """Return every field that is filled, and how; one that holds several comes once for each. No hashes."""
        found: list[tuple[str, Taken]] = []
        for name in Fields.model_fields:
            value = getattr(self, name)
            if isinstance(value, Taken):
                found.append((name, value))
            elif isinstance(value, tuple):
                found.extend((name, one) for one in value)
        return tuple(found)
