"""The words in which `channels.yaml` describes a ticket API: calls, and where things stand in what they answer.

A closed vocabulary: requests, pointers and templates; nothing is computed, and nothing is run.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StringConstraints,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from router.channels.hooks import HeaderName
from router.channels.rest.templates import Node, Template, Text, TextTemplate, names
from router.channels.setting import ReferralField, SecretReference
from router.configfile.pointers import Pointer
from router.model import Frozen

HeaderText = Annotated[str, StringConstraints(pattern=r"^[ -~]{0,256}$")]
OwnName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,47}$")]
NO_FLAG: Final = "no_flag"
"""Said of a system that has no internal flag there."""


def no_entries() -> Mapping[str, Any]:
    """Return what stands for a mapping that is left out."""
    return MappingProxyType({})


def _frozen(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(value))


def _path(node: Node) -> Node:
    first = node.pieces[0] if isinstance(node, Text) else node
    if not isinstance(first, str) or not first.startswith("/") or first.startswith("//"):
        raise PydanticCustomError("odd_path", "a path that begins with / is wanted here: it follows 'url'")
    if any(isinstance(piece, str) and set(piece) & set("?# \\") for piece in getattr(node, "pieces", (node,))):
        raise PydanticCustomError("odd_path", "a path holds no ?, # or blank; what follows ? stands under 'query'")
    return node


def _plain(value: Any) -> Any:
    if not isinstance(value, str | int | bool):
        raise PydanticCustomError("wrong_kind", "a text, whole number, true or false is wanted here")
    return value


def _flag(text: str) -> str:
    return text if text == NO_FLAG else _POINTER.validate_python(text)


Plain = Annotated[Any, BeforeValidator(_plain), WithJsonSchema({"type": ["string", "integer", "boolean"]})]
"""A text, whole number or truth."""
FrozenEntries: Final = AfterValidator(_frozen)
_POINTER: Final[TypeAdapter[str]] = TypeAdapter(Pointer)
Flag = Annotated[str, AfterValidator(_flag)]
"""Where a body says that only staff read it, or `no_flag`."""
PathTemplate = Annotated[TextTemplate, AfterValidator(_path)]
"""What follows `url`; what a name stands for is percent-encoded."""


def _one_or_many(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


OneOrMore = Annotated[tuple[Pointer, ...], BeforeValidator(_one_or_many)]


class Part(Frozen):
    """Where something stands in a ticket; in the file a pointer alone, or these keys."""

    at: Pointer = ""
    """Seen from the ticket, or from the item that `list` and `where` choose."""
    list_: Annotated[OneOrMore, Field(alias="list")] = ()
    """A list in the ticket, of which the first item is meant that fits `where`; or that list, one in each item ..."""
    where: Annotated[Mapping[str, Plain], Field(min_length=1), FrozenEntries] | None = None
    """What the item says of itself, by its own keys."""
    is_: Annotated[TextTemplate, Field(alias="is")] = None
    """What must stand there; left out: the value of the field."""
    has: TextTemplate = None
    """What the list that stands there must hold."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if bool(self.list_) != (self.where is not None):
            raise PydanticCustomError("half_said", "'list' and 'where' go together: of which list, and which item")
        if self.is_ is not None and self.has is not None:
            raise PydanticCustomError("said_twice", "one of 'is' and 'has' is enough")
        return self


def _part(value: Any) -> Any:
    return {"at": value} if isinstance(value, str) else value


Place = Annotated[Part, BeforeValidator(_part), WithJsonSchema({"description": "A JSON pointer, or at, list, where."})]


class Call(Frozen):
    """One request."""

    method: Literal["GET", "POST", "PUT", "PATCH"] = "GET"
    path: PathTemplate
    query: Annotated[Mapping[str, TextTemplate], FrozenEntries] = Field(default_factory=no_entries)
    """What follows the `?`; encoded by us."""
    body: Template = None
    """What is sent as JSON."""

    @model_validator(mode="after")
    def _body_fits(self) -> Self:
        if (self.body is not None) == (self.method == "GET"):
            said = "GET takes no body" if self.method == "GET" else "a body is missing, or the method is GET"
            raise PydanticCustomError("odd_call", said)
        return self


class Pages(Frozen):
    """How a list that comes in parts is asked for."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\[\]-]{1,64}$")]
    """The parameter that says which part."""
    first: Annotated[int, Field(ge=0, le=1)] = 1
    step: Annotated[int, Field(ge=1, le=1000)] = 1
    """1 where parts are counted, the size of one where items are."""
    size: Annotated[int, Field(ge=1, le=1000)]
    """A part of fewer items is the last."""
    most: Annotated[int, Field(ge=1, le=100)] = 10
    """Parts that are asked for at most."""


class Listing(Call):
    """A call that is answered with a list."""

    list_: Annotated[Pointer, Field(alias="list")] = ""
    pages: Pages | None = None


class Find(Listing):
    """How tickets are found: by the reference, or one by one where the system cannot search."""

    id: Pointer | None = None
    """Where an item has the ticket's id, when it is less than a ticket; left out: where a ticket has it."""
    read_each: bool = False
    """Items show too little: each is read by its id."""


class Read(Call):
    """How one ticket is read."""

    ticket: Pointer = ""
    """Where it stands in the answer."""


class Create(Call):
    """How a ticket is made."""

    id: Pointer
    """Where its id stands in the answer."""
    internal_by: Flag
    perhaps_there: tuple[Annotated[int, Field(ge=400, le=499)], ...] = ()
    """Statuses by which the system may also say that it has such a ticket."""


class Note(Call):
    """How an internal note is put into a ticket."""

    internal_by: Flag


class Notes(Listing):
    """How the notes of a ticket are read."""

    text: Pointer
    """Where an item has its text."""
    author: Pointer | None = None
    """Where it says whose account wrote it."""


