"""Which questions a report asks, after what was answered."""

import pytest

from router.reporter.form import LISTS, Typed
from router.reporter.guided.questions import DEVICES, ON_THE_INTERNET, Shape, Step, concern, steps
from router.reporter.guided.topics import Topic, topic_of
from router.vocabulary import EvidenceState, NoticedHow, Urgency, WhereFound

SITES = {"headquarters": "Headquarters", "plant": "Plant"}
LAST = "occurred_at evidence_state involves narrative identity"
CATEGORIES = {
    "csam_suspected": Topic.CHILDREN,
    "grooming_suspected": Topic.CHILDREN,
    "child_at_risk": Topic.CHILDREN,
    "livestreamed_abuse_suspected": Topic.CHILDREN,
    "sexual_extortion": Topic.CHILDREN,
    "harassment": Topic.PEOPLE,
    "discrimination": Topic.PEOPLE,
    "violence_or_threat": Topic.PEOPLE,
    "retaliation": Topic.PEOPLE,
    "fraud": Topic.MONEY,
    "corruption": Topic.MONEY,
    "data_protection": Topic.DATA,
    "security_incident": Topic.DATA,
    "health_and_safety": Topic.SAFETY,
    "other": Topic.GENERAL,
    "an_operators_own": Topic.GENERAL,
}


def typed(**answers: str | tuple[str, ...]) -> Typed:
    return Typed(
        {name: value for name, value in answers.items() if isinstance(value, str)},
        {name: value for name, value in answers.items() if isinstance(value, tuple)},
    )


def asked(**answers: str | tuple[str, ...]) -> list[str]:
    return [step.name for step in steps(typed(**answers), SITES)]


def step(name: str, **answers: str | tuple[str, ...]) -> Step:
    return next(step for step in steps(typed(**answers), SITES) if step.name == name)


@pytest.mark.parametrize(("category", "topic"), CATEGORIES.items())
def test_each_category_is_asked_about_in_the_words_of_its_topic(category: str, topic: Topic) -> None:
    assert topic_of(category) is topic


@pytest.mark.parametrize(
    ("category", "names"),
    [
        (
            "csam_suspected",
            "category leave_it urgency noticed_how where_found site " + LAST,
        ),
        (
            "harassment",
            "category keep_it urgency noticed_how where_found site " + LAST,
        ),
        ("fraud", "category keep_it urgency noticed_how site " + LAST),
        ("health_and_safety", "category keep_away urgency noticed_how site occurred_at involves narrative identity"),
        (
            "an_operators_own",
            "category either urgency noticed_how where_found site " + LAST,
        ),
    ],
)
def test_what_to_do_comes_before_any_other_question(category: str, names: str) -> None:
    assert asked(category=category) == names.split()


@pytest.mark.parametrize("place", WhereFound)
def test_a_label_is_asked_for_devices_alone_and_an_address_for_the_internet_alone(place: WhereFound) -> None:
    names = asked(category="csam_suspected", where_found=place)

    assert ("asset_tag" in names) == (place in DEVICES)
    assert ("url" in names) == (place in ON_THE_INTERNET)
    assert not DEVICES & ON_THE_INTERNET


@pytest.mark.parametrize("urgency", Urgency)
@pytest.mark.parametrize("category", ["csam_suspected", "harassment", "fraud", "health_and_safety", "other"])
def test_danger_leads_to_whom_to_call_before_the_next_question(urgency: Urgency, category: str) -> None:
    names = asked(category=category, urgency=(urgency,))
    pressing = urgency in {Urgency.CHILD_IN_IMMEDIATE_DANGER, Urgency.DANGER_TO_LIFE, Urgency.LIVE_NOW}

    assert ("call" in names) == (pressing and urgency in step("urgency", category=category).options)
    if "call" in names:
        assert names[names.index("call") - 1] == "urgency"


def test_how_to_reach_somebody_is_asked_of_those_alone_who_want_to_be_known() -> None:
    assert "contact" not in asked(category="fraud")
    assert "contact" not in asked(category="fraud", identity="anonymous")
    assert asked(category="fraud", identity="confidential")[-1] == "contact"
    assert asked(category="fraud", identity="named")[-1] == "contact"


def test_a_policy_without_sites_is_not_asked_for_one() -> None:
    assert "site" not in [step.name for step in steps(typed(category="fraud"), {})]


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_general_questions_leave_out_nothing_that_can_be_said(category: str) -> None:
    general = {step.name: step for step in steps(typed(category="an_operators_own", where_found="laptop"), SITES)}

    for one in steps(typed(category=category, where_found="laptop"), SITES):
        if one.asks and one.name in general:
            assert set(one.options) <= set(general[one.name].options)
    assert set(general["noticed_how"].options) == set(NoticedHow)
    assert set(general["urgency"].options) == set(Urgency)
    assert set(general["where_found"].options) == set(WhereFound)
    assert set(general["evidence_state"].options) == set(EvidenceState)


def test_answers_to_what_is_not_asked_any_more_are_not_sent() -> None:
    given = typed(
        category="health_and_safety",
        noticed_how="helpdesk_repair",
        where_found="laptop",
        asset_tag="MARKED-7f3a",
        urgency=("live_now", "ongoing"),
        identity="anonymous",
        contact="MARKED-7f3a",
        day="2026-11-05",
        zone="+01:00",
    )

    sent = concern(given, steps(given, SITES)).concern()

    assert sent == {
        "category": "health_and_safety",
        "urgency": ["ongoing"],
        "identity": "anonymous",
        "occurred_at": "2026-11-05T00:00:00+01:00",
    }


def test_a_time_without_its_day_is_not_lost_without_a_word() -> None:
    assert typed(time="10:30", zone="+01:00").concern()["occurred_at"] == "T10:30"
    assert "occurred_at" not in typed(zone="+01:00").concern()


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_page_asks_one_thing_and_says_how(category: str) -> None:
    for one in steps(typed(category=category, where_found="web_page", identity="named"), SITES):
        assert len(one.fields) == (3 if one.shape is Shape.MOMENT else one.asks)
        assert bool(one.title) == one.asks
        assert (one.shape is Shape.SEVERAL) == (one.name in LISTS)
        assert (one.advice is not None) == (one.shape is Shape.ADVICE)
        assert bool(one.options) == (one.shape in {Shape.ONE, Shape.SEVERAL})
        assert bool(one.most) == (one.shape in {Shape.LINE, Shape.TEXT})
