"""One request for a page of the console: what a page is, what it works with, who asks."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import Engine
from starlette.datastructures import QueryParams
from starlette.responses import Response

from router.console.auditing import Witness
from router.console.cannedtexts import CannedTexts
from router.console.emergency import Emergency
from router.console.policies import Policies
from router.console.rights import Right
from router.console.signin.cookie import Cookie
from router.console.signin.single import SingleSignOn
from router.console.signin.slowing import Slowing
from router.errors import Forbidden
from router.model import AuditEntry
from router.store.audit import note
from router.store.engine import transaction
from router.store.sessions import Session, Stage
from router.web.forms import Form

NOBODY = "nobody"
"""Who asks without being signed in, in the audit."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what lasts, in seconds."""

    session_s: int
    idle_s: int
    unlocked_s: int
    claim_s: int
    body_deadline_s: float


@dataclass(frozen=True, slots=True)
class Desk:
    """What pages work with."""

    engine: Engine
    policies: Policies
    ring: Callable[[Iterable[str]], None]
    """Ring these channels after a commit."""
    console_url: str
    public_url: str
    https: bool
    limits: Limits
    witness: Witness
    """What vouches for the audit."""
    texts: CannedTexts
    """Where messages to reporters start from."""
    secret: bytes = field(repr=False)
    """Under which second factors' secrets are kept."""
    slowing: Slowing = field(default_factory=Slowing)
    """Makes guessing passwords slow."""
    single: SingleSignOn | None = None
    """Who else vouches for people; None: nobody."""
    emergency: tuple[Emergency, ...] = ()
    """Whom to call when somebody is in danger now; empty: the organisation has not said."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request for a page, by somebody who may ask for it."""

    desk: Desk
    cookie: Cookie
    session: Session | None
    path: Mapping[str, str]
    query: QueryParams
    form: Form
    page: "Page"
    address: str = field(default="", repr=False)
    """Of the network, to slow guessing down; kept and shown nowhere."""
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    """All that the browser sent, for single sign-on's own."""

    @property
    def viewer(self) -> Session:
        """Who asks; only pages that need no right are asked for by nobody."""
        if self.session is None:
            raise Forbidden("signed_out")
        return self.session

    @property
    def now(self) -> datetime:
        """The database's time when the session was looked up."""
        return self.viewer.now

    def note(self, action: str, about: str, outcome: str = "ok", detail: str = "") -> None:
        """Commit a line of the audit on who asks."""
        actor = f"person:{self.session.handle}" if self.session else NOBODY
        with transaction(self.desk.engine) as connection:
            note(connection, [AuditEntry(actor, action, about, outcome, detail)])


Act = Callable[[Ask], Response]


@dataclass(frozen=True, slots=True)
class Page:
    """One address of the console, and who may ask for it."""

    method: Literal["GET", "POST"]
    path: str
    right: Right | None
    """None: nobody needs to be signed in."""
    act: Act
    names: frozenset[str] = frozenset()
    """Fields of the form that it takes."""
    lists: frozenset[str] = frozenset()
    """Those of them that may stand several times."""
    stage: Stage = Stage.FULL
    """How far one must be signed in; the pages of a step are for exactly those who are at it."""
    quiet: bool = False
    """Asked for by a script, again and again: that alone keeps nobody signed in."""


def page(  # noqa: PLR0917 - a table of these reads better by place
    method: Literal["GET", "POST"],
    path: str,
    right: Right | None,
    act: Act,
    names: str = "",
    lists: str = "",
    *,
    stage: Stage = Stage.FULL,
    quiet: bool = False,
) -> Page:
    """Return a page; `names` and `lists` with blanks between."""
    several = frozenset(lists.split())
    return Page(method, path, right, act, frozenset(names.split()) | several, several, stage, quiet)
