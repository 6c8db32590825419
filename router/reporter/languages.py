"""The languages of the reporters' pages: which there are, which one a browser asks for, and how each says things.

Catalogues are read from their sources at the first use, so nothing compiled is kept beside them. Never guesses a
language from an address or a place.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from gettext import NullTranslations
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.dates import format_date
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

LOCALES: Final = Path(__file__).parent / "locales"
DEFAULT: Final = "en"
"""The language that the sources are written in."""
CODES: Final = (DEFAULT, *sorted(source.stem for source in LOCALES.glob("*.po")))
"""All there are: one more is one catalogue more, named by its BCP 47 code."""
_AS_IN: Final = {"en": "en-GB"}
"""Whose way to write dates is used, where that is not the language's most common one: the day first, as elsewhere."""
_QUALITY: Final = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")
UNREVIEWED: Final = "to be reviewed by a native speaker"
"""What stands as Last-Translator in a catalogue until somebody who grew up with the language puts their name there."""
_MOST_ASKED: Final = 20
"""Languages of a browser that are looked at."""


def N_(text: str) -> str:  # noqa: N802 - what gettext's tools know
    """Mark `text` for the catalogues; it is translated when it is shown."""
    return text


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the pages."""

    code: str
    """BCP 47, as it stands in addresses and in `lang`."""
    locale: Locale = field(repr=False)
    catalogue: NullTranslations = field(repr=False)

    @property
    def own_name(self) -> str:
        """Return what the language calls itself."""
        return (self.locale.get_language_name(self.locale) or self.code).capitalize()

    @property
    def direction(self) -> str:
        """Return ltr or rtl."""
        return self.locale.text_direction

    @property
    def is_reviewed(self) -> bool:
        """Say whether somebody who grew up with the language has read all of it."""
        return self.catalogue.info().get("last-translator") != UNREVIEWED

    def day(self, moment: datetime) -> str:
        """Return a day as people write it in this language; in UTC, as everything here is.

        In digits from 0 to 9, in Arabic too: days are copied and read out to people who read another language.
        """
        return format_date(moment, "long", self.locale)


@cache
def languages() -> Mapping[str, Language]:
    """Return all languages by their codes."""
    return MappingProxyType(
        {code: Language(code, Locale.parse(_AS_IN.get(code, code), sep="-"), _catalogue(code)) for code in CODES}
    )


def preferred(accept_language: str, offered: Sequence[str]) -> str:
    """Return which of `offered` an Accept-Language (RFC 9110, 12.5.4) likes best, the first if it says none."""
    known = {code.lower(): code for code in reversed(offered)}
    ranked = sorted(map(_ranked, accept_language.split(",")[:_MOST_ASKED]), key=lambda pair: -pair[0])
    asked = (name for rank, name in ranked if rank > 0)
    tried = (known.get(name) or known.get(name.partition("-")[0]) for name in asked)
    return next(filter(None, tried), offered[0])


def _ranked(part: str) -> tuple[float, str]:
    name, _, quality = part.partition(";")
    found = _QUALITY.fullmatch(quality.strip())
    return (float(found[1]) if found else 0.0 if quality else 1.0), name.strip().lower()


def _catalogue(code: str) -> NullTranslations:
    source = LOCALES / f"{code}.po"
    if code == DEFAULT or not source.exists():
        return NullTranslations()
    with source.open("rb") as lines:
        catalogue = read_po(lines, locale=code.replace("-", "_"))
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
