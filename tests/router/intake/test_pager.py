"""Who is told that a channel fails, of what, how often, and by which other channel; and what the gauges show."""

import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, text

from router.intake.pager import Pager
from router.store.cases import record
from router.store.engine import connect, transaction
from router.store.lateness import pager_is_ours
from router.triage.policy import parse_policy
from router.vocabulary import Login, ReferralState
from tests.conftest import Database
from tests.makers import a_case, login, prepare
from tests.policies import CHANNELS, POLICY
from tests.publicpart import logged

__all__ = ["logged"]  # a fixture

MORE = """\
phone: {kind: folder, scope: internal, carries: [], readable_by: [security], path: e, page: other-phone}
other-phone: {kind: folder, scope: internal, carries: [], readable_by: [legal], path: f, page: phone}
"""
WAYS = CHANNELS.replace("path: a", "path: a, page: phone, late_after: 5m") + MORE
TICKETS = """\
security-desk: {kind: rt, scope: internal, carries: [category, severity], readable_by: [security], page: phone,
  url: "https://rt.example.org", token: "env:T", queue: Q, custom_fields: {reference: R}, proof: PROOF}
"""
DESK = "security-desk"


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    prepare(database)
    engine = connect(database.owner_dsn, process="test-owner")
    yield engine
    engine.dispose()


@pytest.fixture
def intake(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def pager(intake: Engine, rung: list[str]) -> Pager:
    return a_pager(intake, rung)


def a_pager(intake: Engine, rung: list[str], ways: str = WAYS, rules: str = POLICY) -> Pager:
    known = parse_policy(rules, ways)
    return Pager(intake, lambda: known, ring=rung.extend)


def tickets(proof: str) -> str:
    return "\n".join([TICKETS.replace("PROOF", proof), *WAYS.splitlines()[1:]])


def run(owner: Engine, statement: str, **values: Any) -> None:
    with transaction(owner) as connection:
        connection.execute(text(statement), values)


def case(owner: Engine, channel: str = DESK, *, ago: str = "6 min", **columns: Any) -> str:
    """Record a case whose referral to `channel` is as `columns` say, first due so long ago."""
    new = a_case(channels=(channel,), state=ReferralState.DUE)
    with transaction(owner) as connection:
        record(connection, [new])
    sets = "".join(f", {name} = {value}" for name, value in columns.items())
    run(
        owner,
        f"update referrals set first_due_at = clock_timestamp() - cast(:ago as interval){sets} where reference = :r",  # noqa: S608 - ours
        ago=ago,
        r=new.reference,
    )
    return new.reference


def pages(owner: Engine) -> list[tuple[str, str, str]]:
    """Return notice, what it is about and where it was posted, in order."""
    query = "select notice, about, channel from referrals where about is not null order by first_due_at, about, notice"
    with transaction(owner) as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def some_time_later(owner: Engine, span: str = "61 min") -> None:
    """Let all that was posted be so much older; the deliveries that are late stay so."""
    run(
        owner,
        "update referrals set first_due_at = first_due_at - cast(:s as interval),"
        " settled_at = settled_at - cast(:s as interval)",
        s=span,
    )


def sent(owner: Engine) -> None:
    """Let every notice be delivered, so that none of them is late in turn."""
    run(owner, "update referrals set state = 'sent', settled_at = clock_timestamp() where about is not null")


def test_what_is_late_is_told_to_whoever_the_channel_names_and_rung(
    pager: Pager, owner: Engine, rung: list[str]
) -> None:
    case(owner)
    pager.look()

    assert pages(owner) == [("delivery_late", DESK, "phone")]
    assert rung == ["phone"]


def test_a_notice_says_nothing_of_a_case(pager: Pager, owner: Engine) -> None:
    reference = case(owner)
    pager.look()
    with transaction(owner) as connection:
        ((said, shown, stated),) = connection.execute(
            text("select fields, reference, awaited from referrals where about is not null")
        )
        entries = list(
            connection.execute(text("select actor, action, object, detail from audit where actor = 'pager'"))
        )

    assert said == {"reference": shown, "revision": 1, "notice": "delivery_late", "about": DESK}
    assert shown.startswith("NOTICE-")
    assert reference[3:] not in shown
    assert stated is None
    assert entries == [("pager", "paged", shown, f"delivery_late {DESK} by phone")]


@pytest.mark.parametrize(
    ("ago", "columns"),
    [
        ("4 min", {}),
        ("9 min", {"state": "'sent'", "settled_at": "clock_timestamp()"}),
        ("9 min", {"state": "'recalled'", "settled_at": "clock_timestamp()"}),
        ("9 min", {"state": "'standby'"}),
        ("9 min", {"state": "'draft'"}),
        ("9 h", {"retried_at": "clock_timestamp() - interval '4 min'"}),
        ("-9 h", {}),
    ],
)
def test_nobody_is_told_of_what_is_not_late(pager: Pager, owner: Engine, ago: str, columns: dict[str, str]) -> None:
    case(owner, ago=ago, **columns)
    pager.look()

    assert pages(owner) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "'leased'", "lease_until": "clock_timestamp()"},
        {"due_at": "clock_timestamp() + interval '1 h'", "attempts": "7"},
        {"retried_at": "clock_timestamp() - interval '6 min'"},
    ],
)
def test_what_is_being_tried_is_late_as_well(pager: Pager, owner: Engine, columns: dict[str, str]) -> None:
    case(owner, ago="1 day", **columns)
    pager.look()

    assert pages(owner) == [("delivery_late", DESK, "phone")]


