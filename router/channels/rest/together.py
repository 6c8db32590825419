"""Whether a description holds together: what nothing stands for, what would tell, what is not said.

Each is an error at its place in the file, before anything is sent, and not a surprise in a ticket.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic_core import InitErrorDetails, PydanticCustomError

from router.channels import wording
from router.channels.rest.described import FIELDS, Described, known, names_of
from router.channels.rest.language import NO_FLAG, Call, Create, Listing, NameOf, Note, Part, part_names
from router.channels.rest.templates import Name, Node, filled, names, texts
from router.configfile.pointers import at
from router.configfile.yamltext import nearest, shown

Path = tuple[str | int, ...]

FLAGS: Final = {
    **dict.fromkeys(("internal", "is_internal", "private", "is_private", "private_notes"), True),
    **dict.fromkeys(("public", "is_public"), False),
}
"""What systems call the flag, and what it is where only staff read."""
SENTENCES: Final = frozenset({"title", "text", "text_html"})
MOMENTS: Final = frozenset({"since", "since_plain", "since_ms"})
BUILT_IN: Final = SENTENCES | MOMENTS | FIELDS | {"id", "desk"}
TITLES: Final = frozenset({"title", "subject", "name", "summary", "short_description"})
"""Keys under which systems have a title; the title stays ours."""


def wrong(settings: Described) -> Iterator[InitErrorDetails]:
    """Yield everything that is wrong, with where it stands below the channel."""
    yield from _of_names(settings)
    yield from _of_calls(settings)
    yield from _of_ticket(settings)
    yield from _of_expected(settings)


def _error(path: Path, code: str, said: str, value: Any = "") -> InitErrorDetails:
    # The text stands in the context, so that its braces are not taken for the message's.
    return InitErrorDetails(type=PydanticCustomError(code, "{said}", {"said": said}), loc=path, input=value)


def _of_names(settings: Described) -> Iterator[InitErrorDetails]:
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


def _of_calls(settings: Described) -> Iterator[InitErrorDetails]:
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
    flag = at(filled(call.body, everything), call.internal_by)
    among_staff = FLAGS.get(call.internal_by.rpartition("/")[2].lower())
    if flag is None:
        said = f"the body has nothing at {shown(call.internal_by)}: say there that only staff read it"
        yield _error((*place, "internal_by"), "no_flag_there", said)
    elif among_staff is not None and isinstance(flag, int) and bool(flag) is not among_staff:
        said = f"the body says at {shown(call.internal_by)} that others than staff may read it"
        yield _error((*place, "internal_by"), "flag_says_public", said)


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


def _tells(settings: Described, node: Node, place: Path) -> Iterator[InitErrorDetails]:
    """Find a title that would say more than the reference and a neutral word."""
    for path, text in texts(node):
        if not path or path[-1] not in TITLES or text == Name("title"):
            continue
        if names(text) & SENTENCES or names_of(settings, text):
            said = f"{path[-1]!r} is a title, and would tell of the matter: a title is {{title}} alone"
            yield _error((*place, *path), "title_tells", said)


def _of_ticket(settings: Described) -> Iterator[InitErrorDetails]:
    ticket, always = settings.ticket, known(settings)
    if "reference" not in ticket.shows:
        said = "'reference' is missing: by it a ticket is found again"
        yield _error(("ticket", "shows"), "missing_reference", said)
    for field, part in ticket.shows.items():
        yield from _of_field(settings, field, part, ("ticket", "shows", field))
    for name in ("assignee", "maker"):
        part = getattr(ticket, name)
        if part is not None:
            yield from _of_part(part, ("ticket", name), always)
    for path, part in _places(settings).items():
        yield from _of_part(part, path, always)
        if part.is_ is None and part.has is None:
            yield _error(path, "half_said", "'is' or 'has' is missing here: what must stand there")


def _of_field(settings: Described, field: str, part: Part, place: Path) -> Iterator[InitErrorDetails]:
    same = {name for name, own in settings.names.items() if isinstance(own, NameOf) and own.of == field}
    yield from _of_part(part, place, known(settings) | same | {field})
    if part.has is not None and field != "reference":
        said = "'has' is for the reference alone: what a list holds beside cannot be emptied"
        yield _error((*place, "has"), "odd_part", said)
    if field not in names_of(settings, settings.calls.create.body):
        yield _error(place, "not_sent", f"{field!r} is not in the body of 'create', so no ticket can show it")
    if field != "reference" and field not in names_of(settings, settings.calls.fill.body):
        yield _error(place, "not_filled", f"{field!r} is not in the body of 'fill', so it could not be emptied")


def _places(settings: Described) -> dict[Path, Part]:
    """Return the parts by which a ticket shows where it stands."""
    moves = {("calls", name): getattr(settings.calls, name) for name in ("put_away", "set_apart")}
    parts: dict[Path, Part] = {(*path, "shows"): move.shows for path, move in moves.items() if move is not None}
    for name in ("internal", "here", "made"):
        part = getattr(settings.ticket, name)
        if part is not None:
            parts["ticket", name] = part
    return parts


def _of_part(part: Part, place: Path, allowed: frozenset[str] | set[str]) -> Iterator[InitErrorDetails]:
    for name in sorted(part_names(part) - allowed):
        yield _error(place, "unknown_name", f"nothing is called {shown(name)} here{nearest(name, allowed)}")


def _of_expected(settings: Described) -> Iterator[InitErrorDetails]:
    always = known(settings)
    for index, expected in enumerate(settings.expects):
        place = ("expects", index)
        yield from _unknown(expected.path, (*place, "path"), always)
        for key, node in expected.query.items():
            yield from _unknown(node, (*place, "query", key), always)
        for number, node in enumerate(expected.holds):
            yield from _unknown(node, (*place, "holds", number), always)
