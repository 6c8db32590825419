"""The channels, for both sides: who may be told by which way, with which fields, and who can read it there.

Loads `channels.yaml`, and beside it the outside bodies that some channels lead to. Secrets stand in it by reference
only and are not resolved here.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field, create_model

from router.bodies import directory as directories
from router.bodies.body import Body
from router.bodies.directory import NOBODY, Directory, bodies_text, read_directory
from router.bodies.leading import led_to
from router.bodies.together import joined, parted
from router.channels import KINDS
from router.channels.fixedtimes import FixedTimes
from router.channels.hooks import Scheme
from router.channels.overhttp import OverNetwork
from router.channels.reach import literal, may_reach, needs_listing
from router.channels.setting import Asked, Every, PerSecond, ReferralField, SecretReference, Within
from router.configfile.cleartext import no_secrets
from router.configfile.shape import shape
from router.configfile.yamltext import Document, nearest, read, read_file, shown
from router.configfile.yamltext import Path as Place
from router.errors import PolicyErrors
from router.model import Frozen, Payload, Referral
from router.vocabulary import DEFAULT_POOL, Code, Guarantee, Name, Proven, Scope, WhenClosedHere, WhenClosedThere

FILE: Final = "channels.yaml"
ALWAYS_CARRIED: Final = frozenset({"reference", "revision", "notice", "awaited", "about", "tlp"})
"""What every referral may have: an id that says nothing, what has not happened yet, and who may see it outside."""


class Common(Frozen):
    """What `channels.yaml` says of a channel of any kind."""

    kind: Name
    scope: Scope
    carries: tuple[ReferralField, ...]
    """The fields it may carry, beside those of ALWAYS_CARRIED."""
    readable_by: tuple[Code, ...] = ()
    """Teams that can read what arrives there, that system's administrators included."""
    drill_every: Every | None = None
    """How often the way is tested by itself; None: only when somebody asks."""
    at_most: PerSecond | None = None
    """How many may be sent a second, by all workers together; None: no limit."""
    at_once: Annotated[int, Field(ge=1, le=1000)] | None = None
    """How many may be under way at once, in all workers together; None: what each worker process does at once."""
    pool: Name = DEFAULT_POOL
    """The Celery queue whose workers send here: a slow system gets workers of its own."""
    late_after: Within = timedelta(minutes=15)
    """When there is no proof after this, `page` is told."""
    proof: Proven | None = None
    """What counts as arrived for `late_after`; None: that the channel accepted it."""
    page: Name | None = None
    """The channel that is told when this one is late, dead or held; None: the first desk of the fallback."""
    instead: Name | None = None
    """The channel that gets a case which this one should have got at once and did not."""
    instead_after: Within = timedelta(minutes=30)
    """How long this one has, before `instead` gets it; at once when this one declined it for good."""
    hook_secret: SecretReference | None = None
    """Where the secret stands that the far side signs its hooks with; None: none are taken."""
    poll_every: Asked = timedelta(minutes=1)
    """How often the far side is asked which tickets changed, where it can say; None, written `never`: not at all."""
    closed_there: WhenClosedThere = WhenClosedThere.TELL
    """What follows when a ticket is closed there and its case is open here."""
    closed_here: WhenClosedHere = WhenClosedHere.TELL
    """What follows when a case is closed here and its ticket is open there."""
    approvals: Annotated[int, Field(ge=1, le=9)] = 2
    """How many different people must approve each draft of an external channel before it leaves."""


