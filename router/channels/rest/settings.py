"""What `channels.yaml` says of a ticket system that no kind of its own knows.

What it says is held together here, so that a name that nothing stands for, a title that tells or a flag that is not
said is an error in the file, at its line, and not a surprise in a ticket.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from router.channels import wording
from router.channels.hooks import Scheme
from router.channels.overhttp import OverHttp
from router.channels.rest.language import (
    NO_FLAG,
    Auth,
    Call,
    Calls,
    Create,
    Expected,
    HeaderName,
    HeaderText,
    Listing,
    NameOf,
    Note,
    OwnName,
    Part,
    Plain,
    ShownTicket,
    no_entries,
    part_names,
)
from router.channels.rest.templates import Name, Node, filled, names, texts
from router.channels.setting import ReferralField, Within
from router.configfile.pointers import at
from router.configfile.yamltext import nearest, shown
from router.model import Referral

Path = tuple[str | int, ...]

SENTENCES: Final = frozenset({"title", "text", "text_html"})
MOMENTS: Final = frozenset({"since", "since_plain", "since_ms"})
FIELDS: Final = frozenset(Referral.model_fields) - {"revision", "notice", "awaited", "about"}
BUILT_IN: Final = SENTENCES | MOMENTS | FIELDS | {"id", "desk"}
WITHDRAWN: Final = "Withdrawn."
"""What the first text of a withdrawn ticket becomes, where `fill` writes it."""
TITLES: Final = frozenset({"title", "subject", "name", "summary", "short_description"})
"""Keys under which systems have a title; the title stays ours."""


def _frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(value))


class Settings(OverHttp):
    """The description: where, who we are, the calls, and how a ticket is read."""

    desk: Plain | None = None
    """The group, project or queue where tickets are made: `{desk}` in any template."""
    auth: Auth
    headers: Annotated[Mapping[HeaderName, HeaderText], AfterValidator(_frozen)] = Field(default_factory=no_entries)
    """Headers without a secret that go along with every call."""
    names: Annotated[Mapping[OwnName, NameOf | Plain], AfterValidator(_frozen)] = Field(default_factory=no_entries)
    """Names of your own: a value, or another word for what a field holds."""
    empty: Plain | None = None
    """What a field becomes when it is emptied; left out: null."""
    text: tuple[ReferralField, ...] | None = None
    """Which of the fields the ticket's first text shows, besides the reference; all when left out."""
    calls: Calls
    ticket: ShownTicket
    expects: tuple[Expected, ...] = ()
    """What a check asks for beside the tickets themselves."""
    search_lag: Within = timedelta(0)
    """How long a new ticket may stay hidden from `find`, or a note from `notes`; left out: not at all."""

    hook: Scheme | None = None
    """How the system signs its hooks, where it sends some; `hook_secret` names the secret."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        wrong = [*_of_names(self), *_of_calls(self), *_of_ticket(self), *_of_expected(self)]
        if wrong:
            # As many errors as there are, each at its place, which one error of a validator could not say.
            raise ValidationError.from_exception_data("rest", wrong, hide_input=True)
        return self


def names_of(settings: Settings, node: Node | None) -> frozenset[str]:
    """Return the referral's fields that a template needs, through names of the file's own too."""
    found: set[str] = set()
    for name in names(node) if node is not None else ():
        own = settings.names.get(name)
        if name in FIELDS:
            found.add(name)
        elif isinstance(own, NameOf):
            found.add(own.of)
    return frozenset(found)


def known(settings: Settings) -> frozenset[str]:
    """Return the names that every template may use: the desk, and those that stand for the same always."""
    constant = {name for name, own in settings.names.items() if not isinstance(own, NameOf)}
    return frozenset(constant | ({"desk"} if settings.desk is not None else set()))


def _error(path: Path, code: str, said: str, value: Any = "") -> InitErrorDetails:
    # The text stands in the context, so that its braces are not taken for the message's.
    return InitErrorDetails(type=PydanticCustomError(code, "{said}", {"said": said}), loc=path, input=value)


def _of_names(settings: Settings) -> Iterator[InitErrorDetails]:
    for name, own in settings.names.items():
        if name in BUILT_IN:
            yield _error(("names", name), "name_taken", f"{name!r} is a name of its own here: take another")
        if not isinstance(own, NameOf):
            continue
        words = wording.closed_words(own.of)
        for word in own.is_:
            if words and word not in words:
                said = f"{shown(word)} is never {own.of}{nearest(word, words)}"
                yield _error(("names", name, "is", word), "unknown_value", said)
        missing = sorted(set(words) - set(own.is_))
        if own.otherwise is None and (missing or not words):
            which = f"nothing stands for {', '.join(missing)}" if words else f"{own.of!r} is no closed list"
            yield _error(("names", name), "not_all_named", f"{which}: add 'otherwise'")


def _of_calls(settings: Settings) -> Iterator[InitErrorDetails]:
    always = known(settings)
    of_fields = FIELDS | {name for name, own in settings.names.items() if isinstance(own, NameOf)}
    may: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
        # What may stand in path and query, and what in the body: that of a ticket or note is shown before it is sent.
        "find": (always | {"reference"}, always | {"reference"}),
        "read": (always | {"id"}, always | {"id"}),
        "create": (always, always | of_fields | SENTENCES),
        "note": (always | {"id"}, always | SENTENCES | {"reference"}),
        "notes": (always | {"id"}, always | {"id"}),
        "fill": (always | {"id"}, always | of_fields | {"id", "text", "text_html"}),
        "changed": (always | MOMENTS, always | MOMENTS),
    }
    for name in type(settings.calls).model_fields:
        call = getattr(settings.calls, name)
        if call is None:
            continue
        around, inside = may.get(name, (always | {"id"}, always | {"id"}))
        place = ("calls", name)
        yield from _unknown(call.path, (*place, "path"), around)
        for key, node in call.query.items():
            yield from _unknown(node, (*place, "query", key), around)
        if call.body is not None:
            yield from _unknown(call.body, (*place, "body"), inside)
            yield from _tells(settings, call.body, (*place, "body"))
        yield from _of_call(name, call, place)


def _of_call(name: str, call: Call, place: Path) -> Iterator[InitErrorDetails]:
    if name in {"create", "note", "fill", "close", "reopen", "put_away", "set_apart"} and call.method == "GET":
        yield _error((*place, "method"), "odd_call", "this call changes something: POST, PUT or PATCH")
    if isinstance(call, Create | Note):
        yield from _internal(call, place)
        if "title" not in names(call.body):
            yield _error((*place, "body"), "no_title", "{title} is missing: by it people and we know what this is")
    listed = isinstance(call, Listing) and call.pages is not None
    if name == "find" and not (listed or "reference" in names(call.body or "") | _in_query(call)):
        said = "find names no {reference}: add it, or 'pages' where the system cannot search"
        yield _error(place, "finds_all", said)


def _in_query(call: Call) -> frozenset[str]:
    return names(call.path).union(*map(names, call.query.values()))


def _internal(call: Create | Note, place: Path) -> Iterator[InitErrorDetails]:
    """The internal flag is said, always: leaving it out means public in most systems."""
    if call.internal_by == NO_FLAG or call.body is None:
        return
    everything = dict.fromkeys(names(call.body), "x")
    if at(filled(call.body, everything), call.internal_by) is None:
        said = f"the body has nothing at {shown(call.internal_by)}: say there that only staff read it"
        yield _error((*place, "internal_by"), "no_flag_there", said)


def _unknown(node: Node, place: Path, allowed: frozenset[str]) -> Iterator[InitErrorDetails]:
    for path, text in texts(node):
        for name in sorted(names(text) - allowed):
            yield _error((*place, *path), "unknown_name", _why_unknown(name, place, allowed))


def _why_unknown(name: str, place: Path, allowed: frozenset[str]) -> str:
    if name == "id" and place[1:3] == ("note", "body"):
        return "{id} is not known before a note is sent, and its bytes are shown before that: name it in the path"
    if name == "desk":
        return "{desk} is used, and 'desk' is not set"
    return f"nothing is called {shown(name)} here{nearest(name, allowed)}"


def _tells(settings: Settings, node: Node, place: Path) -> Iterator[InitErrorDetails]:
    """Find a title that would say more than the reference and a neutral word."""
    for path, text in texts(node):
        if not path or path[-1] not in TITLES or text == Name("title"):
            continue
        if names(text) & SENTENCES or names_of(settings, text):
            said = f"{path[-1]!r} is a title, and would tell of the matter: a title is {{title}} alone"
            yield _error((*place, *path), "title_tells", said)


def _of_ticket(settings: Settings) -> Iterator[InitErrorDetails]:
    ticket, always = settings.ticket, known(settings)
    if "reference" not in ticket.shows:
        said = "'reference' is missing: by it a ticket is found again"
        yield _error(("ticket", "shows"), "missing_reference", said)
    in_body = names_of(settings, settings.calls.create.body)
    in_fill = names_of(settings, settings.calls.fill.body)
    for field, part in ticket.shows.items():
        place = ("ticket", "shows", field)
        same = {name for name, own in settings.names.items() if isinstance(own, NameOf) and own.of == field}
        yield from _of_part(part, place, always | same | {field})
        if part.has is not None and field != "reference":
            said = "'has' is for the reference alone: what a list holds beside cannot be emptied"
            yield _error((*place, "has"), "odd_part", said)
        if field not in in_body:
            yield _error(place, "not_sent", f"{field!r} is not in the body of 'create', so no ticket can show it")
        if field != "reference" and field not in in_fill:
            yield _error(place, "not_filled", f"{field!r} is not in the body of 'fill', so it could not be emptied")
    for name in ("assignee", "maker"):
        part = getattr(ticket, name)
        if part is not None:
            yield from _of_part(part, ("ticket", name), always)
    moves = {("calls", name): getattr(settings.calls, name) for name in ("put_away", "set_apart")}
    parts: dict[Path, Part] = {(*path, "shows"): move.shows for path, move in moves.items() if move is not None}
    if ticket.here is not None:
        parts["ticket", "here"] = ticket.here
    for path, part in parts.items():
        yield from _of_part(part, path, always)
        if part.is_ is None and part.has is None:
            yield _error(path, "half_said", "'is' or 'has' is missing here: what must stand there")


def _of_part(part: Part, place: Path, allowed: frozenset[str] | set[str]) -> Iterator[InitErrorDetails]:
    for name in sorted(part_names(part) - allowed):
        yield _error(place, "unknown_name", f"nothing is called {shown(name)} here{nearest(name, allowed)}")


def _of_expected(settings: Settings) -> Iterator[InitErrorDetails]:
    always = known(settings)
    for index, expected in enumerate(settings.expects):
        place = ("expects", index)
        yield from _unknown(expected.path, (*place, "path"), always)
        for key, node in expected.query.items():
            yield from _unknown(node, (*place, "query", key), always)
        for number, node in enumerate(expected.holds):
            yield from _unknown(node, (*place, "holds", number), always)


def emptied(settings: Settings) -> dict[str, Any]:
    """Return what each field, and each name that stands for one, becomes in a ticket that is withdrawn."""
    fields: dict[str, Any] = dict.fromkeys(set(settings.ticket.shows) - {"reference"}, settings.empty)
    for name, own in settings.names.items():
        if isinstance(own, NameOf):
            fields[name] = settings.empty if own.empty is None else own.empty
    return {**fields, "text": WITHDRAWN, "text_html": WITHDRAWN}


def place(settings: Settings) -> str | None:
    """Return what no other channel may share: the address, and the desk where that tells tickets apart."""
    url = settings.url.rstrip("/")
    apart = settings.ticket.here is not None or "desk" in part_names(settings.ticket.shows["reference"])
    return f"{url} {settings.desk}" if apart and settings.desk is not None else url
