"""Who is told, once it is known who must not be: need to know (promise 4), and never nobody (promise 7).

A team said to be involved gets no key and nothing in a channel that it can read; its backup comes in. A team
whose every way is read by somebody involved is told by one of its other desks, else its backup comes in too.
When nobody is left, the fallback list is asked in order; nothing that a reporter says can involve its last team.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from router.catalogue import Channel
from router.model import ConditionTried, RuleTried
from router.triage.policy import Policy, Team
from router.vocabulary import Involved


@dataclass(slots=True)
class Told:
    """The teams that get a key, the channels that are used, and why others are not."""

    teams: list[Team] = field(default_factory=list)
    to: list[Channel] = field(default_factory=list)
    hold: list[Channel] = field(default_factory=list)
    avoided: list[Team] = field(default_factory=list)
    steps: list[RuleTried] = field(default_factory=list)

    def reaches(self, team: Team) -> bool:
        """Say whether `team` reads a channel that is used."""
        return any(team.name in channel.readable_by for channel in self.to)


def involved_teams(policy: Policy, involves: Collection[Involved]) -> frozenset[str]:
    """Return the names of the teams that the reporter says are involved."""
    if not involves:
        return frozenset()
    return frozenset(team.name for team in policy.teams.values() if not team.involved_as.isdisjoint(involves))


def tell(
    policy: Policy,
    involves: Sequence[Involved],
    *,
    teams: Sequence[Team],
    to: Sequence[Channel],
    hold: Sequence[Channel],
) -> Told:
    """Return who is told instead of, or among, `teams` by `to` and `hold`; at least one team always is."""
    involved = involved_teams(policy, involves)
    if not involved and teams:
        return Told(list(teams), list(to), list(hold))
    told = Told()
    turn = _Turn(policy, tuple(involves), involved, told)
    told.to = [channel for channel in to if turn.may_use(channel)]
    told.hold = [channel for channel in hold if turn.may_use(channel)]
    for team in teams:
        turn.take(team)
    if not any(told.reaches(team) for team in told.teams):
        turn.fall_back()
    return told


def last_resort(policy: Policy) -> Told:
    """Return that the fallback's last team is told, at desks read only by teams that nobody can involve."""
    team = policy.fallback[-1]
    uninvolvable = {name for name, other in policy.teams.items() if not other.involved_as}
    return Told([team], [desk for desk in team.desks if uninvolvable.issuperset(desk.readable_by)])


class _Turn:
    """One concern's walk through teams and backups."""

    def __init__(self, policy: Policy, involves: tuple[Involved, ...], involved: frozenset[str], told: Told) -> None:
        self._policy = policy
        self._involves = involves
        self._involved = involved
        self._told = told
        self._asked: set[str] = set()

    def may_use(self, channel: Channel) -> bool:
        """Say whether no involved team reads `channel`; if one does, note it."""
        readers = tuple(team for team in channel.readable_by if team in self._involved)
        if readers:
            self._note(f"withheld:{channel.name}", "readable_by", readers, channel.readable_by)
            for name in readers:
                self._avoid(self._policy.teams[name])
        return not readers

    def take(self, team: Team) -> None:
        """Tell `team`, or whoever stands in for it."""
        asked: Team | None = team
        while asked is not None and asked.name not in self._asked:
            self._asked.add(asked.name)
            if asked.name in self._involved:
                self._avoid(asked)
            else:
                self._told.teams.append(asked)
                if self._told.reaches(asked) or self._use_desk(asked):
                    return
            if asked.backup is not None:
                self._note(f"stands_in:{asked.backup}", "backup_of", (asked.name,), (asked.name,))
            asked = self._policy.teams[asked.backup] if asked.backup is not None else None

    def fall_back(self) -> None:
        """Tell the first team of the fallback list that is not involved and has a way nobody involved reads."""
        for team in self._policy.fallback:
            if team.name in self._involved:
                self._avoid(team)
            elif self._use_desk(team):
                self._note(f"fallback:{team.name}")
                if team not in self._told.teams:
                    self._told.teams.append(team)
                return

    def _use_desk(self, team: Team) -> bool:
        for desk in team.desks:
            if self._involved.isdisjoint(desk.readable_by):
                self._told.to.append(desk)
                self._note(f"desk:{desk.name}", "readable_by", (team.name,), desk.readable_by)
                return True
        return False

    def _avoid(self, team: Team) -> None:
        if team not in self._told.avoided:
            self._told.avoided.append(team)
            wanted = tuple(sorted(str(value) for value in team.involved_as))
            self._note(f"avoided:{team.name}", "involves", wanted, tuple(str(value) for value in self._involves))

    def _note(self, rule: str, name: str = "", wanted: tuple[str, ...] = (), actual: tuple[str, ...] = ()) -> None:
        tests = (ConditionTried(field=name, wanted=wanted, actual=actual, ok=True),) if name else ()
        self._told.steps.append(RuleTried(rule=rule, matched=True, tests=tests))
