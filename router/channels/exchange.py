"""A referral as a document for programs elsewhere: one JSON object, by a schema with a version.

Pure. Whoever takes it knows by `schema` what may stand in it and by `tlp` who may see it; beside them are the fields
that the channel carries, and no others. What changes the meaning of a field, or takes one away, is another version;
a new field that may be left out is not. Described in docs/exchange.md.
"""

from typing import Any, Final, Literal

from pydantic import ConfigDict, Field, create_model
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from router.marking import Tlp
from router.model import Frozen, Referral, plain
from router.vocabulary import Notice, ReferralReference

SCHEMA: Final = "concern-router/referral/1"
_OURS: Final = frozenset({"reference", "revision", "notice", "awaited", "about", "tlp"})
"""Of a referral: said by `Envelope`, or only ever inside."""


class Envelope(Frozen):
    """One referral of one case that left the organisation. What is not there is not known, or not for you."""

    model_config = ConfigDict(title=SCHEMA)

    written_by: Literal["concern-router/referral/1"] = Field(alias="schema")
    """What may stand here."""
    tlp: Tlp
    """Who may see it: Traffic Light Protocol 2.0."""
    reference: ReferralReference
    """The case; random, and the same in each revision."""
    revision: int = Field(ge=1)
    """Counts from 1; a later one takes the place of an earlier one."""
    notice: Literal[Notice.CORRECTED, Notice.CLOSED, Notice.RECALLED] | None = None
    """corrected: this counts now; closed: nothing more is to be done; recalled: withdrawn, forget it."""


Exchanged: Final = create_model(
    "Exchanged",
    __base__=Envelope,
    __doc__=Envelope.__doc__,
    **{name: (field.annotation, field) for name, field in Referral.model_fields.items() if name not in _OURS},  # type: ignore[call-overload]
)
"""The envelope with everything that a channel may carry."""


class _Absent(GenerateJsonSchema):
    """What is not known is left out, and never null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def document(referral: Referral) -> dict[str, Any]:
    """Return the fields that are set, JSON-ready; what is marked for outside as the schema wants it.

    What stays inside says no schema: there it is between us and the team that reads it.
    """
    fields = plain(referral)
    marked = {"schema": SCHEMA, "tlp": fields.pop("tlp")} if referral.tlp else {}
    return {**marked, **fields}


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what leaves."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('/', ':')}",
        **Exchanged.model_json_schema(by_alias=True, schema_generator=_Absent),
    }
