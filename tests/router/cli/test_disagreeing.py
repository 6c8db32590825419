"""Where a ticket is closed and its case is open, or the other way round: what the commands say of it."""

import json
import re

import pytest

from router.store import casefile
from router.store.engine import connect, transaction
from tests.router.cli.desks import Desk


@pytest.mark.parametrize(
    ("ticket", "case_closed_at", "disagreement", "advice"),
    [
        ("resolved", None, "closed_there", "close the case too, or open the ticket again"),
        ("reopened", "2026-11-23T09:00:00Z", "closed_here", "close the ticket too"),
    ],
)
def test_a_ticket_and_a_case_that_disagree_stand_out(
    desk: Desk, ticket: str, case_closed_at: str | None, disagreement: str, advice: str
) -> None:
    desk.change(
        "update referrals set ticket = %s, ticket_at = '2026-11-23T09:00:00Z', case_closed_at = %s"
        " where channel = 'hr'",
        ticket,
        case_closed_at,
    )
    [listed] = json.loads(desk.run("list", "--disagreeing", "--json"))
    said = desk.run("show", desk.reference)

    assert (listed["channel"], listed["ticket"], listed["disagreement"]) == ("hr", ticket, disagreement)
    assert desk.run("list", "--disagreeing").rstrip().endswith(disagreement)
    assert re.search(rf"^  ticket +{ticket} since 2026-11-23T09:00:00Z$", said, re.MULTILINE)
    assert re.search(rf"^  disagrees .*{advice}$", said, re.MULTILINE)


def test_a_case_shows_where_its_tickets_disagree(desk: Desk) -> None:
    desk.change("update referrals set ticket = 'resolved', ticket_at = now() where channel = 'hr'")
    engine = connect(desk.dsn, process="test-owner")
    with transaction(engine) as connection:
        found = casefile.whole(connection, desk.reference)
    engine.dispose()

    assert found is not None
    assert {row["channel"]: (row["ticket"], row["disagreement"]) for row in found["referrals"]} == {
        "hr": ("resolved", "closed_there"),
        "desk": (None, None),
    }
