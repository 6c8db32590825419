"""JSON pointers (RFC 6901): where something stands in another system's JSON, as a setting says it.

The only module that knows `jsonpointer`, whose exceptions hold the document: none leaves here.
"""

from functools import lru_cache
from typing import Annotated, Any, Final

from jsonpointer import EndOfList, JsonPointer, JsonPointerException
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from router.configfile.yamltext import shown

LONGEST: Final = 256
"""Characters."""


def _pointer(text: str) -> str:
    if len(text) > LONGEST or not text.isprintable() or _parsed(text) is None:
        said = '{found} is no JSON pointer: "" for the whole, else /name/0/name, with ~1 for / and ~0 for ~ in a name'
        raise PydanticCustomError("odd_pointer", said, {"found": shown(text)})
    return text


Pointer = Annotated[
    str, AfterValidator(_pointer), WithJsonSchema({"type": "string", "description": "A JSON pointer, such as /a/0/b."})
]
"""`""` for the whole document, `/name/0/name` for a part."""


def at(document: Any, pointer: str) -> Any:
    """Return what stands there in a decoded JSON document; None when nothing does, or null. Raises nothing."""
    parsed = _parsed(pointer)
    if parsed is None:
        return None
    try:
        found = parsed.resolve(document, None)
    except (JsonPointerException, LookupError, TypeError, ValueError):
        return None
    return None if isinstance(found, EndOfList) else found


@lru_cache(maxsize=1024)
def _parsed(pointer: str) -> JsonPointer | None:
    try:
        return JsonPointer(pointer)
    except JsonPointerException:
        return None
