"""Admits a concern or refuses it, and splits what may travel from what never does.

The one gate for API, batch and page. Refuses material and whatever hides it; says which of our
fields is wrong and what to do, never what was sent.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError

from router.countries import COUNTRIES
from router.errors import Fault, Refused
from router.intake import wire
from router.intake.strictjson import strings
from router.model import Content, Facts, FileHash
from router.vocabulary import HEX_DIGITS, HashAlgorithm, Identity, NoticedHow
from router.web import texts
from router.web.refusals import leading_code

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a sender's clock may run ahead of ours."""

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?")
_ADDRESS: Final = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[!-~]+")
_HASH: Final = re.compile(r"[0-9A-Fa-f]{1,128}")
_PERCEPTUAL_NAMES: Final = (
    "photodna pdq pdqf phash dhash ahash whash blockhash colorhash neuralhash tmk tmkpdqf vpdq perceptual"
)
_PERCEPTUAL: Final = frozenset(_PERCEPTUAL_NAMES.split())


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The policy's own words: what `category` and `site` may be."""

    categories: AbstractSet[str]
    sites: AbstractSet[str]


@dataclass(frozen=True, slots=True, repr=False)
class Admitted:
    """A concern that passed. `canonical` is the same for the same concern, however it was written."""

    facts: Facts
    content: Content
    canonical: bytes


def admit(sent: object, vocabulary: Vocabulary, *, now: datetime) -> Admitted:
    """Return what was sent, split and checked; raises Refused with every fault found."""
    if not isinstance(sent, dict):
        raise Refused("wrong_type", Fault("unknown", "wrong_type"))
    faults = list(_material(sent))
    try:
        concern = wire.ConcernIn.model_validate(sent)
    except ValidationError as error:
        _refuse([*faults, *wire.faults_of(error)])
    moments = {name: _moment(getattr(concern, name), name, now, faults) for name in ("occurred_at", "noticed_at")}
    faults += _vocabulary_faults(concern, vocabulary)
    faults += _hash_faults(concern)
    faults += _duplicates(concern)
    faults += _identity_faults(concern)
    if concern.url is not None:
        faults += _address_faults(concern.url)
    if faults:
        _refuse(faults)
    try:
        facts = _facts(concern, moments)
    except ValidationError as error:
        _refuse(list(wire.faults_of(error)))
    contact = None if concern.identity is Identity.ANONYMOUS else concern.contact or None
    content = Content(concern.narrative or None, contact, named=concern.identity is Identity.NAMED)
    return Admitted(facts, content, orjson.dumps(sent, option=orjson.OPT_SORT_KEYS))


def faults(sent: Mapping[str, Any], vocabulary: Vocabulary, *, now: datetime) -> tuple[Fault, ...]:
    """Return what is wrong with a part of a concern, as `admit` would say it; nothing of what is still missing."""
    needed = {"category": next(iter(vocabulary.categories)), "noticed_how": NoticedHow.HELPDESK_REPAIR.value}
    try:
        admit({**needed, **sent}, vocabulary, now=now)
    except Refused as refused:
        return refused.faults
    return ()


def _refuse(found: list[Fault]) -> NoReturn:
    faults = list(dict.fromkeys(found))[: wire.MAX_FAULTS]
    raise Refused(leading_code(found), *faults)


def _material(sent: Mapping[str, Any]) -> Iterator[Fault]:
    """Look into every string, those of members that we do not know and names included."""
    for name, value in sent.items():
        if name == "url" and isinstance(value, str):
            continue
        words = strings(value)
        if name == "hashes":
            words = (text for text in words if not _HASH.fullmatch(text))
        code = texts.first_fault(words)
        if code:
            yield Fault(wire.known(name), code)
    code = texts.first_fault(name for name in sent if name not in wire.FIELDS)
    if code:
        yield Fault("unknown", code)


