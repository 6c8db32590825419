"""Who may do what in the console: one closed table, asked at each request.

Each page names one right. Which cases somebody may see is another question, answered by the keys of their teams
(`store/progress.py`); no role gives that away.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from router.vocabulary import Role


class Right(StrEnum):
    """What a page is for."""

    BE_HERE = "be_here"
    """One's own account, and the way out: everybody who is signed in."""
    WORK_ON_CASES = "work_on_cases"
    """The queue and the cases of one's own teams."""
    APPROVE = "approve"
    """Drafts to outside bodies: what would be sent, to whom."""
    GRANT_IDENTITY = "grant_identity"
    """Whether a reviewer may learn who reported."""
    READ_AUDIT = "read_audit"
    """Who did and saw what; no case."""
    SEE_ROUTING = "see_routing"
    """The policy in force; no case."""
    SEE_CHANNELS = "see_channels"
    """How each channel does: counts and times; no case."""
    MOVE_CHANNELS = "move_channels"
    """Try all again that a channel did not take."""
    MANAGE_PEOPLE = "manage_people"
    """Accounts and roles."""


_EVERYBODY: Final = frozenset(Role)
RIGHTS: Final[Mapping[Right, frozenset[Role]]] = MappingProxyType(
    {
        Right.BE_HERE: _EVERYBODY,
        Right.WORK_ON_CASES: frozenset({Role.REVIEWER}),
        Right.APPROVE: frozenset({Role.APPROVER}),
        Right.GRANT_IDENTITY: frozenset({Role.CUSTODIAN}),
        Right.READ_AUDIT: frozenset({Role.AUDITOR}),
        Right.SEE_ROUTING: frozenset({Role.REVIEWER, Role.APPROVER, Role.AUDITOR, Role.ADMINISTRATOR}),
        Right.SEE_CHANNELS: frozenset({Role.REVIEWER, Role.AUDITOR, Role.ADMINISTRATOR}),
        Right.MOVE_CHANNELS: frozenset({Role.ADMINISTRATOR}),
        Right.MANAGE_PEOPLE: frozenset({Role.ADMINISTRATOR}),
    }
)


def may(roles: Collection[Role], right: Right) -> bool:
    """Say whether somebody with `roles` has `right`; whoever is signed in may look after their own account."""
    return right is Right.BE_HERE or not RIGHTS[right].isdisjoint(roles)
