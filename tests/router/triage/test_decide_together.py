"""Routes inside routes and routes that go on: what they decide together; sentences and likely duplicates beside it."""

from hashlib import sha256
from hmac import digest
from typing import Any

import pytest

from router.model import Decision, Facts
from router.triage.linking import MOST_KEYS
from router.triage.policy import Policy, parse_policy
from tests.policies import CHANNELS, POLICY, decided, facts, held, told

HEAD, _, _ = POLICY.partition("routes:\n")
SENTENCES = 'sentences: {danger: "Call 112.", keep: "Keep the device.", later: "We answer in a week."}\n'
DUTY = "duty-phone: {kind: folder, scope: internal, carries: [severity], readable_by: [security], path: e}\n"

NESTED = """\
routes:
  - id: danger
    when: {urgency: danger_to_life}
    to: duty-phone
    say: danger
    deadlines: {claim: 15m}
    continue: true
  - id: fraud
    when: {category: fraud}
    teams: legal
    to: legal-desk
    hold: police
    say: keep
    deadlines: {claim: 3h, decide: 2d}
    link_duplicates: {by: [category, asset_tag], within: 72h}
    routes:
      - {id: fraud-adds, when: {country: DE}, to: ombuds-desk, teams: ombuds, continue: true}
      - {id: fraud-plant, when: {site: plant}, teams: [security, legal], to: [security-desk, legal-desk]}
      - {id: fraud-abroad, when: {country: [US, FR]}, hold: [], say: [later], deadlines: {claim: 1h},
         link_duplicates: {by: hashes, within: 2d}}
  - id: adding
    when: {urgency: ongoing}
    teams: security
    to: security-desk
    continue: true
    routes:
      - {id: adding-more, when: {country: FR}, teams: ombuds, to: ombuds-desk}
  - {id: by-phone, when: {where_found: phone_call_or_sms}, teams: legal, to: legal-desk}
  - {id: handle, when: {where_found: chat}, teams: legal, to: legal-desk,
     link_duplicates: {by: [subject_handle, site], within: 1d}}
fallback: [legal, ombuds]
"""


def policy(routes: str = NESTED, key: bytes = b"key") -> Policy:
    return parse_policy(HEAD + SENTENCES + routes, CHANNELS + DUTY, handle_key=key)


def decision(**values: Any) -> Decision:
    return decided(policy(), facts(**values))


def outcome(**values: Any) -> tuple[str, list[str], list[str], list[str]]:
    made = decision(**values)
    return made.route, list(made.teams), told(made), held(made)


def routes_tried(made: Decision) -> list[tuple[str, bool]]:
    rules = [rule for rule in made.trace if rule.rule.startswith("route:")]
    return [(rule.rule.partition(":")[2], rule.matched) for rule in rules]


# Routes inside routes


def test_the_route_around_decides_when_none_inside_matches() -> None:
    assert outcome(category="fraud") == ("fraud", ["legal"], ["legal-desk"], ["police"])


def test_the_first_inside_that_matches_decides_and_has_the_rest_from_the_one_around() -> None:
    made = decision(category="fraud", site="plant")

    assert outcome(category="fraud", site="plant") == (
        "fraud-plant",
        ["security", "legal"],
        ["security-desk", "legal-desk"],
        ["police"],
    )
    assert made.say == ("Keep the device.",)
    assert (made.deadlines.claim_by - made.deadlines.decide_by).total_seconds() == (3 - 48) * 3600


def test_what_is_said_inside_stands_instead_of_what_is_said_around() -> None:
    made = decision(category="fraud", country="US", hashes=[{"algorithm": "md5", "value": "0" * 32}])

    assert outcome(category="fraud", country="US") == ("fraud-abroad", ["legal"], ["legal-desk"], [])
    assert made.say == ("We answer in a week.",)
    assert (made.deadlines.claim_by - made.deadlines.decide_by).total_seconds() == (1 - 48) * 3600
    assert [key.within_s for key in made.duplicates] == [2 * 86400]


