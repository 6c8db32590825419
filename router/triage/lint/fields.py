"""Fields that a channel may carry and never will: more than it needs, to no use."""

from collections.abc import Iterable, Iterator

from router import catalogue
from router.catalogue import Channel
from router.errors import Problem
from router.triage.file import ReportedBy, RouteEntry
from router.triage.legal import law_of
from router.triage.lint.reading import Files, placed

STATUTORY = frozenset({"acknowledge_by", "feedback_by"})
"""What only a person's report has, and only where the law sets times."""


def findings(files: Files) -> Iterator[Problem]:
    """Yield each field on a channel's list that nothing can ever bring there, or that nobody there can see."""
    from_people = _reached_by_people(files)
    for channel in files.channels.values():
        for number, field in enumerate(channel.carries):
            why = _why_never(files, channel, field, people=channel.name in from_people)
            if why is not None:
                said = f"{channel.name!r} may carry {field!r} and never will: {why}; take it off the list"
                yield files.way((channel.name, "carries", number), "carried_in_vain", said)


def _why_never(files: Files, channel: Channel, field: str, *, people: bool) -> str | None:
    written = files.written
    if field in catalogue.ALWAYS_CARRIED:
        return "every referral may have it, listed or not"
    names_a_ticket = field == "source_ticket" and channel.name in files.notes_back
    if field not in channel.fields_shown and not names_a_ticket:
        return "what is sent does not show it"
    if field in STATUTORY and not law_of(written.legal_profile, written.legal).statutory_clocks:
        return f"under {written.legal_profile} no such time is set"
    if field in STATUTORY and not people:
        return "only routes for clients' reports lead there, and only persons' reports have it"
    if field == "site" and not written.sites:
        return "the policy has no sites"
    return None


def _reached_by_people(files: Files) -> frozenset[str]:
    """Return the channels in which a person's report can arrive; desks always can: somebody may be involved."""
    written = files.written
    reached = {desk for team in written.teams.values() for desk in team.desks}
    levels = (written.deadlines.critical, written.deadlines.high, written.deadlines.medium, written.deadlines.low)
    routes = [one for one in placed(files) if ReportedBy.PERSON in one.region.get("from", ({ReportedBy.PERSON},))[0]]
    reached.update(name for one in routes for name in (*one.entry.to, *one.entry.hold))
    ways = files.channels
    reached.update([ways[name].instead or name for name in reached if name in ways])
    reached.update(_escalated(files, (level.escalate for level in levels)))
    reached.update(_escalated(files, (_escalation(one.entry) for one in routes)))
    return frozenset(reached)


def _escalation(route: RouteEntry) -> str | None:
    return route.deadlines.escalate if route.deadlines else None


def _escalated(files: Files, names: Iterable[str | None]) -> Iterator[str]:
    for name in names:
        for step in files.written.escalations.get(name or "", ()):
            yield from step.to
