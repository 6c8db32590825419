"""A team in conflict is taken out of a case: what it was sent is recalled, what waits for it stopped, others told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep

import pytest

from router import clock
from router.console import progress
from router.store.engine import transaction
from router.store.referrals import lease
from tests.router.console.conflicts import of, take_out
from tests.router.console.deployments import Deployment


def test_what_was_sent_is_recalled_and_what_was_not_is_stopped(deployment: Deployment) -> None:
    reference = deployment.file().reference
    deployment.sent(reference, "security-desk")
    removed = take_out(deployment, reference)
    desk = of(deployment, reference, "security-desk")

    assert removed.recalled == ("security-desk",)
    assert desk[0] == (1, "sent", None, None)
    assert desk[-1] == (len(desk), "due", "recalled", None)
    assert {row[1] for row in desk[1:-1]} == {"recalled"}
    assert removed.stopped == len(desk) - 2 > 0


def test_a_recall_says_nothing_but_the_reference(deployment: Deployment) -> None:
    reference = deployment.file().reference
    deployment.sent(reference, "security-desk")
    take_out(deployment, reference)
    ((fields, revision),) = deployment.rows("select fields, revision from referrals where notice = 'recalled'")

    assert fields == {"reference": reference, "revision": revision, "notice": "recalled"}


@pytest.mark.parametrize("state", ["acknowledged", "dead", "leased"])
def test_whatever_may_have_arrived_is_recalled(deployment: Deployment, state: str) -> None:
    reference = deployment.file().reference
    deployment.run("update referrals set lease_until = now() where state = 'due'")
    deployment.sent(reference, "security-desk", state)

    assert take_out(deployment, reference).recalled == ("security-desk",)


def test_what_was_never_tried_is_not_recalled(deployment: Deployment) -> None:
    reference = deployment.file().reference
    removed = take_out(deployment, reference)

    assert removed.recalled == ()
    assert {row[1] for row in of(deployment, reference, "security-desk")} == {"recalled"}


def test_a_draft_that_the_team_could_read_is_stopped(deployment: Deployment) -> None:
    reference = deployment.file("grave").reference
    take_out(deployment, reference)

    assert of(deployment, reference, "police") == [(1, "recalled", None, None)]


def test_the_recall_waits_for_what_is_just_being_sent(deployment: Deployment) -> None:
    reference = deployment.file().reference
    with transaction(deployment.owner) as connection:
        (leased,) = lease(connection, "security-desk", limit=9, lease_s=30)
    take_out(deployment, reference)
    with transaction(deployment.owner) as connection:
        meanwhile = lease(connection, "security-desk", limit=9, lease_s=30)
    deployment.run("update referrals set state = 'sent' where state = 'leased'")
    with transaction(deployment.owner) as connection:
        (then,) = lease(connection, "security-desk", limit=9, lease_s=30)

    assert leased.fields.notice is None
    assert meanwhile == []
    assert then.fields.notice == "recalled"


def test_what_a_worker_takes_at_that_moment_is_recalled_as_well(deployment: Deployment) -> None:
    reference = deployment.file().reference
    blocked = "select count(*) from pg_locks where not granted"
    with ThreadPoolExecutor(1) as staff, transaction(deployment.owner) as worker:
        assert lease(worker, "security-desk", limit=9, lease_s=30)
        removing = staff.submit(take_out, deployment, reference)
        while deployment.rows(blocked) == [(0,)] and not removing.done():
            sleep(0.01)
        worker.commit()
        removed = removing.result()

    assert removed.recalled == ("security-desk",)
    assert of(deployment, reference, "security-desk")[0] == (1, "leased", None, None)


def test_whoever_comes_in_is_told_everything_their_channel_may_carry_and_reminded(deployment: Deployment) -> None:
    case = deployment.file(ago=timedelta(hours=1))
    reference = case.reference
    deployment.sent(reference, "security-desk")
    removed = take_out(deployment, reference)
    desk = of(deployment, reference, "legal-desk")
    ((fields,),) = deployment.rows("select fields from referrals where channel = 'legal-desk' and state = 'due'")

    assert removed.told == ("legal-desk",)
    assert desk[0] == (1, "due", None, None)
    assert {(row[1], row[2], row[3]) for row in desk[1:]} == {
        ("standby", "reminder", "claim"),
        ("standby", "overdue", "claim"),
        ("standby", "overdue", "decide"),
        ("standby", "overdue", "acknowledge"),
        ("standby", "reminder", "feedback"),
        ("standby", "overdue", "feedback"),
    }
    assert set(fields) == {"reference", "revision", "category", "claim_by", "link"}
    assert fields["claim_by"] == case.decision.deadlines.claim_by.isoformat().replace("+00:00", "Z")


def test_who_was_told_already_is_not_told_again_but_reminded_in_its_place(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    for desk in ("security-desk", "legal-desk"):
        deployment.sent(reference, desk)
    escalations = of(deployment, reference, "ombuds-desk")
    removed = take_out(deployment, reference)
    desk_rows = of(deployment, reference, "legal-desk")

    assert (removed.told, removed.keys_given) == ((), ())
    assert [row[:2] for row in desk_rows if row[2] is None] == [(1, "sent")]
    assert [row[0] for row in desk_rows] == list(range(1, len(desk_rows) + 1))
    assert ("standby", "overdue", "claim") in [row[1:] for row in desk_rows]
    assert of(deployment, reference, "ombuds-desk") == escalations


def test_a_reminder_that_is_being_tried_again_is_not_made_twice(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    deployment.run(
        "update referrals set state = 'due', attempts = 2, first_due_at = due_at, due_at = due_at + interval '7 s'"
        " where channel = 'ombuds-desk' and awaited = 'claim'"
    )
    before = len(of(deployment, reference, "ombuds-desk"))
    take_out(deployment, reference)

    assert len(of(deployment, reference, "ombuds-desk")) == before


def test_who_comes_in_late_has_as_long_before_the_undelivered_escalates(deployment: Deployment) -> None:
    reference = deployment.file("grave", ago=timedelta(hours=3)).reference
    deployment.sent(reference, "security-desk")
    deployment.run("update referrals set state = 'recalled', outcome = 'not_needed' where awaited = 'delivery'")
    before = clock.now()
    take_out(deployment, reference)
    rows = deployment.rows(
        "select due_at from referrals where awaited = 'delivery' and state = 'standby' and channel = 'ombuds-desk'"
    )

    ((due_at,),) = rows
    assert timedelta(minutes=14) < due_at - before < timedelta(minutes=16)


def test_what_was_done_already_is_not_asked_for_again(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    progress.claim(deployment.console, reference=reference, handle="lena", login="login:x")
    progress.acknowledge(deployment.console, reference=reference, handle="lena", login="login:x")
    removed = take_out(deployment, reference)
    waiting = {row[3] for row in of(deployment, reference, "legal-desk") if row[1] == "standby"}

    assert removed.released_from is None
    assert waiting == {"decide", "feedback"}


def test_what_a_holder_gives_back_later_is_told_to_whoever_came_in_and_never_to_the_team(
    deployment: Deployment,
) -> None:
    reference = deployment.file("fraud").reference
    progress.claim(deployment.console, reference=reference, handle="lena", login="login:x")
    take_out(deployment, reference)

    progress.release(deployment.console, reference=reference, handle="lena", login="login:x")

    assert {row[1] for row in of(deployment, reference, "security-desk")} == {"recalled"}
    desk = [row[1:] for row in of(deployment, reference, "legal-desk")]
    assert ("standby", "overdue", "claim") in desk
    assert ("standby", "overdue", "decide") in desk


def test_a_case_that_the_team_s_member_had_claimed_is_nobody_s(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    progress.claim(deployment.console, reference=reference, handle="sven", login="login:x")
    removed = take_out(deployment, reference)

    assert removed.released_from == "sven"
    assert deployment.rows("select claimed_by from cases") == [(None,)]
    assert ("standby", "overdue", "claim") in [row[1:] for row in of(deployment, reference, "legal-desk")]
    assert {row[1] for row in of(deployment, reference, "security-desk")} == {"recalled"}


def test_what_is_still_to_be_sent_is_kept_from_the_team_whatever_it_may_read_by_then(deployment: Deployment) -> None:
    reference = deployment.file(involves=["legal"]).reference
    deployment.sent(reference, "security-desk")
    take_out(deployment, reference)
    kept_from = deployment.rows("select distinct channel, notice = 'recalled', kept_from from referrals order by 1, 2")

    assert kept_from == [
        ("ombuds-desk", False, ["security", "legal"]),
        ("ombuds-desk", None, ["security", "legal"]),
        ("security-desk", False, ["legal", "security"]),
        ("security-desk", True, []),
        ("security-desk", None, ["legal", "security"]),
    ]
