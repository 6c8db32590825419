"""Lists of the audit: every filter alone and together, a page at a time, quick among millions of arrivals."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, text

from router.model import AuditEntry
from router.store import auditlines
from router.store.audit import note
from router.store.auditlines import OK, REFUSED, Entry, Wanted
from router.store.engine import transaction
from tests.audits import Audit, audit

__all__ = ["audit"]  # a fixture

WRITTEN = (
    AuditEntry("reporter", "case_received", "CR-1"),
    AuditEntry("client:agent", "case_received", "CR-2"),
    AuditEntry("person:ana", "case_viewed", "CR-1"),
    AuditEntry("person:ana", "case_opened", "CR-1", "refused_wrong_passphrase"),
    AuditEntry("person:eve", "case_viewed", "CR-2", "refused_not_a_member"),
    AuditEntry("clock", "reminder_due", "CR-2", "ok", "claim:desk"),
    AuditEntry("worker", "referral_sent", "CR-2", "sent", "desk"),
    AuditEntry("nobody", "sign_in_failed", "session", "failed_unknown_person"),
)


@pytest.fixture
def written(audit: Audit) -> Audit:
    with transaction(audit.intake) as connection:
        note(connection, WRITTEN)
    return audit


def found(audit: Audit, wanted: Wanted, limit: int = 50) -> list[Entry]:
    with transaction(audit.console) as connection:
        return auditlines.newest(connection, wanted, limit)


@pytest.mark.parametrize(
    ("wanted", "places"),
    [
        (Wanted(), (0, 1, 2, 3, 4, 5, 6, 7)),
        (Wanted(actor="person:ana"), (2, 3)),
        (Wanted(actor="client:agent"), (1,)),
        (Wanted(actor="reporter"), (0,)),
        (Wanted(action="case_received"), (0, 1)),
        (Wanted(action="case_viewed"), (2, 4)),
        (Wanted(action="referral_sent"), (6,)),
        (Wanted(actor="worker"), (6,)),
        (Wanted(object="CR-1"), (0, 2, 3)),
        (Wanted(ended=REFUSED), (3, 4, 7)),
        (Wanted(ended=OK), (0, 1, 2, 5)),
        (Wanted(actor="person:ana", action="case_opened", object="CR-1", ended=REFUSED), (3,)),
        (Wanted(action="case_received", ended=REFUSED), ()),
        (Wanted(action="case_received", actor="person:ana"), ()),
        (Wanted(actor="person:ana' or true --"), ()),
    ],
)
def test_each_filter_finds_its_lines_and_no_other_newest_first(
    written: Audit, wanted: Wanted, places: tuple[int, ...]
) -> None:
    lines = found(written, wanted)

    assert [(one.actor, one.action, one.object, one.outcome, one.detail) for one in lines] == [
        (e.actor, e.action, e.object, e.outcome, e.detail) for e in (WRITTEN[place] for place in reversed(places))
    ]


def test_pages_follow_each_other_and_leave_nothing_out(written: Audit) -> None:
    pages, before = list[list[Entry]](), None
    while page := found(written, Wanted(before=before), limit=2):
        pages.append(page)
        before = page[-1].id

    assert [len(page) for page in pages] == [2, 2, 2, 2]
    assert [one for page in pages for one in page] == found(written, Wanted())


def test_times_are_bounds_that_the_first_is_in_and_the_second_is_not(written: Audit) -> None:
    lines = found(written, Wanted())[::-1]

    for first in range(len(lines)):
        for end in range(first, len(lines)):
            wanted = Wanted(since=lines[first].at, until=lines[end].at)
            assert found(written, wanted)[::-1] == lines[first:end]
    assert found(written, Wanted(since=lines[-1].at + timedelta(seconds=1))) == []
    assert found(written, Wanted(until=lines[0].at)) == []


def test_times_are_found_where_transactions_that_failed_left_gaps(written: Audit) -> None:
    with transaction(written.owner) as connection:
        connection.execute(text("select setval(pg_get_serial_sequence('audit', 'id'), 1000)"))
    with transaction(written.intake) as connection:
        note(connection, WRITTEN[:1])
    newest = found(written, Wanted())[0]

    assert [one.id for one in found(written, Wanted(since=newest.at))] == [newest.id]
    assert len(found(written, Wanted(until=newest.at))) == len(WRITTEN)


def test_nothing_written_is_no_line_whatever_is_asked(audit: Audit) -> None:
    with transaction(audit.console) as connection:
        now = connection.execute(text("select now()")).scalar_one()
        known = auditlines.actions(connection)

    assert found(audit, Wanted(since=now, until=now, before=1)) == []
    assert known == ["case_received", "referral_sent"]


def test_actions_are_all_that_some_line_tells_of(written: Audit) -> None:
    with transaction(written.console) as connection:
        known = auditlines.actions(connection)

    assert known == sorted({entry.action for entry in WRITTEN})


def test_a_line_whose_time_was_tampered_with_is_shown_all_the_same(written: Audit) -> None:
    written.tamper("update audit set at = 'infinity' where action = 'case_opened'")

    assert len(found(written, Wanted())) == len(WRITTEN)


@pytest.mark.parametrize(
    "wanted",
    [Wanted(), Wanted(actor="person:ana"), Wanted(action="case_opened"), Wanted(ended=REFUSED), Wanted(object="CR-1")],
)
def test_a_page_among_many_arrivals_reads_few_of_them(written: Audit, wanted: Wanted) -> None:
    with transaction(written.owner) as connection:
        connection.execute(
            text("""
            insert into audit (actor, action, object, outcome, detail)
            select 'reporter', 'case_received', 'CR-x' || n, 'ok', '' from generate_series(1, 20000) n""")
        )
    with written.owner.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("vacuum analyze audit"))
    with transaction(written.console) as connection:
        before = _read(connection)
        auditlines.newest(connection, wanted, 50)
        after = _read(connection)

    assert after - before < 1000


def _read(connection: Connection) -> int:
    """Return how many rows and entries of indexes this transaction has read of the audit."""
    query = text("""
        select pg_stat_get_xact_tuples_returned('audit'::regclass) + sum(pg_stat_get_xact_tuples_returned(indexrelid))
        from pg_index where indrelid = 'audit'::regclass""")
    return int(connection.execute(query).scalar_one())
