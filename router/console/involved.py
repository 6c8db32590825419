"""Who must have no say in a case: whoever it may be about, whoever must not know of it, whoever stepped aside.

Asked of approvers and custodians, whom no team's key lets in or keeps out. Doubt counts against them.
"""

from typing import Final

from sqlalchemy import Connection

from router.keyrecords import normal_handle
from router.store.ties import ties
from router.triage.handles import normal
from router.triage.policy import Policy
from router.vocabulary import Role

_UNTOLD: Final = frozenset({"in_conflict", "person_named"})
"""Whom this is said to learns that there is a case, and that it is about them."""


def as_told(code: str, unknown: str) -> str:
    """Return the code that somebody is told who has no say: whoever must not know of the case, that it is `unknown`.

    The audit has the true one.
    """
    return unknown if code in _UNTOLD else code


def why_not(connection: Connection, policy: Policy, reference: str, handle: str, role: Role) -> str | None:
    """Return the code of why `handle` may not decide about the case in `role`; None if they may.

    `policy` is the one that the case was decided by: it knows people of teams who hold no key.
    """
    found = ties(connection, reference, normal_handle(handle) or "", role)
    if found is None:
        return "unknown_person"
    if found.policy != policy.digest:
        return "changed_since"
    kept_out = set(found.kept_from)
    mine = policy.handles.digest(handle)
    members = {name for name in kept_out if name in policy.teams and mine in policy.teams[name].members}
    for refused, code in (
        (not found.enabled, "disabled_person"),
        (not found.has_role, "role_missing"),
        (found.recused, "recused"),
        (bool(members) or not kept_out.isdisjoint(found.keys_of), "in_conflict"),
        # One name at two domains may be one person: whether it is, nobody here can know.
        (found.subject is not None and normal(found.subject, ()) == normal(handle, ()), "person_named"),
    ):
        if refused:
            return code
    return None
