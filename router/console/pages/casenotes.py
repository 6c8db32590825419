"""Notes and tasks: a part of the case page that says what there is, and a page that opens the texts.

Words to each other are typed here and sealed at once; they are never in an address. What was typed comes back when
something is wrong with it, whoever has the case by then.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from router.console import notes
from router.console.acting import IN_CONSOLE, By
from router.console.notes import Note
from router.console.pages import access
from router.console.pages.ask import Ask, page
from router.console.pages.part import Part
from router.console.pages.rendering import go, show
from router.console.rights import Right
from router.console.unlocking import unlocked
from router.errors import Fault, Forbidden, Refused
from router.store import notes as store
from router.store.audit import note
from router.store.casehead import CaseHead, head
from router.store.colleagues import readers
from router.store.engine import transaction
from router.web.refusals import GUIDANCE

MISTAKES: Final[Mapping[str, str]] = {
    "missing": "Write something first.",
    "too_long": "That is more than 4,000 characters. Shorten it.",
    "not_a_colleague": "Choose somebody who may see this case.",
    "kind_missing": "Say what kind of message it is.",
    "day_malformed": "Give a day that has not passed.",
}
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")
_END_OF_DAY: Final = time(23, 59, tzinfo=UTC)


def show_notes(ask: Ask) -> Response:
    """Open the notes of a case and show them; the passphrase is asked for first."""
    attempt = access.begin(ask, notes.OPENED)
    reader = unlocked(ask.desk.engine, ask.viewer, ask.cookie)
    found = notes.opened(attempt, reader, before=number(ask.query.get("before", "")))
    return _notes_page(ask, attempt.reference, found)


def take_note(ask: Ask) -> Response:
    """Add a note, or a task if it is for somebody; needs no passphrase."""
    typed, by = ask.form, case_by(ask)
    try:
        if typed.get("assigned_to"):
            due_at = _due(typed.get("due"), ask.now)
            notes.assign(ask.desk.engine, by, typed.get("text"), to=typed.get("assigned_to"), due_at=due_at)
        else:
            notes.add(ask.desk.engine, by, typed.get("text"))
    except Refused as error:
        return _again(ask, error.faults[0].field if error.faults else "text", error.code)
    except Forbidden as error:
        if error.code != "not_a_colleague":
            raise
        return _again(ask, "assigned_to", error.code)
    said = "task_set" if typed.get("assigned_to") else "note_written"
    if typed.get("back") == "notes":
        return go(f"/console/cases/{ask.path['reference']}/notes", said=said)
    return access.back(ask, said, "notes")


def take_done(ask: Ask) -> Response:
    """Write that a task was done."""
    notes.finish(ask.desk.engine, case_by(ask), number(ask.form.get("note")) or 0)
    return access.back(ask, "task_done", "notes")


def case_by(ask: Ask) -> By:
    """Return who asks, at the case in the address; whoever has it keeps it for longer by what they do."""
    return By(ask.path["reference"], ask.viewer.handle, IN_CONSOLE, lasts_s=ask.desk.limits.claim_s)


def number(given: str) -> int | None:
    """Return an id that came with a form or an address, None if it is not one."""
    return int(given) if _NUMBER.fullmatch(given) else None


def text_mistake(code: str) -> str:
    """Return what is wrong with a text, in words."""
    return MISTAKES.get(code) or GUIDANCE.get(code) or GUIDANCE["malformed"]


def _again(ask: Ask, field: str, code: str) -> Response:
    """Show what was typed and what is wrong with it; opens nothing, so that a locked session loses no word."""
    attempt = access.begin(ask, notes.LISTED)
    with transaction(ask.desk.engine) as connection:
        found = store.of_case(connection, attempt.reference, limit=notes.PAGE)
        note(connection, [attempt.entry(detail=f"count:{len(found)}")])
    shut = [Note(one, None) for one in found]
    return _notes_page(ask, attempt.reference, shut, status=422, shut=True, mistakes={field: text_mistake(code)})


def _notes_page(
    ask: Ask,
    reference: str,
    found: Sequence[Note],
    *,
    status: int = 200,
    shut: bool = False,
    mistakes: Mapping[str, str] | None = None,
) -> Response:
    with transaction(ask.desk.engine) as connection:
        case, colleagues = head(connection, reference), readers(connection, reference)
    older = found[-1].stored.id if len(found) == notes.PAGE else None
    return show(
        ask,
        "case/notes_page.html",
        status,
        case=case,
        notes=found,
        shut=shut,
        older=older,
        colleagues=colleagues,
        mistakes=mistakes or {},
    )


def _due(given: str, now: datetime) -> datetime | None:
    """Return the end of a day that was typed, None for none; raises Refused for one that passed or is none."""
    if not given:
        return None
    try:
        due_at = datetime.combine(datetime.strptime(given, "%Y-%m-%d").replace(tzinfo=UTC), _END_OF_DAY)
    except ValueError:
        due_at = None
    if due_at is None or due_at < now:
        raise Refused("day_malformed", Fault("due", "day_malformed"))
    return due_at


def _values(_ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    many, last_at = store.counts(connection, case.reference)
    return {
        "many": many,
        "last_at": last_at,
        "tasks": store.open_tasks(connection, case.reference),
        "colleagues": readers(connection, case.reference),
    }


NOTES: Final = Part("notes", "case/notes.html", _values, title="Notes and tasks")
PAGES = (
    page("GET", "/console/cases/{reference}/notes", Right.WORK_ON_CASES, show_notes),
    page("POST", "/console/cases/{reference}/notes", Right.WORK_ON_CASES, take_note, "text assigned_to due back"),
    page("POST", "/console/cases/{reference}/notes/done", Right.WORK_ON_CASES, take_done, "note"),
)
