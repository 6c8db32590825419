"""The smallest policies that load and have nothing odd about them, to be made odd in one point."""

from datetime import date

from router.errors import PolicyErrors, Problem
from router.triage.lint import findings
from router.triage.policy import parse_policy

TODAY = date(2026, 11, 30)
TEAMS = "{legal: {label: Legal, desks: desk}}"
SEVERITY = "[{id: urgent, when: {urgency: ongoing}, set: high}, {id: any, set: low}]"
ROUTES = "[{id: all, teams: legal, to: desk}]"
DESK = "desk: {kind: folder, scope: internal, carries: [], readable_by: [legal], path: a}"
POLICE = "police: {kind: folder, scope: external, carries: [], path: b}"
PHONE = "phone: {kind: folder, scope: internal, carries: [], readable_by: [legal], path: c}"
OFFICE = 'office: {tz: Europe/Berlin, days: [mon], hours: "08:00-16:00"}'


def policy(
    routes: str = ROUTES,
    *,
    severity: str = SEVERITY,
    teams: str = TEAMS,
    fallback: str = "legal",
    times: str = "{claim: 1h, decide: 2d}",
    critical: str = "{claim: 1h, decide: 2d}",
    calendar: str = "",
    more: str = "",
) -> str:
    return f"""\
policy: concern-router/1
taxonomy: {{fraud: {{label: Fraud, floor: medium}}, theft: {{label: Theft, floor: low}}}}
teams: {teams}
severity: {severity}
deadlines:
  {calendar or "# no calendar"}
  critical: {critical}
  high: {times}
  medium: {times}
  low: {times}
routes: {routes}
fallback: {fallback}
{more}
"""


def ways(*channels: str) -> str:
    return "\n".join([DESK, *channels])


def route(name: str, when: str = "", **more: str) -> str:
    said = {"when": when, "teams": "legal", "to": "desk", **more}
    return f"{{id: {name}, {', '.join(f'{key}: {value}' for key, value in said.items() if value)}}}"


def routes(*several: str) -> str:
    return f"[{', '.join(several)}]"


def problems(policy_text: str, channels_text: str) -> tuple[Problem, ...]:
    """Return what keeps the policy from loading, and what is odd about it."""
    errors: tuple[Problem, ...] = ()
    try:
        parse_policy(policy_text, channels_text)
    except PolicyErrors as error:
        errors = error.problems
    return (*errors, *findings(policy_text, channels_text, today=TODAY))


FRAUD, THEFT, ALL = route("fraud", "{category: fraud}"), route("theft", "{category: theft}"), route("all")


def with_site(text: str) -> str:
    return f"{text}sites: {{plant: {{label: Plant}}}}\n"
