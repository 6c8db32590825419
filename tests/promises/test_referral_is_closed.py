"""Promise 1: a referral has no place for a sentence: every text in its schema has a pattern, a list or a format."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError, create_model

from router.model import Content, Facts, Referral

FORMATS = ("date-time",)


def open_texts(schema: Any, definitions: dict[str, Any], place: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the place of everything in a JSON schema that could hold a text of anybody's own."""
    assert depth < 20, "the schema is recursive"
    for name, inner in parts(schema, definitions):
        yield from open_texts(inner, definitions, f"{place}{name}", depth + 1)
    if not parts(schema, definitions) and not closed(schema):
        yield place


def parts(schema: Any, definitions: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return what a schema is made of: its choices, its fields or its items."""
    if "$ref" in schema:
        return [("", definitions[schema["$ref"].rsplit("/", 1)[-1]])]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return [("", kind) for kind in schema[word]]
    if schema.get("type") == "object" and schema.get("additionalProperties") is False:
        return [(f".{name}", inner) for name, inner in schema.get("properties", {}).items()]
    if schema.get("type") == "array":
        return [("[]", schema.get("items", {}))]
    return []


def closed(schema: Any) -> bool:
    """Say whether a schema without parts leaves no room for a sentence."""
    pattern = str(schema.get("pattern", ""))
    return (
        "enum" in schema
        or "const" in schema
        or schema.get("type") in {"integer", "number", "boolean", "null"}
        or (
            schema.get("type") == "string"
            and ((pattern.startswith("^") and pattern.endswith("$")) or schema.get("format") in FORMATS)
        )
    )


def texts_of(model: Any) -> list[str]:
    schema = model.model_json_schema()
    return list(open_texts(schema, schema.get("$defs", {})))


def test_no_text_in_a_referral_is_free() -> None:
    assert texts_of(Referral) == []


def test_no_text_in_facts_is_free() -> None:
    assert texts_of(Facts) == []


@pytest.mark.parametrize("kind", [str, str | None, tuple[str, ...], dict[str, int], Any, list[dict[str, str]], bytes])
def test_a_planted_text_is_found(kind: Any) -> None:
    planted = create_model("Planted", __base__=Referral, note=(kind, ...))

    assert [place.rstrip("[]") for place in texts_of(planted)] == [".note"]


def test_a_referral_has_no_field_of_the_content() -> None:
    assert not set(Content.__slots__) & set(Referral.model_fields)


def test_a_referral_takes_no_other_field_and_does_not_show_it() -> None:
    with pytest.raises(ValidationError) as caught:
        Referral.model_validate({"reference": "CR-0123-4567-89AB", "narrative": "MARKED-7f3a"})

    assert "MARKED-7f3a" not in str(caught.value)


@pytest.mark.parametrize("field", sorted(set(Referral.model_fields) - {"revision"}))
def test_no_field_takes_a_sentence(field: str) -> None:
    sentence = "MARKED 7f3a: this is a sentence, with a second line\nhere"

    for value in (sentence, [sentence], {"value": sentence}):
        with pytest.raises(ValidationError) as caught:
            Referral.model_validate({"reference": "CR-0123-4567-89AB", field: value})
        assert "7f3a" not in str(caught.value)