def test_one_trouble_is_told_once_though_everybody_looks_again(pager: Pager, intake: Engine, owner: Engine) -> None:
    case(owner)
    for one in (pager, pager, a_pager(intake, [])):
        one.look()
    sent(owner)
    for _ in range(3):
        some_time_later(owner)
        for one in (pager, a_pager(intake, [])):
            one.look()

    assert len(pages(owner)) == 1


def test_a_trouble_that_lasts_is_told_again_the_next_day(pager: Pager, owner: Engine) -> None:
    case(owner)
    pager.look()
    sent(owner)
    some_time_later(owner, "25 h")
    pager.look()

    assert len(pages(owner)) == 2


def test_a_new_trouble_is_told_at_most_once_an_hour(pager: Pager, owner: Engine) -> None:
    counted = []
    for _ in range(3):
        reference = case(owner)
        pager.look()
        sent(owner)
        run(owner, "update referrals set state = 'sent', settled_at = now() where reference = :r", r=reference)
        pager.look()
        counted.append(len(pages(owner)))
    some_time_later(owner)
    case(owner)
    pager.look()

    assert counted == [1, 1, 1]
    assert len(pages(owner)) == 2


def test_what_began_within_the_hour_and_lasts_is_told_when_it_is_over(pager: Pager, owner: Engine) -> None:
    reference = case(owner)
    pager.look()
    sent(owner)
    run(owner, "update referrals set state = 'sent', settled_at = now() where reference = :r", r=reference)
    pager.look()
    case(owner)
    pager.look()
    some_time_later(owner)
    pager.look()

    assert len(pages(owner)) == 2


def test_many_processes_at_once_post_one(intake: Engine, owner: Engine) -> None:
    case(owner)
    together = threading.Barrier(6)

    def look() -> None:
        pager = a_pager(intake, [])
        together.wait()
        pager.look()

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(pages(owner)) == 1


def test_a_process_leaves_it_to_the_one_that_looks(pager: Pager, owner: Engine) -> None:
    case(owner)
    with transaction(owner) as connection:
        assert pager_is_ours(connection)
        pager.look()

    assert pages(owner) == []


def test_each_death_is_news_but_not_an_old_one(pager: Pager, owner: Engine) -> None:
    dead = {"state": "'dead'", "settled_at": "clock_timestamp()"}
    case(owner, **{**dead, "settled_at": "clock_timestamp() - interval '3 days'"})
    pager.look()
    before = pages(owner)
    case(owner, **dead)
    pager.look()
    sent(owner)
    for span in ("61 min", "25 h"):
        some_time_later(owner, span)
        pager.look()
    once = pages(owner)
    case(owner, **dead)
    pager.look()

    assert before == []
    assert once == [("undeliverable", DESK, "phone")]
    assert pages(owner) == once * 2


@pytest.mark.parametrize(
    ("code", "named", "there"),
    [
        ("field_missing", "Severity", True),
        ("not_authorised", None, True),
        ("unreachable", None, False),
        ("http_500", None, False),
    ],
)
def test_a_channel_that_its_settings_keep_from_working_is_told_at_once(
    pager: Pager, owner: Engine, code: str, named: str | None, *, there: bool
) -> None:
    run(
        owner,
        "insert into channel_states (channel, breaker, until, code, named) values (:c, 'open', now(), :code, :named)",
        c=DESK,
        code=code,
        named=named,
    )
    pager.look()
    run(owner, "update channel_states set breaker = 'half_open'")
    pager.look()

    assert pages(owner) == ([("channel_held", DESK, "phone")] if there else [])


def test_a_second_ticket_is_told_once_and_each_of_them(pager: Pager, owner: Engine) -> None:
    doubled = {"state": "'sent'", "settled_at": "clock_timestamp()", "outcome": "'second_closed'"}
    for _ in range(2):
        case(owner, **doubled)
    told = []
    for _ in range(4):
        pager.look()
        sent(owner)
        told.append(len(pages(owner)))
        some_time_later(owner)

    assert told == [1, 2, 2, 2]
    assert set(pages(owner)) == {("second_ticket", DESK, "phone")}


