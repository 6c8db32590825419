"""Repeats are recognised and answered, and the database alone gives nothing away."""

import pytest

from router.errors import Refused
from router.intake.idempotency import check_key, claim, replay
from router.model import IdempotentAnswer

SECRET = b"s" * 32
KEY = "123e4567-e89b-42d3-a456-426614174000"
ANSWER = b'{"receipt":"MARKED"}'


def claimed(*, client: str | None = None, key: str = KEY, canonical: bytes = b"body") -> IdempotentAnswer:
    return claim(SECRET, client=client, key=key, canonical=canonical, answer=ANSWER)


def replayed(old: IdempotentAnswer, new: IdempotentAnswer, *, client: str | None = None, key: str = KEY) -> bytes:
    return replay(SECRET, client=client, key=key, new=new, body=old.body, answer=old.answer)


def test_the_same_key_and_body_get_the_first_answer() -> None:
    assert replayed(claimed(), claimed()) == ANSWER


def test_another_body_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        replayed(claimed(), claimed(canonical=b"other"))

    assert refused.value.code == "idempotency_key_reused"


def test_neither_key_nor_answer_stands_in_what_is_stored() -> None:
    stored = claimed()

    kept = stored.key + stored.body + stored.answer
    assert KEY.encode() not in kept
    assert b"MARKED" not in kept


def test_scopes_do_not_meet() -> None:
    assert len({claimed(client=client).key for client in (None, "anonymous", "a", "b")}) == 4


def test_the_answer_opens_under_its_own_key_only() -> None:
    with pytest.raises(Refused):
        replayed(claimed(), claimed(), key=KEY[:-1] + "1")


@pytest.mark.parametrize("key", ["", "with blank", "ü" * 40, "a" * 256, "x\n"])
@pytest.mark.parametrize("anonymous", [True, False])
def test_malformed_keys_are_refused(key: str, *, anonymous: bool) -> None:
    with pytest.raises(Refused) as refused:
        check_key(key, anonymous=anonymous)

    assert refused.value.code == "idempotency_key_malformed"


@pytest.mark.parametrize("key", ["1", "order-4711", "a" * 40, "0" * 31])
def test_a_person_needs_a_random_key(key: str) -> None:
    assert check_key(key, anonymous=False) == key
    with pytest.raises(Refused) as refused:
        check_key(key, anonymous=True)

    assert refused.value.code == "idempotency_key_weak"


@pytest.mark.parametrize("key", [KEY, KEY.replace("-", ""), "kJ8_s-2mQp0aZx7RtYvB3nLwEuHcGfDo"])
def test_a_uuid_will_do(key: str) -> None:
    assert check_key(key, anonymous=True) == key
