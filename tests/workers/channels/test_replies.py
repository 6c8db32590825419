"""What a reply means: done, a no, not now, or not known; and for how long to wait."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from router import clock
from router.errors import Declined, TryLater
from workers.channels.replies import Reply, judge, retry_after

MARKED = "MARKED-7f3a"


@pytest.mark.parametrize(
    ("status", "outcome", "code", "in_doubt"),
    [
        (301, TryLater, "redirected", True),
        (302, TryLater, "redirected", True),
        (303, TryLater, "redirected", True),
        (307, TryLater, "redirected", False),
        (308, TryLater, "redirected", False),
        (400, Declined, "http_400", False),
        (401, TryLater, "not_authorised", False),
        (403, TryLater, "not_authorised", False),
        (404, TryLater, "http_404", False),
        (408, TryLater, "http_408", False),
        (409, Declined, "http_409", False),
        (413, Declined, "http_413", False),
        (422, Declined, "http_422", False),
        (425, TryLater, "http_425", False),
        (429, TryLater, "http_429", False),
        (500, TryLater, "http_500", True),
        (502, TryLater, "http_502", True),
        (503, TryLater, "http_503", True),
        (504, TryLater, "http_504", True),
        (599, TryLater, "http_599", True),
        (999, TryLater, "http_999", True),
    ],
)
def test_a_status_is_a_no_or_a_not_now_and_some_writes_are_in_doubt(
    status: int, outcome: type[Declined | TryLater], code: str, *, in_doubt: bool
) -> None:
    for wrote in (False, True):
        with pytest.raises(outcome) as raised:
            judge(Reply(status, {"Location": MARKED}, MARKED.encode(), wrote=wrote))

        assert raised.value.args == (code,)
        assert getattr(raised.value, "ambiguous", False) is (wrote and in_doubt)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_what_was_done_is_done(status: int) -> None:
    judge(Reply(status, {}, b""))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>MARKED-7f3a</html>",
        b'{"id": 1',
        '{"id": "ü"}'.encode("latin-1"),
        '{"id": 1}'.encode("utf-16"),
        b"[" * 5000,
    ],
    ids=["empty", "html", "truncated", "latin-1", "utf-16", "deep"],
)
@pytest.mark.parametrize("wrote", [False, True])
def test_a_body_that_is_no_json_leaves_a_write_in_doubt_and_is_not_in_the_error(body: bytes, *, wrote: bool) -> None:
    with pytest.raises(TryLater, match=r"^odd_reply$") as raised:
        Reply(201, {}, body, wrote=wrote).json()

    assert raised.value.ambiguous is wrote
    assert raised.value.__context__ is None


def test_a_reply_does_not_print_its_body() -> None:
    reply = Reply(200, {"Location": MARKED}, MARKED.encode())

    assert MARKED not in f"{reply!r} {reply}"


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("17", 17),
        ("0", 0),
        ("-5", 0),
        ("soon", 0),
        ("", 0),
        ("99999999999999999999", 999999999),
        ("9" * 65000, 999999999),
        ("1.5", 0),
        ("1e9", 0),
        ("\u0661\u0667", 0),
        ("Mon, 99 Foo 2026 00:00:00 GMT", 0),
        ("Fri, 31 Dec 99999 23:59:59 GMT", 0),
        ("Fri, " * 13000, 0),
    ],
)
def test_retry_after_in_seconds_or_nonsense(said: str, seconds: float) -> None:
    assert retry_after(said) == seconds


def test_retry_after_as_a_date() -> None:
    at = clock.now() + timedelta(seconds=100)

    assert 95 < retry_after(format_datetime(at, usegmt=True)) <= 100
    assert retry_after(format_datetime(at - timedelta(days=1), usegmt=True)) == 0


@pytest.mark.parametrize("form", ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"])
def test_retry_after_as_a_date_of_old(form: str) -> None:
    """RFC 9110, 5.6.7: a recipient takes all three forms."""
    at = clock.now() + timedelta(seconds=100)

    assert 95 < retry_after(at.strftime(form)) <= 100
