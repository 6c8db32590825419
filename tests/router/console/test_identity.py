"""Who reported is learnt with a custodian's yes, by whoever asked, for some days; and the reporter is told."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from router.console import identity
from router.console.acting import By
from router.console.policies import Policies
from router.errors import Forbidden
from router.model import Content
from router.store import byreceipt, identities
from router.store.engine import transaction
from router.vocabulary import Identity
from tests.router.console.approvers import person
from tests.router.console.deployments import WRITTEN, Deployment

WHY = "must call them back"


def ask(deployment: Deployment, reference: str, handle: str = "sven") -> int:
    return identity.ask(deployment.console, By(reference, handle, ""), reason=WHY)


def decide(deployment: Deployment, request: int, handle: str = "carl", *, grant: bool = True) -> None:
    policies = Policies(deployment.console)
    identity.decide(deployment.console, policies, request=request, handle=handle, grant=grant, reason="there is need")


def may(deployment: Deployment, reference: str, handle: str = "sven") -> bool:
    with transaction(deployment.console) as connection:
        return identities.may_see_contact(connection, reference, handle)


def last(deployment: Deployment) -> tuple[str, ...]:
    [row] = deployment.rows("select actor, action, object, outcome from audit order by id desc limit 1")
    return tuple(row)


def test_without_custodians_whoever_opens_a_case_sees_who_reported(deployment: Deployment) -> None:
    reference = deployment.file().reference

    assert deployment.open(reference, "sven") == WRITTEN
    with pytest.raises(Forbidden, match=r"^no_custodian$"):
        ask(deployment, reference)


def test_with_custodians_nobody_does_until_one_says_so_and_then_only_who_asked(deployment: Deployment) -> None:
    person(deployment, "carl", role="custodian")
    reference = deployment.file("fraud").reference
    other = deployment.file("fraud").reference
    opened = deployment.open(reference, "sven")
    assert (opened.narrative, opened.contact) == (WRITTEN.narrative, None)

    decide(deployment, ask(deployment, reference))

    assert deployment.open(reference, "sven") == WRITTEN
    assert not may(deployment, reference, "lena")
    assert not may(deployment, other)
    lines = deployment.rows("select actor, action, object, detail from audit where action like 'identity%' order by id")
    assert lines == [
        ("person:sven", "identity_asked", reference, WHY),
        ("person:carl", "identity_granted", reference, "person:sven there is need"),
    ]


def test_who_gave_their_name_openly_is_seen_without_asking_anybody(deployment: Deployment) -> None:
    person(deployment, "carl", role="custodian")
    named = Content("MARKED-7f3a", "MARKED-7f3a contact", named=True)
    reference = deployment.file(written=named).reference
    nameless = deployment.file(written=Content("MARKED-7f3a", None)).reference

    assert deployment.open(reference, "sven") == named
    assert deployment.open(nameless, "sven").identity is Identity.ANONYMOUS
    assert deployment.open(deployment.file().reference, "sven").withheld


def test_a_no_shows_nothing_and_they_may_ask_again(deployment: Deployment) -> None:
    person(deployment, "carl", role="custodian")
    reference = deployment.file().reference
    decide(deployment, ask(deployment, reference), grant=False)

    assert not may(deployment, reference)
    assert ask(deployment, reference)


def test_what_was_granted_ends(deployment: Deployment) -> None:
    person(deployment, "carl", role="custodian")
    reference = deployment.file().reference
    decide(deployment, ask(deployment, reference))
    with pytest.raises(Forbidden, match=r"^already_granted$"):
        ask(deployment, reference)
    [[days]] = deployment.rows("select expires_at - decided_at from identity_requests")
    assert days == timedelta(days=identities.GRANTED_DAYS)
    deployment.run("update identity_requests set expires_at = now()")

    assert not may(deployment, reference)
    assert ask(deployment, reference)


@pytest.mark.parametrize(
    ("handle", "arranged", "code"),
    [
        ("Sven", "", "asked_it"),
        ("tom", "", "role_missing"),
        ("carl", "update people set disabled_at = now() where handle = 'carl'", "disabled_person"),
        ("carl", "insert into recusals (reference, handle) select reference, 'carl' from cases", "recused"),
        ("lena", "", "in_conflict"),
        ("una", "", "person_named"),
        ("nobody", "", "unknown_person"),
        ("carl", "update identity_requests set expires_at = now()", "request_expired"),
        ("carl", "delete from people_roles where handle = 'sven' and role = 'reviewer'", "asker_may_not"),
        ("carl", "insert into recusals (reference, handle) select reference, 'sven' from cases", "asker_may_not"),
    ],
)
def test_who_asked_or_is_involved_does_not_decide(
    deployment: Deployment, handle: str, arranged: str, code: str
) -> None:
    person(deployment, "carl", "sven", "lena", "una", role="custodian")
    person(deployment, "tom")
    reference = deployment.file(involves=["legal"], subject_handle="una@corp.example").reference
    request = ask(deployment, reference)
    if arranged:
        deployment.run(arranged)

    with pytest.raises(Forbidden, match=rf"^{code}$"):
        decide(deployment, request, handle)
    assert last(deployment) == (f"person:{handle.lower()}", "identity_granted", reference, f"refused_{code}")
    assert not may(deployment, reference)


def test_who_may_not_open_the_case_may_not_ask_either(deployment: Deployment) -> None:
    person(deployment, "carl", role="custodian")
    reference = deployment.file().reference

    with pytest.raises(Forbidden, match=r"^not_a_member$"):
        ask(deployment, reference, "lena")
    assert last(deployment) == ("person:lena", "identity_asked", reference, "refused_not_a_member")


def test_of_two_custodians_at_once_one_decides(deployment: Deployment) -> None:
    person(deployment, "carl", "dora", role="custodian")
    request = ask(deployment, deployment.file().reference)

    def attempt(given: tuple[str, bool]) -> str:
        try:
            decide(deployment, request, given[0], grant=given[1])
        except Forbidden as error:
            return error.code
        return "decided"

    with ThreadPoolExecutor(2) as pool:
        ended = sorted(pool.map(attempt, [("carl", True), ("dora", False)]))

    assert ended == ["already_decided", "decided"]


def test_one_asks_once_until_somebody_decides(deployment: Deployment) -> None:
    person(deployment, "carl", role="custodian")
    reference = deployment.file().reference
    ask(deployment, reference)

    with pytest.raises(Forbidden, match=r"^already_asked$"):
        ask(deployment, reference)

    deployment.run("update identity_requests set expires_at = now()")
    assert ask(deployment, reference)
    assert deployment.rows("select verdict from identity_requests order by id") == [("expired",), (None,)]


def test_the_reporter_is_told_when_and_not_whom(deployment: Deployment) -> None:
    person(deployment, "carl", role="custodian")
    reference = deployment.file().reference
    deployment.run("update cases set receipt_lookup = 'look', receipt_public = 'key' where reference = :r", r=reference)
    decide(deployment, ask(deployment, reference))
    with transaction(deployment.intake) as connection:
        found = byreceipt.find(connection, b"look")

    assert found is not None
    assert [found.identified_at] == [
        tuple(row[0] for row in deployment.rows("select decided_at from identity_requests"))
    ]
