"""Reports that are opened and finished at an outside body in steps: what was asked, opened, finished, and lost.

Every report that may be open over there has a row, whatever crashed; what became of it is in the audit as well. Holds
no field of a referral. Functions take a connection and never commit. All times are PostgreSQL's.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from router.store.channelstates import NOT_SHUT

EXPIRES_S: Final = 25 * 3600.0
"""The body deletes an unfinished report 24 hours after it was opened; an hour later that is certain."""
TRIED_AGAIN_S: Final = 60.0
"""Between two tries to retract the same report."""

_BEFORE = "f.asked_at < {row}.first_due_at"
"""It was opened before people approved what is to be said now, which may be something else or nothing of it."""
_OPEN_FOR_NOBODY = f"""
    (f.state = 'stray' or f.state = 'opened' and ({{row}}.state not in ('due', 'leased') or {_BEFORE}))
"""
"""A stray's number came after its lease was lost. One whose referral is sent was finished, and that could not be
written: the body will say so."""
UNWANTED = f"""
    {_OPEN_FOR_NOBODY}
    and (f.tried_at is null or abs(extract(epoch from statement_timestamp() - f.tried_at)) > {TRIED_AGAIN_S:.0f})
"""
"""Of a filing `f` and its referral `{row}`: that it is to be retracted now."""
_CHANGE = """
    with changed as (
        update filings f set {sets} from referrals r where r.id = f.referral and ({where})
        returning f.id, f.referral, r.reference, r.channel, f.state, f.report_id, f.code),
    noted as (
        insert into audit (actor, action, object, outcome, detail)
        select 'worker', 'filing_' || state, reference, coalesce('code_' || code, 'ok'),
               channel || coalesce(':' || report_id, '')
        from changed)
    select id, referral, channel, state from changed"""


class Changed(NamedTuple):
    """A filing that is in another state now."""

    id: int
    referral: str
    channel: str
    state: str


class Unwanted(NamedTuple):
    """A report that is open at the body, and that nobody wants."""

    id: int
    referral: str
    report_id: str


def ours(connection: Connection, referral: str, lease_no: int) -> bool:
    """Say whether the lease holds and the referral is wanted still; it stays so until the transaction ends."""
    query = text("""
        select true from referrals where id = :referral and lease_no = :lease_no and state = 'leased'
          and settled_at is null and lease_until >= clock_timestamp() for update""")
    values = {"referral": referral, "lease_no": lease_no}
    return bool(connection.execute(query, values).scalar_one_or_none())


def opened(connection: Connection, referral: str, *, test: bool) -> str | None:
    """Return the number of the report that is open or filed for the referral, None if there is none."""
    query = text("""
        select report_id from filings
        where referral = :referral and test = :test and state in ('opened', 'finished')""")
    number: str | None = connection.execute(query, {"referral": referral, "test": test}).scalar_one_or_none()
    return number


def opened_before(connection: Connection, referral: str, *, test: bool) -> bool:
    """Say whether one is open of what was approved before: it must be retracted first, or it may be filed already."""
    before = _BEFORE.format(row="r")
    query = text(f"""
        select exists (select from filings f join referrals r on r.id = f.referral
                       where r.id = :referral and f.test = :test and f.state = 'opened' and {before})""")  # noqa: S608 - our own words
    return bool(connection.execute(query, {"referral": referral, "test": test}).scalar_one())


def ask(connection: Connection, referral: str, lease_no: int, *, test: bool) -> list[Changed]:
    """Write that a report is about to be asked for; return what was asked for before: it is lost."""
    where = "f.referral = :referral and f.test = :test and f.state = 'asked'"
    lost = _change(connection, "state = 'lost'", where, referral=referral, test=test)
    query = text("insert into filings (referral, lease_no, test) values (:referral, :lease_no, :test)")
    connection.execute(query, {"referral": referral, "lease_no": lease_no, "test": test})
    return lost


def unopened(connection: Connection, referral: str, lease_no: int) -> list[Changed]:
    """Write that nothing was opened of what this lease asked for."""
    where = "f.referral = :referral and f.lease_no = :lease_no and f.state = 'asked'"
    sets = "state = 'unopened', ended_at = clock_timestamp()"
    return _change(connection, sets, where, referral=referral, lease_no=lease_no)


def note_opened(connection: Connection, referral: str, lease_no: int, report_id: str) -> list[Changed]:
    """Write which report was opened for this lease: a stray, if another was asked for meanwhile."""
    where = "f.referral = :referral and f.lease_no = :lease_no and f.state in ('asked', 'lost')"
    sets = """
        state = case f.state when 'asked' then 'opened' else 'stray' end, report_id = :report_id,
        opened_at = clock_timestamp()"""
    return _change(connection, sets, where, referral=referral, lease_no=lease_no, report_id=report_id)


def end(connection: Connection, referral: str, report_id: str, how: str, code: int) -> list[Changed]:
    """Write that an open report is finished, retracted or gone: whoever asked, the body said so."""
    where = "f.referral = :referral and f.report_id = :report_id and f.state in ('opened', 'stray')"
    sets = "state = :how, code = :code, ended_at = clock_timestamp()"
    return _change(connection, sets, where, referral=referral, report_id=report_id, how=how, code=code)


def note_sent(connection: Connection) -> None:
    """Let the ledger say that referrals are sent which were withdrawn, or given up, though their reports were filed."""
    query = text("""
        with told as (
            update referrals r
            set state = 'sent', outcome = 'filed_after_all', remote_id = f.report_id, proof = 'accepted'
            from filings f
            where f.referral = r.id and f.state = 'finished' and r.state in ('recalled', 'dead')
            returning r.reference, r.channel)
        insert into audit (actor, action, object, outcome, detail)
        select 'worker', 'referral_sent', reference, 'filed_after_all', channel from told""")
    connection.execute(query)


def take_unwanted(connection: Connection, channel: str, *, test: bool, limit: int) -> list[Unwanted]:
    """Return reports to be retracted now; nobody else gets the same ones for TRIED_AGAIN_S."""
    query = text(f"""
        with picked as (
            select f.id from filings f join referrals r on r.id = f.referral
            where r.channel = :channel and f.test = :test and {UNWANTED.format(row="r")}
            order by f.id limit :limit for update of f skip locked)
        update filings f set tried_at = clock_timestamp() from picked where f.id = picked.id
        returning f.id, f.referral, f.report_id""")  # noqa: S608 - our own words
    rows = connection.execute(query, {"channel": channel, "test": test, "limit": limit})
    return [Unwanted(*row) for row in rows]


def channels(connection: Connection) -> list[str]:
    """Return the channels that have reports to be retracted now and may be tried."""
    query = text(f"""
        select channel from (select distinct o.channel from filings f join referrals o on o.id = f.referral
                             where {UNWANTED.format(row="o")}) as r
        where {NOT_SHUT} order by channel""")  # noqa: S608 - our own words
    return list(connection.execute(query).scalars())


def account(connection: Connection) -> list[Changed]:
    """Write what became of reports that nobody at work asks about any more; return which changed.

    Asked for, and the referral is done with: lost. Open for nobody since EXPIRES_S: expired. Noted as open, and the
    referral was sent under its number: finished. Noted as finished, and the referral was withdrawn before that settled
    it: the ledger says sent.
    """
    note_sent(connection)
    filed = "f.state = 'opened' and r.state in ('sent', 'acknowledged') and r.remote_id = f.report_id"
    lost = "f.state = 'asked' and r.state not in ('due', 'leased')"
    over = f"""
        (f.state = 'lost' or {_OPEN_FOR_NOBODY.format(row="r")})
        and coalesce(f.opened_at, f.asked_at) < statement_timestamp() - make_interval(secs => {EXPIRES_S:.0f})"""
    return [
        *_change(connection, "state = 'finished', ended_at = r.settled_at", filed),
        *_change(connection, "state = 'lost'", lost),
        *_change(connection, "state = 'expired', ended_at = clock_timestamp()", over),
    ]


def of_referrals(connection: Connection, referrals: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    """Return what was filed, or tried to be, by referral, the oldest first."""
    query = text("""
        select referral, state, report_id, test, asked_at, opened_at, ended_at, code
        from filings where referral = any(:referrals) order by id""")
    found: dict[str, list[dict[str, Any]]] = {}
    for row in connection.execute(query, {"referrals": list(referrals)}).mappings():
        found.setdefault(row["referral"], []).append({name: row[name] for name in row if name != "referral"})
    return found


def _change(connection: Connection, sets: str, where: str, **values: object) -> list[Changed]:
    query = text(_CHANGE.format(sets=sets, where=where))
    return [Changed(*row) for row in connection.execute(query, values)]
