"""Who is told, once it is known who must not be: need to know (promise 4), and never nobody (promise 7).

A team in conflict, said to be involved, with the person named among its members, or found to be so later, gets no
key and nothing in a channel that it can read, now or later; its backup comes in. A team of which one way is read by
somebody in conflict is told by one of its other desks; if it has no way left at all, its backup comes in too. When
nobody is left, the fallback list is asked in order; nothing that a reporter says can bring its last team into conflict.

Each removal is explained, and no explanation holds an account name.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from router.catalogue import Channel
from router.model import ConditionTried, Facts, RuleTried
from router.triage.policy import Policy, Team
from router.vocabulary import Scope

A_MEMBER: Final = "a member of it"
"""What an explanation says in place of an account name."""

Conflicts = Mapping[str, tuple[ConditionTried, ...]]
"""The teams that must not be told, and why."""
_NONE: Final[Conflicts] = {}


def conflicts(policy: Policy, facts: Facts, found_later: Collection[str] = ()) -> Conflicts:
    """Return the teams that must not be told of this concern, each with every reason.

    `found_later` names teams whose conflict people found after the case was decided.
    """
    if not (facts.involves or facts.subject_handle or found_later):
        return _NONE
    involves = tuple(str(value) for value in facts.involves)
    handle = facts.subject_handle
    # Made only when there are members to compare it with, and never shown.
    named = policy.handles.digest(handle) if handle and any(team.members for team in policy.teams.values()) else None
    found: dict[str, tuple[ConditionTried, ...]] = {}
    for name, team in policy.teams.items():
        reasons = []
        if involves and not team.involved_as.isdisjoint(facts.involves):
            reasons.append(_because("involves", tuple(sorted(str(value) for value in team.involved_as)), involves))
        if named in team.members:
            reasons.append(_because("subject_handle", (name,), (A_MEMBER,)))
        if name in found_later:
            reasons.append(_because("found_later", (name,), (name,)))
        if reasons:
            found[name] = tuple(reasons)
    return found


def _because(field: str, wanted: tuple[str, ...], actual: tuple[str, ...]) -> ConditionTried:
    return ConditionTried(field=field, wanted=wanted, actual=actual, ok=True)


class Told:
    """The teams that get a key, the channels that are used, and why others are not."""

    __slots__ = ("_asked", "_conflicts", "_policy", "avoided", "hold", "steps", "teams", "to")

    def __init__(self, policy: Policy, in_conflict: Conflicts) -> None:
        self._policy = policy
        self._conflicts = in_conflict
        self._asked: set[str] = set()
        self.teams: list[Team] = []
        self.to: list[Channel] = []
        self.hold: list[Channel] = []
        self.avoided: list[str] = []
        """Names of the teams in conflict that would have been told, or could have read it."""
        self.steps: list[RuleTried] = []

    @property
    def kept_from(self) -> tuple[str, ...]:
        """The teams in conflict: nothing of this may ever be in a channel that one of them reads."""
        return tuple(self._conflicts)

    def reaches(self, team: Team) -> bool:
        """Say whether `team` reads a channel that is used at once."""
        return any(team.name in channel.readable_by for channel in self.to)

    @property
    def first_desk(self) -> Channel | None:
        """The first channel used at once that the most responsible team reads; None when nobody is told.

        Its own desks come first: a duty phone need not ring for a deadline that is months away.
        """
        for team in self.teams:
            read = [channel for channel in self.to if team.name in channel.readable_by]
            if read:
                desks = [desk.name for desk in team.desks]
                return next((channel for channel in read if channel.name in desks), read[0])
        return None

    def escalated(self, channels: Sequence[Channel]) -> Sequence[Channel]:
        """Return those of `channels` that may be told later; if none may, a desk of the fallback list."""
        if not self._conflicts:
            return channels
        usable = [channel for channel in channels if self._may_use(channel)]
        if usable or not channels:
            return usable
        for team in self._policy.fallback:
            desk = self._desk(team)
            if desk is not None:
                self._note(f"desk:{desk.name}", _because("readable_by", (team.name,), desk.readable_by))
                return [desk]
        return []

    def instead(self) -> Sequence[tuple[Channel, Channel]]:
        """Return the channels told at once that another one stands in for, each with that one.

        Not where the other one is told at once as well, is read by somebody in conflict, or leads outside. It goes no
        further: whoever stands in for the other one is not told.
        """
        pairs: list[tuple[Channel, Channel]] = []
        told = [channel.name for channel in self.to]
        for first in self.to:
            if first.instead is None or first.instead in told:
                continue
            other = self._policy.channels.channels[first.instead]
            if other.scope is Scope.INTERNAL and (not self._conflicts or self._may_use(other)):
                pairs.append((first, other))
        return pairs

    def _tell(self, teams: Sequence[Team], to: Sequence[Channel], hold: Sequence[Channel]) -> None:
        self.to = [channel for channel in to if self._may_use(channel)]
        self.hold = [channel for channel in hold if self._may_use(channel)]
        cut_off = {name for channel in to if channel not in self.to for name in channel.readable_by}
        for team in teams:
            self._take(team, as_said=team.name not in cut_off)
        if not any(self.reaches(team) for team in self.teams):
            self._fall_back()

    def _may_use(self, channel: Channel) -> bool:
        """Say whether nobody in conflict reads `channel`; if somebody does, note it."""
        readers = tuple(team for team in channel.readable_by if team in self._conflicts)
        if readers:
            self._note(f"withheld:{channel.name}", _because("readable_by", readers, channel.readable_by))
            for name in readers:
                self._avoid(name)
        return not readers

    def _take(self, team: Team, *, as_said: bool) -> None:
        """Tell `team`, or whoever stands in for it; `as_said` that every way to it is used which the route names."""
        asked: Team | None = team
        while asked is not None and asked.name not in self._asked:
            self._asked.add(asked.name)
            if asked.name in self._conflicts:
                self._avoid(asked.name)
            else:
                self.teams.append(asked)
                if self._can_tell(asked, as_said=as_said and asked is team):
                    return
            if asked.backup is not None:
                self._note(f"stands_in:{asked.backup}", _because("backup_of", (asked.name,), (asked.name,)))
            asked = self._policy.teams[asked.backup] if asked.backup is not None else None

    def _fall_back(self) -> None:
        """Tell the first team of the fallback list that is in no conflict and has a way nobody in conflict reads."""
        for team in self._policy.fallback:
            if team.name in self._conflicts:
                self._avoid(team.name)
            elif self._can_tell(team, as_said=False):
                self._note(f"fallback:{team.name}")
                if team.name not in [told.name for told in self.teams]:
                    self.teams.append(team)
                return

    def _can_tell(self, team: Team, *, as_said: bool) -> bool:
        """Say whether `team` is told, by a desk of its own unless the route wants it otherwise.

        Whoever comes in must not hear by a phone alone that rings for everybody.
        """
        if not (as_said and self.reaches(team)) and not any(desk in self.to for desk in team.desks):
            self._use_desk(team)
        return self.reaches(team)

    def _desk(self, team: Team) -> Channel | None:
        """Return the first desk of `team` that nobody in conflict reads: none if it is in conflict itself."""
        for desk in team.desks:
            if desk.scope is Scope.INTERNAL and self._conflicts.keys().isdisjoint(desk.readable_by):
                return desk
        return None

    def _use_desk(self, team: Team) -> None:
        desk = self._desk(team)
        if desk is not None:
            self.to.append(desk)
            self._note(f"desk:{desk.name}", _because("readable_by", (team.name,), desk.readable_by))

    def _avoid(self, name: str) -> None:
        if name not in self.avoided:
            self.avoided.append(name)
            self._note(f"avoided:{name}", *self._conflicts[name])

    def _note(self, rule: str, *tests: ConditionTried) -> None:
        """Explain a step; what happens twice, at once and later, is explained once."""
        step = RuleTried(rule=rule, matched=True, tests=tests)
        if step not in self.steps:
            self.steps.append(step)


def tell(
    policy: Policy,
    in_conflict: Conflicts,
    *,
    teams: Sequence[Team],
    to: Sequence[Channel],
    hold: Sequence[Channel],
) -> Told:
    """Return who is told instead of, or among, `teams` by `to` and `hold`.

    At least one team always is, unless every team of the fallback list was found to be in conflict later: whoever
    decides anew sees that nobody is left, and must not.
    """
    told = Told(policy, in_conflict)
    if not in_conflict and teams:
        told.teams, told.to, told.hold = list(teams), list(to), list(hold)
        if told.first_desk is not None:
            return told
        told.teams = []
    told._tell(teams, to, hold)  # noqa: SLF001 - its maker
    return told


def last_resort(policy: Policy, found_later: Collection[str] = ()) -> Told:
    """Return that the fallback's last team is told, at desks read only by teams that no report can name."""
    told = Told(policy, dict.fromkeys(found_later, ()))
    team = policy.fallback[-1]
    beyond = {name for name, other in policy.teams.items() if not other.involved_as and not other.members}
    told.teams = [team]
    told.to = [desk for desk in team.desks if beyond.difference(found_later).issuperset(desk.readable_by)]
    return told
