"""What a policy names and never uses: channels, teams, calendars, sentences, escalations, people; and old calendars.

A team that only reads a channel is used: when it is involved, nothing goes there.
"""

from collections.abc import Iterator
from datetime import date

from router.errors import Problem
from router.triage.file import PolicyFile
from router.triage.lint.reading import Files, Placed, placed


def findings(files: Files, today: date) -> Iterator[Problem]:
    """Yield everything that is named for nothing, and calendars whose holidays were all before `today`."""
    written, routes = files.written, tuple(placed(files))
    used = _Used(written, routes)
    channels = _with_stand_ins(files, {*used.channels, *files.notes_back})
    for name in files.channels:
        if name not in channels:
            said = f"channel {name!r} is used nowhere: name it in a route's `to` or `hold`, in `desks`, or remove it"
            yield files.way((name,), "unused_channel", said)
    readers = {team for name, channel in files.channels.items() if name in channels for team in channel.readable_by}
    for part, used_names, where in (
        ("teams", used.teams | readers, "a route's `teams` or `fallback`"),
        ("calendars", used.calendars, "`sites` or `deadlines`"),
        ("sentences", used.sentences, "a route's `say`"),
        ("escalations", used.escalations, "`escalate`"),
    ):
        what = part.removesuffix("s")
        for name in getattr(written, part):
            if name not in used_names:
                said = f"{what} {name!r} is used nowhere: name it in {where}, or remove it"
                yield files.rule((part, name), f"unused_{what}", said)
    for name in written.people:
        if name not in used.people:
            said = f"{name!r} is in no team: add the name to a team's `members`, or remove it"
            yield files.rule(("people", name), "no_team", said)
    for name, calendar in written.calendars.items():
        if calendar.holidays and max(calendar.holidays) < today:
            last = max(calendar.holidays)
            said = f"the last holiday of {name!r}, {last}, is past: list the coming ones, or they count as working days"
            yield files.rule(("calendars", name, "holidays"), "holidays_over", said)


class _Used:
    """Every name that stands where it has an effect."""

    def __init__(self, written: PolicyFile, routes: tuple[Placed, ...]) -> None:
        entries = [one.own for one in routes]
        deadlines = written.deadlines
        steps = [step for escalation in written.escalations.values() for step in escalation]
        self.teams = _told(written, {*written.fallback, *(name for entry in entries for name in entry.teams)})
        self.channels = {
            *(name for entry in entries for name in (*entry.to, *entry.hold)),
            *(desk for name in self.teams for desk in written.teams[name].desks),
            *(name for step in steps for name in step.to),
        }
        self.calendars = {deadlines.calendar, *(site.calendar for site in written.sites.values())}
        self.sentences = {name for entry in entries for name in entry.say}
        self.escalations = {
            *(entry.escalate for entry in (deadlines.critical, deadlines.high, deadlines.medium, deadlines.low)),
            *(entry.deadlines.escalate for entry in entries if entry.deadlines),
        }
        self.people = {person for team in written.teams.values() for person in team.members}


def _with_stand_ins(files: Files, channels: set[str]) -> frozenset[str]:
    """Return `channels`, and those that are told when one of them fails."""
    used: set[str] = set()
    left = sorted(channels)
    while left:
        name = left.pop()
        if name in files.channels and name not in used:
            used.add(name)
            left += [other for other in (files.channels[name].page, files.channels[name].instead) if other]
    return frozenset(used)


def _told(written: PolicyFile, teams: set[str]) -> frozenset[str]:
    """Return `teams`, and whoever stands in for one of them."""
    told: set[str] = set()
    while teams:
        name = teams.pop()
        if name in written.teams and name not in told:
            told.add(name)
            teams.add(written.teams[name].backup or name)
    return frozenset(told)
