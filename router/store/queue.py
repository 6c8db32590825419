"""The queue as one person sees it: pages of it in order, what a search finds, counts, the most urgent that nobody has.

Reads what triggers keep in `case_queue`, index by index: a page costs the same however many cases there are. Shows only
cases whose key was sealed to a key that the person holds, and none that they took themselves out of. Codes, ids and
times only. Functions take a connection and never commit.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import Connection, text

from router.store.casefile import DONE
from router.store.floods import PARKED
from router.store.queuefilter import Filter, Holder, Place
from router.vocabulary import Awaited, Severity

PAGE: Final = 50
"""Cases on one page."""
MOST_WALKED: Final = 2000
"""How many rows are looked at for one page when no index answers a filter; from there the next page goes on."""
LEAST_WALKED: Final = 100
MOST_COUNTED: Final = 100
"""Counting ends here: beyond, nobody works by the number."""
MOST_FOUND: Final = 500
"""How many cases with one identifier are looked at, the newest first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One case in a list."""

    place: Place
    version: int
    received_at: datetime
    state: str
    severity: Severity
    category: str
    site: str | None
    route: str
    teams: tuple[str, ...]
    """Who can open it."""
    claimed_by: str | None
    claim_until: datetime | None
    held: bool
    reporter_wrote_at: datetime | None
    """When the reporter wrote last, if nobody has read that."""
    awaited: Awaited | None
    """What is due next, and when."""
    due_at: datetime | None
    seen_version: int | None
    """The version that the person saw last, None if they never did."""
    parked: bool
    """It came in a flood, and waits for a look."""

    @property
    def reference(self) -> str:
        """The case's reference."""
        return self.place.reference


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the queue."""

    rows: tuple[Waiting, ...]
    following: Place | None
    """After which the next page begins; None: this is the last."""
    walked_out: bool = False
    """The page ended before it was full, so as to cost no more; what fits may follow."""


_MINE: Final = """
    mine as materialized (
        select a.id from case_audiences a where a.keys && array(
            select w.team_key_id from member_keys m
            join team_key_wraps w on w.member_key_id = m.key_id
            join recipient_keys k on k.key_id = w.team_key_id
            where m.handle = :handle and m.retired_at is null and (:team = '' or k.owner = :team)
              and not exists (select from suspended_teams x where x.handle = m.handle and x.team = k.owner)))"""
"""Whose cases somebody may see: what `progress.access` says of each one."""
_NOT_RECUSED: Final = """
    not exists (select from recusals x where x.handle = :handle and x.reference = q.reference)"""
_PARKED: Final = f"exists (select from flood_links l where l.reference = q.reference and {PARKED})"
_PARKED_NOW: Final = f"""
    parked_now as materialized (
        select q.* from flood_links l join case_queue q on q.reference = l.reference where {PARKED})"""  # noqa: S608 - our own words
_ORDER: Final = "rank, place, reference"
_SHOWN: Final = f"""
    c.version, c.received_at, c.state, c.severity, c.category, c.site, c.route, c.claimed_at, c.claimed_by,
    c.claim_until, c.held_at, c.closed_at, c.acknowledged_at, c.feedback_at, c.claim_by, c.decide_by, c.acknowledge_by,
    c.feedback_by, c.reporter_wrote_at, v.version as seen_version,
    exists (select from flood_links l where l.reference = f.reference and {PARKED}) as parked,
    array(select distinct k.owner from case_audiences a join recipient_keys k on k.key_id = any(a.keys)
          where a.id = f.audience and k.owner <> 'recovery' order by 1) as teams"""  # noqa: S608 - our own words


def page(connection: Connection, handle: str, wanted: Filter, *, after: Place | None, now: datetime) -> Listed:
    """Return up to PAGE cases that `handle` may see and `wanted` lets through, from `after` on, most urgent first."""
    asked = _Asked(handle, wanted, after, now)
    rows = [_waiting(row) for row in connection.execute(text(asked.query()), asked.values).mappings()]
    edge = _edge(connection, asked, rows) if asked.walked else None
    if edge is not None:
        rows = [row for row in rows if row.place <= edge]
    if len(rows) > PAGE:
        return Listed(tuple(rows[:PAGE]), rows[PAGE - 1].place)
    return Listed(tuple(rows), edge, walked_out=edge is not None)


class _Asked:
    """One page that is asked for, as SQL: what an index answers, and what is looked at row by row."""

    def __init__(self, handle: str, wanted: Filter, after: Place | None, now: datetime) -> None:
        ranks = [rank for rank in wanted.ranks if after is None or rank > after.rank]
        self.values: dict[str, Any] = {"handle": handle, "team": wanted.team or "", "ranks": ranks}
        # What follows in the same rank is a range of its own: one condition for both would read all of it up to there.
        self.ranges = ["q.rank = any(:ranks)"]
        if after is not None and after.rank in wanted.ranks:
            same = "q.rank = cast(:rank as smallint) and (q.place, q.reference) > (cast(:place as bigint), :reference)"
            self.ranges.append(same)
            self.values |= after._asdict()
        indexed, walked = ["q.audience = a.id"], []
        if wanted.overdue:
            indexed.append("q.place < cast(:now as bigint)")
            self.values["now"] = _microseconds(now)
        self.values |= {"site": wanted.site, "category": wanted.category}
        exact = [
            condition
            for asked, condition in (
                (wanted.claimed_by is Holder.ME, "q.claimed_by = :handle"),
                (wanted.claimed_by is Holder.ANYBODY, "q.claimed_by is not null"),
                (wanted.site, "q.site = :site"),
                (wanted.category, "q.category = :category"),
            )
            if asked
        ]
        # An index answers one of them, in order; the others are looked at.
        indexed += exact[:1]
        walked += exact[1:]
        if wanted.claimed_by is Holder.NOBODY:
            walked.append("q.claimed_by is null")
        if wanted.unread:
            walked.append("""not exists (
                select from case_views s join cases c on c.reference = s.reference
                where s.handle = :handle and s.reference = q.reference and s.version >= c.version)""")
        if wanted.wrote:
            walked.append(
                "exists (select from cases w where w.reference = q.reference and w.reporter_wrote_at is not null)"
            )
        # There are few, and they may stand anywhere in the order: they are taken together first.
        self.source = "parked_now" if wanted.parked else "case_queue"
        self.indexed, self.walked = " and ".join(indexed), " and ".join(walked)

    def query(self) -> str:
        """Return the select of the page and one case more.

        Numbers of rows stand in it as they are: the database plans by them.
        """
        one = self._in_order(str(PAGE + 1))
        if self.walked:
            looked_at = self._in_order("(select each from share)")
            one = f"select q.* from ({looked_at}) q where {self.walked} order by {_ORDER} limit {PAGE + 1}"  # noqa: S608 - our own words
        return f"""
            with {_MINE}, {_share()}, {_PARKED_NOW},
            f as materialized (
                select q.* from mine a cross join lateral ({one}) q
                order by {_ORDER} limit {PAGE + 1})
            select f.rank, f.place, f.reference, f.audience, {_SHOWN}
            from f join cases c on c.reference = f.reference
            left join case_views v on v.handle = :handle and v.reference = f.reference
            order by f.rank, f.place, f.reference"""  # noqa: S608 - our own words

    def edges(self) -> str:
        """Return the select of how far each audience's rows were looked at, where that was not to their end."""
        return f"""
            with {_MINE}, {_share()}, {_PARKED_NOW}
            select q.rank, q.place, q.reference, a.id as audience from mine a cross join lateral (
                {self._in_order("(select each from share)")} offset (select each - 1 from share)) q
            order by {_ORDER} limit 1"""  # noqa: S608 - our own words

    def _in_order(self, most: str) -> str:
        """Return the select of the first `most` rows of one audience that an index answers."""
        ranges = " union all ".join(
            f"(select q.* from {self.source} q where {self.indexed} and {one} and {_NOT_RECUSED}"  # noqa: S608 - our own words
            f" order by {_ORDER} limit {most})"
            for one in self.ranges
        )
        return f"select q.* from ({ranges}) q order by {_ORDER} limit {most}"  # noqa: S608 - our own words