class Channel(Common):
    """One way to tell somebody."""

    name: Name
    settings: Frozen
    """The kind's own."""

    @property
    def guarantee(self) -> Guarantee:
        """How this channel keeps a second delivery from becoming a second ticket."""
        return KINDS[self.kind].GUARANTEE

    @property
    def settings_digest(self) -> str:
        """What stands for the settings that a check is about; others need another check."""
        return sha256(repr((self.kind, self.scope.value, self.settings)).encode()).hexdigest()

    @property
    def digest(self) -> FixedTimes | None:
        """When mails go out, if at fixed times only, each for all that waits by then; None: each is sent by itself."""
        found = getattr(self.settings, "digest", None)
        return found if isinstance(found, FixedTimes) else None

    @property
    def fields_shown(self) -> frozenset[str]:
        """Fields of `carries` that what is sent can show; the others are carried for nothing."""
        return KINDS[self.kind].fields_shown(self.settings, frozenset(self.carries))

    @property
    def hook(self) -> Scheme | None:
        """How the far side signs its hooks; None: the kind has none, or the channel takes none."""
        return _scheme(self.kind, self.settings) if self.hook_secret is not None else None

    def render(self, referral: Referral, *, key: str) -> Payload:
        """Return the exact bytes that this channel sends for `referral`."""
        return KINDS[self.kind].render(self.settings, referral, key=key)

    def lacks(self, referral: Referral) -> tuple[str, ...]:
        """Return the fields that `referral` lacks, so that nothing can be rendered of it; none for most kinds."""
        asked = getattr(KINDS[self.kind], "lacks", None)
        return tuple(asked(self.settings, self.narrowed(referral))) if asked else ()

    def bodies_for(self, referral: Referral) -> tuple[Body, ...]:
        """Return the outside bodies that may take `referral`, the first choice first; none for most kinds."""
        asked = getattr(KINDS[self.kind], "bodies_for", None)
        return tuple(asked(self.settings, self.narrowed(referral))) if asked else ()

    def narrowed(self, referral: Referral) -> Referral:
        """Return what the channel may still carry, if its list became shorter since the case was decided."""
        over = referral.model_fields_set - ALWAYS_CARRIED - set(self.carries)
        return referral.model_copy(update=dict.fromkeys(over)) if over else referral

    def leaving(self, payload: Payload, *, key: str) -> str:
        """Return the digest of exactly these bytes by exactly this way, for the referral `key`: what people approve.

        The way is where it leads, how, who reads it there, and how many must approve. A secret is in it by its
        reference alone.
        """
        way = (self.name, self.kind, self.scope.value, self.readable_by, self.approvals, self.settings)
        parts = (key, repr(way), payload.media_type)
        head = b"".join(len(part.encode()).to_bytes(8) + part.encode() for part in parts)
        return sha256(head + payload.body).hexdigest()


def _scheme(kind: str, settings: Frozen) -> Scheme | None:
    """Return how hooks are signed: as the settings describe it, or as all of the kind are."""
    found = getattr(settings, "hook", None) or getattr(KINDS[kind], "HOOK", None)
    return found if isinstance(found, Scheme) else None


def _both(own: type[Frozen]) -> Any:
    return (Common, own)


ENTRIES: Final[Mapping[str, type[Common]]] = MappingProxyType(
    {name: create_model(f"{name}_entry", __base__=_both(kind.Settings)) for name, kind in KINDS.items()}
)
"""For each kind, what may stand in the file: the common keys and the kind's own."""


class Catalogue:
    """All channels by name, and the outside bodies that they may lead to."""

    __slots__ = ("bodies", "channels")

    def __init__(self, channels: Mapping[str, Channel], bodies: Directory = NOBODY) -> None:
        self.channels: Mapping[str, Channel] = MappingProxyType(dict(channels))
        self.bodies = bodies

    def get(self, name: str) -> Channel | None:
        """Return the channel, or None when no file in force names it any more."""
        return self.channels.get(name)

    @property
    def outside(self) -> frozenset[str]:
        """Return the names of the channels that lead out of the organisation."""
        return frozenset(name for name, channel in self.channels.items() if channel.scope is Scope.EXTERNAL)

    def pool(self, name: str) -> str:
        """Return the queue whose workers send to the channel; the default one for a channel that is not named."""
        found = self.channels.get(name)
        return found.pool if found else DEFAULT_POOL


def ways_text(config_dir: Path) -> str:
    """Return the text of channels.yaml, with that of bodies.yaml if there is one; raises PolicyErrors."""
    return joined(read_file(config_dir / FILE), bodies_text(config_dir))


def parse_catalogue(text: str) -> Catalogue:
    """Return the channels in `text`, as `ways_text` has it; raises PolicyErrors with every problem."""
    document, catalogue = read_ways(text)
    if document.problems:
        raise PolicyErrors(document.problems)
    return catalogue


def read_ways(text: str) -> tuple[Document, Catalogue]:
    """Return the document of the channels, with every problem of both files, and what is right in them."""
    channels_text, beside = parted(text)
    document = read(channels_text, FILE)
    if beside is None:
        return document, Catalogue(_channels(document, None))
    bodies = read(beside, directories.FILE)
    directory = read_directory(bodies)
    channels = _channels(document, directory)
    document.problems.extend(bodies.problems)
    return document, Catalogue(channels, directory)


