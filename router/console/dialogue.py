"""The dialogue with a reporter: what staff write is sealed twice, to the receipt that they hold and to the case.

An acknowledgement and a feedback are what the law sets a time for: sending one records it, in the same transaction. To
write needs no key; to read, the case is opened, and the audit says so before anything is shown.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.acting import By, act, begin
from router.console.attempt import Attempt
from router.console.notes import text_in
from router.console.opening import CaseKey, Reader, hold_key, still_opening
from router.console.written import check_written
from router.errors import Forbidden
from router.store import messages, progress
from router.store.audit import note
from router.store.messages import StoredMessage
from router.store.progress import Standing
from router.vault.seal import seal_message
from router.vocabulary import MessageKind

OPENED: Final = "messages_opened"
LISTED: Final = "case_messages_listed"
"""A look at which messages there are, without a word of them."""
SENT: Final = "message_sent"
PAGE: Final = 50
"""Messages that are opened at once."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was opened."""

    stored: StoredMessage
    text: str | None
    """None: it does not open, so somebody changed it."""


def send(engine: Engine, by: By, *, kind: MessageKind, text: str, after: int) -> None:
    """Write to the reporter; `after` is the id of the newest message that the writer knew, 0 for none.

    Raises Refused for a text that is none; Forbidden `no_receipt` where nobody could read it, `written_since` when
    there is a newer message; each audited.
    """
    attempt = begin(engine, SENT, by)
    words = check_written(attempt, text)
    told: list[str] = []

    def change(connection: Connection, case: Standing, who: str) -> bool:
        keys = messages.case_keys(connection, case.reference)
        if keys is None or keys.receipt is None:
            raise Forbidden("no_receipt")
        if messages.standing(connection, case.reference).last != after:
            raise Forbidden("written_since")
        messages.add_from_staff(
            connection,
            case.reference,
            kind=kind,
            by=who,
            for_case=seal_message(case.reference, words, keys.suite, keys.public),
            for_receipt=seal_message(case.reference, words, keys.suite, keys.receipt).blob,
        )
        told.extend(_recorded(connection, case.reference, kind))
        return True

    act(
        engine,
        SENT,
        by,
        change=change,
        why_not=lambda _case: Forbidden("no_receipt"),
        detail=lambda _case: " ".join([kind.value, *told, ""]),
        ready=attempt,
    )


def opened(attempt: Attempt, reader: Reader, *, before: int | None = None) -> tuple[Message, ...]:
    """Return the newest messages of the case, or those before one, oldest first, after committing that they are opened.

    Raises Forbidden and SealBroken as `opening.hold_key` does, each audited.
    """
    key = hold_key(attempt, reader)
    with still_opening(attempt) as connection:
        found = messages.of_case(connection, attempt.reference, limit=PAGE, before=before)
        came = messages.received(connection, attempt.reference)
        if before is None:
            messages.read_by_staff(connection, attempt.reference)
        note(connection, [attempt.entry(detail=f"count:{len(found)}")])
    return tuple(Message(one, _text(attempt, key, one, came)) for one in found)


def _text(attempt: Attempt, key: CaseKey, one: StoredMessage, came: Collection[str]) -> str | None:
    """Return a message's text. Anybody can seal to a public key: what opens must also be what the audit says came."""
    if not one.from_staff and one.came_as not in came:
        attempt.note("failed_message_replaced", f"id:{one.id}")
        return None
    return text_in(attempt, key, CaseKey.message, one.sealed, one.id)


def _recorded(connection: Connection, reference: str, kind: MessageKind) -> list[str]:
    """Stop the clocks that this message answers; return a word for each that it stopped."""
    told = []
    if kind is not MessageKind.QUESTION and progress.acknowledge(connection, reference):
        told.append("acknowledged")
    if kind is MessageKind.FEEDBACK and progress.answer(connection, reference):
        told.append("answered")
    return told
