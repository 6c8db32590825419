"""What a person is told of, and how often: late, dead, held or doubled, by one of many processes."""

import threading

import pytest
from sqlalchemy import Engine, text

from router.intake.pager import Pager
from router.store.engine import transaction
from router.store.lateness import pager_is_ours
from tests.router.intake.pagers import (
    DESK,
    a_pager,
    case,
    intake,
    owner,
    pager,
    pages,
    run,
    rung,
    sent,
    some_time_later,
)

__all__ = ["intake", "owner", "pager", "rung"]  # fixtures


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


CLOSED_THERE = {"state": "'acknowledged'", "settled_at": "clock_timestamp()", "ticket": "'resolved'"}
CLOSED_HERE = CLOSED_THERE | {"ticket": "'open'"}


def _agreed(owner: Engine, ago: str, **columns: str) -> str:
    """Record a case whose ticket is as `columns` say, and that or the case's end since so long ago."""
    since = {"ticket_at": f"clock_timestamp() - interval '{ago}'"}
    if columns["ticket"] != "'resolved'":
        since["case_closed_at"] = since["ticket_at"]
    return case(owner, ago="3 d", **{**columns, **since})


@pytest.mark.parametrize(("columns", "notice"), [(CLOSED_THERE, "closed_there"), (CLOSED_HERE, "closed_here")])
def test_a_ticket_and_a_case_that_disagree_for_half_an_hour_are_told_once(
    pager: Pager, owner: Engine, columns: dict[str, str], notice: str
) -> None:
    _agreed(owner, "29 min", **columns)
    pager.look()
    early = pages(owner)
    run(owner, "update referrals set ticket_at = ticket_at - interval '2 min', case_closed_at = null")
    if notice == "closed_here":
        run(owner, "update referrals set case_closed_at = ticket_at where about is null")
    pager.look()
    sent(owner)
    some_time_later(owner)
    hour = "interval '61 min'"
    run(owner, f"update referrals set ticket_at = ticket_at - {hour}, case_closed_at = case_closed_at - {hour}")  # noqa: S608 - ours
    pager.look()

    assert early == []
    assert pages(owner) == [(notice, DESK, "phone")]


@pytest.mark.parametrize(
    "columns",
    [
        CLOSED_THERE | {"case_closed_at": "clock_timestamp()"},
        CLOSED_HERE | {"case_closed_at": "null"},
        CLOSED_THERE | {"ticket": "null"},
    ],
    ids=["both closed", "both open", "nobody knows"],
)
def test_a_ticket_and_a_case_that_agree_are_nobodys_trouble(
    pager: Pager, owner: Engine, columns: dict[str, str]
) -> None:
    case(owner, ago="3 d", ticket_at="clock_timestamp() - interval '40 min'", **columns)
    pager.look()

    assert pages(owner) == []


def test_another_disagreement_is_told_after_an_hour_and_a_recalled_ticket_never(pager: Pager, owner: Engine) -> None:
    recalled = _agreed(owner, "40 min", **CLOSED_THERE)
    run(
        owner,
        "insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)"
        " select 'two', reference, channel, kind, 2, policy, 'sent', fields, 'recalled'"
        " from referrals where reference = :r",
        r=recalled,
    )
    pager.look()
    none = pages(owner)
    _agreed(owner, "40 min", **CLOSED_THERE)
    pager.look()
    sent(owner)
    _agreed(owner, "31 min", **CLOSED_THERE)
    pager.look()
    within_an_hour = len(pages(owner))
    run(owner, "update referrals set first_due_at = first_due_at - interval '61 min' where about is not null")
    _agreed(owner, "30 min 1 s", **CLOSED_THERE)
    pager.look()

    assert none == []
    assert within_an_hour == 1
    assert [notice for notice, _, _ in pages(owner)] == ["closed_there"] * 2
