"""The languages of the reporters' pages: which one a browser gets, and how each writes days and numbers."""

from dataclasses import replace
from datetime import UTC, datetime
from gettext import NullTranslations
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po

from router.reporter import languages as there
from router.reporter.languages import CODES, languages, preferred
from tests.catalogues import TRANSLATED

OFFERED = ("en", "sv", "de", "ar", "pt-BR")


@pytest.mark.parametrize(
    ("asked", "gets"),
    [
        ("", "en"),
        ("*", "en"),
        ("sv", "sv"),
        ("sv-FI,fi;q=0.9,en;q=0.5", "sv"),
        ("fi,en-GB;q=0.7,de;q=0.8", "de"),
        ("fr;q=1, ar-EG;q=0.2, en;q=0.1", "ar"),
        ("SV-se", "sv"),
        ("pt-br,en;q=0.5", "pt-BR"),
        ("pt,sv;q=0.5", "sv"),
        ("sv;q=0,de;q=0.1", "de"),
        ("sv;q=nan,de;q=0.1", "de"),
        ("sv;q=9,de;q=0.1", "de"),
        ("sv;level=1,de;q=0.1", "de"),
        (",;q=,;;,\x00", "en"),
        ("fr," * 100 + "sv", "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_likes_best_of_those_offered(asked: str, gets: str) -> None:
    assert preferred(asked, OFFERED) == gets


@pytest.mark.parametrize(
    ("code", "name", "direction", "day"),
    [
        ("en", "English", "ltr", "3 November 2026"),
        ("sv", "Svenska", "ltr", "3 november 2026"),
        ("de", "Deutsch", "ltr", "3. November 2026"),
        ("ar", "العربية", "rtl", "3 نوفمبر 2026"),
    ],
)
def test_each_calls_itself_and_writes_days_as_its_readers_do(code: str, name: str, direction: str, day: str) -> None:
    language = languages()[code]

    assert (language.own_name, language.direction) == (name, direction)
    assert language.day(datetime(2026, 11, 3, 23, 59, tzinfo=UTC)) == day


def test_the_four_that_were_promised_are_there() -> None:
    assert set(CODES) >= {"en", "sv", "de", "ar"}
    assert set(languages()) == set(CODES) == {"en", *TRANSLATED}


def test_a_language_is_reviewed_once_a_native_speaker_put_their_name_into_it() -> None:
    class Read(NullTranslations):
        def info(self) -> dict[str, str]:
            return {"last-translator": "Somebody Real"}

    unread = languages()["sv"]

    assert not unread.is_reviewed
    assert replace(unread, catalogue=Read()).is_reviewed
    assert languages()["en"].is_reviewed


def test_one_more_language_is_one_more_catalogue(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = Catalog(locale="pl")
    catalogue.add(("%(n)s thing", "%(n)s things"), ("%(n)s rzecz", "%(n)s rzeczy (2-4)", "%(n)s rzeczy (5)", "%(n)s"))
    with (tmp_path / "pl.po").open("wb") as file:
        write_po(file, catalogue)
    monkeypatch.setattr(there, "LOCALES", tmp_path)
    monkeypatch.setattr(there, "CODES", ("en", "pl"))
    found = languages.__wrapped__()["pl"]

    said = [found.catalogue.ngettext("%(n)s thing", "%(n)s things", n) for n in (1, 3, 5, 22)]
    assert said == ["%(n)s rzecz", "%(n)s rzeczy (2-4)", "%(n)s rzeczy (5)", "%(n)s rzeczy (2-4)"]