def _share() -> str:
    """Return how many rows of each audience are looked at, as SQL."""
    each = f"greatest({LEAST_WALKED}, {MOST_WALKED} / greatest(count(*), 1))"
    return f"share as materialized (select {each} as each from mine)"  # noqa: S608 - our own words


def _edge(connection: Connection, asked: _Asked, rows: list[Waiting]) -> Place | None:
    """Return the place up to which all was looked at; None if that is the end, or the page is full before it."""
    found = connection.execute(text(asked.edges()), asked.values).one_or_none()
    if found is None:
        return None
    edge = Place(found.rank, found.place, found.reference)
    return edge if len(rows) <= PAGE or rows[PAGE].place > edge else None


def _waiting(row: Mapping[Any, Any]) -> Waiting:
    awaited, due_at = _next_due(row)
    return Waiting(
        place=Place(row["rank"], row["place"], row["reference"]),
        version=row["version"],
        received_at=row["received_at"],
        state=row["state"],
        severity=tuple(Severity)[row["severity"]],
        category=row["category"],
        site=row["site"],
        route=row["route"],
        teams=tuple(row["teams"]),
        claimed_by=row["claimed_by"],
        claim_until=row["claim_until"],
        held=row["held_at"] is not None,
        reporter_wrote_at=row["reporter_wrote_at"],
        awaited=awaited,
        due_at=due_at,
        seen_version=row["seen_version"],
        parked=row["parked"],
    )