class Move(Call):
    """How a ticket is put elsewhere."""

    shows: Place
    """What a ticket shows that is there."""


class Calls(Frozen):
    """All that we ever ask."""

    find: Find
    read: Read
    create: Create
    note: Note
    notes: Notes
    fill: Call
    """Writes our fields into a ticket that lacks them, and empties them in one that is withdrawn."""
    close: Call
    reopen: Call
    put_away: Move | None = None
    """Moves a withdrawn ticket to where few people see it."""
    set_apart: Move | None = None
    """Moves a ticket that a concern came out of to where few people see it."""
    changed: Listing | None = None
    """Names tickets that changed since some moment."""


class ShownTicket(Frozen):
    """Where a ticket says what."""

    id: Pointer
    name: Pointer | None = None
    """What staff call it, where that is not the id."""
    status: Pointer
    closed: Annotated[tuple[Plain, ...], Field(min_length=1)]
    """What `status` says of a ticket that nobody works on any more."""
    taken: tuple[Plain, ...] = ()
    """What `status` says of a ticket that somebody took."""
    assignee: Place | None = None
    """Who took it."""
    nobody: tuple[Plain, ...] = ()
    """What `assignee` says when nobody did, beside nothing."""
    maker: Place | None = None
    """Whose account made it."""
    gone: Pointer | None = None
    """Where it says that it is deleted."""
    internal: Place | None = None
    """Where it says that only staff read it; looked at when it was just made."""
    here: Place | None = None
    """Where it says that it stands at the desk."""
    made: Place | None = None
    """Where it says at which desk it was made, once it was moved; nothing stands there before."""
    shows: Annotated[Mapping[ReferralField, Place], FrozenEntries]
    """Our fields; `reference` among them, by which a ticket is ours."""


class NameOf(Frozen):
    """Another word for what a field holds."""

    of: ReferralField
    is_: Annotated[Mapping[str, Plain], Field(alias="is"), FrozenEntries]
    otherwise: Plain | None = None
    """What any other value becomes; left out: nothing."""
    unset: Plain | None = None
    """What a new ticket gets when the field is not set; left out: nothing."""
    empty: Plain | None = None
    """What stands there when the field is emptied; left out: what `empty` says."""


def _own(value: Any) -> Any:
    return NameOf.model_validate(value) if isinstance(value, dict) else _plain(value)


OwnValue = Annotated[
    Any, PlainValidator(_own), WithJsonSchema({"description": "A value, or of, is, otherwise, unset and empty."})
]
"""What a name of the file's own stands for: itself, or what it says of a field."""


class Expected(Frozen):
    """Something that must be there for the desk to work; asked for by a check."""

    path: PathTemplate
    query: Annotated[Mapping[str, TextTemplate], FrozenEntries] = Field(default_factory=no_entries)
    list_: Annotated[Pointer, Field(alias="list")] = ""
    """The list that names what is there."""
    at: Pointer = ""
    """Where an item has its name or id."""
    holds: Annotated[tuple[TextTemplate, ...], Field(min_length=1)]
    """What must be among them."""
    otherwise: Literal["queue_missing", "field_missing", "values_missing", "right_missing"]
    """What is wrong when it is not."""


class SecretHeader(Frozen):
    """A header that holds a secret."""

    secret: SecretReference
    before: HeaderText = ""
    """What stands before it, such as `Token token=`."""


class Basic(Frozen):
    """HTTP Basic; where the key is the name, any password does."""

    user: Annotated[str, StringConstraints(pattern=r"^[!-9;-~]{1,256}$")] | None = None
    user_secret: SecretReference | None = None
    password: SecretReference | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.user is None) == (self.user_secret is None):
            raise PydanticCustomError("half_said", "basic needs one of 'user' and 'user_secret'")
        if self.user is not None and self.password is None:
            raise PydanticCustomError("half_said", "basic with 'user' needs 'password'")
        return self


class Session(Frozen):
    """A log-in that is answered with a token, which goes along with every call."""

    method: Literal["GET", "POST"] = "GET"
    path: PathTemplate
    headers: Annotated[Mapping[HeaderName, SecretHeader], FrozenEntries]
    """What the log-in is made with."""
    token: Pointer
    """Where the answer has the token."""
    header: HeaderName
    """The header that it goes along in."""


class OAuth2(Frozen):
    """A token for our own account, kept until it runs out."""

    path: PathTemplate
    """Of the token endpoint, on the same host."""
    grant: Literal["client_credentials", "password"]
    client_id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,256}$")]
    client_secret: SecretReference
    user: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,256}$")] | None = None
    password: SecretReference | None = None
    scope: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,256}$")] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.grant == "password") != (self.user is not None and self.password is not None):
            raise PydanticCustomError("half_said", "'user' and 'password' belong to the grant password, and it to them")
        return self


class Auth(Frozen):
    """How the system knows us: one of basic, bearer, session and oauth2, or headers alone."""

    basic: Basic | None = None
    bearer: SecretReference | None = None
    session: Session | None = None
    oauth2: OAuth2 | None = None
    headers: Annotated[Mapping[HeaderName, SecretHeader], FrozenEntries] = Field(default_factory=no_entries)
    """Go along with every call, beside one of the others or alone."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        ways = sum(way is not None for way in (self.basic, self.bearer, self.session, self.oauth2))
        if ways > 1 or not (ways or self.headers):
            said = "auth wants one of 'basic', 'bearer', 'session' and 'oauth2', or 'headers' alone"
            raise PydanticCustomError("half_said", said)
        return self


def part_names(part: Part) -> frozenset[str]:
    """Return the names in what a part is held against."""
    return frozenset().union(*(names(node) for node in (part.is_, part.has) if node is not None))
