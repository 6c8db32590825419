"""A team in conflict is taken out of a case: its key, what waits for it, what it was sent; somebody else comes in."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import sleep
from typing import Any

import pytest

from router import clock
from router.console import progress
from router.console.attempt import attempted
from router.console.conflict import Removed, Who, conflict
from router.console.opening import OPENED, hold_key, identify, shown
from router.errors import Broken, Forbidden
from router.model import AuditEntry
from router.store import policies
from router.store.audit import note
from router.store.engine import transaction
from router.store.referrals import lease
from tests.router.console.deployments import CONSOLE, WRITTEN, Deployment

REASON = "found out at the first talk"


def take_out(
    deployment: Deployment, reference: str, team: str = "security", *, by: str = "ana", **given: Any
) -> Removed:
    who = given.pop("who", None) or Who(by, deployment.passphrases[by], recovery=False)
    return conflict(
        deployment.console, reference=reference, team=team, who=who, console_url=CONSOLE, **{"reason": REASON, **given}
    )


def told(deployment: Deployment, reference: str) -> list[tuple[str, int, str, str | None, str | None, str | None]]:
    return deployment.rows(
        "select channel, revision, state, notice, awaited, outcome from referrals where reference = :reference"
        " order by channel, revision",
        reference=reference,
    )


def of(deployment: Deployment, reference: str, channel: str) -> list[tuple[int, str, str | None, str | None]]:
    return [(row[1], row[2], row[3], row[4]) for row in told(deployment, reference) if row[0] == channel]


def test_its_member_cannot_open_the_case_any_more_and_the_backup_s_can(deployment: Deployment) -> None:
    reference = deployment.file().reference
    with pytest.raises(Forbidden):
        deployment.open(reference, "lena")
    assert deployment.open(reference, "sven") == WRITTEN

    removed = take_out(deployment, reference)

    assert deployment.open(reference, "lena") == WRITTEN
    with pytest.raises(Forbidden, match=r"^not_a_member$"):
        deployment.open(reference, "sven")
    assert (removed.key_taken, removed.keys_given, removed.without_key) == (True, ("legal",), ())


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


@pytest.mark.parametrize("category", ["other", "grave"])
def test_a_second_run_changes_nothing(deployment: Deployment, category: str) -> None:
    reference = deployment.file(category, ago=timedelta(hours=3)).reference
    deployment.sent(reference, "security-desk")
    take_out(deployment, reference)
    before = told(deployment, reference)
    again = take_out(deployment, reference)

    assert told(deployment, reference) == before
    assert again.found_before
    assert (again.recalled, again.stopped, again.told, again.keys_given) == ((), 0, (), ())


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


def test_a_second_conflict_takes_the_next_team_out_as_well(deployment: Deployment) -> None:
    reference = deployment.file().reference
    take_out(deployment, reference)
    deployment.sent(reference, "legal-desk")
    removed = take_out(deployment, reference, "legal")

    assert (removed.recalled, removed.told, removed.keys_given) == (("legal-desk",), ("ombuds-desk",), ("ombuds",))
    with pytest.raises(Forbidden):
        deployment.open(reference, "lena")


def test_somebody_must_be_left_to_tell(deployment: Deployment) -> None:
    reference = deployment.file().reference
    for team in ("security", "legal"):
        take_out(deployment, reference, team)
    before = told(deployment, reference)

    with pytest.raises(Broken, match="nobody_left"):
        take_out(deployment, reference, "ombuds", who=Who("ceo", deployment.recovery_identity, recovery=True))
    assert told(deployment, reference) == before


def test_a_member_of_that_team_alone_cannot_do_it(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    with pytest.raises(Forbidden, match=r"^in_conflict$"):
        take_out(deployment, reference, by="sven")
    take_out(deployment, reference, by="lena")

    assert deployment.open(reference, "lena") == WRITTEN


def test_somebody_of_no_team_of_the_case_cannot_do_it(deployment: Deployment) -> None:
    reference = deployment.file().reference

    with pytest.raises(Forbidden, match=r"^not_a_member$"):
        take_out(deployment, reference, by="lena")
    assert deployment.rows("select * from case_conflicts") == []


def test_the_recovery_identity_hands_the_key_on_when_nobody_else_can(deployment: Deployment) -> None:
    reference = deployment.file().reference
    take_out(deployment, reference, who=Who("ceo", deployment.recovery_identity, recovery=True))

    assert deployment.open(reference, "lena") == WRITTEN
    assert deployment.rows("select team, found_by from case_conflicts") == [("security", "recovery:ceo")]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"who": Who("ana", "no-such", recovery=False)}, "wrong_handle_or_passphrase"),
        ({"who": Who("nobody", "no-such", recovery=False)}, "wrong_handle_or_passphrase"),
        ({"who": Who("ana", "no-such", recovery=True)}, "wrong_identity"),
        ({"reason": ""}, "reason_malformed"),
        ({"team": "securityy"}, "unknown_team"),
        ({"team": "Not a name"}, "unknown_team"),
    ],
)
def test_a_refusal_changes_nothing_and_is_noted(deployment: Deployment, given: dict[str, Any], code: str) -> None:
    reference = deployment.file().reference
    before = told(deployment, reference)
    with pytest.raises((Forbidden, Broken)) as refused:
        take_out(deployment, reference, **given)

    assert refused.value.code == code
    assert told(deployment, reference) == before
    assert deployment.rows("select count(*) from case_conflicts") == [(0,)]
    ((outcome,),) = deployment.rows("select outcome from audit where action = 'case_conflict_found'")
    assert outcome.startswith("refused_")


def test_an_unknown_case_is_refused(deployment: Deployment) -> None:
    with pytest.raises(Forbidden, match=r"^unknown_case$"):
        take_out(deployment, "CR-0000-0000-0000")


def test_it_says_who_of_the_team_had_opened_the_case(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    for handle in ("lena", "sven", "sven"):
        deployment.open(reference, handle)
    other = deployment.file("fraud").reference
    deployment.open(other, "ana")

    assert [seen.handle for seen in take_out(deployment, reference).seen_by] == ["sven"]
    assert [seen.handle for seen in take_out(deployment, other).seen_by] == ["ana"]


@pytest.mark.parametrize("opened", ["notes_opened", "messages_opened"])
def test_who_opened_what_was_written_since_is_named_too(deployment: Deployment, opened: str) -> None:
    reference = deployment.file("fraud").reference
    with transaction(deployment.console) as connection:
        note(connection, [AuditEntry("person:sven", opened, reference, detail="count:1")])

    assert [seen.handle for seen in take_out(deployment, reference).seen_by] == ["sven"]


def test_who_had_the_key_in_hand_at_that_moment_is_shown_nothing(deployment: Deployment) -> None:
    reference = deployment.file("fraud").reference
    attempt = attempted(deployment.console, OPENED, kind="person", handle="sven", reference=reference)
    key = hold_key(attempt, identify(attempt, "sven", deployment.passphrases["sven"]))

    take_out(deployment, reference)

    with pytest.raises(Forbidden, match=r"^not_a_member$"):
        shown(attempt, key, "just opening it")
    query = "select outcome from audit where action = 'case_opened' order by id"
    assert deployment.rows(query) == [("refused_not_a_member",)]


def test_the_audit_tells_who_why_and_what_became_of_it(deployment: Deployment) -> None:
    reference = deployment.file().reference
    deployment.sent(reference, "security-desk")
    take_out(deployment, reference)
    entries = deployment.rows(
        "select action, outcome, detail from audit where actor = 'person:ana' and object = :reference order by id",
        reference=reference,
    )

    assert entries == [
        ("case_conflict_found", "ok", f"team:security {REASON}"),
        ("case_key_taken", "ok", "team:security"),
        ("case_key_given", "ok", "team:legal"),
        ("case_recalled", "ok", "security-desk"),
        ("case_stopped", "ok", "6"),
        ("case_told_instead", "ok", "legal-desk"),
    ]


def test_the_case_s_own_policy_decides_though_another_is_in_force(deployment: Deployment) -> None:
    reference = deployment.file().reference
    with transaction(deployment.intake) as connection:
        policies.keep(connection, "b" * 64, "not a policy", "not channels")
        policies.activate(connection, "b" * 64)

    assert take_out(deployment, reference).keys_given == ("legal",)


def test_a_team_without_a_key_is_told_and_named_and_gets_one_later(deployment: Deployment) -> None:
    reference = deployment.file().reference
    deployment.run("update recipient_keys set retired_at = now() where owner = 'legal'")
    removed = take_out(deployment, reference)
    deployment.run("update recipient_keys set retired_at = null where owner = 'legal'")
    who = Who("ceo", deployment.recovery_identity, recovery=True)

    assert (removed.told, removed.keys_given, removed.without_key) == (("legal-desk",), (), ("legal",))
    assert take_out(deployment, reference, who=who).keys_given == ("legal",)


def test_a_key_that_was_put_in_place_of_the_case_s_own_is_not_handed_on(deployment: Deployment) -> None:
    reference, other = deployment.file().reference, deployment.file().reference
    deployment.run(
        "update cases set public = (select public from cases where reference = :other) where reference = :reference",
        other=other,
        reference=reference,
    )

    with pytest.raises(Exception, match=r"^key_swapped$"):
        take_out(deployment, reference)
    assert deployment.rows("select * from case_conflicts") == []