def _moment(text: str | None, name: str, now: datetime, faults: list[Fault]) -> datetime | None:
    if text is None:
        return None
    shape = _MOMENT.fullmatch(text)
    if shape is None or shape[1] is None:
        faults.append(Fault(name, "malformed" if shape is None else "time_without_zone"))
        return None
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        faults.append(Fault(name, "malformed"))
        return None
    if moment > now + CLOCK_SKEW:
        faults.append(Fault(name, "time_in_future"))
    return moment


def _vocabulary_faults(concern: wire.ConcernIn, vocabulary: Vocabulary) -> Iterator[Fault]:
    if concern.category not in vocabulary.categories:
        yield Fault("category", "unknown_category")
    if concern.site is not None and concern.site not in vocabulary.sites:
        yield Fault("site", "unknown_site")
    if concern.country is not None and concern.country not in COUNTRIES:
        yield Fault("country", "unknown_value")


def _hash_faults(concern: wire.ConcernIn) -> Iterator[Fault]:
    for item in concern.hashes or ():
        if re.sub(r"[^a-z]", "", item.algorithm.lower()) in _PERCEPTUAL:
            yield Fault("hashes", "perceptual_hash")
        elif item.algorithm not in set(HashAlgorithm):
            yield Fault("hashes", "unknown_value")
        elif len(item.value) != HEX_DIGITS[HashAlgorithm(item.algorithm)]:
            yield Fault("hashes", "hash_length")


def _duplicates(concern: wire.ConcernIn) -> Iterator[Fault]:
    hashes = [(item.algorithm, item.value.lower()) for item in concern.hashes or ()]
    for name, items in (("urgency", concern.urgency), ("involves", concern.involves), ("hashes", hashes)):
        if items and len(set(items)) != len(items):
            yield Fault(name, "duplicate_item")


def _identity_faults(concern: wire.ConcernIn) -> Iterator[Fault]:
    """Refuse what contradicts itself: only who wrote it knows whether it was meant to be read."""
    written = bool(concern.contact and concern.contact.strip())
    if concern.identity is Identity.ANONYMOUS and written:
        yield Fault("contact", "contact_though_anonymous")
    elif concern.identity in {Identity.CONFIDENTIAL, Identity.NAMED} and not written:
        yield Fault("contact", "contact_missing")


def _address_faults(address: str) -> Iterator[Fault]:
    code = texts.address_fault(address)
    if code:
        yield Fault("url", code)
    if not _ADDRESS.fullmatch(address):
        yield Fault("url", "url_refused")
        return
    try:
        parts = urlsplit(address)
        host, _port = parts.hostname, parts.port
    except ValueError:
        yield Fault("url", "url_refused")
        return
    # Backslashes and a late @ are read as credentials by some and as a path by others.
    if "@" in parts.netloc:
        yield Fault("url", "url_credentials")
    elif not host or "\\" in address:
        yield Fault("url", "url_refused")


def _facts(concern: wire.ConcernIn, moments: Mapping[str, datetime | None]) -> Facts:
    return Facts(
        category=concern.category,
        noticed_how=concern.noticed_how,
        where_found=concern.where_found,
        site=concern.site,
        occurred_at=moments["occurred_at"],
        noticed_at=moments["noticed_at"],
        urgency=concern.urgency or (),
        evidence_state=concern.evidence_state,
        country=concern.country,
        involves=concern.involves or (),
        verdict_source=concern.verdict_source,
        source_ticket=concern.source_ticket,
        asset_tag=concern.asset_tag,
        hashes=tuple(
            FileHash(algorithm=HashAlgorithm(item.algorithm), value=item.value.lower()) for item in concern.hashes or ()
        ),
        url=_lower_scheme(concern.url),
        subject_handle=concern.subject_handle,
    )


def _lower_scheme(address: str | None) -> str | None:
    if address is None:
        return None
    scheme, colon, rest = address.partition(":")
    return scheme.lower() + colon + rest
