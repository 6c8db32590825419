"""Templates: JSON values, written in YAML, whose texts may hold `{name}`. There is no other expression.

A text that is exactly `{name}` becomes the value itself, of whatever kind. What names something unset is left out: the
key, or in a list the whole item; and so is what then holds nothing. `{{` and `}}` are braces.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypeAlias

from pydantic import BeforeValidator, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from router.configfile.yamltext import shown

_PIECE: Final = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)\}|[{}]")


@dataclass(frozen=True, slots=True)
class Name:
    """Stands for a value."""

    name: str


@dataclass(frozen=True, slots=True)
class Text:
    """A text with names in it."""

    pieces: tuple[str | Name, ...]


@dataclass(frozen=True, slots=True)
class Keys:
    """A mapping."""

    entries: tuple[tuple[str, "Node"], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple["Node", ...]


Node: TypeAlias = Name | Text | Keys | Items | str | int | bool


class _Unset:
    """Stands for what is left out."""


UNSET: Final = _Unset()


def parsed(value: Any) -> Node:
    """Return the template that a value of the file means; raises PydanticCustomError of a brace that stands alone."""
    if isinstance(value, dict):
        return Keys(tuple((key, parsed(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return Items(tuple(parsed(inner) for inner in value))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | bool | Name | Text | Keys | Items):
        return value
    raise PydanticCustomError("wrong_kind", "a text, whole number, true, false, list or mapping is wanted here")


def _read(value: Any) -> Node:
    """Return the template; raises ValidationError with each problem at its place."""
    wrong = list(_problems(value, ()))
    if wrong:
        raise ValidationError.from_exception_data("template", wrong, hide_input=True)
    return parsed(value)


def _problems(value: Any, path: tuple[str | int, ...]) -> Iterator[InitErrorDetails]:
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _problems(inner, (*path, step))
        return
    try:
        parsed(value)
    except PydanticCustomError as error:
        yield InitErrorDetails(type=error, loc=path, input="")


def _text(text: str) -> Node:
    pieces: list[str | Name] = []
    rest = 0
    for found in _PIECE.finditer(text):
        pieces.append(text[rest : found.start()])
        rest = found.end()
        if found[1] is None and len(found[0]) == 1:
            said = "a brace stands alone in {found}; write {name} for a value, and the brace twice for a brace"
            raise PydanticCustomError("odd_brace", said, {"found": shown(text)})
        pieces.append(Name(found[1]) if found[1] is not None else found[0][0])
    pieces.append(text[rest:])
    kept = [piece for piece in pieces if piece != ""]
    if not any(isinstance(piece, Name) for piece in kept):
        return "".join(map(str, kept))
    return kept[0] if len(kept) == 1 and isinstance(kept[0], Name) else Text(tuple(kept))


def filled(node: Node, values: Mapping[str, Any]) -> Any:
    """Return the JSON value, or UNSET when it names something that `values` do not have."""
    if isinstance(node, Name):
        return values.get(node.name, UNSET)
    if isinstance(node, Text):
        said = [values.get(piece.name, UNSET) if isinstance(piece, Name) else piece for piece in node.pieces]
        return UNSET if UNSET in said else "".join("" if piece is None else str(piece) for piece in said)
    if isinstance(node, Keys):
        whole = {key: filled(inner, values) for key, inner in node.entries}
        kept = {key: inner for key, inner in whole.items() if inner is not UNSET}
        return kept if kept or not whole else UNSET
    if isinstance(node, Items):
        items = [_item(inner, values) for inner in node.items]
        left = [item for item in items if item is not UNSET]
        return left if left or not items else UNSET
    return node


def _item(node: Node, values: Mapping[str, Any]) -> Any:
    """Return an item of a list: whole, or not at all."""
    made = filled(node, values)
    return made if not isinstance(node, Keys) or (isinstance(made, dict) and len(made) == len(node.entries)) else UNSET


def texts(node: Node, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Name | Text]]:
    """Yield each text with names in it, and where it stands."""
    if isinstance(node, Name | Text):
        yield path, node
    elif isinstance(node, Keys):
        for key, inner in node.entries:
            yield from texts(inner, (*path, key))
    elif isinstance(node, Items):
        for index, inner in enumerate(node.items):
            yield from texts(inner, (*path, index))


def names(node: Node) -> frozenset[str]:
    """Return every name in the template."""
    found = (text.pieces if isinstance(text, Text) else (text,) for _, text in texts(node))
    return frozenset(piece.name for pieces in found for piece in pieces if isinstance(piece, Name))


_ANYTHING: Final = {"description": "Any value; a text may hold {name}, and one that is exactly {name} is the value."}
_A_TEXT: Final = {"type": ["string", "integer", "boolean"], "description": "A value; a text may hold {name}."}


def _single(value: Any) -> Node:
    if isinstance(value, dict | list):
        raise PydanticCustomError("wrong_kind", "a text is wanted here")
    return parsed(value)


Template = Annotated[Any, BeforeValidator(_read), WithJsonSchema(_ANYTHING)]
"""Any value with names in its texts."""
TextTemplate = Annotated[Any, BeforeValidator(_single), WithJsonSchema(_A_TEXT)]
"""One text, number or truth with names in it."""
