"""The OpenAPI document of the intake: exactly its operations, shapes and problems.

Made from the same models and tables that check and answer; no page that runs it is served.
"""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from router.intake import wire
from router.intake.guard import Vocabulary
from router.web import body, refusals

TITLE: Final = "concern-router"
SHAPES: Final[tuple[type[BaseModel], ...]] = (
    wire.ConcernIn,
    wire.BatchIn,
    wire.AcceptedOut,
    wire.BatchOut,
    wire.StatusOut,
    wire.ProblemOut,
)

ANY_REQUEST: Final = frozenset(
    {"bad_request", "headers_too_slow", "headers_too_large", "token_refused", "internal_error", "unavailable"}
)
"""Codes that each operation may answer with."""
CLIENT: Final = frozenset({"client_required"})
KEY: Final = frozenset({"idempotency_key_malformed", "idempotency_key_weak", "idempotency_key_reused"})
SIGNED: Final = frozenset({"signature_missing", "signature_wrong", "signature_old"})
HOOK: Final = frozenset({"ticket_missing", "hook_replayed"})
LOOKED_UP: Final = frozenset({"not_found"})
BATCH: Final = frozenset({"idempotency_key_per_item", "invalid_concern", "missing", "wrong_type", "too_many"})
BODY: Final = frozenset(
    {"not_json", "not_utf8", "duplicate_key", "number_refused", "lone_surrogate", "nul_character", "too_deep"}
    | {"body_too_slow", "body_too_large", "media_type_refused", "content_encoding_refused", "quota_exceeded"}
)
CONCERN: Final = frozenset(
    code for code, status in refusals.STATUS.items() if status == HTTPStatus.UNPROCESSABLE_ENTITY and code not in HOOK
)

_PLACE: Final = "#/components/schemas/{model}"
_STRING: Final = {"type": "string"}


def taking(shape: type[BaseModel], *, anonymous: bool) -> dict[str, Any]:
    """Return what an operation says that takes a JSON body of `shape`, from anybody or from clients only."""
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same key with the same body gets the same answer for 24 hours. Without a client token: "
        "random, 32 characters or more.",
        "schema": {**_STRING, "pattern": "^[!-~]{1,255}$"},
    }
    return {
        "requestBody": {"required": True, "content": {body.JSON: {"schema": _reference(shape)}}},
        "security": [{"client": []}, {}] if anonymous else [{"client": []}],
        **({"parameters": [key]} if anonymous else {}),
    }


def asking(name: str) -> dict[str, Any]:
    """Return what an operation says that asks for a case by its reference, which stands in the path as `name`."""
    pattern = wire.AcceptedOut.model_json_schema()["properties"]["reference"]["pattern"]
    parameter = {"name": name, "in": "path", "required": True, "schema": {**_STRING, "pattern": pattern}}
    return {"security": [{"client": []}], "parameters": [parameter]}


def from_source() -> dict[str, Any]:
    """Return what an operation says that takes another system's message, whose shape sources.yaml describes."""
    return {**_foreign("source"), "security": [{"client": []}, {}]}


def from_ticket_system() -> dict[str, Any]:
    """Return what an operation says that takes a ticket system's signed message, whose shape is that system's own."""
    return {**_foreign("channel"), "security": [{}]}


def _foreign(name: str) -> dict[str, Any]:
    """Return what is said of a message of any shape, sent to the address that ends with a `name`."""
    schema = {**_STRING, "pattern": "^[a-z][a-z0-9_-]{0,47}$"}
    return {
        "requestBody": {"required": True, "content": {body.JSON: {"schema": {}}}},
        "parameters": [{"name": name, "in": "path", "required": True, "schema": schema}],
    }


def answers(status: int, shape: type[BaseModel], *codes: Collection[str]) -> dict[int | str, dict[str, Any]]:
    """Return an operation's answers: the good one, those that any may have, and the problems that `codes` name."""
    good = {"description": HTTPStatus(status).phrase, "content": {body.JSON: {"schema": _reference(shape)}}}
    return {status: good, **_problems(*codes)}


def nothing(status: int, *codes: Collection[str]) -> dict[int | str, dict[str, Any]]:
    """Return the answers of an operation whose good one has no body."""
    return {status: {"description": HTTPStatus(status).phrase}, **_problems(*codes)}


def _problems(*codes: Collection[str]) -> dict[int | str, dict[str, Any]]:
    possible = ANY_REQUEST.union(*codes)
    return {
        bad: {
            "description": ", ".join(sorted(code for code in possible if refusals.STATUS[code] == bad)),
            "content": {refusals.MEDIA_TYPE: {"schema": _reference(wire.ProblemOut)}},
        }
        for bad in sorted({refusals.STATUS[code] for code in possible})
    }


def writer(app: FastAPI, words: Callable[[], Vocabulary]) -> Callable[[], dict[str, Any]]:
    """Return what `app.openapi` is to be: makes the document once for each set of the policy's `words`."""
    made: dict[str, Any] = {}
    made_for: Vocabulary | None = None

    def openapi() -> dict[str, Any]:
        nonlocal made, made_for
        in_force = words()
        if made_for != in_force:
            made, made_for = _made(app, in_force), in_force
        return made

    return openapi


def _made(app: FastAPI, words: Vocabulary) -> dict[str, Any]:
    document = get_openapi(title=TITLE, version=app.version, routes=app.routes)
    _, shapes = models_json_schema([(shape, "validation") for shape in SHAPES], ref_template=_PLACE)
    for shape in ("ConcernIn", "BatchItemIn"):
        asked = shapes["$defs"][shape]["properties"]
        asked["category"] = {**_STRING, "enum": sorted(words.categories)}
        asked["site"] = {"enum": [*sorted(words.sites), None]}
    document["components"] = {
        "schemas": shapes["$defs"],
        "securitySchemes": {"client": {"type": "http", "scheme": "bearer"}},
    }
    return document


def _reference(shape: type[BaseModel]) -> Mapping[str, str]:
    return {"$ref": _PLACE.format(model=shape.__name__)}
