"""Find secrets that stand in a configuration file in clear, and complain without showing them."""

from typing import Any, Final

from router.configfile.yamltext import Document, Path, looks_secret

_NAMED: Final = ("env:", "file:/", "command:/")
"""How a text begins that says where a secret stands."""


def no_secrets(document: Document, place: Path = ()) -> None:
    """Add to `document` every text at or below `place` that looks like a secret; one for each line."""
    said = {problem.line for problem in document.problems if problem.code == "clear_secret"}
    _look(document, place, document.at(*place), said)


def _look(document: Document, place: Path, value: Any, said: set[int]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _text(document, (*place, key), key, said)
            _look(document, (*place, key), inner, said)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _look(document, (*place, index), inner, said)
    elif isinstance(value, str):
        _text(document, place, value, said)


def _text(document: Document, place: Path, text: str, said: set[int]) -> None:
    if looks_secret(text) and not text.startswith(_NAMED) and document.line(place) not in said:
        said.add(document.line(place))
        hint = "this looks like a secret (not shown); name it instead: env:NAME, file:/path or command:/path"
        document.complain(place, "clear_secret", hint)
