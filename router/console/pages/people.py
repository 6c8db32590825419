"""People, for administrators: who has an account, what they may do, first passwords. No case and no key is here.

Who may open what is sealed is decided by keys, which only a member of a team can hand on: `people add`.
"""

from typing import Final
from urllib.parse import quote

from starlette.responses import Response

from router.console import accounts
from router.console.pages.ask import Ask, page
from router.console.pages.rendering import go, show
from router.console.rights import Right
from router.errors import Forbidden
from router.keyrecords import normal_handle
from router.model import AuditEntry
from router.store import staff
from router.store.audit import note
from router.store.engine import transaction
from router.store.staff import Member
from router.vocabulary import Role

PEOPLE: Final = "/console/people"
_ONE: Final = f"{PEOPLE}/{{handle}}"
_NONE_SEEN: Final = "-"


def show_people(ask: Ask) -> Response:
    """List everybody."""
    with transaction(ask.desk.engine) as connection:
        listed = staff.members(connection)
        count = f"count={len(listed)}"
        note(connection, [AuditEntry(_by(ask), "people_listed", PEOPLE, detail=count)])
    return show(ask, "people/people.html", people=listed)


def show_person(ask: Ask) -> Response:
    """Show what one person may do, and what can be changed."""
    return _person_page(ask)


def _person_page(ask: Ask, status: int = 200, *, mistake: str | None = None, password: str | None = None) -> Response:
    person = _person(ask)
    seen = ",".join(sorted(role.value for role in person.roles)) or _NONE_SEEN
    shown = {"person": person, "address": _address(person.handle), "roles": list(Role), "seen": seen}
    return show(ask, "people/person.html", status, mistake=mistake, password=password, **shown)


def change_roles(ask: Ask) -> Response:
    """Let a person have the roles that are ticked, unless somebody else changed them meanwhile."""
    person = _person(ask)
    chosen = _roles(ask.form.several.get("role", ()))
    seen = _roles(ask.form.get("seen").replace(_NONE_SEEN, "").split(","))
    give, take = chosen - seen, seen - chosen
    try:
        accounts.change_roles(ask.desk.engine, person.handle, give=give, take=take, by=_by(ask), seen=seen)
    except Forbidden as error:
        return _person_page(ask, 409 if error.code == "changed_since" else 422, mistake=error.code)
    return go(_address(person.handle), said="roles_changed")


def disable(ask: Ask) -> Response:
    """Let a person do nothing any more."""
    try:
        accounts.disable(ask.desk.engine, _person(ask).handle, by=_by(ask))
    except Forbidden as error:
        return _person_page(ask, 422, mistake=error.code)
    return go(_address(_person(ask).handle), said="person_disabled")


def enable(ask: Ask) -> Response:
    """Let a person sign in again."""
    accounts.enable(ask.desk.engine, _person(ask).handle, by=_by(ask))
    return go(_address(_person(ask).handle), said="person_enabled")


def reset_password(ask: Ask) -> Response:
    """Show a new first password, once."""
    try:
        new = accounts.give_first_password(ask.desk.engine, _person(ask).handle, by=_by(ask))
    except Forbidden as error:
        return _person_page(ask, 422, mistake=error.code)
    return _person_page(ask, password=new)


def reset_factor(ask: Ask) -> Response:
    """Take a person's second factor away."""
    try:
        accounts.reset_second_factor(ask.desk.engine, _person(ask).handle, by=_by(ask))
    except Forbidden as error:
        return _person_page(ask, 422, mistake=error.code)
    return go(_address(_person(ask).handle), said="second_factor_reset")


def _person(ask: Ask) -> Member:
    with transaction(ask.desk.engine) as connection:
        found = staff.member(connection, normal_handle(ask.path["handle"]) or "")
    if found is None:
        ask.note("person_viewed", "unknown", "refused_unknown_person")
        raise Forbidden("unknown_person")
    return found


def _roles(names: list[str] | tuple[str, ...]) -> frozenset[Role]:
    """Return the roles of these names; what is none of ours counts as none."""
    return frozenset(role for role in Role if role.value in names)


def _address(handle: str) -> str:
    return f"{PEOPLE}/{quote(handle, safe='')}"


def _by(ask: Ask) -> str:
    return f"person:{ask.viewer.handle}"


PAGES = (
    page("GET", PEOPLE, Right.MANAGE_PEOPLE, show_people),
    page("GET", _ONE, Right.MANAGE_PEOPLE, show_person),
    page("POST", f"{_ONE}/roles", Right.MANAGE_PEOPLE, change_roles, "seen", "role"),
    page("POST", f"{_ONE}/disable", Right.MANAGE_PEOPLE, disable),
    page("POST", f"{_ONE}/enable", Right.MANAGE_PEOPLE, enable),
    page("POST", f"{_ONE}/password", Right.MANAGE_PEOPLE, reset_password),
    page("POST", f"{_ONE}/second-factor", Right.MANAGE_PEOPLE, reset_factor),
)
