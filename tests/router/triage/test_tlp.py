"""Whatever leaves the organisation says who may see it; nothing inside does."""

import pytest

from router.marking import Tlp
from router.model import Referral
from router.triage.parts import ABOUT_CHILDREN
from router.triage.policy import parse_policy
from router.vocabulary import NoticedHow
from tests.policies import CHANNELS, POLICY, decided, facts, problems, shipped, small

AT_PLANT = {"category": "fraud", "site": "plant"}


def test_only_what_is_for_outside_is_marked() -> None:
    marked = {plan.channel: plan.fields.tlp for plan in decided(small(), facts(**AT_PLANT)).referrals}

    assert marked.pop("police") is Tlp.AMBER_STRICT
    assert marked
    assert set(marked.values()) == {None}


def test_an_internal_channel_that_lists_the_marking_gets_none() -> None:
    channels = CHANNELS.replace("carries: [category, asset_tag]", "carries: [category, tlp]")

    plans = {plan.channel: plan for plan in decided(parse_policy(POLICY, channels), facts(**AT_PLANT)).referrals}
    assert plans["legal-desk"].fields.tlp is None


@pytest.mark.parametrize(("word", "tlp"), [(one.name.lower(), one) for one in Tlp])
def test_a_policy_marks_a_category_as_it_likes(word: str, tlp: Tlp) -> None:
    policy = parse_policy(POLICY.replace("{label: Fraud, ", f"{{label: Fraud, tlp: {word}, "), CHANNELS)

    plans = {plan.channel: plan for plan in decided(policy, facts(**AT_PLANT)).referrals}
    assert plans["police"].fields.tlp is tlp


@pytest.mark.parametrize("word", ["white", "RED", "TLP:RED", "amber+strict"])
def test_a_word_that_is_no_marking_does_not_load(word: str) -> None:
    (problem,) = problems(POLICY.replace("{label: Fraud, ", f'{{label: Fraud, tlp: "{word}", '))

    assert problem.code == "unknown_value"


def test_what_ships_about_children_is_for_those_alone_whom_it_is_sent_to() -> None:
    policy = shipped()

    assert set(policy.taxonomy) > ABOUT_CHILDREN
    assert {name for name in policy.taxonomy if policy.tlp(name) is Tlp.RED} == ABOUT_CHILDREN
    assert {policy.tlp(name) for name in set(policy.taxonomy) - ABOUT_CHILDREN} == {Tlp.AMBER_STRICT}
    assert policy.tlp("not_of_this_policy") is Tlp.RED
    for plan in decided(policy, facts(category="csam_suspected", noticed_how=NoticedHow.ENDPOINT_HASH_MATCH)).referrals:
        outside = policy.channels.channels[plan.channel].scope == "external"
        assert plan.fields.tlp is (Tlp.RED if outside else None)


def test_a_referral_takes_no_marking_of_another_version() -> None:
    with pytest.raises(ValueError, match="tlp"):
        Referral.model_validate({"reference": "CR-0123-4567-89AB", "tlp": "TLP:WHITE"})