def _next_due(row: Mapping[Any, Any]) -> tuple[Awaited | None, datetime | None]:
    """Return what is due next of what was not done, and when."""
    if row["state"] == "withdrawn":
        return None, None
    running = [
        (row[f"{awaited}_by"], awaited)
        for awaited, done in DONE.items()
        if row[f"{awaited}_by"] is not None and not any(row[when] for when in done)
    ]
    due_at, awaited = min(running, default=(None, None))
    return awaited, due_at


def find(connection: Connection, handle: str, sought: str) -> Listed:
    """Return the cases that `handle` may see with this reference, asset tag, source ticket or hash, exactly.

    In the queue's order; never a second page.
    """
    query = text(f"""
        with {_MINE},
        found as materialized (
            select reference from cases where reference = upper(:sought)
            union
            (select reference from cases where facts ? 'asset_tag' and lower(facts ->> 'asset_tag') = lower(:sought)
             order by received_at desc limit {MOST_FOUND})
            union
            (select reference from cases
             where facts ? 'source_ticket' and lower(facts ->> 'source_ticket') = lower(:sought)
             order by received_at desc limit {MOST_FOUND})
            union
            (select reference from cases where facts ? 'hashes' and facts -> 'hashes' @> cast(:hash as jsonb)
             limit {MOST_FOUND})),
        f as materialized (
            select q.* from found join case_queue q on q.reference = found.reference join mine on mine.id = q.audience
            where {_NOT_RECUSED} order by q.rank, q.place, q.reference limit {PAGE + 1})
        select f.rank, f.place, f.reference, f.audience, {_SHOWN}
        from f join cases c on c.reference = f.reference
        left join case_views v on v.handle = :handle and v.reference = f.reference
        order by f.rank, f.place, f.reference""")  # noqa: S608 - our own words
    hashed = orjson.dumps([{"value": sought.lower()}]).decode()
    values = {"handle": handle, "team": "", "sought": sought, "hash": hashed}
    rows = tuple(_waiting(row) for row in connection.execute(query, values).mappings())
    return Listed(rows[:PAGE], None, walked_out=len(rows) > PAGE)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cases wait for somebody's teams, each up to MOST_COUNTED."""

    critical: int
    high: int
    medium: int
    low: int
    overdue: int
    nobody: int
    """Open, and nobody has them."""
    mine: int


def counts(connection: Connection, handle: str, *, now: datetime) -> Counts:
    """Return how much waits for `handle`."""
    open_ = "q.rank between 0 and 3"
    conditions = [f"q.rank = {3 - severity.rank}" for severity in reversed(Severity)]
    conditions += [
        "q.rank = any('{0,1,2,3,4,5,6,7}') and q.place < cast(:now as bigint)",
        f"{open_} and q.claimed_by is null",
        f"{open_} and q.claimed_by = :handle",
    ]
    columns = ", ".join(
        f"""(select count(*) from (
            select from mine a cross join lateral (
                select from case_queue q where q.audience = a.id and {condition} and {_NOT_RECUSED}
                limit {MOST_COUNTED}) q limit {MOST_COUNTED}) n)"""  # noqa: S608 - our own words
        for condition in conditions
    )
    query = text(f"with {_MINE} select {columns}")
    return Counts(*connection.execute(query, {"handle": handle, "team": "", "now": _microseconds(now)}).one())


def _microseconds(moment: datetime) -> int:
    """Return a time as `case_place` counts it."""
    return int(moment.timestamp() * 1_000_000)


AT_ONCE: Final = 200
"""So many people may ask for the next case at one time before one is told that there is none."""


def most_urgent(connection: Connection, handle: str) -> str | None:
    """Return the most urgent open case that `handle` may see and nobody has, locked until the transaction ends.

    What somebody else is just taking is left to them, and what waits for a look to whoever looks through its flood.
    """
    query = text(f"""
        with {_MINE},
        f as materialized (
            select q.* from mine a cross join lateral (
                select q.* from case_queue q
                where q.audience = a.id and q.rank between 0 and 3 and q.claimed_by is null and {_NOT_RECUSED}
                  and not {_PARKED}
                order by {_ORDER} limit {AT_ONCE}) q
            order by {_ORDER} limit {AT_ONCE})
        select c.reference from f join cases c on c.reference = f.reference
        where c.state = 'open' and c.claimed_by is null
        order by f.rank, f.place, f.reference limit 1 for update of c skip locked""")  # noqa: S608 - our own words
    found: str | None = connection.execute(query, {"handle": handle, "team": ""}).scalar_one_or_none()
    return found
