"""The reporters' catalogues: what must stand in them, and `make messages`, which brings them up to it.

Sentences come from the reporters' code and templates, and from what the shipped policies let reporters choose and
tell them. Translates nothing: a sentence that is new stands empty until somebody has, and a test fails until then.
"""

import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import yaml
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from router.reporter.languages import CODES, DEFAULT, LOCALES, UNREVIEWED

ROOT: Final = Path(__file__).parents[1]
TRANSLATED: Final = tuple(code for code in CODES if code != DEFAULT)
POLICIES: Final = ("config/policy.yaml", "config/us/policy.yaml", "config/uk/policy.yaml")
WIDTH: Final = 118
HEADER: Final = """\
# The reporters' pages of concern-router.
#
# To be reviewed by a native speaker: translated with care, but nobody who grew up with the language has read it
# yet. Which word stands for which thing: glossary.yaml. `make messages` brings this file up to the sources.
#"""
_METHODS: Final = [("**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS: Final = {"templates/**.html": {"silent": "false", "trimmed": "true"}}
_KEYWORDS: Final[dict[str, Any]] = {"_": None, "N_": None, "ngettext": (1, 2), "say": None, "say_number": (1, 2)}


def wanted() -> Catalog:
    """Return every sentence that a reporter may see of what we ship, untranslated."""
    found = Catalog(project="concern-router", charset="utf-8")
    for file, _, ids, comments, context in extract_from_dir(
        ROOT / "router/reporter", _METHODS, _OPTIONS, keywords=_KEYWORDS, comment_tags=["Translators:"]
    ):
        found.add(ids, None, [(f"router/reporter/{file}", 0)], auto_comments=comments, context=context)
    for file in POLICIES:
        for sentence in _said_by(file):
            found.add(sentence, None, [(file, 0)])
    return found


def _said_by(file: str) -> Iterator[str]:
    policy = yaml.safe_load((ROOT / file).read_text())
    for kind in policy["taxonomy"].values():
        yield kind["group"]
        yield kind["label"]
    yield from (site["label"] for site in policy["sites"].values())
    yield from policy["sentences"].values()


def begun(code: str) -> Catalog:
    """Return the empty catalogue of a new language."""
    return Catalog(
        locale=Locale.parse(code, sep="-"),
        project="concern-router",
        version="1",
        charset="utf-8",
        fuzzy=False,
        last_translator=UNREVIEWED,
        language_team=str(Locale.parse(code, sep="-").english_name),
    )


def stored(code: str) -> Catalog:
    """Return a language's catalogue as it stands."""
    with (LOCALES / f"{code}.po").open("rb") as lines:
        return read_po(lines, locale=code.replace("-", "_"))


def brought_up(code: str) -> Catalog:
    """Return a language's catalogue with all that is wanted and nothing else; nothing is guessed."""
    catalogue = stored(code)
    catalogue.update(wanted(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    catalogue.header_comment = HEADER
    catalogue.msgid_bugs_address = "see CONTRIBUTING.md"
    return catalogue


def written(catalogue: Catalog) -> bytes:
    """Return the file of a catalogue."""
    file = BytesIO()
    write_po(file, catalogue, width=WIDTH, sort_by_file=True, include_lineno=False)
    return file.getvalue()


def forms(message: Message) -> tuple[str, ...]:
    """Return a translation: all forms of it, where it depends on a number."""
    return tuple(message.string) if isinstance(message.string, tuple | list) else (message.string or "",)


def sources(message: Message) -> tuple[str, ...]:
    """Return what is translated: one sentence, or the form for one and that for many."""
    return tuple(message.id) if isinstance(message.id, tuple | list) else (message.id,)


def main(new: Sequence[str]) -> None:
    """Write each catalogue anew, begin those of `new` languages, and say what is left to translate."""
    for code in new:
        if code not in TRANSLATED:
            (LOCALES / f"{code}.po").write_bytes(written(begun(code)))
    left = {}
    for code in sorted({*TRANSLATED, *new}):
        catalogue = brought_up(code)
        (LOCALES / f"{code}.po").write_bytes(written(catalogue))
        left[code] = [sources(one)[0] for one in catalogue if one.id and not all(forms(one))]
        print(f"{code}: {len(catalogue)} sentences, {len(left[code])} to translate")  # noqa: T201 - for whoever asked


if __name__ == "__main__":
    main(sys.argv[1:])