def _channels(document: Document, bodies: Directory | None) -> dict[str, Channel]:
    """Return the channels that are right; every problem is added to `document`."""
    if not isinstance(document.value, dict) or not document.value:
        if not document.problems:
            document.complain((), "wrong_kind", "channels by name are wanted here")
        return {}
    made = {name: _channel(document, name, entry, bodies) for name, entry in document.value.items()}
    no_secrets(document)
    channels_made = [channel for channel in made.values() if channel is not None]
    _places_apart(document, channels_made)
    _secrets_apart(document, channels_made)
    for channel in channels_made:
        _others_named(document, channel, made)
        _told_in_time(document, channel, made)
    return {name: channel for name, channel in made.items() if channel is not None}


def _channel(document: Document, name: str, entry: Any, bodies: Directory | None) -> Channel | None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,47}", name):
        said = f"{shown(name)} cannot name a channel: small letters, digits, - and _, a letter first"
        document.complain((name,), "odd_value", said)
        return None
    _need_to_know(document, name)
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if isinstance(kind, str) and kind not in KINDS:
        document.complain((name, "kind"), "unknown_value", f"unknown kind {shown(kind)}{nearest(kind, KINDS)}")
        return None
    model = ENTRIES[kind] if isinstance(kind, str) else Common
    made = shape(document, model, name)
    if made is None or not isinstance(kind, str):
        return None
    own = {field: getattr(made, field) for field in KINDS[kind].Settings.model_fields}
    settings = KINDS[kind].Settings.model_construct(**own)
    find = getattr(KINDS[kind], "with_bodies", None)
    channel = Channel.model_construct(
        **{field: getattr(made, field) for field in Common.model_fields},
        name=name,
        settings=led_to(document, name, settings, bodies, find) if find is not None else settings,
    )
    _leads_outside(document, channel)
    _uses_what_it_carries(document, channel)
    _may_be_reached(document, channel)
    _has_tickets(document, channel)
    return channel


def _need_to_know(document: Document, name: str) -> None:
    """Somebody must read an internal channel, and an address is none of its business; outside nobody is drilled."""
    if document.at(name, "scope") != Scope.INTERNAL:
        if document.at(name, "drill_every") is not None:
            document.complain((name, "drill_every"), "drill_outside", "only an internal channel may be drilled")
        return
    if document.at(name, "approvals") is not None:
        document.complain((name, "approvals"), "no_effect", "an internal channel needs no approvals: leave this out")
    if not document.at(name, "readable_by"):
        said = f"readable_by of {name!r} must name the teams that read what arrives there"
        document.complain((name, "readable_by"), "nobody_reads", said)
    for place, word in document.words(name, "carries"):
        if word == "url":
            document.complain(place, "url_inside", "only an external channel may carry 'url'")


def _leads_outside(document: Document, channel: Channel) -> None:
    """What an outside body gets must never go out by itself, by whatever word a file has for it."""
    if channel.scope is Scope.INTERNAL and getattr(KINDS[channel.kind], "OUTSIDE", False):
        said = f"kind {channel.kind!r} leads outside the organisation: write external"
        document.complain((channel.name, "scope"), "told_outside", said)


def _others_named(document: Document, channel: Channel, made: Mapping[str, Channel | None]) -> None:
    """Whoever is told when this way fails is told by another one, inside the organisation."""
    for key in ("page", "instead"):
        other = getattr(channel, key)
        if other is None:
            continue
        if other not in made:
            document.complain(
                (channel.name, key), "unknown_value", f"unknown channel {shown(other)}{nearest(other, made)}"
            )
        elif other == channel.name:
            document.complain((channel.name, key), "same_place", f"{key} of {other!r} must be another channel")
        elif (named := made[other]) is not None and named.scope is not Scope.INTERNAL:
            document.complain((channel.name, key), "told_outside", f"{key} must be an internal channel, not {other!r}")
    if channel.instead is not None and channel.scope is not Scope.INTERNAL:
        said = "a draft waits for approvals: nothing can go out instead of it"
        document.complain((channel.name, "instead"), "told_outside", said)
    if document.at(channel.name, "instead_after") is not None and channel.instead is None:
        said = "instead_after says when, and nothing says where to: add instead, or leave this out"
        document.complain((channel.name, "instead_after"), "no_effect", said)
    most = KINDS[channel.kind].PROVES
    if channel.proof is not None and channel.proof.rank > most.rank:
        said = f"kind {channel.kind!r} can show no more than {most.value!r}"
        document.complain((channel.name, "proof"), "no_such_proof", said)


