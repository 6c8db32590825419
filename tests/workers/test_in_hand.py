"""What people approved for a body that takes no machine's word lies before a person, and is not sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from router.bodies.together import joined
from router.channels.hand_over.sheet import read_sheet
from router.intake.pager import NOTICES
from router.store import retries
from router.store.engine import transaction
from router.store.lateness import standings
from tests.conftest import Database
from tests.handing import BODIES, CHANNELS_IN_HAND
from tests.router.console.approvers import Border, a_border
from tests.router.console.rerouting import re_route


@pytest.fixture
def border(database: Database, tmp_path: Path) -> Iterator[Border]:
    with a_border(database, tmp_path, channels=joined(CHANNELS_IN_HAND, BODIES)) as made:
        yield made


def test_what_was_approved_for_a_person_to_hand_over_is_in_hand_and_not_sent(border: Border) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    assert border.send() == {}
    assert border.state_of(draft)[0] == "draft"
    border.approve(draft, "una")
    border.send()

    assert border.state_of(draft) == ("in_hand", "in_hand", "approved")
    [(settled_at, attempts, proof)] = border.deployment.rows(
        "select settled_at, attempts, proof from referrals where id = :id", id=draft.id
    )
    assert (settled_at, attempts, proof) == (None, 1, None)
    assert border.deployment.rows("select referral, recorded_at from handovers") == [(draft.id, None)]
    assert border.deployment.rows(
        "select actor, action, outcome from audit where object = :r and action like 'referral%'", r=draft.reference
    ) == [("worker", "referral_in_hand", "in_hand")]
    [(body,)] = border.deployment.rows("select body from drafts where referral = :id", id=draft.id)
    assert read_sheet(bytes(body)).reference == draft.reference
    with transaction(border.deployment.intake) as connection:
        seen = standings(connection, NOTICES).of("police")
    assert (seen.due, seen.in_hand, seen.in_hand_s > 0) == (0, 1, True)


def test_what_is_in_hand_is_withdrawn_with_its_case(border: Border) -> None:
    case = border.deployment.file("grave", country="SE")
    [draft] = border.drafts(case.reference)
    given_up = border.file()
    for one in (draft, given_up):
        border.approve(one, "tom")
        border.approve(one, "una")
    border.send()
    with transaction(border.deployment.console) as connection:
        moved = retries.give_up(connection, given_up.reference, "police")
        again = retries.retry(connection, draft.reference, "police")
    re_route(border.deployment, case, category="other")

    assert [(one.channel, one.state) for one in moved] == [("police", "recalled")]
    assert again == []
    assert border.state_of(draft)[:2] == ("recalled", "rerouted")
    # It may have been handed over by then: whether that is withdrawn over there, too, is for people to say.
    assert border.deployment.rows(
        "select state, notice from referrals where reference = :r and channel = 'police' and revision > 1",
        r=draft.reference,
    ) == [("draft", "recalled")]
