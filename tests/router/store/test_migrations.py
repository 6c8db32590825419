"""The migrations make what `tables.py` says, and undo it."""

from datetime import UTC, datetime

import psycopg
import pytest
from alembic import command
from sqlalchemy import Engine, inspect

from router.store import engine
from router.store.casefile import whole
from router.store.cases import record
from router.store.engine import transaction
from router.store.notices import post_notice
from router.store.referrals import lease
from router.store.upgrade import alembic_config, upgrade
from router.vocabulary import Login, Notice, ReferralState
from tests.conftest import Database
from tests.makers import a_case, prepare


def test_the_schema_is_what_the_tables_say(owner: Engine) -> None:
    with transaction(owner) as connection:
        command.check(alembic_config(connection))


def test_down_and_up_again_leaves_the_same_schema(owner: Engine) -> None:
    with transaction(owner) as connection:
        before = set(inspect(connection).get_table_names())
        command.downgrade(alembic_config(connection), "base")
    with transaction(owner) as connection:
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
        command.upgrade(alembic_config(connection), "head")
    with transaction(owner) as connection:
        command.check(alembic_config(connection))
        after = set(inspect(connection).get_table_names())

    assert after == before


def test_a_big_table_may_take_as_long_as_it_takes(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    # Patched: no table of a test is big enough.
    monkeypatch.setattr(engine, "STATEMENT_TIMEOUT_MS", 1)

    upgrade(database.owner_dsn, {login: login.value for login in Login})


AT_0002 = """
    insert into policies (digest, policy, channels) values ('p', '', '');
    insert into cases (reference, received_at, category, severity, route, policy, facts, decision, respond_by,
                       suite, public)
    values ('CR-0000-0000-0000', now(), 'other', 0, 'r', 'p', '{}', '{"teams": [], "avoided": []}',
            '2026-11-30T09:00:00Z', 's', '');
    insert into referrals (id, reference, channel, kind, policy, state, fields)
    values ('one', 'CR-0000-0000-0000', 'desk', 'webhook', 'p', 'due',
            '{"reference": "CR-0000-0000-0000", "revision": 1, "respond_by": "2026-11-30T09:00:00Z"}'),
           ('two', 'CR-0000-0000-0000', 'hr', 'webhook', 'p', 'sent', '{"reference": "CR-0000-0000-0000"}')
"""


def test_what_waited_to_be_sent_is_readable_after_the_upgrade_and_after_the_way_back(owner: Engine) -> None:
    with transaction(owner) as connection:
        command.downgrade(alembic_config(connection), "0002")
        for statement in AT_0002.split(";"):
            connection.exec_driver_sql(statement)
        before = connection.exec_driver_sql("select id, fields, state from referrals order by id").all()

        command.upgrade(alembic_config(connection), "head")
        [leased] = lease(connection, "desk", limit=9, lease_s=60)
        case = whole(connection, "CR-0000-0000-0000")
        connection.exec_driver_sql("update referrals set state = 'due', lease_until = null where id = 'one'")
        command.downgrade(alembic_config(connection), "0002")
        after = connection.exec_driver_sql("select id, fields, state from referrals order by id").all()
        by = connection.exec_driver_sql("select respond_by from cases").scalar_one()

    assert leased.readable
    assert leased.fields.claim_by == by == datetime(2026, 11, 30, 9, tzinfo=UTC)
    assert case is not None
    assert {row["awaited"]: row["by"] for row in case["deadlines"]} == {"claim": by, "decide": by}
    assert after == before


def test_the_way_back_withdraws_what_only_this_version_can_say(owner: Engine, database: Database) -> None:
    prepare(database)
    case = a_case(channels=("desk", "hr"))
    with transaction(owner) as connection:
        record(connection, [case])
        connection.exec_driver_sql("update referrals set notice = 'reminder', state = 'standby' where channel = 'hr'")
        post_notice(
            connection,
            reference="NOTICE-0000-0000-0000",
            channel="desk",
            kind="webhook",
            policy="p",
            notice=Notice.POLICY_REFUSED,
        )

        command.downgrade(alembic_config(connection), "0002")
        rows = connection.exec_driver_sql("select reference, channel, state from referrals order by channel").all()

    assert list(map(tuple, rows)) == [(case.reference, "desk", "due"), (case.reference, "hr", "recalled")]


def test_the_way_back_to_three_withdraws_what_stands_in_and_what_tells_of_a_channel(
    owner: Engine, database: Database
) -> None:
    prepare(database)
    case = a_case(channels=("desk", "hr", "phone"))
    with transaction(owner) as connection:
        record(connection, [case])
        connection.exec_driver_sql("update referrals set instead_of = 'hr', state = 'standby' where channel = 'desk'")
        connection.exec_driver_sql("update referrals set retried_at = now(), unsure = 2, proof = 'visible'")
        post_notice(
            connection,
            reference="NOTICE-0000-0000-0000",
            channel="desk",
            kind="webhook",
            policy="p",
            notice=Notice.DELIVERY_LATE,
            about="phone",
        )

        command.downgrade(alembic_config(connection), "0003")
        rows = connection.exec_driver_sql("select channel, state, notice from referrals order by channel, state").all()
        command.upgrade(alembic_config(connection), "head")
        again = connection.exec_driver_sql("select distinct unsure, proof, retried_at, looks from referrals").all()

    assert list(map(tuple, rows)) == [
        ("desk", "recalled", None),
        ("desk", "recalled", "delivery_late"),
        ("hr", "due", None),
        ("phone", "due", None),
    ]
    assert list(map(tuple, again)) == [(0, None, None, 0)]


AT_0006 = """
    insert into people (handle) values ('ana'), ('tom');
    insert into member_keys (key_id, handle, suite, public, wrapped_private, kdf, salt)
    values ('m', 'ana', 's', '', '', '', '');
    insert into people_roles (handle, role, given_by) values ('tom', 'custodian', 'ana');
    insert into sealed_messages (reference, from_staff, kind, written_by, suite, for_case, for_receipt)
    select reference, true, 'question', 'ana', 's', '', '' from cases;
    insert into sealed_messages (reference, from_staff, kind, suite, for_case)
    select reference, false, 'addition', 's', '' from cases;
    insert into drafts (referral, drafted_by, digest, needed, expires_at)
    select id, case channel when 'police' then 'person:ana' else 'policy' end, 'd', 1, now() from referrals;
    insert into approvals (referral, digest, handle, verdict, reason)
    select referral, 'd', 'tom', 'approved', 'x' from drafts
"""


def test_the_way_back_to_five_and_forth_lets_nobody_approve_their_own_and_makes_nobody_a_reviewer(
    owner: Engine, database: Database
) -> None:
    prepare(database)
    case = a_case(channels=("police", "hotline"), state=ReferralState.DRAFT)
    with transaction(owner) as connection:
        record(connection, [case])
        connection.exec_driver_sql(AT_0006)

        command.downgrade(alembic_config(connection), "0005")
        command.upgrade(alembic_config(connection), "head")
        states = connection.exec_driver_sql("select channel, state from referrals order by channel").all()
        roles = connection.exec_driver_sql("select handle, role from people_roles order by role").all()
        left = connection.exec_driver_sql("select from_staff from sealed_messages").all()

    assert list(map(tuple, states)) == [("hotline", "draft"), ("police", "recalled")]
    assert list(map(tuple, roles)) == [("ana", "administrator"), ("ana", "reviewer")]
    assert list(map(tuple, left)) == [(False,)]


def test_the_way_back_to_eight_withdraws_what_tells_of_reporters_words_and_of_floods_and_forth_keeps_all(
    owner: Engine, database: Database
) -> None:
    prepare(database)
    case = a_case(channels=("desk", "hr", "phone", "chat"))
    with transaction(owner) as connection:
        record(connection, [case])
        for channel, notice, state in (("hr", "reporter_wrote", "standby"), ("chat", "withdrawal_asked", "due")):
            connection.exec_driver_sql(
                "update referrals set notice = %s, state = %s where channel = %s", (notice, state, channel)
            )
        connection.exec_driver_sql("update referrals set state = 'standby' where channel = 'phone'")
        connection.exec_driver_sql(AT_0011)
        post_notice(
            connection,
            reference="NOTICE-0000-0000-0000",
            channel="desk",
            kind="webhook",
            policy="p",
            notice=Notice.FLOOD,
        )

        command.downgrade(alembic_config(connection), "0008")
        rows = connection.exec_driver_sql("select channel, state, notice from referrals order by channel, state").all()
        ended = connection.exec_driver_sql("select state, outcome from cases").all()
        command.upgrade(alembic_config(connection), "head")
        kinds = connection.exec_driver_sql("select kind from sealed_messages order by id").scalars().all()

    assert list(map(tuple, rows)) == [
        ("chat", "recalled", "withdrawal_asked"),
        ("desk", "due", None),
        ("desk", "recalled", "flood"),
        ("hr", "recalled", "reporter_wrote"),
        ("phone", "standby", None),
    ]
    assert list(map(tuple, ended)) == [("withdrawn", "no_action")]
    assert kinds == ["question", "addition", "addition"]


AT_0011 = """
    insert into people (handle) values ('ana');
    insert into flood_links (reference, flood, waits_until) select reference, 'FLOOD-1', now() from cases;
    insert into kept_answers (id, sealed, ends_at) values (decode(repeat('00', 32), 'hex'), '', now());
    insert into sealed_messages (reference, from_staff, kind, written_by, suite, for_case, for_receipt)
    select reference, true, 'question', 'ana', 's', '', '' from cases;
    insert into sealed_messages (reference, from_staff, kind, suite, for_case)
    select reference, false, kind, 's', '' from cases, unnest(array['answer', 'withdrawal']) as kind;
    update cases set state = 'withdrawn', outcome = 'withdrawn', closed_at = now(), reporter_wrote_at = now()
"""
