"""The routing's pages: the policy in force as tables and a picture, why a case went where it went, what would happen.

What is tried is not stored and not noted. Why a case went somewhere is told to those alone who may see that case, and
each such look is a line of the audit.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from markupsafe import Markup
from starlette.responses import Response

from router.catalogue import parse_catalogue
from router.configfile.shape import shape
from router.configfile.yamltext import read
from router.console.attempt import attempted, is_reference
from router.console.pages import factform
from router.console.pages.ask import Ask, page
from router.console.pages.decided import Decided, decided
from router.console.pages.rendering import show
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Broken, Forbidden, RouterError
from router.store import conflicts, decisions, policies, progress
from router.store.audit import note
from router.store.casehead import CaseHead, head
from router.store.decisions import Earlier
from router.store.engine import transaction
from router.store.progress import Access
from router.triage.decide import decide
from router.triage.drawing import svg
from router.triage.explain import Tried, in_words
from router.triage.file import PolicyFile
from router.triage.graph import Outline, outline
from router.triage.policy import FILE
from router.vocabulary import Reference, Severity

EXPLAINED: Final = "routing_explained"
SHOWN_REFERENCE: Final[Reference] = "CR-0000-0000-0000"
"""Stands for the random reference that a real case would get."""
SYSTEM: Final = "client"
"""Who reports, in the form, besides a person."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A policy as it is shown."""

    tables: Outline
    drawn: Markup


@dataclass(frozen=True, slots=True)
class Why:
    """One decision of a case: the one that counts, or one that a re-route replaced."""

    severity: Severity
    route: str
    policy: str
    teams: tuple[str, ...]
    avoided: tuple[str, ...]
    trace: tuple[Tried, ...]
    replaced_at: datetime | None
    replaced_by: str


@lru_cache(maxsize=4)
def _picture(policy_text: str, channels_text: str, digest: str) -> Picture:
    """Return the picture of a policy: drawn once, since a policy never changes."""
    written = shape(read(policy_text, FILE), PolicyFile)
    if written is None:
        raise Broken("policy_not_understood", "this version cannot read the policy in force")
    channels = parse_catalogue(channels_text).channels
    # The XML library has escaped what stands in it.
    return Picture(outline(written, channels), Markup(svg(written, channels, digest)))  # noqa: S704 - our own picture


def show_routing(ask: Ask) -> Response:
    """Show the policy in force."""
    policy = ask.desk.policies.in_force()
    with transaction(ask.desk.engine) as connection:
        (stored,) = policies.kept(connection, policy.digest)
        since = policies.in_force_since(connection)
    return show(
        ask,
        "routing/policy.html",
        policy=policy,
        since=since,
        picture=_picture(stored.policy_text, stored.channels_text, stored.digest),
    )


def show_what_if(ask: Ask) -> Response:
    """Show the form that tries what would happen."""
    return _what_if(ask, MappingProxyType({"noticed_how": ("told_by_someone",)}))


def try_what_if(ask: Ask) -> Response:
    """Show what would happen to a concern with these facts; nothing is stored."""
    policy, values = ask.desk.policies.in_force(), factform.typed(ask.form)
    facts, mistakes = factform.read(policy, values)
    if facts is None:
        return _what_if(ask, values, mistakes, status=422)
    decision = decide(
        policy,
        facts,
        reference=SHOWN_REFERENCE,
        received_at=ask.now,
        statutory=ask.form.get("reported_by") != SYSTEM,
        console_url=ask.desk.console_url,
    )
    return _what_if(ask, values, found=decided(policy, decision))


def _what_if(
    ask: Ask,
    values: factform.Values,
    mistakes: Mapping[str, str] = MappingProxyType({}),
    *,
    found: Decided | None = None,
    status: int = 200,
) -> Response:
    fields = factform.fields(ask.desk.policies.in_force(), values, mistakes)
    by_system = ask.form.get("reported_by") == SYSTEM
    return show(ask, "routing/what_if.html", status, fields=fields, found=found, mistakes=mistakes, by_system=by_system)


def show_why(ask: Ask) -> Response:
    """Show why a case went where it went, to whoever may see it."""
    asked = ask.query.get("reference", "").strip().upper()
    if not asked:
        return show(ask, "routing/why.html", asked="", case=None, mistake=None)
    attempt = attempted(ask.desk.engine, EXPLAINED, kind="person", handle=ask.viewer.handle, reference=asked)
    with transaction(ask.desk.engine) as connection:
        case = head(connection, attempt.reference)
        access = progress.access(connection, attempt.reference, ask.viewer.handle)
    if case is None or access is not Access.READER:
        code = "unknown_case" if case is None else access.value
        attempt.note(f"refused_{code}")
        kept = asked if is_reference(asked) else ""
        mistake = told(Forbidden(code))
        return show(ask, "routing/why.html", 404 if case is None else 403, asked=kept, case=None, mistake=mistake)
    with transaction(ask.desk.engine) as connection:
        earlier = decisions.earlier(connection, case.reference)
        found = sorted(conflicts.found(connection, case.reference))
        note(connection, [attempt.entry()])
    whys = [_now(case), *(_then(one) for one in earlier)]
    return show(
        ask,
        "routing/why.html",
        asked=case.reference,
        mistake=None,
        case=case,
        whys=whys,
        conflicts=found,
        otherwise=_otherwise(ask, case, found),
    )


def _now(case: CaseHead) -> Why:
    tried = tuple(in_words(case.trace))
    return Why(case.severity, case.route, case.policy, case.teams, case.avoided, tried, None, "")


def _then(one: Earlier) -> Why:
    tried, by = tuple(in_words(one.trace)), one.replaced_by.removeprefix("person:")
    return Why(one.severity, one.route, one.policy, one.teams, one.avoided, tried, one.replaced_at, by)


def _otherwise(ask: Ask, case: CaseHead, found: Collection[str]) -> Decided | None:
    """Return how the policy in force would decide the case now; None when the same one did, or it cannot."""
    try:
        policy = ask.desk.policies.in_force()
    except RouterError:
        return None
    if policy.digest == case.policy or policy.unknown_in(case.facts):
        return None
    decision = decide(
        policy,
        case.facts,
        reference=case.reference,
        received_at=case.received_at,
        statutory=case.client is None,
        console_url=ask.desk.console_url,
        conflicted=found,
    )
    return decided(policy, decision)


PAGES = (
    page("GET", "/console/routing", Right.SEE_ROUTING, show_routing),
    page("GET", "/console/routing/why", Right.SEE_ROUTING, show_why),
    page("GET", "/console/routing/what-if", Right.SEE_ROUTING, show_what_if),
    page(
        "POST",
        "/console/routing/what-if",
        Right.SEE_ROUTING,
        try_what_if,
        f"{factform.NAMES} reported_by",
        factform.LISTS,
    ),
)
