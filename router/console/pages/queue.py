"""The queue: which cases wait for somebody of one's teams, the most urgent first; filters, search, saved views, counts.

Each list that is shown is one line of the audit, with its filter in codes and how many cases it held; what was searched
for is not in it. Opens no case.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Final
from urllib.parse import parse_qsl

from sqlalchemy import Connection
from starlette.datastructures import QueryParams
from starlette.responses import JSONResponse, Response

from router.console.acting import IN_CONSOLE
from router.console.handingout import take_next
from router.console.pages import filters
from router.console.pages.ask import Ask, page
from router.console.pages.rendering import go, show
from router.console.pages.words import told
from router.console.rights import Right
from router.errors import Broken, Forbidden
from router.model import AuditEntry
from router.store import parked, queue, savedviews
from router.store.audit import note
from router.store.engine import transaction
from router.store.queue import Listed
from router.store.queuefilter import Holder, State
from router.vocabulary import Awaited, Severity

HOME: Final = "/console"
LISTED: Final = "queue_listed"
MOST_VIEWS: Final = 30
LONGEST_NAME: Final = 40

STATES: Final[Mapping[State, str]] = {
    State.WAITING: "Something left to do",
    State.OPEN: "Open",
    State.OWED: "Closed, answer owed",
    State.CLOSED: "Closed",
    State.WITHDRAWN: "Withdrawn",
    State.ANY: "Any",
}
HOLDERS: Final[Mapping[Holder, str]] = {Holder.ME: "Me", Holder.NOBODY: "Nobody", Holder.ANYBODY: "Anybody"}
DUE: Final[Mapping[Awaited, str]] = {
    Awaited.CLAIM: "Claim",
    Awaited.DECIDE: "Decide",
    Awaited.ACKNOWLEDGE: "Acknowledge",
    Awaited.FEEDBACK: "Answer",
}
"""What has to happen by a deadline, in a word."""


def show_queue(ask: Ask) -> Response:
    """Show the page of the queue that the address asks for."""
    return _queue(ask, filters.read(ask.query, ask.viewer.teams))


def _queue(ask: Ask, asked: filters.Asked, *, mistakes: Mapping[str, str] | None = None, why: str = "") -> Response:
    """Show the queue; with `mistakes` after a form on it that was not taken."""
    handle = ask.viewer.handle
    wrong = {**asked.mistakes, **(mistakes or {})}
    with transaction(ask.desk.engine) as connection:
        listed = Listed((), None) if asked.mistakes else _listed(ask, connection, asked)
        counted = queue.counts(connection, handle, now=ask.now)
        views = savedviews.saved(connection, handle)
        flooded = parked.any_for(connection, handle)
    return show(
        ask,
        "queue.html",
        200 if not wrong else 400,
        asked=asked,
        wanted=asked.wanted,
        listed=listed,
        counts=counted,
        flooded=flooded,
        most=queue.MOST_COUNTED,
        views=views,
        current=filters.written(asked.wanted),
        following=filters.written(asked.wanted, after=listed.following) if listed.following else "",
        first=asked.after is None,
        mistakes=wrong,
        why=why,
        typed_query=_typed(ask.query),
        names=_names(ask),
        teams=[(team, team) for team in ask.viewer.teams],
        severities=tuple(reversed(Severity)),
        states=STATES,
        holders=HOLDERS,
        due=DUE,
        most_views=MOST_VIEWS,
    )


def _listed(ask: Ask, connection: Connection, asked: filters.Asked) -> Listed:
    """Return the cases, with the line of the audit that they were shown."""
    handle = ask.viewer.handle
    if asked.sought:
        listed, what = queue.find(connection, handle, asked.sought), "search"
    else:
        listed = queue.page(connection, handle, asked.wanted, after=asked.after, now=ask.now)
        what = filters.coded(asked.wanted) + (" further" if asked.after else "")
    note(connection, [_entry(ask, LISTED, detail=f"{what} count={len(listed.rows)}")])
    return listed


def _entry(ask: Ask, action: str, outcome: str = "ok", detail: str = "") -> AuditEntry:
    return AuditEntry(f"person:{ask.viewer.handle}", action, "queue", outcome, detail)


def _typed(query: QueryParams) -> Mapping[str, str]:
    """Return what stands in the address for each field, to be shown in it again."""
    return {name: query.get(name, "").strip() for name in filters.NAMES}


def _names(ask: Ask) -> Mapping[str, Mapping[str, str]]:
    """Return what categories and sites are called, by the policy in force; nothing while there is none."""
    try:
        policy = ask.desk.policies.in_force()
    except Broken:
        return {"category": {}, "site": {}}
    categories = {name: known.label for name, known in policy.taxonomy.items()}
    return {"category": categories, "site": policy.sites}


def show_counts(ask: Ask) -> Response:
    """Return how much waits, for the script that keeps the numbers fresh; `100` stands for that many or more."""
    with transaction(ask.desk.engine) as connection:
        counted = queue.counts(connection, ask.viewer.handle, now=ask.now)
    return JSONResponse({name: counted_as(count) for name, count in asdict(counted).items()})


def counted_as(count: int) -> int | str:
    """Return a count as it is shown."""
    return count if count < queue.MOST_COUNTED else f"{queue.MOST_COUNTED - 1}+"


def take(ask: Ask) -> Response:
    """Claim the most urgent case that nobody has, and lead to it."""
    limits = ask.desk.limits
    found = take_next(ask.desk.engine, handle=ask.viewer.handle, login=IN_CONSOLE, lasts_s=limits.claim_s)
    return go(f"{HOME}/cases/{found}", said="next_taken") if found else go(HOME, said="nothing_waits")


def save_view(ask: Ask) -> Response:
    """Keep the filter that the form carries under a name, or forget the view of this name."""
    name, query = ask.form.get("name"), ask.form.get("query")
    carried = QueryParams(parse_qsl(query))
    asked = filters.read(carried, ask.viewer.teams)
    if ask.form.get("forget"):
        with transaction(ask.desk.engine) as connection:
            gone = savedviews.forget(connection, ask.viewer.handle, name)
            note(connection, [_entry(ask, "view_forgotten", "ok" if gone else "refused_unknown_view")])
        return go(HOME, said="view_forgotten" if gone else "view_unknown")
    if asked.mistakes:
        raise Forbidden("view_malformed")
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        return _queue(ask, asked, mistakes={"name": told(Forbidden("view_name"))})
    written = filters.written(asked.wanted)
    with transaction(ask.desk.engine) as connection:
        kept = savedviews.save(connection, ask.viewer.handle, name, written, most=MOST_VIEWS)
        note(connection, [_entry(ask, "view_saved", "ok" if kept else "refused_too_many", filters.coded(asked.wanted))])
    if not kept:
        return _queue(ask, asked, mistakes={"name": told(Forbidden("too_many_views"))})
    answer = go(HOME, said="view_saved")
    if written:
        answer.headers["location"] += f"&{written}"
    return answer


PAGES = (
    page("GET", HOME, Right.WORK_ON_CASES, show_queue),
    page("GET", f"{HOME}/counts", Right.WORK_ON_CASES, show_counts, quiet=True),
    page("POST", f"{HOME}/next", Right.WORK_ON_CASES, take),
    page("POST", f"{HOME}/views", Right.WORK_ON_CASES, save_view, names="name query forget"),
)
