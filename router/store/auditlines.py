"""The audit as auditors read it: newest lines first, a page at a time, by who, what, of what, how it ended and when.

Nearly all lines tell of a case that came in, or that was sent; what else was done has indexes of its own, so that a
page of it costs the same among millions. Functions take a connection and change nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from router.store.audit import RECEIVED, SENT
from router.store.chain import READABLE_AT

OK, REFUSED = "ok", "refused"
"""How a line's act ended: done, or refused or failed."""
_MANY: Final = f"action in ('{RECEIVED}', '{SENT}')"
_OTHERS: Final = f"action not in ('{RECEIVED}', '{SENT}')"
"""As the indexes of migration 0006 have it; a value in its place would not use them."""
_REFUSED: Final = "left(outcome, 7) in ('refused', 'failed_')"
_MANY_BY: Final = ("reporter", "client:", "worker")
"""Who brings and sends cases, by how the name begins."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; what is left empty is not asked for."""

    actor: str = ""
    action: str = ""
    object: str = ""
    ended: str = ""
    """OK, or REFUSED: also what failed."""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    """Only lines older than the one with this id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line; without a number as long as it is not in the chain."""

    id: int
    seq: int | None
    at: datetime
    actor: str
    action: str
    object: str
    outcome: str
    detail: str

    @property
    def refused(self) -> bool:
        """Whether what it tells of was refused, or failed."""
        return self.outcome.startswith(("refused", "failed_"))


def newest(connection: Connection, wanted: Wanted, limit: int) -> list[Entry]:
    """Return the newest `limit` lines that are wanted.

    Times are looked up among the ids, which rise with them: a clock that was set back blurs the borders by as much.
    """
    tests, values = _tests(connection, wanted)
    branches = _branches(wanted)
    if not branches:
        return []
    columns = "id, seq, at, actor, action, object, outcome, detail"
    each = [
        f"(select {columns} from audit where {' and '.join([branch, *tests])} order by id desc limit :limit)"  # noqa: S608 - our own words
        for branch in branches
    ]
    query = f"""
        select id, seq, {READABLE_AT} as at, actor, action, object, outcome, detail
        from ({" union all ".join(each)}) as found order by id desc limit :limit"""  # noqa: S608 - our own words
    return [Entry(*row) for row in connection.execute(text(query), {**values, "limit": limit})]


def actions(connection: Connection) -> list[str]:
    """Return every action that some line tells of, found by one step over an index each."""
    query = text(f"""
        with recursive found as (
            (select action from audit where {_OTHERS} order by action limit 1)
            union all
            select (select action from audit where {_OTHERS} and action > found.action order by action limit 1)
            from found where found.action is not null)
        select action from found where action is not null""")  # noqa: S608 - our own words
    return sorted({*connection.execute(query).scalars(), RECEIVED, SENT})


def _tests(connection: Connection, wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    """Return the words of a query, and the values in them."""
    tests, values = [], dict[str, Any]()
    for name in ("actor", "action", "object"):
        if getattr(wanted, name):
            tests.append(f"{name} = :{name}")
            values[name] = getattr(wanted, name)
    if wanted.ended:
        tests.append("outcome = 'ok'" if wanted.ended == OK else _REFUSED)
    bounds = (
        ("id < :before", "before", wanted.before),
        ("id >= :since", "since", wanted.since and _first_at(connection, wanted.since)),
        ("id < :until", "until", wanted.until and _first_at(connection, wanted.until)),
    )
    for test, name, value in bounds:
        if value is not None:
            tests.append(test)
            values[name] = value
    return tests, values


def _branches(wanted: Wanted) -> list[str]:
    """Return where the lines that are wanted can be."""
    if wanted.action not in {"", RECEIVED, SENT}:
        return [_OTHERS]
    many = wanted.ended != REFUSED and (not wanted.actor or wanted.actor.startswith(_MANY_BY))
    return [*([_MANY] if many else []), *([] if wanted.action else [_OTHERS])]


def _first_at(connection: Connection, moment: datetime) -> int:
    """Return from which id on lines are as young as `moment`: some thirty steps over the primary key."""
    low, high = connection.execute(text("select coalesce(min(id), 0), coalesce(max(id) + 1, 0) from audit")).one()
    step = text(f"select id, {READABLE_AT} as at from audit where id >= :id order by id limit 1")  # noqa: S608 - ours
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(step, {"id": middle}).one()
        low, high = (low, middle) if row.at >= moment else (row.id + 1, high)
    return int(low)
