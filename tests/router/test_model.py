"""What rooms hand to each other: values checked before are taken as they are, and make the same model."""

import pytest
from pydantic import ValidationError

from router.model import ConditionTried, Referral, RuleTried, made

TEST = ConditionTried(field="category", wanted=("fraud",), actual=("other",), ok=False)
VALUES = {"rule": "route:money", "matched": False, "tests": (TEST,)}


def test_what_is_made_unchecked_is_the_same_as_what_was_checked() -> None:
    one, other = made(RuleTried, dict(VALUES)), RuleTried(**VALUES)

    assert one == other
    assert one.model_dump_json() == other.model_dump_json()
    assert repr(one) == repr(other)
    assert one.model_copy(update={"matched": True}) == other.model_copy(update={"matched": True})
    assert one.model_fields_set == other.model_fields_set


def test_what_is_made_unchecked_is_as_frozen() -> None:
    one = made(RuleTried, dict(VALUES))

    with pytest.raises(ValidationError):
        one.matched = True  # type: ignore[misc]


def test_other_models_take_it_for_one_of_theirs() -> None:
    values = dict.fromkeys(Referral.model_fields) | {"reference": "CR-0123-4567-89AB", "revision": 1}

    assert made(Referral, values) == Referral.model_validate({"reference": "CR-0123-4567-89AB"})
