"""The sheet: what a person hands over outside, in the words of whoever gets it, with the English beside them.

Pure: the same referral and the same directory make the same bytes, which are what people approve. It holds no time of
its own, and nothing that the channel may not carry.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import orjson
from pydantic import Field

from router.bodies.body import Body
from router.channels import notices
from router.channels.hand_over import asked
from router.channels.hand_over.english import ENGLISH
from router.channels.hand_over.german import GERMAN
from router.channels.hand_over.swedish import SWEDISH
from router.channels.hand_over.wording import Wording
from router.marking import Tlp
from router.model import Frozen, Referral
from router.vocabulary import CALL_FIRST, Name, Notice, ReferralReference

FORMAT: Final = "concern-router/sheet/1"
MEDIA_TYPE: Final = "application/json"
WORDINGS: Final = (ENGLISH, SWEDISH, GERMAN)
_WHOLE: Final = frozenset({None, Notice.CORRECTED, Notice.INSTEAD})
"""What says all of the matter; every other notice says its sentence and our reference."""


Saying = Callable[[Wording], str]


class Said(Frozen):
    """Something in the body's language, and in English where that is another one."""

    text: str
    english: str | None = None


class Row(Frozen):
    """One thing that the body asks for."""

    name: Name
    label: Said
    value: Said | None = None
    """None: it is not known, or may not be said this way."""
    by_hand: bool = False
    """Nobody wrote it down here: whoever hands this over answers it."""


class Addressee(Frozen):
    """Who gets it."""

    code: Name
    name: str
    kind: str
    country: str
    address: str | None = None
    phone: str | None = None
    verified_on: str | None = None
    """None: nobody has compared the entry with its source."""
    note: str | None = None


class Sheet(Frozen):
    """What a person hands over."""

    format: Literal["concern-router/sheet/1"] = FORMAT
    reference: ReferralReference
    revision: Annotated[int, Field(ge=1)]
    notice: Notice | None = None
    language: str
    title: Said
    marking: Said | None = None
    to: Addressee | None = None
    """None: whoever has what this withdraws."""
    why: str
    """Why this body, in a sentence."""
    others: tuple[Addressee, ...] = ()
    """Who else would take it."""
    first: Said | None = None
    """What comes before all else."""
    says: Said | None = None
    rows: tuple[Row, ...]

    def written(self) -> bytes:
        """Return the sheet's bytes, indented for a person who reads them."""
        shown = self.model_dump(mode="json", exclude_none=True)
        return orjson.dumps(shown, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read_sheet(body: bytes) -> Sheet:
    """Return the sheet of bytes that `written` made; raises ValidationError for others."""
    return Sheet.model_validate_json(body)


def sheet(referral: Referral, who: tuple[Body, ...], *, why: str) -> Sheet:
    """Return the sheet for the first of `who`, in the first of its languages that we have, else in English."""
    body = who[0] if who else None
    language = _language(body.languages if body else ())
    tell = _Teller(referral, language)
    whole = referral.notice in _WHOLE
    return Sheet(
        reference=referral.reference,
        revision=referral.revision,
        notice=referral.notice,
        language=language.code,
        title=tell.both(lambda words: words.title),
        marking=tell.marking(referral.tlp),
        to=_addressee(body) if body else None,
        why=why,
        others=tuple(_addressee(other) for other in who[1:]),
        first=tell.both(lambda words: words.emergency) if whole and tell.danger else None,
        says=tell.notice(),
        rows=tuple(tell.row(name) for name in (asked.rows(body) if whole and body else ("reference",))),
    )


def _language(codes: tuple[str, ...]) -> Wording:
    return next((one for code in codes for one in WORDINGS if one.code == code), ENGLISH)


class _Teller:
    """Says things of one referral in one language, and in English."""

    def __init__(self, referral: Referral, language: Wording) -> None:
        self._referral = referral
        self._language = language

    @property
    def danger(self) -> bool:
        return not CALL_FIRST.isdisjoint(self._referral.urgency or ())

    def both(self, say: Saying) -> Said:
        """Return what `say` says in each language."""
        return self._said(say(self._language), say(ENGLISH))

    def marking(self, tlp: Tlp | None) -> Said | None:
        return self.both(lambda words: f"{tlp}: {words.marking[tlp]}") if tlp else None

    def notice(self) -> Said | None:
        notice = self._referral.notice
        if notice is Notice.RECALLED:
            return self.both(lambda words: words.recalled)
        if notice is Notice.CORRECTED:
            return self.both(lambda words: words.corrected)
        return Said(text=notices.said(self._referral)) if notice is not None else None

    def row(self, name: str) -> Row:
        label = self.both(lambda words: words.labels[name])
        return Row(name=name, label=label, value=self._value(name), by_hand=name in asked.BY_HAND)

    def _value(self, name: str) -> Said | None:
        if name in asked.BY_HAND:
            return None
        if name == "danger":
            # Nothing said is no danger said; where the channel does not carry it, nothing is claimed of it.
            there = self._referral.urgency is not None
            return self.both(lambda words: words.danger[self.danger]) if there else None
        if name == "place":
            return self._place()
        value = getattr(self._referral, name)
        if value is None or value == ():
            return None
        return self.both(lambda words: _text(words, name, value))

    def _place(self) -> Said | None:
        held = self._referral
        parts = [held.country or held.jurisdiction, held.site]
        return Said(text=", ".join(part for part in parts if part)) if any(parts) else None

    def _said(self, text: str, english: str) -> Said:
        return Said(text=text, english=english if english != text else None)


def _text(words: Wording, field: str, value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if field == "category":
        return words.category(str(value))
    if field == "hashes" and isinstance(value, tuple):
        return "\n".join(f"{one.algorithm} {one.value}" for one in value)
    if isinstance(value, tuple):
        return "\n".join(words.word(field, str(one)) for one in value)
    return words.word(field, str(value))


def _addressee(body: Body) -> Addressee:
    return Addressee(
        code=body.code,
        name=body.name,
        kind=body.kind.value,
        country=body.country,
        address=body.address,
        phone=body.phone,
        verified_on=body.verified_on.isoformat() if body.verified_on else None,
        note=body.note,
    )
