"""Every reason to say no over HTTP: stable code, status, and one sentence of what to do.

A closed table: no sentence here is ever built from what was sent. Documentation and the OpenAPI
document are made from it.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson

from router.errors import Fault

LEAVE_IT: Final = "Do not send material. Leave it where it is."

_TABLE: Final[Mapping[int, Mapping[str, str]]] = {
    400: {
        "bad_request": "Send a well-formed HTTP/1.1 request.",
        "not_json": "Send one JSON object (RFC 8259).",
        "not_utf8": "Send UTF-8 without a byte order mark.",
        "duplicate_key": "Name each member of a JSON object once.",
        "number_refused": "Send no NaN, no Infinity and no number of more than 18 digits.",
        "lone_surrogate": "Send surrogates in pairs or not at all.",
        "nul_character": "Send no NUL character.",
        "too_deep": "Nest no deeper than the documented fields do.",
        "not_a_form": "Send the form as the page makes it.",
        "idempotency_key_malformed": "Send one Idempotency-Key of 1 to 255 printable ASCII characters.",
        "idempotency_key_weak": "Without a client token, send a random Idempotency-Key of 32 characters or more.",
        "idempotency_key_per_item": "In a batch, give each concern its own key instead of the header.",
    },
    401: {
        "token_refused": "Send the token that `concern-router clients add` printed, or none at all.",
        "client_required": "Send a client's token; only clients may do this.",
        "signature_missing": "Sign the message with the secret, in the one header that is agreed on.",
        "signature_wrong": "Sign the bytes that are sent, with the secret of this address.",
        "signature_old": "Send at once, by a clock that is right.",
    },
    403: {
        "sent_from_elsewhere": "Send the form from our own page.",
        "link_refused": "Use the link that `concern-router clients link` printed.",
    },
    404: {"not_found": "Check the address."},
    405: {"method_not_allowed": "Use one of the documented methods."},
    408: {
        "headers_too_slow": "Send the whole request head sooner.",
        "body_too_slow": "Send the whole body sooner.",
    },
    409: {
        "idempotency_key_reused": "Use a new Idempotency-Key for another concern.",
        "messages_full": "Write again tomorrow, or to the point.",
        "hook_replayed": "This message came before; do not send it again.",
    },
    413: {"body_too_large": f"Send at most 64 KiB, or 1 MiB in a batch. {LEAVE_IT}"},
    415: {
        "media_type_refused": f"Send application/json, or the page's form. {LEAVE_IT}",
        "content_encoding_refused": f"Send the body as it is, not compressed. {LEAVE_IT}",
    },
    422: {
        "invalid_concern": "Correct the fields named in errors.",
        "ticket_missing": "Say which ticket it is about, where the documentation of this system says.",
        "missing": "This field is required.",
        "unknown_field": "Send documented fields only.",
        "unknown_value": "Use one of the documented values.",
        "unknown_category": "Use a category of the policy in force.",
        "unknown_site": "Use a site of the policy in force.",
        "wrong_type": "Send the documented type.",
        "malformed": "Send the documented form.",
        "too_long": "Shorten it to the documented length.",
        "too_many": "Send fewer items.",
        "duplicate_item": "Name each item once.",
        "time_without_zone": "Send an RFC 3339 time with its zone, such as 2026-01-31T09:30:00+01:00.",
        "time_in_future": "Send a time that has passed.",
        "contact_missing": "Say how the reporter can be reached, or let identity be anonymous.",
        "contact_though_anonymous": "Leave the contact out, or let identity be confidential or named.",
        "hash_length": "Send 32 hex digits for md5, 40 for sha1, 64 for sha256.",
        "perceptual_hash": "Send cryptographic hashes only; a perceptual hash can be turned back into a likeness.",
        "url_refused": "Send an http or https address without blanks or control characters.",
        "url_credentials": "Take user name and password out of the address.",
        "data_uri": LEAVE_IT,
        "encoded_run": f"Send no encoded bytes; known hashes belong into hashes. {LEAVE_IT}",
        "file_signature": LEAVE_IT,
        "binary_like": f"Write in words. {LEAVE_IT}",
        "control_character": "Write plain text; of control characters, only tab and line breaks may stand in it.",
        "direction_override": "Type it by hand; hidden characters that turn the direction of text may not stand in it.",
    },
    429: {"quota_exceeded": "Wait as long as Retry-After says, then send again with the same key."},
    431: {"headers_too_large": "Send a smaller request head."},
    500: {"internal_error": "Send again with the same key; if it stays, tell the operator."},
    503: {"unavailable": "Nothing was stored. Send again with the same key in a moment."},
}

GUIDANCE: Final[Mapping[str, str]] = MappingProxyType(
    {code: text for codes in _TABLE.values() for code, text in codes.items()}
)
"""What to do, by code."""
STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {code: status for status, codes in _TABLE.items() for code in codes}
)
"""HTTP status, by code."""
MATERIAL: Final = ("data_uri", "file_signature", "encoded_run", "binary_like")
"""Codes that mean: this may be the thing itself. They lead over all others."""

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
"""What a sender is told to wait when the database or the queue before it is away."""


def leading_code(faults: Sequence[Fault]) -> str:
    """Return the code of the whole: material first, the only one there is, or `invalid_concern`."""
    codes = {fault.code for fault in faults}
    for code in MATERIAL:
        if code in codes:
            return code
    return codes.pop() if len(codes) == 1 else "invalid_concern"


def problem(code: str, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    """Return the RFC 9457 problem document for `code`, which must be one of ours."""
    status = HTTPStatus(STATUS[code])
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "code": code,
        "detail": GUIDANCE[code],
    }
    if faults:
        document["errors"] = [_told(fault) for fault in faults]
    return document


def _told(fault: Fault) -> dict[str, str]:
    told = {"field": fault.field, "code": fault.code, "guidance": GUIDANCE[fault.code]}
    return {**told, "pointer": fault.pointer} if fault.pointer else told


def problem_body(code: str, faults: Sequence[Fault] = ()) -> bytes:
    """Return the problem document as JSON bytes."""
    return orjson.dumps(problem(code, faults))
