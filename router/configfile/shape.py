"""Hold a configuration document against a frozen model; say what is wrong in its writer's words.

Reports everything at once, each at its line. Never shows the value of a setting that is a secret:
such settings complain with a message of their own.
"""

import re
from collections.abc import Mapping
from types import UnionType
from typing import Annotated, Any, Final, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from router.configfile.yamltext import Document, Path, nearest, shown

M = TypeVar("M", bound=BaseModel)

_LEADS: Final = {
    "string_type": "must be a text",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "dict_type": "must hold keys and values",
    "model_type": "must hold keys and values",
    "tuple_type": "must be a list",
    "too_short": "must name at least one",
    "string_too_short": "must not be empty",
}
_NAMES: Final = re.compile(r"\^\[a-z\]")


def shape(document: Document, model: type[M], *path: str | int) -> M | None:
    """Return the model made of what stands at `path`, or None after adding each problem to `document`."""
    value = document.at(*path)
    if not isinstance(value, dict):
        if value is not None or not document.problems:
            what = "" if path else "the file is empty; it " if value is None else "the file "
            document.complain(path, "wrong_kind", f"{what}must hold keys and values")
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _complain(document, path, model, detail)
    return None


def _complain(document: Document, path: Path, model: type[BaseModel], detail: ErrorDetails) -> None:
    kind, found, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind != "missing" and found is None:
        return  # "nothing stands here" was said by the reader
    if kind == "too_short" and found:
        return  # something stands there, and what is wrong with it is said
    if kind in {"missing", "too_short"} and document.broken_off:
        return  # it may stand in the part that could not be read
    place = tuple(step for step in detail["loc"] if step != "[key]")
    name = str(place[-1]) if place else ""
    if kind == "extra_forbidden":
        known = _fields_at(model, place[:-1])
        document.complain((*path, *place), "unknown_key", f"unknown key {shown(name)}{nearest(name, known)}")
    elif kind == "missing":
        document.complain((*path, *place), "missing", f"{name!r} is missing")
    elif kind in {"enum", "literal_error"}:
        expected = re.findall(r"'([^']*)'", str(context.get("expected", "")))
        said = f"unknown value {shown(found)}{nearest(str(found), expected)}"
        document.complain((*path, *place), "unknown_value", said)
    elif kind == "string_pattern_mismatch":
        wanted = str(context.get("pattern", ""))
        likeness = "small letters, digits and _, a letter first" if _NAMES.match(wanted) else wanted
        document.complain((*path, *place), "odd_value", f"{shown(found)} does not look like {likeness}")
    elif kind in _LEADS:
        said = f"{name!r} {_LEADS[kind]}" if isinstance(found, dict | list) else f"{shown(found)} {_LEADS[kind]}"
        document.complain((*path, *place), "wrong_kind", said)
    elif kind == "odd_value":
        document.complain((*path, *place), kind, f"{shown(found)}: {detail['msg']}")
    else:
        document.complain((*path, *place), kind, detail["msg"])


def _fields_at(model: type[BaseModel], path: Path) -> tuple[str, ...]:
    """Return the keys that `model` knows at `path`, following mappings and lists."""
    here: Any = model
    for step in path:
        here = _inside(here, step)
    if isinstance(here, type) and issubclass(here, BaseModel):
        return tuple(field.alias or name for name, field in here.model_fields.items())
    return ()


def _inside(here: Any, step: str | int) -> Any:
    if isinstance(here, type) and issubclass(here, BaseModel):
        by_key = {field.alias or name: field.annotation for name, field in here.model_fields.items()}
        return _plain(by_key.get(str(step)))
    origin, arguments = get_origin(here), get_args(here)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _plain(arguments[1])
    return _plain(arguments[0]) if arguments else None


def _plain(wanted: Any) -> Any:
    """Return what stands here when something does, without constraints: `Entry` for `Annotated[Entry | None, ...]`."""
    while get_origin(wanted) in {Annotated, Union, UnionType}:
        wanted = get_args(wanted)[0]
    return wanted