@pytest.mark.parametrize(
    ("proof", "columns", "late"),
    [
        ("accepted", {"proof": "'accepted'"}, False),
        ("visible", {"proof": "'visible'"}, False),
        ("visible", {"proof": "'accepted'"}, True),
        ("visible", {"proof": "'visible'", "outcome": "'gone'"}, True),
        ("visible", {"proof": "'accepted'", "state": "'acknowledged'"}, False),
        ("acknowledged", {"proof": "'visible'"}, True),
        ("acknowledged", {"proof": "'visible'", "notice": "'instead'"}, True),
        ("acknowledged", {"proof": "'visible'", "notice": "'drill'"}, True),
        ("acknowledged", {"proof": "'visible'", "notice": "'reminder'"}, False),
        ("acknowledged", {"proof": "'visible'", "state": "'acknowledged'"}, False),
        ("acknowledged", {"proof": "'visible'", "look_at": "null"}, False),
    ],
)
def test_what_counts_as_arrived_is_what_the_channel_is_to_prove(
    intake: Engine, owner: Engine, proof: str, columns: dict[str, str], *, late: bool
) -> None:
    sent_so = {"state": "'sent'", "settled_at": "clock_timestamp()", "look_at": "clock_timestamp()"}
    case(owner, ago="16 min", **{**sent_so, **columns})
    a_pager(intake, [], tickets(proof)).look()

    assert bool(pages(owner)) is late


@pytest.mark.parametrize(
    ("failing", "told"),
    [
        (("security-desk",), "phone"),
        (("security-desk", "phone"), "other-phone"),
        (("security-desk", "phone", "other-phone"), "legal-desk"),
        (("security-desk", "phone", "other-phone", "legal-desk"), "ombuds-desk"),
        (("phone",), "other-phone"),
        (("legal-desk",), "ombuds-desk"),
        (("ombuds-desk",), "legal-desk"),
    ],
)
def test_nobody_is_told_by_a_channel_that_fails_itself(
    pager: Pager, owner: Engine, failing: tuple[str, ...], told: str
) -> None:
    for channel in failing:
        case(owner, channel, ago="16 min")
    pager.look()

    assert {to for _, about, to in pages(owner) if about == failing[0]} == {told}
    assert {about for _, about, _ in pages(owner)} == set(failing)


def test_a_channel_that_is_left_alone_tells_nobody_anything(pager: Pager, owner: Engine) -> None:
    run(
        owner,
        "insert into channel_states (channel, breaker, until, code) values ('phone', 'open', now(), 'unreachable')",
    )
    case(owner)
    pager.look()

    assert pages(owner) == [("delivery_late", DESK, "other-phone")]


def test_when_nobody_can_be_told_the_log_says_so_once_and_readiness_until_it_is_over(
    pager: Pager, owner: Engine, logged: StringIO
) -> None:
    for channel in ("security-desk", "phone", "other-phone", "legal-desk", "ombuds-desk"):
        case(owner, channel, ago="16 min")
    for _ in range(2):
        pager.look()
    degraded = pager.degraded()
    run(owner, "update referrals set state = 'sent', settled_at = now() where channel = 'ombuds-desk'")
    pager.look()

    assert degraded == ["nobody_to_page"]
    assert logged.getvalue().count('"nobody_to_page"') == 5
    assert pager.degraded() == []
    assert {to for _, _, to in pages(owner)} == {"ombuds-desk"}


def test_a_notice_that_fails_is_told_of_in_turn_and_no_more_often(pager: Pager, owner: Engine) -> None:
    case(owner)
    for _ in range(5):
        pager.look()
        run(owner, "update referrals set state = 'dead', settled_at = clock_timestamp() where about is not null")

    assert pages(owner) == [
        ("delivery_late", DESK, "phone"),
        ("undeliverable", "phone", "other-phone"),
        ("undeliverable", "other-phone", "phone"),
    ]


def test_a_channel_that_the_policy_dropped_is_looked_after_while_something_waits_for_it(
    pager: Pager, owner: Engine
) -> None:
    case(owner, "dropped", ago="16 min")
    pager.look()

    assert pages(owner) == [("delivery_late", "dropped", "legal-desk")]


def gauge(name: str, channel: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"channel": channel})


def test_the_gauges_show_each_channel_and_forget_one_that_is_no_more(
    pager: Pager, intake: Engine, owner: Engine
) -> None:
    case(owner, "dropped", ago="7 min")
    case(owner, "dropped", ago="3 min", state="'dead'", settled_at="clock_timestamp()")
    run(owner, "insert into channel_states (channel, breaker, until, code) values ('phone', 'half_open', now(), 'x')")
    pager.look()
    shown = {name: gauge(f"channel_{name}", "dropped") for name in ("due", "dead", "breaker")}
    oldest_s = gauge("channel_oldest_due_seconds", "dropped")
    run(owner, "delete from referrals where channel = 'dropped'")
    a_pager(intake, []).look()

    assert shown == {"due": 1, "dead": 1, "breaker": 0}
    assert oldest_s is not None
    assert 420 <= oldest_s < 480
    assert gauge("channel_breaker", "phone") == 1
    assert gauge("channel_due", DESK) == 0
    assert {gauge(f"channel_{name}", "dropped") for name in ("due", "oldest_due_seconds", "dead")} == {0}
