"""Where a policy's problems are told: at the very word that is wrong, in files with one word a line."""

import re
from typing import Any

import pytest
import yaml

from router import catalogue
from router.configfile.yamltext import Path, read
from router.triage import policy
from tests.policies import CHANNELS, FULL, problems

SHORT = {"inner": "routes.1.routes.0", "adds": "routes.1.routes.1"}
"""In the policy `fraud-at-plant`, and `fraud-noted`, which goes on."""
GONE = object()
ALWAYS = {"deadlines.calendar": GONE, "deadlines.medium.clock": GONE, "routes.2.deadlines": GONE}
"""No working time anywhere."""
BY_ROUTE = {"deadlines.medium.clock": GONE}
"""Only a route has working time; what it does not say itself it has from others, and others may have it from it."""
CLERKS = {"teams.clerks": {"label": "Clerks"}}
"""A team without a desk."""


class Dumper(yaml.SafeDumper):
    """Writes equal lists out, each where it stands."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - of none
        return True


def path(place: str) -> Path:
    for short, whole in SHORT.items():
        place = place.replace(short, whole, 1) if place.startswith(f"{short}.") else place
    return tuple(int(step) if step.isdigit() else step for step in place.split("."))


def changed(changes: dict[str, Any]) -> dict[str, str]:
    """Return the texts of both files, one word a line, after these changes."""
    files = {policy.FILE: yaml.safe_load(FULL), catalogue.FILE: yaml.safe_load(CHANNELS)}
    for place, value in changes.items():
        *way, last = path(place)
        part = files[file_of(place)]
        for step in way:
            part = part[step]
        if value is GONE:
            del part[last]
        else:
            part[last] = value
    return {name: yaml.dump(content, Dumper=Dumper, sort_keys=False, width=1000) for name, content in files.items()}


def file_of(place: str) -> str:
    return catalogue.FILE if place.partition(".")[0].endswith("-desk") else policy.FILE


def told(texts: dict[str, str]) -> list[tuple[str, int, str]]:
    found = problems(texts[policy.FILE], texts[catalogue.FILE])
    assert all(problem.said for problem in found)
    return [(problem.file, problem.line, problem.code) for problem in found]


def test_one_word_a_line_is_the_same_policy() -> None:
    assert told(changed({})) == []


@pytest.mark.parametrize(
    ("changes", "place", "code"),
    [
        # channels
        ({"legal-desk.readable_by": ["legal", "legl"]}, "legal-desk.readable_by.1", "unknown_team"),
        # teams
        ({"teams.security.desks": ["security-desk", "police"]}, "teams.security.desks.1", "external_desk"),
        ({"teams.security.desks": ["security-desk", "legal-desk"]}, "teams.security.desks.1", "desk_not_read"),
        ({"teams.security.desks": ["security-desk", "no-desk"]}, "teams.security.desks.1", "unknown_channel"),
        ({"teams.security.desks": ["security-desk", "security-desk"]}, "teams.security.desks.1", "twice"),
        ({"teams.security.members": ["anna", "berta"]}, "teams.security.members.1", "unknown_person"),
        ({"teams.security.backup": "legl"}, "teams.security.backup", "unknown_team"),
        ({"teams.security.backup": "security"}, "teams.security.backup", "own_backup"),
        ({**CLERKS, "teams.security.backup": "clerks"}, "teams.security.backup", "no_desk"),
        # people
        ({"people.bert.handles": ["b.olsen", "asv"]}, "people.bert.handles.1", "same_handle"),
        ({"people.bert.handles": ["b.olsen", "B.Olsen"]}, "people.bert.handles.1", "twice"),
        # the fallback
        ({"fallback": ["legal", "security"]}, "fallback.1", "fallback_involved"),
        ({"fallback": ["legal", "ombud"]}, "fallback.1", "unknown_team"),
        ({**CLERKS, "fallback": ["legal", "clerks", "ombuds"]}, "fallback.1", "no_desk"),
        ({"ombuds-desk.readable_by": ["ombuds", "legal"]}, "fallback.1", "fallback_read"),
        # calendars
        ({"calendars.hq.days": ["mon", "tue", "mon"]}, "calendars.hq.days.2", "twice"),
        ({"calendars.hq.holidays": ["2026-12-25", "2026-12-25"]}, "calendars.hq.holidays.1", "twice"),
        ({"calendars.hq.hours": ["08:00-12:00", "11:00-13:00"]}, "calendars.hq.hours.1", "hours_overlap"),
        ({"calendars.hq.hours": ["12:00-13:00", "08:00-12:00"]}, "calendars.hq.hours.0", "hours_overlap"),
        ({"sites.office.calendar": "hqs"}, "sites.office.calendar", "unknown_calendar"),
        # times
        ({"deadlines.calendar": "work"}, "deadlines.calendar", "unknown_calendar"),
        ({"deadlines.calendar": GONE}, "deadlines.medium.clock", "no_calendar"),
        ({"deadlines.critical.escalate": "dutty"}, "deadlines.critical.escalate", "unknown_escalation"),
        ({"deadlines.medium.claim": "1000d"}, "deadlines.medium.claim", "too_far"),
        ({"deadlines.medium.decide": "1000d"}, "deadlines.medium.decide", "too_far"),
        ({"routes.2.deadlines.claim": "1000d"}, "routes.2.deadlines.claim", "too_far"),
        ({"routes.2.deadlines.decide": "1000d"}, "routes.2.deadlines.decide", "too_far"),
        ({"inner.deadlines": {"claim": "1000d"}}, "inner.deadlines.claim", "too_far"),
        ({**BY_ROUTE, "deadlines.low.decide": "2000d"}, "deadlines.low.decide", "too_far"),
        ({**BY_ROUTE, "inner.deadlines": {"decide": "2000d"}}, "inner.deadlines.decide", "too_far"),
        ({**BY_ROUTE, "escalations.duty.0.unclaimed": "2000d"}, "escalations.duty.0.unclaimed", "too_far"),
        ({**CLERKS, "fallback": ["clerks", "ombuds"], "deadlines.medium.claim": "1000d"}, "fallback.0", "no_desk"),
        (
            {**CLERKS, "fallback": ["clerks", "ombuds"], "deadlines.low.claim": "2000d"},
            "deadlines.low.claim",
            "too_far",
        ),
        # escalations
        ({"escalations.duty.1.to": ["legal-desk", "police"]}, "escalations.duty.1.to.1", "external_in_to"),
        ({"escalations.duty.1.to": ["legal-desk", "poli"]}, "escalations.duty.1.to.1", "unknown_channel"),
        ({"escalations.duty.0.undecided": "1h"}, "escalations.duty.0", "one_wait"),
        ({"escalations.duty.1.undelivered": GONE}, "escalations.duty.1", "one_wait"),
        ({"escalations.duty.0.unclaimed": "1000d"}, "escalations.duty.0.unclaimed", "too_far"),
        ({"escalations.duty.1": {"undecided": "1000d", "to": "legal-desk"}}, "escalations.duty.1.undecided", "too_far"),
        # severity
        ({"severity.1.id": "urgent"}, "severity.1.id", "duplicate_id"),
        ({"severity.0.id": "fallback"}, "severity.0.id", "reserved"),
        ({"severity.0.when.site": ["plant", "plan"]}, "severity.0.when.site.1", "unknown_site"),
        ({"severity.0.when.category": ["fraud", "frod"]}, "severity.0.when.category.1", "unknown_category"),
        # routes
        ({"inner.id": "page"}, "inner.id", "duplicate_id"),
        ({"inner.id": "fallback"}, "inner.id", "reserved"),
        ({"routes.1.routes.0": {"say": "call", "id": "page"}}, "inner.id", "duplicate_id"),
        ({"routes.1.routes.0": {"to": "legal-desk", "id": "inner"}}, "inner.id", "team_not_told"),
        ({"inner.when.site": ["plant", "plan"]}, "inner.when.site.1", "unknown_site"),
        ({"inner.when.category": ["fraud", "frod"]}, "inner.when.category.1", "unknown_category"),
        ({"inner.teams": ["legal", "legl"]}, "inner.teams.1", "unknown_team"),
        ({"inner.teams": ["legal", "security"]}, "inner.teams.1", "team_not_told"),
        ({"routes.1.to": ["legal-desk"]}, "routes.1.teams.0", "team_not_told"),
        ({"inner.teams": GONE}, "inner.id", "team_not_told"),
        ({**CLERKS, "inner.teams": ["legal", "clerks"]}, "inner.teams.1", "no_desk"),
        ({"inner.to": ["legal-desk", "lgal-desk"]}, "inner.to.1", "unknown_channel"),
        ({"inner.to": ["legal-desk", "police"]}, "inner.to.1", "external_in_to"),
        ({"inner.hold": ["police", "polic"]}, "inner.hold.1", "unknown_channel"),
        ({"inner.hold": ["police", "legal-desk"]}, "inner.hold.1", "internal_in_hold"),
        ({"inner.say": ["call", "cal"]}, "inner.say.1", "unknown_sentence"),
        ({"inner.deadlines": {"claim": "1h", "escalate": "dutty"}}, "inner.deadlines.escalate", "unknown_escalation"),
        ({**ALWAYS, "inner.deadlines": {"claim": "1h", "clock": "working"}}, "inner.deadlines.clock", "no_calendar"),
        ({"routes.1.link_duplicates.by": ["site", "site"]}, "routes.1.link_duplicates.by.1", "twice"),
        ({"inner.teams": []}, "inner.teams", "missing"),
        ({"inner.to": []}, "inner.to", "missing"),
        ({"routes.2.teams": GONE}, "routes.2", "missing"),
        ({"adds.say": GONE}, "adds.continue", "adds_nothing"),
    ],
)
def test_a_problem_is_told_at_the_word_that_is_wrong(changes: dict[str, Any], place: str, code: str) -> None:
    texts = changed(changes)

    line = read(texts[file_of(place)], file_of(place)).line(path(place))
    assert (file_of(place), line, code) in told(texts)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"teams.security.desks": ["security-desk", "police"]}, "external_desk", ["police"]),
        ({"teams.security.desks": ["security-desk", "legal-desk"]}, "desk_not_read", ["security", "legal-desk"]),
        ({**CLERKS, "teams.security.backup": "clerks"}, "no_desk", ["clerks"]),
        ({"ombuds-desk.readable_by": ["ombuds", "legal"]}, "fallback_read", ["ombuds"]),
        ({"calendars.hq.days": ["mon", "mon"]}, "twice", ["mon"]),
        ({"calendars.hq.hours": ["08:00-12:00", "11:00-13:00"]}, "hours_overlap", ["08:00-12:00", "11:00-13:00"]),
        (
            {"deadlines.medium.claim": "1000d", "calendars.hq.days": ["mon", "tue", "wed", "thu", "fri"]},
            "too_far",
            ["1000d", "works"],
        ),
        ({"inner.teams": ["legal", "security"]}, "team_not_told", ["security"]),
        ({"inner.to": ["legal-desk", "police"]}, "external_in_to", ["police"]),
        ({"inner.hold": ["police", "legal-desk"]}, "internal_in_hold", ["legal-desk"]),
    ],
)
def test_a_problem_names_what_it_is_about(changes: dict[str, Any], code: str, words: list[str]) -> None:
    texts = changed(changes)

    (said,) = {one.said for one in problems(texts[policy.FILE], texts[catalogue.FILE]) if one.code == code}

    assert re.findall(r"'([a-z0-9:-]+)'", said)[: len(words)] == words


@pytest.mark.parametrize(("much", "codes"), [("43824h", []), ("43825h", ["too_far"] * 2)])
def test_five_years_to_the_hour_are_not_too_far(much: str, codes: list[str]) -> None:
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    always = {"tz": "UTC", "days": days, "hours": "00:00-24:00"}
    texts = changed({"calendars.hq": always, "calendars.works": always, "deadlines.medium.decide": much})

    assert [code for _, _, code in told(texts)] == codes


def test_what_is_of_the_wrong_kind_is_not_missing() -> None:
    assert [code for _, _, code in told(changed({"routes.2.teams": 3}))] == ["wrong_kind"]


def test_a_team_alone_is_something_to_add_but_must_be_told() -> None:
    assert [code for _, _, code in told(changed({"adds.say": GONE, "adds.teams": "legal"}))] == ["team_not_told"]


def test_a_problem_of_one_file_is_not_told_of_the_other() -> None:
    texts = changed({"legal-desk.readable_by": ["legal", "legal"]})

    assert {file for file, _, _ in told(texts)} <= {catalogue.FILE}


@pytest.mark.parametrize(
    "changes",
    [
        {"routes.0.id": "urgent"},  # a severity rule of that name is another thing
        {"escalations.duty.1.undelivered": "9999d"},  # in real time
        {**ALWAYS, "deadlines.low.decide": "9999d"},
        {**ALWAYS, "inner.deadlines": {"claim": "9999d"}},
        {**ALWAYS, "escalations.duty.0.unclaimed": "9999d"},
        {"calendars.hq.hours": ["13:00-17:00", "08:00-12:00"]},
        {"people.bert.handles": "asv@elsewhere.example"},  # of another domain than anna's
        {"inner.teams": ["legal"], "inner.to": "legal-desk"},
        {"inner.teams": GONE, "inner.to": GONE},
        {"adds.say": GONE, "adds.teams": "legal", "adds.to": "legal-desk"},
        {"adds.say": GONE, "adds.to": "legal-desk"},
        {"adds.say": GONE, "adds.hold": "police"},
        {"adds.say": GONE, "adds.deadlines": {"claim": "1h"}},
        {"adds.say": GONE, "adds.link_duplicates": {"by": "site", "within": "1d"}},
        {"adds.say": GONE, "adds.routes": [{"id": "noted", "when": {"site": "office"}, "say": "call"}]},
    ],
)
def test_nothing_is_told_of_what_can_be_meant(changes: dict[str, Any]) -> None:
    assert told(changed(changes)) == []
