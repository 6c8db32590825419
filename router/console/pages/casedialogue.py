"""The dialogue with the reporter: a part of the case page that says how far it is, and a page that opens and writes it.

A text may start from a canned one; whoever sends it reads it first. What was typed comes back when somebody else wrote
meanwhile, with what they wrote.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from router.console import dialogue
from router.console.dialogue import Message
from router.console.pages import access
from router.console.pages.ask import Ask, page
from router.console.pages.casenotes import case_by, number, text_mistake
from router.console.pages.part import Part
from router.console.pages.rendering import show
from router.console.rights import Right
from router.console.unlocking import unlocked
from router.errors import Fault, Forbidden, Refused
from router.store import messages
from router.store.audit import note
from router.store.casehead import CaseHead, head
from router.store.engine import transaction
from router.vocabulary import MessageKind, ReporterKind

NEWER: Final = "written_since"
KINDS: Final[Mapping[MessageKind, tuple[str, str]]] = {
    MessageKind.ACKNOWLEDGEMENT: ("Acknowledgement", "records that the reporter knows that the report arrived"),
    MessageKind.QUESTION: ("Question or word between", "records nothing"),
    MessageKind.FEEDBACK: ("Feedback", "records that the reporter knows what was done"),
}
"""What each kind is called, and what sending one does."""
WRITTEN: Final[Mapping[ReporterKind, str]] = {
    ReporterKind.ANSWER: "Answer",
    ReporterKind.ADDITION: "More from the reporter",
    ReporterKind.WITHDRAWAL: "The reporter asks for withdrawal",
}
"""What is above what the reporter wrote."""


def show_dialogue(ask: Ask) -> Response:
    """Open the messages of a case and show them; the passphrase is asked for first."""
    return _dialogue_page(ask, _opened(ask))


def send(ask: Ask) -> Response:
    """Write to the reporter; needs no passphrase."""
    typed = ask.form
    try:
        kind = _kind(typed.get("kind"))
        after = number(typed.get("after")) or 0
        dialogue.send(ask.desk.engine, case_by(ask), kind=kind, text=typed.get("text"), after=after)
    except Refused as error:
        mistakes = {fault.field: text_mistake(fault.code) for fault in error.faults}
        return _dialogue_page(ask, *_as_far_as_may_be(ask), status=422, mistakes=mistakes)
    except Forbidden as error:
        if error.code != NEWER:
            raise
        return _dialogue_page(ask, *_as_far_as_may_be(ask), status=409, newer=True)
    return access.back(ask, f"{kind.value}_sent", "dialogue")


def _kind(given: str) -> MessageKind:
    if given not in set(MessageKind):
        raise Refused("kind_missing", Fault("kind", "kind_missing"))
    return MessageKind(given)


def _opened(ask: Ask) -> Sequence[Message]:
    attempt = access.begin(ask, dialogue.OPENED)
    reader = unlocked(ask.desk.engine, ask.viewer, ask.cookie)
    return dialogue.opened(attempt, reader, before=number(ask.query.get("before", "")))


def _as_far_as_may_be(ask: Ask) -> tuple[Sequence[Message], bool]:
    """Return the messages, and whether they are shut: the session is locked, and what was typed must not be lost."""
    try:
        return _opened(ask), False
    except Forbidden as error:
        if error.code != "locked":
            raise
    attempt = access.begin(ask, dialogue.LISTED)
    with transaction(ask.desk.engine) as connection:
        found = messages.of_case(connection, attempt.reference, limit=dialogue.PAGE)
        note(connection, [attempt.entry(detail=f"count:{len(found)}")])
    return [Message(one, None) for one in found], True


def _dialogue_page(
    ask: Ask,
    found: Sequence[Message],
    shut: bool = False,  # noqa: FBT001, FBT002 - stands beside what it says it of
    *,
    status: int = 200,
    mistakes: Mapping[str, str] | None = None,
    newer: bool = False,
) -> Response:
    with transaction(ask.desk.engine) as connection:
        case = head(connection, ask.path["reference"].strip().upper())
    if case is None:
        raise Forbidden("unknown_case")
    offered = ask.desk.texts()
    dates = {"today": ask.now, "received": case.received_at}
    dates |= {f"{one.awaited.value}_by": one.by for one in case.deadlines}
    texts = {name: filled for name, canned in offered.texts.items() if (filled := canned.filled(dates)) is not None}
    start = ask.query.get("start", "")
    return show(
        ask,
        "case/dialogue_page.html",
        status,
        case=case,
        messages=found,
        shut=shut,
        newer=newer,
        older=found[0].stored.id if len(found) == dialogue.PAGE else None,
        paged="before" in ask.query,
        last=found[-1].stored.id if found else 0,
        kinds=KINDS,
        written=WRITTEN,
        texts={name: offered.texts[name] for name in texts},
        texts_wrong=offered.wrong,
        text=ask.form.get("text") or texts.get(start, ""),
        kind=ask.form.get("kind") or (offered.texts[start].kind.value if start in texts else ""),
        mistakes=mistakes or {},
        follow_up=f"{ask.desk.public_url}/follow-up",
    )


def _values(_ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    return {"standing": messages.standing(connection, case.reference)}


DIALOGUE: Final = Part("dialogue", "case/dialogue.html", _values, title="Reporter")
PAGES = (
    page("GET", "/console/cases/{reference}/dialogue", Right.WORK_ON_CASES, show_dialogue),
    page("POST", "/console/cases/{reference}/dialogue", Right.WORK_ON_CASES, send, "kind text after"),
)
