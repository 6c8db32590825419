"""JSON Schema of the files, so that an editor completes and checks them while somebody writes.

Made of the models that the loader uses. A schema knows no names of other parts of a file: `policy check` does.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from router import catalogue
from router.channels.setting import as_written
from router.model import Referral
from router.triage.examples import ExamplesFile
from router.triage.file import PolicyFile

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_TEXT: Final[Mapping[str, JsonSchemaValue]] = MappingProxyType(
    {
        "_span": {"pattern": "^[1-9][0-9]{0,4}[mhd]$", "description": "Such as 30m, 4h or 2d."},
        "_hours": {
            "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
            "description": 'Such as "08:00-18:00", in quotes.',
        },
        "_date": {"pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "description": 'Such as "2026-12-25", in quotes.'},
        "_zone": {
            "pattern": "^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$",
            "description": "An IANA time zone, such as Europe/Berlin.",
        },
        "_reference": {
            "pattern": "^(env:[A-Z][A-Z0-9_]{0,63}|(file|command):/[A-Za-z0-9_./-]{1,255})$",
            "description": "Where a secret stands: env:NAME, file:/path or command:/path. Never the secret itself.",
        },
        "_network": {"pattern": "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$", "description": "Such as 10.20.0.0/16 or fd12::/48."},
        "_file": {"pattern": "^/[A-Za-z0-9_./-]+$", "description": "An absolute path on the worker's machine."},
        "_proxy": {"pattern": "^https?://[!-~]+$", "description": "Such as http://proxy.example.org:3128."},
        "_service": {"pattern": "^https?://[!-~]+$", "description": "https; http only to this machine."},
        "_field": {"enum": list(Referral.model_fields), "description": "A field that a referral can hold."},
    }
)
"""What the loader reads by functions of its own, by the function's name."""


class _Schema(GenerateJsonSchema):
    """What may stand in the file, which is not always what the loader makes of it."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Describe the text that is read; where one value stands for a list of one, both."""
        name = _name(schema["function"]["function"])
        if name == "_one_or_many":
            several = self.generate_inner(schema["schema"])
            return {"anyOf": [several["items"], several]}
        return self._text(name) or super().function_before_schema(schema)

    def function_after_schema(self, schema: core_schema.AfterValidatorFunctionSchema) -> JsonSchemaValue:
        """Describe what is checked after reading, as far as a schema can."""
        return self._text(_name(schema["function"]["function"])) or super().function_after_schema(schema)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """Nothing may stand empty: what is not said is left out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Show a default only where it is a word, or a time that could stand in the file."""
        shown = super().default_schema(schema)
        default = schema.get("default")
        if isinstance(default, timedelta):
            shown["default"] = as_written(default) if default else None
        if not isinstance(shown.get("default"), str):
            shown.pop("default", None)
        return shown

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Take no key that looks otherwise than the pattern says."""
        shown = super().dict_schema(schema)
        if "patternProperties" in shown:
            shown["additionalProperties"] = False
        return shown

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the base's contract
        """Leave out titles: they would say each key twice."""
        return False

    @staticmethod
    def _text(name: str) -> JsonSchemaValue | None:
        return {"type": "string", **_TEXT[name]} if name in _TEXT else None


def schema_of(file: Literal["policy", "channels", "examples"]) -> dict[str, Any]:
    """Return the JSON Schema of one of the three files."""
    if file == "channels":
        return _of_channels()
    return _of(PolicyFile if file == "policy" else ExamplesFile)


def _of(model: type[BaseModel]) -> dict[str, Any]:
    return {"$schema": DIALECT, **model.model_json_schema(by_alias=True, schema_generator=_Schema)}


def _of_channels() -> dict[str, Any]:
    """Return one schema for each kind, told apart by `kind`."""
    kinds: dict[str, Any] = {}
    shared: dict[str, Any] = {}
    for kind, model in catalogue.ENTRIES.items():
        shown = _of(model)
        shared.update(shown.pop("$defs", {}))
        del shown["$schema"]
        shown["properties"]["kind"] = {"const": kind}
        kinds[f"channel_{kind}"] = shown
    return {
        "$schema": DIALECT,
        "title": "Channels",
        "type": "object",
        "minProperties": 1,
        "patternProperties": {
            "^[a-z][a-z0-9_-]{0,47}$": {
                "type": "object",
                "required": ["kind"],
                "properties": {"kind": {"enum": list(catalogue.ENTRIES)}},
                "oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds],
                "discriminator": {"propertyName": "kind"},
            }
        },
        "additionalProperties": False,
        "$defs": {**shared, **kinds},
    }


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", "")
