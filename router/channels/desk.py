"""What the settings of ticket systems have in common: which of our fields go where, and which the first text shows.

Pure. A kind's module takes the functions as its own.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic_core import PydanticCustomError

from router.channels import notices
from router.channels.overhttp import OverHttp
from router.channels.setting import ReferralField, Within

There = TypeVar("There")


class Desk(OverHttp):
    """What `channels.yaml` says of any desk of a ticket system."""

    custom_fields: Mapping[ReferralField, Any]
    """Our fields, and what holds each of them there."""
    text: tuple[ReferralField, ...] | None = None
    """Which of the fields the ticket's first text shows, besides the reference; all when left out."""
    search_lag: Within = timedelta(0)
    """How long a new ticket may stay hidden from a search, where one reads from a replica; left out: not at all."""


def fields_named(settings: Desk) -> frozenset[str]:
    """Return the fields that the settings use by name: the channel must be allowed to carry each."""
    return frozenset({*settings.custom_fields, *(settings.text or ())}) - {"reference"}


def fields_shown(settings: Desk, carries: frozenset[str]) -> frozenset[str]:
    """Return which of the fields that the channel may carry a ticket or note can show."""
    if settings.text is None:
        return carries
    return carries & {*settings.text, *settings.custom_fields, *notices.FIELDS_SAID}


def search_lag_s(settings: Desk) -> float:
    """Return how many seconds may pass until a search finds what was made."""
    return settings.search_lag.total_seconds()


def with_reference(fields: Mapping[str, There]) -> Mapping[str, There]:
    """Return the mapping if it holds the reference, each of our fields apart; raises what pydantic takes."""
    if "reference" not in fields:
        said = "custom_fields must map 'reference': by it a ticket is found again"
        raise PydanticCustomError("missing_reference", said)
    return each_apart(fields)


def each_apart(fields: Mapping[str, There]) -> Mapping[str, There]:
    """Return the mapping if each of our fields has a place of its own; raises what pydantic takes."""
    if len(set(fields.values())) < len(fields):
        raise PydanticCustomError("mapped_twice", "custom_fields must not map two fields to one")
    return MappingProxyType(dict(fields))