def test_one_inside_that_goes_on_adds_to_the_one_around() -> None:
    assert outcome(category="fraud", country="DE") == (
        "fraud",
        ["ombuds", "legal"],
        ["ombuds-desk", "legal-desk"],
        ["police"],
    )


def test_every_rule_tried_is_told_in_the_order_of_the_file() -> None:
    assert routes_tried(decision(category="fraud", site="plant", urgency=["danger_to_life"])) == [
        ("danger", True),
        ("fraud", True),
        ("fraud-adds", False),
        ("fraud-plant", True),
    ]
    assert routes_tried(decision(urgency=["ongoing"], country="FR", where_found="chat")) == [
        ("danger", False),
        ("fraud", False),
        ("adding", True),
        ("adding-more", True),
        ("by-phone", False),
        ("handle", True),
    ]


# Routes that go on


def test_a_route_that_goes_on_adds_what_it_says_and_the_next_one_decides() -> None:
    made = decision(category="fraud", urgency=["danger_to_life"])

    assert outcome(category="fraud", urgency=["danger_to_life"]) == (
        "fraud",
        ["legal"],
        ["duty-phone", "legal-desk"],
        ["police"],
    )
    assert made.say == ("Call 112.", "Keep the device.")
    assert made.reason is None


def test_of_times_what_was_said_first_stands() -> None:
    made = decision(category="fraud", urgency=["danger_to_life"])

    assert (made.deadlines.decide_by - made.deadlines.claim_by).total_seconds() == 48 * 3600 - 15 * 60


def test_when_nothing_else_matches_the_last_that_went_on_names_the_decision() -> None:
    assert outcome(urgency=["ongoing"]) == ("adding", ["security"], ["security-desk"], [])
    assert outcome(urgency=["ongoing"], country="FR")[:3] == ("adding-more", ["ombuds"], ["ombuds-desk"])


def test_what_is_told_already_is_not_told_twice() -> None:
    routes = NESTED.replace(
        "fraud-adds, when: {country: DE}, to: ombuds-desk, teams: ombuds", "fraud-adds, to: legal-desk, teams: legal"
    )

    made = decided(policy(routes), facts(category="fraud"))

    assert (list(made.teams), told(made)) == (["legal"], ["legal-desk"])


def test_when_routes_that_go_on_name_no_team_the_fallback_is_told_too_and_says_so() -> None:
    made = decision(urgency=["danger_to_life"])

    assert (made.route, made.reason, list(made.teams)) == ("fallback", "no_match", ["legal"])
    assert told(made) == ["duty-phone", "legal-desk"]
    assert made.say == ("Call 112.",)
    assert "no_match" in [rule.rule for rule in made.trace]


def test_need_to_know_holds_for_what_was_added() -> None:
    made = decision(category="fraud", urgency=["danger_to_life"], involves=["security_team"])

    assert (told(made), made.avoided) == (["legal-desk"], ("security",))


# Reasons


def test_a_route_that_matched_needs_no_reason() -> None:
    assert decision(category="fraud").reason is None


def test_no_match_is_said_when_nothing_foresaw_it() -> None:
    made = decision()

    assert (made.route, made.reason) == ("fallback", "no_match")


def test_a_policy_error_is_said_with_its_class_only(monkeypatch: pytest.MonkeyPatch) -> None:
    known = policy()
    monkeypatch.setattr(type(known), "candidates", broken)  # a policy that loaded has no known way to fail

    made = decided(known, facts(category="fraud", involves=["legal"]))

    assert (made.route, made.reason, made.teams, made.avoided) == ("fallback", "policy_error", ("ombuds",), ("legal",))
    assert made.trace[0].tests[0].actual == ("LookupError",)
    assert "MARKED-7f3a" not in made.model_dump_json()


def broken(*_: object) -> None:
    raise LookupError("MARKED-7f3a")


# Conflicts found later


