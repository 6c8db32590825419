"""A team in conflict is taken out of a case: by whom, which keys change hands, what the audit tells of it."""

from datetime import timedelta
from typing import Any

import pytest

from router.console.attempt import attempted
from router.console.conflict import Who
from router.console.opening import OPENED, hold_key, identify, shown
from router.errors import Broken, Forbidden
from router.model import AuditEntry
from router.store import policies
from router.store.audit import note
from router.store.engine import transaction
from tests.router.console.conflicts import REASON, take_out, told
from tests.router.console.deployments import WRITTEN, Deployment


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
