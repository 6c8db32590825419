"""What the parts of the two files say about each other: names that exist, promises that hold.

Works on the documents as they are, right or wrong, so that a file's problems come all at once.
"""

from router.configfile.cleartext import no_secrets
from router.configfile.yamltext import Document, Path, shown
from router.triage import check_routes, check_times
from router.triage.handles import normal
from router.triage.legal import LegalProfile
from router.triage.naming import Names
from router.vocabulary import Scope


def names(rules: Document, ways: Document) -> None:
    """Add to the documents every name that leads nowhere and every promise that the files would break.

    Names only where both files could be read to their ends: else what stands there would seem not to exist.
    """
    no_secrets(rules)
    if not (rules.whole and ways.whole):
        return
    known = Names(rules, ways)
    for channel in known.channels:
        known.teams_in(ways, (channel, "readable_by"))
    for team in known.teams:
        _team(known, team)
    _people(known)
    _law(rules)
    check_times.check(known)
    check_routes.check(known)
    _fallback(known)


def _team(known: Names, name: str) -> None:
    rules, place = known.rules, ("teams", name)
    desks = known.channels_in((*place, "desks"))
    known.members_in((*place, "members"))
    known.teams_in(rules, (*place, "backup"))
    for at, desk in desks:
        if known.scope(desk) == Scope.EXTERNAL:
            rules.complain(at, "external_desk", f"{shown(desk)} is external; a desk must be internal")
        elif desk in known.channels and name not in known.readers(desk):
            said = f"{shown(name)} is not in readable_by of {shown(desk)}, so nobody of it would see it"
            rules.complain(at, "desk_not_read", said)
    backup = rules.at(*place, "backup")
    if backup == name:
        rules.complain((*place, "backup"), "own_backup", "a team cannot stand in for itself")
    elif isinstance(backup, str):
        known.has_desk((*place, "backup"), backup)


def _law(rules: Document) -> None:
    """What follows from a profile is said for `custom`, and for that alone."""
    custom = rules.at("legal_profile") == LegalProfile.CUSTOM.value
    said = rules.at("legal") is not None
    if custom and not said:
        rules.complain(("legal_profile",), "legal_missing", "custom says nothing by itself: write `legal` below it")
    elif said and not custom:
        rules.complain(("legal",), "legal_in_vain", "only legal_profile: custom has this; the others say it themselves")


def _people(known: Names) -> None:
    """No account may belong to two people: whoever names it would name the wrong one as well."""
    rules = known.rules
    domains = [word for _, word in rules.words("handles", "domains")]
    first: dict[str, tuple[str, Path]] = {}
    for person, _ in rules.entries("people"):
        for place, handle in rules.words("people", person, "handles"):
            owner, before = first.setdefault(normal(handle, domains), (str(person), place))
            if before == place:
                continue
            if owner == person:
                said = "this is the same account as another of this person's handles; one is enough"
                rules.complain(place, "twice", f"{said} (line {rules.line(before)})")
            else:
                said = f"this is the same account as one of {shown(owner)} in line {rules.line(before)}"
                rules.complain(place, "same_handle", f"{said}; an account is one person's")


def _fallback(known: Names) -> None:
    rules = known.rules
    found = known.teams_in(rules, ("fallback",))
    for place, team in found:
        known.has_desk(place, team)
    if not found or found[-1][1] not in known.teams:
        return
    place, last = found[-1]
    for key, means in (("involved_as", "a reporter can say that it is"), ("members", "one of them may be the person")):
        if _says(known, last, key):
            said = f"{shown(last)} can be involved: it has {key}, so {means}; the last one must have none"
            rules.complain(place, "fallback_involved", said)
    desks = [desk for _, desk in rules.words("teams", last, "desks")]
    if desks and not any(_beyond_all(known, desk) for desk in desks):
        said = f"every desk of {shown(last)} can be read by a team that may be involved; the last resort needs its own"
        rules.complain(place, "fallback_read", said)


def _beyond_all(known: Names, channel: str) -> bool:
    return not any(
        _says(known, team, "involved_as") or _says(known, team, "members") for team in known.readers(channel)
    )


def _says(known: Names, team: str, key: str) -> bool:
    return next(known.rules.words("teams", team, key), None) is not None
