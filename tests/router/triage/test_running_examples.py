"""The runner of examples: what it compares, what it refuses, which routes it misses."""

import pytest

from router.errors import PolicyErrors
from router.triage.examples import Difference, Outcome, read_examples, run, unreached
from router.triage.policy import parse_policy
from tests.policies import CHANNELS, POLICY

MORE = """\
sentences: {call: Call 112 now., wait: Somebody will write to you.}
escalations: {duty: [{unclaimed: 1h, to: ombuds-desk}]}
"""
FULL = parse_policy(
    POLICY.replace("high: {claim: 4h, decide: 3d}", "high: {claim: 4h, decide: 3d, escalate: duty}")
    .replace("teams: security, to: security-desk}", "teams: security, to: security-desk, say: [wait, call]}")
    .replace("fallback:", f"{MORE}fallback:"),
    CHANNELS.replace("path: a}", "path: a, instead: legal-desk}"),
)
RIGHT = """\
severity: high, route: serious, teams: security, told: security-desk, held: [], avoided: [], say: [wait, call],
 escalated: ombuds-desk, instead: legal-desk,
 deadlines: {claim_by: "2026-11-30T11:00:00+01:00", decide_by: "2026-12-03T06:00:00Z",
 acknowledge_by: "2026-12-07T07:00:00+01:00"}"""


def example(expect: str, *, facts: str = "urgency: [ongoing]", more: str = 'at: "2026-11-30T07:00:00+01:00"') -> str:
    return f"""\
examples:
  - name: something
    {more}
    facts: {{category: other, noticed_how: told_by_someone, {facts}}}
    expect: {{{expect}}}
"""


def outcome(text: str) -> Outcome:
    (found,) = run(FULL, read_examples(text, FULL))
    return found


def refused(text: str) -> list[str]:
    with pytest.raises(PolicyErrors) as caught:
        read_examples(text, FULL)
    return [f"{problem.line} {problem.code}" for problem in caught.value.problems]


def test_what_comes_out_as_expected_has_no_difference() -> None:
    assert outcome(example(RIGHT)).differences == ()


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("severity: high", "severity: low", Difference("severity", "low", "high")),
        ("route: serious", "route: fraud", Difference("route", "fraud", "serious")),
        ("teams: security", "teams: [security, legal]", Difference("teams", "security, legal", "security")),
        ("told: security-desk", "told: [legal-desk]", Difference("told", "legal-desk", "security-desk")),
        ("held: []", "held: police", Difference("held", "police", "nothing")),
        ("avoided: []", "avoided: [legal]", Difference("avoided", "legal", "nothing")),
        ("say: [wait, call]", "say: [call, wait]", Difference("say", "call, wait", "wait, call")),
        ("escalated: ombuds-desk", "escalated: []", Difference("escalated", "nothing", "ombuds-desk")),
        (
            "instead: legal-desk",
            "instead: [police, legal-desk]",
            Difference("instead", "legal-desk, police", "legal-desk"),
        ),
        (
            "2026-11-30T11:00:00+01:00",
            "2026-11-30T11:00:01+01:00",
            Difference("claim_by", "2026-11-30T11:00:01+01:00", "2026-11-30T11:00:00+01:00"),
        ),
        (
            "acknowledge_by",
            "feedback_by",
            Difference("feedback_by", "2026-12-07T07:00:00+01:00", "2027-02-28T07:00:00+01:00"),
        ),
    ],
)
def test_each_thing_that_comes_out_otherwise_is_named(old: str, new: str, difference: Difference) -> None:
    assert outcome(example(RIGHT.replace(old, new, 1))).differences == (difference,)


def test_who_files_counts() -> None:
    by_client = example(RIGHT, more='at: "2026-11-30T07:00:00+01:00"\n    from: client')

    assert outcome(by_client).differences == (Difference("acknowledge_by", "2026-12-07T07:00:00+01:00", "none"),)


def test_what_is_not_named_may_be_anything_but_not_a_draft_nor_somebody_left_out() -> None:
    quiet = outcome(example("route: serious"))
    held = outcome(
        example("route: fraud-at-plant", facts="category: fraud, site: plant").replace("category: other, ", "")
    )
    left_out = outcome(example("route: serious", facts="urgency: [ongoing], involves: [security_team]"))

    assert quiet.differences == ()
    assert held.differences == (Difference("held", "nothing", "police"),)
    assert left_out.differences == (Difference("avoided", "nothing", "security"),)


def test_routes_that_no_example_reaches_are_listed() -> None:
    assert unreached(FULL, [outcome(example("route: serious"))]) == ("fraud-at-plant", "fraud")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (example("rout: serious"), ["5 unknown_key"]),
        (example("route: serius"), ["5 unknown_name"]),
        (example("route: fallback, teams: [lgal, securty], told: dsk, held: x, say: y, avoided: z,"
                 " escalated: w, instead: v"),
         ["5 unknown_name"] * 8),
        (example("route: serious", facts="site: moon"), ["4 unknown_site"]),
        (example("route: serious").replace("other", "othr"), ["4 unknown_category"]),
        (example("route: serious", facts="MARKED-7f3a: 1"), ["4 unknown_key"]),
        (example('deadlines: {claim_by: "2026-12-01T09:00:00Z"}', more="from: person"), ["5 no_time"]),
        (example('deadlines: {claim_by: "2026-12-01T09:00:00"}'), ["5 timezone_aware"]),
        (example("route: serious", more='at: "2026-11-30"'), ["3 timezone_aware"]),
        (example("route: serious", more="at: 2026-11-30T07:00:00Z"), ["3 trap"]),
        (example("route: serious") + example("route: serious").split("\n", 1)[1], ["6 duplicate_id"]),
        ("examples: []", ["1 wrong_kind"]),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused_with_its_lines(text: str, found: list[str]) -> None:
    assert refused(text) == found
