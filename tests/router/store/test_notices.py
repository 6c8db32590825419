"""Referrals that belong to no case: told once, never taken for a case."""

import pytest
from pydantic import TypeAdapter
from sqlalchemy import Connection, text

from router.errors import StoreFailed
from router.store.backlog import due_channels
from router.store.engine import transaction
from router.store.notices import post_notice, reference_about
from router.store.referrals import lease
from router.vocabulary import Login, Notice, ReferralReference
from tests.conftest import Database
from tests.makers import login

POLICY = "a" * 64


def post(connection: Connection, reference: str, *, channel: str = "desk") -> bool:
    notice = Notice.POLICY_REFUSED
    return post_notice(connection, reference=reference, channel=channel, kind="webhook", policy=POLICY, notice=notice)


@pytest.mark.parametrize("kind", [Login.INTAKE, Login.CONSOLE])
def test_a_notice_is_due_at_once_and_known_for_what_it_is(database: Database, kind: Login) -> None:
    reference = reference_about("MARKED")
    with login(database, kind) as engine, transaction(engine) as connection:
        assert post(connection, reference)

    with login(database, Login.WORKER) as engine, transaction(engine) as connection:
        assert due_channels(connection, longest_s=30) == ["desk"]
        [leased] = lease(connection, "desk", limit=9, lease_s=30)
        row = connection.execute(text("select notice, case_reference from referrals")).one()
    assert (leased.fields.reference, leased.fields.notice) == (reference, Notice.POLICY_REFUSED)
    assert tuple(row) == ("policy_refused", None)


def test_the_same_notice_is_posted_once_to_each_channel(database: Database) -> None:
    reference = reference_about("MARKED")
    with login(database, Login.INTAKE) as engine:
        posted = []
        for channel in ("desk", "desk", "other"):
            with transaction(engine) as connection:
                posted.append(post(connection, reference, channel=channel))

    assert posted == [True, False, True]


def test_a_notice_cannot_pass_for_a_case(database: Database) -> None:
    with login(database, Login.INTAKE) as engine, pytest.raises(StoreFailed), transaction(engine) as connection:
        post(connection, "CR-0123-4567-89AB")


def test_a_reference_says_only_whether_it_is_about_the_same() -> None:
    about = [reference_about("a", "b"), reference_about("a", "b"), reference_about("a", "c"), reference_about("ab")]

    assert about[0] == about[1]
    assert len(set(about)) == 3
    assert [TypeAdapter(ReferralReference).validate_python(reference) for reference in about] == about
