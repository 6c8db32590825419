"""Mails of fixed times: one for each time and channel, however many look and whatever there is."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import Engine, text

from router.intake.digests import Digests
from router.store.drills import schedule_is_ours
from router.store.engine import connect, transaction
from router.triage.policy import Policy, parse_policy
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.policies import CHANNELS, POLICY

MAIL: Final = (
    "kind: mail, scope: internal, carries: [], readable_by: [security], url: 'smtp://mail.example.org', "
    "sender: a@example.org, to: b@example.org, look_at: 'https://c.example.org', late_after: 2d"
)
HOURLY: Final = ", ".join(f'"{hour:02}:00"' for hour in range(24))


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_dsn, process="test-owner")
    yield engine
    engine.dispose()


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


def rows(owner: Engine, query: str = "select channel, state, notice, reference from referrals order by 1") -> list[Any]:
    with transaction(owner) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def policy() -> Policy:
    channels = f"{CHANNELS}\nbell: {{{MAIL}, digest: {{at: [{HOURLY}], zone: UTC}}}}\nother: {{{MAIL}}}\n"
    return parse_policy(POLICY, channels)


def schedule(intake: Engine, rung: list[str] | None = None) -> Digests:
    heard = [] if rung is None else rung
    return Digests(intake, policy, ring=heard.extend)


def end(owner: Engine, *, hours_ago: float = 0) -> None:
    """Let what is under way have been sent, so long ago."""
    with transaction(owner) as connection:
        connection.execute(text("update referrals set state = 'sent', settled_at = clock_timestamp()"))
        moved = "update referrals set first_due_at = first_due_at - make_interval(secs => :s)"
        connection.execute(text(moved), {"s": 3600 * hours_ago})


def test_a_mail_is_posted_and_rung_though_there_is_nothing_to_tell(intake: Engine, owner: Engine) -> None:
    rung: list[str] = []
    schedule(intake, rung).post_due()

    assert [row[:3] for row in rows(owner)] == [("bell", "due", "digest")]
    assert rows(owner)[0][3].startswith("NOTICE-")
    assert rung == ["bell"]
    assert rows(owner, "select actor, action, detail from audit") == [("schedule", "digest_posted", "bell")]


def test_one_time_has_one_mail(intake: Engine, owner: Engine) -> None:
    for _ in range(3):
        schedule(intake).post_due()
        end(owner)

    assert len(rows(owner)) <= 2, "the test itself may run over a full hour"


def test_none_is_posted_while_one_is_under_way(intake: Engine, owner: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule(intake).post_due()
    later = "select clock_timestamp() + interval '5 hours'"
    monkeypatch.setattr(
        "router.intake.digests.now", lambda connection: connection.execute(text(later)).scalar_one()
    )  # five hours cannot be waited for
    schedule(intake).post_due()
    under_way = len(rows(owner))
    end(owner)
    schedule(intake).post_due()
    schedule(intake).post_due()

    assert (under_way, len(rows(owner))) == (1, 2)


def test_whoever_holds_the_schedule_posts_and_nobody_else(intake: Engine, owner: Engine) -> None:
    with transaction(owner) as connection:
        assert schedule_is_ours(connection)
        schedule(intake).post_due()

    assert rows(owner) == []
