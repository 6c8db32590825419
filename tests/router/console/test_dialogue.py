"""The dialogue: what staff write, the holder of the receipt reads; the law's clocks stop by it."""

import pytest

from router.console import dialogue
from router.console.acting import IN_CONSOLE, By
from router.console.attempt import attempted
from router.console.dialogue import Message
from router.console.opening import identify
from router.errors import Forbidden, Refused, SealBroken
from router.reporter import receipts
from router.store import byreceipt, messages
from router.store.engine import transaction
from router.vault.receipt import receipt_holder
from router.vocabulary import MessageKind
from tests.router.console.deployments import SECRET, Deployment

WORDS = "MARKED-7f3a message"


def by(reference: str, handle: str = "ana") -> By:
    return By(reference, handle, IN_CONSOLE)


def filed(deployment: Deployment) -> tuple[str, str]:
    """Return the reference of a case that has a receipt, and the receipt."""
    receipt, key = receipts.issue(SECRET)
    return deployment.file("fraud", receipt=key).reference, receipt


def send(
    deployment: Deployment,
    reference: str,
    kind: MessageKind = MessageKind.QUESTION,
    *,
    after: int = 0,
    handle: str = "ana",
) -> None:
    dialogue.send(deployment.console, by(reference, handle), kind=kind, text=WORDS, after=after)


def opened(deployment: Deployment, reference: str, handle: str = "ana") -> list[Message]:
    attempt = attempted(deployment.console, dialogue.OPENED, kind="person", handle=handle, reference=reference)
    return list(dialogue.opened(attempt, identify(attempt, handle, deployment.passphrases[handle])))


def told(deployment: Deployment, receipt: str) -> list[str]:
    """Return what the holder of a receipt can read, as the public part reads it."""
    holder = receipt_holder(receipt, SECRET)
    assert holder is not None
    with transaction(deployment.intake) as connection:
        found = byreceipt.dialogue(connection, holder.lookup)
    return [holder.message(one.reference, one.sealed) for one in found if one.sealed]


def clocks(deployment: Deployment, reference: str) -> tuple[bool, bool]:
    [row] = deployment.rows(
        "select acknowledged_at is not null, feedback_at is not null from cases where reference = :r", r=reference
    )
    return row[0], row[1]


def test_the_holder_of_the_receipt_and_the_team_read_it_and_nobody_else(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    _other, stranger = filed(deployment)

    send(deployment, reference)

    assert told(deployment, receipt) == [WORDS]
    assert told(deployment, stranger) == []
    assert [message.text for message in opened(deployment, reference, "lena")] == [WORDS]
    holder = receipt_holder(stranger, SECRET)
    mine = receipt_holder(receipt, SECRET)
    assert holder
    assert mine
    with transaction(deployment.intake) as connection:
        [stored] = byreceipt.dialogue(connection, mine.lookup)
    assert stored.sealed
    with pytest.raises(SealBroken):
        holder.message(reference, stored.sealed)


def test_opening_is_a_line_of_the_audit_and_so_is_sending_without_a_word_of_it(deployment: Deployment) -> None:
    reference, _receipt = filed(deployment)
    send(deployment, reference)

    opened(deployment, reference, "sven")

    lines = deployment.rows("select actor, action, outcome, detail from audit where action like 'message%' order by id")
    assert lines == [
        ("person:ana", "message_sent", "ok", "question"),
        ("person:sven", "messages_opened", "ok", "count:1"),
    ]
    stored = str(deployment.rows("select t::text from sealed_messages t"))
    assert WORDS.encode().hex() not in stored


@pytest.mark.parametrize(
    ("kind", "stopped", "detail"),
    [
        (MessageKind.QUESTION, (False, False), "question"),
        (MessageKind.ACKNOWLEDGEMENT, (True, False), "acknowledgement acknowledged"),
        (MessageKind.FEEDBACK, (True, True), "feedback acknowledged answered"),
    ],
)
def test_what_the_law_asks_for_is_recorded_by_saying_it(
    deployment: Deployment, kind: MessageKind, stopped: tuple[bool, bool], detail: str
) -> None:
    reference, _receipt = filed(deployment)

    send(deployment, reference, kind)

    assert clocks(deployment, reference) == stopped
    assert deployment.rows("select detail from audit where action = 'message_sent'") == [(detail,)]
    waiting = deployment.rows(
        "select distinct awaited from referrals where state = 'standby' and awaited in ('acknowledge', 'feedback')"
    )
    assert {awaited for (awaited,) in waiting}.isdisjoint(
        {awaited for awaited, done in zip(("acknowledge", "feedback"), stopped, strict=True) if done}
    )


def test_it_may_be_said_again_and_the_first_time_counts(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    send(deployment, reference, MessageKind.ACKNOWLEDGEMENT)
    first = deployment.rows("select acknowledged_at from cases where reference = :r", r=reference)

    last = opened(deployment, reference)[-1].stored.id
    send(deployment, reference, MessageKind.ACKNOWLEDGEMENT, after=last)

    assert len(told(deployment, receipt)) == 2
    assert deployment.rows("select acknowledged_at from cases where reference = :r", r=reference) == first


def test_who_did_not_see_the_newest_message_says_nothing_over_it(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    send(deployment, reference)

    with pytest.raises(Forbidden, match="written_since"):
        send(deployment, reference, MessageKind.FEEDBACK, handle="sven")

    assert len(told(deployment, receipt)) == 1
    assert clocks(deployment, reference) == (False, False)


def test_the_reporters_own_words_stand_between_and_are_for_the_case_alone(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    deployment.write(receipt, "MARKED-7f3a answer")
    with transaction(deployment.console) as connection:
        newest = messages.standing(connection, reference)

    send(deployment, reference, after=newest.last)

    assert [(m.stored.from_staff, m.text) for m in opened(deployment, reference)] == [
        (False, "MARKED-7f3a answer"),
        (True, WORDS),
    ]
    assert told(deployment, receipt) == [WORDS]


def test_where_nobody_holds_a_receipt_nothing_is_sent(deployment: Deployment) -> None:
    reference = deployment.file().reference

    with pytest.raises(Forbidden, match="no_receipt"):
        send(deployment, reference)

    assert deployment.rows("select from sealed_messages") == []


@pytest.mark.parametrize("who", ["lena", "nobody"])
def test_nobody_else_writes_to_a_reporter(deployment: Deployment, who: str) -> None:
    receipt, key = receipts.issue(SECRET)
    reference = deployment.file("other", receipt=key).reference

    with pytest.raises(Forbidden):
        send(deployment, reference, MessageKind.FEEDBACK, handle=who)

    assert told(deployment, receipt) == []
    assert clocks(deployment, reference) == (False, False)


def test_material_is_not_sent_to_a_reporter(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)

    with pytest.raises(Refused):
        dialogue.send(
            deployment.console,
            by(reference),
            kind=MessageKind.QUESTION,
            text="data:image/png;base64,MARKED7f3aMARKED7f3a",
            after=0,
        )

    assert told(deployment, receipt) == []
