"""A JSON file for each referral, in a folder: air-gapped hand-over, and the default before a ticket system is set up.

Pure: says what the file is called and what stands in it; writing is the worker's.
"""

import re
from typing import Annotated, Final

import orjson
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from router.channels import exchange, notices
from router.model import Frozen, Payload, Referral
from router.vocabulary import Guarantee, Proven

KIND: Final = "folder"
GUARANTEE: Final = Guarantee.REPEATABLE
PROVES: Final = Proven.VISIBLE

_PATH = re.compile(r"/?[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


def _plain_path(path: str) -> str:
    if not _PATH.fullmatch(path):
        raise PydanticCustomError("odd_path", "a path of plain names, without .. or hidden folders, is wanted here")
    return path


class Settings(Frozen):
    """What `channels.yaml` says for a folder."""

    path: Annotated[str, AfterValidator(_plain_path)]
    """Where the files go; below STATE_DIR unless it starts with a slash."""


def fields_named(settings: Settings) -> frozenset[str]:  # noqa: ARG001 - the kind's contract
    """Return the fields that the settings use by name: none."""
    return frozenset()


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:  # noqa: ARG001 - the kind's contract
    """Return which of the fields that the channel may carry are shown: all."""
    return carries


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: files of one case would overwrite each other."""
    return settings.path


def file_name(referral: Referral) -> str:
    """Return the referral's file name: the same for the same revision, so that a repeat overwrites itself."""
    return f"{referral.reference}.{referral.revision}.json"


def search_lag_s(settings: Settings) -> float:  # noqa: ARG001 - the kind's contract
    """Return how many seconds may pass until what was made is found: none."""
    return 0.0


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the file's bytes: the fields set in `referral`, indented for a person who opens it.

    What leaves the organisation is written by the exchange's schema. What belongs to no case says in a sentence what
    it is.
    """
    sentence = notices.said_of_no_case(referral)
    written = exchange.document(referral) | ({"said": sentence} if sentence else {})
    body = orjson.dumps(written, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    return Payload(body=body, media_type="application/json")