def _told_in_time(document: Document, channel: Channel, made: Mapping[str, Channel | None]) -> None:
    """What waits for a fixed time is not late before it, and whoever must hear at once does not wait for one."""
    if channel.digest is not None and channel.scope is not Scope.INTERNAL:
        said = "a mail of a fixed time goes out by itself, and nothing leaves without approval: leave this out"
        document.complain((channel.name, "digest"), "told_outside", said)
    keys = ("late_after", "instead_after") if channel.instead is not None else ("late_after",)
    for key in keys:
        if channel.digest is not None and getattr(channel, key) <= channel.digest.longest_gap:
            hours = channel.digest.longest_gap.total_seconds() / 3600
            said = f"mails go out up to {hours:g} hours apart when clocks are put back: {key} must be longer"
            document.complain((channel.name, key), "too_soon", said)
    for key in ("page", "instead"):
        other = made.get(getattr(channel, key) or "")
        if other is not None and other.digest is not None:
            said = f"{key} must be told at once, and {other.name!r} waits for fixed times"
            document.complain((channel.name, key), "too_late", said)


def _uses_what_it_carries(document: Document, channel: Channel) -> None:
    """A mapping may only use what the channel may carry."""
    allowed = ALWAYS_CARRIED | set(channel.carries)
    for field in sorted(KINDS[channel.kind].fields_named(channel.settings) - allowed):
        said = f"{field!r} is used, but {channel.name!r} may not carry it: add it to 'carries', or leave it out here"
        document.complain(_used_at(document, channel.name, field), "not_carried", said)


def _has_tickets(document: Document, channel: Channel) -> None:
    """What is said of tickets over there is for kinds that make some, and can look at them later."""
    if channel.hook_secret is not None and _scheme(channel.kind, channel.settings) is None:
        said = f"nobody knows how kind {channel.kind!r} signs a hook: leave this out"
        document.complain((channel.name, "hook_secret"), "no_effect", said)
    if KINDS[channel.kind].PROVES is Proven.ACKNOWLEDGED:
        return
    for key in ("poll_every", "closed_there", "closed_here"):
        if document.at(channel.name, key) is not None:
            said = f"kind {channel.kind!r} never sees what becomes of a ticket: leave this out"
            document.complain((channel.name, key), "no_effect", said)


def _may_be_reached(document: Document, channel: Channel) -> None:
    """An address that may not be reached is refused here too; a network that may be reached anyway limits nothing."""
    settings = channel.settings
    if not isinstance(settings, OverNetwork):
        return
    host = urlsplit(settings.url).hostname or ""
    if literal(host) is not None and not may_reach(host, channel.scope, settings.networks):
        said = f"an {channel.scope} channel may not reach this address, unless 'networks' lists it"
        document.complain((channel.name, "url"), "refused_address", said)
    for index, network in enumerate(settings.networks):
        if not needs_listing(network, channel.scope):
            said = f"{network} may be reached without being listed, and a list keeps no other out: leave it out"
            document.complain((channel.name, "networks", index), "no_effect", said)


def _used_at(document: Document, name: str, field: str) -> Place:
    """Return where the kind's settings use `field` first: as a key or word below one of their keys, or in a text."""
    for key in document.at(name):
        if key != "carries" and (found := _within(document, (name, key), field)):
            return found
    return (name,)


def _within(document: Document, place: Place, field: str) -> Place | None:
    for key, value in document.entries(*place):
        if field in (key, value) or (isinstance(value, str) and f"{{{field}}}" in value):
            return (*place, key)
        if found := _within(document, (*place, key), field):
            return found
    return None


def _secrets_apart(document: Document, channels: Iterable[Channel]) -> None:
    """A hook of one channel must prove nothing to another."""
    first: dict[str, str] = {}
    for channel in channels:
        if channel.hook_secret is None:
            continue
        other = first.setdefault(channel.hook_secret, channel.name)
        if other != channel.name:
            said = f"{channel.name!r} and {other!r} have one hook_secret: each needs its own"
            document.complain((channel.name, "hook_secret"), "same_secret", said)


def _places_apart(document: Document, channels: Iterable[Channel]) -> None:
    """Two channels in one place would take each other's referrals for their own."""
    first: dict[tuple[str, str], str] = {}
    for channel in channels:
        place = KINDS[channel.kind].place(channel.settings)
        if place is None:
            continue
        other = first.setdefault((channel.kind, place), channel.name)
        if other != channel.name:
            said = f"{channel.name!r} leads to the same place as {other!r}: each needs its own"
            document.complain((channel.name,), "same_place", said)
