"""Wrong receipts: one answer after one time, whatever is wrong; a right one at once; and operators see how many."""

import asyncio
import math
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine
from starlette.types import ASGIApp, Message

from router.clock import CROCKFORD, grouped_code
from router.intake.limits import Quotas
from router.reporter.following import guesses
from router.reporter.following.guesses import HOLD_S, SLOWED_S, Guesses
from router.store.engine import transaction
from router.store.wrongreceipts import within_the_hour
from router.telemetry import WRONG_RECEIPTS
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.publicpart import LEAST, Start
from tests.router.reporter.test_pages import receipt_in

TRIES = 10_000
AT_ONCE = 4
ODD = 4.5
"""Standard errors: what equal distributions differ by once in 150,000 times."""


async def ask(app: ASGIApp, receipt: str, address: str) -> tuple[float, bytes]:
    """Follow a receipt up from a network address; return the seconds, and all that was answered."""
    body, sent = urlencode({"receipt": receipt}).encode(), []
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/follow-up",
        "raw_path": b"/follow-up",
        "query_string": b"",
        "root_path": "",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": (address, 4711),
        "headers": [(b"content-type", b"application/x-www-form-urlencoded")],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(repr((message.get("status"), message.get("headers"), message.get("body"))).encode())

    began = time.perf_counter()
    await app(scope, receive, send)
    return time.perf_counter() - began, b"".join(sent)


async def ask_all(app: ASGIApp, tries: Sequence[tuple[str, str, str]], at_once: int) -> list[tuple[str, float, bytes]]:
    """Try all of (what it is, receipt, address), so many at once; return what each took and was answered."""
    turns = asyncio.Semaphore(at_once)

    async def one(what: str, receipt: str, address: str) -> tuple[str, float, bytes]:
        async with turns:
            return (what, *await ask(app, receipt, address))

    return await asyncio.gather(*(one(*tried) for tried in tries))


def wrong_receipts(right: str) -> Mapping[str, Any]:
    """Return a maker of receipts for each way in which one can be wrong."""

    def close() -> str:
        place = random.choice([n for n, sign in enumerate(right) if sign != "-"])
        other = random.choice(CROCKFORD.replace(right[place], ""))
        return right[:place] + other + right[place + 1 :]

    return {
        "empty": lambda: "",
        "too short": lambda: grouped_code(5),
        "no such sign": lambda: grouped_code(6)[:-1] + "U",
        "one sign off": close,
        "unknown": lambda: grouped_code(6),
    }


def standard_errors(one: Sequence[float], others: Sequence[float]) -> float:
    """Return how far `one` and `others` differ by rank (Mann-Whitney): near 0 if they are of one distribution."""
    ranked = sorted([(value, True) for value in one] + [(value, False) for value in others])
    ranks = sum(rank for rank, (_, mine) in enumerate(ranked, 1) if mine)
    n, m = len(one), len(others)
    wins = ranks - n * (n + 1) / 2
    return (wins - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def test_ten_thousand_wrong_receipts_tell_nothing_by_answer_or_time_and_keep_no_right_one_out(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched: without the pause that hides them, also small differences in the work would show."""
    monkeypatch.setattr(guesses, "MOST_HELD", 0)
    public = start()
    right = receipt_in(public.post("/report", data=LEAST).text)
    makers = wrong_receipts(right)
    tries = [(what, makers[what](), f"192.0.2.{n % 250}") for n, what in enumerate([*makers] * (TRIES // len(makers)))]
    tries += [("right", right, "192.0.2.1")] * 20
    random.shuffle(tries)
    before = WRONG_RECEIPTS._value.get()

    seen = asyncio.run(ask_all(public.app, tries, AT_ONCE))

    wrong = [(what, took) for what, took, _ in seen if what != "right"]
    assert len({answer for what, _, answer in seen if what != "right"}) == 1
    assert all(b"(200," in answer for what, _, answer in seen if what == "right")
    for name in makers:
        mine, others = [t for what, t in wrong if what == name], [t for what, t in wrong if what != name]
        assert abs(standard_errors(mine, others)) < ODD, (name, statistics.median(mine), statistics.median(others))
    assert WRONG_RECEIPTS._value.get() - before == TRIES


def test_a_network_that_guesses_waits_and_whoever_has_a_right_receipt_there_does_not(start: Start) -> None:
    public = start(wrong_receipts_per_hour=3)
    right = receipt_in(public.post("/report", data=LEAST).text)

    async def all_of_it() -> tuple[list[float], list[float], list[float], float]:
        first = await ask_all(public.app, [("", "0000", "192.0.2.9")] * 3, 3)
        elsewhere = ask_all(public.app, [("", "0000", "192.0.2.8"), ("", grouped_code(6), "192.0.2.8")], 2)
        slowed = ask_all(public.app, [("", "0000", "192.0.2.9"), ("", grouped_code(6), "192.0.2.9")], 2)
        good = ask(public.app, right, "192.0.2.9")
        later, other, (took, answer) = await asyncio.gather(slowed, elsewhere, good)
        assert b"(200," in answer
        return [t for _, t, _ in first], [t for _, t, _ in other], [t for _, t, _ in later], took

    first, elsewhere, slowed, good = asyncio.run(all_of_it())

    assert all(HOLD_S <= took < SLOWED_S for took in (*first, *elsewhere))
    assert all(took >= SLOWED_S for took in slowed)
    assert good < SLOWED_S


def guess(held: Guesses, times: int) -> None:
    async def all_of_them() -> None:
        since = asyncio.get_running_loop().time()
        await asyncio.gather(*(held.hold(f"network {n}", since) for n in range(times)))

    asyncio.run(all_of_them())


@pytest.fixture
def intake(database: Database) -> Any:
    with login(database, Login.INTAKE) as engine:
        yield engine


def test_operators_see_when_many_are_wrong_over_all_processes(intake: Engine, logged: StringIO) -> None:
    one, other = (Guesses(intake, Quotas(), most_an_hour=5, hold_s=0) for _ in range(2))
    guess(one, 3)
    one.look()
    alone = one.degraded()
    guess(other, 2)
    other.look()
    one.look()

    assert alone == []
    assert one.degraded() == other.degraded() == ["receipts_guessed"]
    assert logged.getvalue().count('"event": "receipts_guessed"') == 1
    assert '"count": 5' in logged.getvalue()


def test_what_could_not_be_written_down_is_not_forgotten(intake: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched: a database that is away."""
    held = Guesses(intake, Quotas(), most_an_hour=2, hold_s=0)
    guess(held, 2)
    with monkeypatch.context() as away:
        away.setattr(guesses, "transaction", lambda _engine: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            held.look()
    held.look()

    with transaction(intake) as connection:
        assert within_the_hour(connection) == 2