def test_a_team_found_in_conflict_later_is_left_out_of_the_new_decision() -> None:
    known, concern = policy(), facts(category="fraud", site="plant")

    made = decided(known, concern, conflicted=["security"])

    assert (list(made.teams), told(made), made.avoided) == (["legal"], ["legal-desk"], ("security",))
    assert "avoided:security" in [rule.rule for rule in made.trace]


def test_with_a_policy_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    known = policy()
    monkeypatch.setattr(type(known), "candidates", broken)

    assert decided(known, facts(), conflicted=["legal"]).teams == ("ombuds",)


# Likely duplicates


def keys(known: Policy, concern: Facts) -> list[str]:
    return [one.key for one in decided(known, concern).duplicates]


def test_equal_values_in_all_the_fields_named_give_the_same_key() -> None:
    known = policy()
    one = keys(known, facts(category="fraud", asset_tag="LT-1", country="LU"))

    assert len(one) == 1
    assert keys(known, facts(category="fraud", asset_tag="LT-1", urgency=["ongoing"])) == one
    assert keys(known, facts(category="fraud", asset_tag="LT-2")) != one
    assert keys(policy(key=b"other"), facts(category="fraud", asset_tag="LT-1")) != one


def test_a_case_without_one_of_the_fields_has_no_key() -> None:
    assert keys(policy(), facts(category="fraud")) == []
    assert keys(policy(), facts(where_found="chat", subject_handle="asv")) == []


def test_cases_of_two_routes_that_name_the_same_fields_share_the_key() -> None:
    """Lists of fields are the same in whatever order."""
    by = "link_duplicates: {{by: [{}], within: 1d}}"
    route = "  - {{id: {0}, when: {{category: {0}}}, teams: legal, to: legal-desk, {1}}}\n"
    one = route.format("fraud", by.format("asset_tag, country"))
    other = route.format("other", by.format("country, asset_tag"))
    known = parse_policy(HEAD + "routes:\n" + one + other + "fallback: ombuds\n", CHANNELS)
    named = {"asset_tag": "LT-1", "country": "LU"}

    assert keys(known, facts(category="fraud", **named)) == keys(known, facts(category="other", **named)) != []
    assert keys(known, facts(category="fraud", asset_tag="LT-1", country="DE")) != keys(known, facts(**named))


def test_a_route_without_such_a_rule_gives_no_key() -> None:
    assert keys(policy(), facts(where_found="phone_call_or_sms", asset_tag="LT-1")) == []


def test_each_hash_gives_a_key_so_that_one_in_common_is_enough() -> None:
    known = policy()
    first, second = ({"algorithm": "md5", "value": digit * 32} for digit in "12")

    both = keys(known, facts(category="fraud", country="US", hashes=[first, second]))

    assert len(set(both)) == 2
    assert keys(known, facts(category="fraud", country="US", hashes=[second, second])) == both[1:]


def test_a_case_has_so_many_keys_and_no_more() -> None:
    hashes = [{"algorithm": "md5", "value": f"{number:032x}"} for number in range(3 * MOST_KEYS)]

    assert len(keys(policy(), facts(category="fraud", country="US", hashes=hashes))) == MOST_KEYS == 20


def test_two_ways_to_write_one_account_are_one() -> None:
    known = policy()

    one = keys(known, facts(where_found="chat", site="plant", subject_handle="CORP\\ASV"))

    assert keys(known, facts(where_found="chat", site="plant", subject_handle="asv@example.org")) == one


def test_keys_stay_the_same_so_that_cases_of_an_earlier_version_are_found() -> None:
    account = digest(b"key", b"handle\0asv", sha256).hex()
    parts = [part.encode() for part in ("duplicate", "site", "plant", "subject_handle", account)]

    (key,) = keys(policy(), facts(where_found="chat", site="plant", subject_handle="CORP\\ASV"))

    lengths = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    assert key == digest(b"key", b"list\0" + lengths, sha256).hex()


def test_keys_show_no_value() -> None:
    made = decision(category="fraud", asset_tag="MARKED-7f3a")

    assert made.duplicates
    assert "MARKED-7f3a" not in str(made.duplicates)
