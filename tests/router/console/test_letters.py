"""What reporters write on their case: kept once, for its team alone, and its desks hear that there is something."""

import re
from typing import Any

import pytest

from router.console import dialogue
from router.console import progress as acts
from router.console.acting import IN_CONSOLE, By
from router.console.attempt import attempted
from router.console.opening import identify
from router.errors import Forbidden
from router.reporter import receipts
from router.reporter.following.letters import MOST_A_DAY
from router.reporter.following.standing import Stage, stage_of
from router.store import byreceipt, casefile, progress, queue
from router.store.byreceipt import FollowedCase, Written
from router.store.engine import transaction
from router.store.posting import referral_id
from router.store.queuefilter import Filter, State
from router.vault.receipt import receipt_holder
from router.vault.seal import seal_message
from router.vocabulary import CaseOutcome, MessageKind, ReporterKind, Role
from tests.router.console.deployments import SECRET, Deployment
from tests.router.console.pages import Office

WORDS = "MARKED-7f3a words"
NOTICES = """
    select channel, revision, notice, state, fields - 'reference' - 'revision' - 'notice' from referrals
    where notice in ('reporter_wrote', 'withdrawal_asked') order by channel, revision"""


def filed(deployment: Deployment, category: str = "fraud", **facts: Any) -> tuple[str, str]:
    """Return the reference of a case whose desks have it, and its receipt."""
    receipt, key = receipts.issue(SECRET)
    reference = deployment.file(category, receipt=key, **facts).reference
    for channel in ("security-desk", "legal-desk"):
        deployment.sent(reference, channel)
    return reference, receipt


def opened(deployment: Deployment, reference: str, handle: str = "ana") -> list[tuple[str, str | None]]:
    attempt = attempted(deployment.console, dialogue.OPENED, kind="person", handle=handle, reference=reference)
    found = dialogue.opened(attempt, identify(attempt, handle, deployment.passphrases[handle]))
    return [(message.stored.kind.value, message.text) for message in found]


def case_of(deployment: Deployment, receipt: str) -> FollowedCase:
    with transaction(deployment.intake) as connection:
        case = byreceipt.find(connection, receipt_holder(receipt, SECRET).lookup)
    assert case
    return case


def waiting(
    deployment: Deployment, state: State = State.WAITING, *, unread: bool = False, wrote: bool = False
) -> dict[str, bool]:
    """Return the cases in ana's queue, and whether the reporter of each wrote something that nobody has read."""
    with transaction(deployment.console) as connection:
        [[now]] = deployment.rows("select clock_timestamp()")
        listed = queue.page(connection, "ana", Filter(state=state, unread=unread, wrote=wrote), after=None, now=now)
    return {row.reference: row.reporter_wrote_at is not None for row in listed.rows}


def test_the_team_reads_it_and_every_desk_hears_that_there_is_something_and_not_what(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)

    assert deployment.write(receipt, WORDS, ReporterKind.ANSWER) is Written.KEPT

    assert opened(deployment, reference) == [("answer", WORDS)]
    notices = deployment.rows(NOTICES)
    assert [(channel, notice, state) for channel, _revision, notice, state, _fields in notices] == [
        ("legal-desk", "reporter_wrote", "due"),
        ("security-desk", "reporter_wrote", "due"),
    ]
    # Each hears what it may carry and was told before: the link here, the severity there.
    assert [set(fields) for *_row, fields in notices] == [{"link"}, {"severity"}]
    assert set(deployment.rung) == {"legal-desk", "security-desk"}
    [(channel, revision, found)] = deployment.rows(
        "select channel, revision, id from referrals where notice = 'reporter_wrote' and channel = 'legal-desk'"
    )
    assert found == referral_id(reference, channel, revision)
    assert deployment.rows(
        "select actor, outcome, left(detail, 7) from audit where action = 'message_received' and object = :r",
        r=reference,
    ) == [("reporter", "ok", "answer ")]
    assert WORDS.encode().hex() not in str(deployment.rows("select t::text from sealed_messages t"))


def test_the_queue_filters_what_reporters_wrote_until_somebody_reads_it(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    filed(deployment)
    deployment.write(receipt, WORDS)

    assert waiting(deployment, wrote=True) == {reference: True}
    deployment.run("update cases set reporter_wrote_at = null")
    assert waiting(deployment, wrote=True) == {}
    assert len(waiting(deployment)) == 2


def test_however_often_they_write_a_desk_hears_it_once_in_an_hour(deployment: Deployment) -> None:
    _reference, receipt = filed(deployment, "other")
    for number in range(3):
        deployment.write(receipt, f"{WORDS} {number}")
    states = "select state from referrals where notice = 'reporter_wrote' order by revision"
    assert deployment.rows(states) == [("due",)]

    deployment.sent(case_of(deployment, receipt).reference, "security-desk")
    for number in range(3, 6):
        deployment.write(receipt, f"{WORDS} {number}")

    assert deployment.rows(states) == [("sent",), ("standby",)]
    [[apart]] = deployment.rows(
        "select extract(epoch from max(due_at) - min(first_due_at)) from referrals where notice = 'reporter_wrote'"
    )
    assert apart == pytest.approx(3600, abs=1)


def test_what_comes_twice_is_kept_once_and_other_words_by_the_same_form_are_not_lost(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)

    became = [deployment.write(receipt, words, key="form") for words in (WORDS, WORDS, f"{WORDS} more")]

    assert became == [Written.KEPT, Written.REPEATED, Written.KEPT]
    assert [text for _kind, text in opened(deployment, reference)] == [WORDS, f"{WORDS} more"]


def test_more_than_many_in_a_day_are_not_kept_and_that_is_said_but_a_withdrawal_is(deployment: Deployment) -> None:
    _reference, receipt = filed(deployment)
    deployment.run(
        """
        insert into sealed_messages (reference, from_staff, kind, suite, for_case, written_at)
        select reference, false, 'addition', suite, '', now() - make_interval(mins => n)
        from cases, generate_series(1, :many) n""",
        many=MOST_A_DAY,
    )

    assert deployment.write(receipt, WORDS) is Written.TOO_MANY
    assert deployment.write(receipt, "", ReporterKind.WITHDRAWAL) is Written.KEPT

    deployment.run("update sealed_messages set written_at = now() - interval '25 hours' where for_case = ''")
    assert deployment.write(receipt, WORDS) is Written.KEPT


def test_a_team_in_conflict_hears_nothing_and_somebody_always_does(deployment: Deployment) -> None:
    reference, receipt = filed(deployment, involves=["security_team"])
    deployment.run("update referrals set state = 'dead' where reference = :r and channel = 'legal-desk'", r=reference)

    deployment.write(receipt, WORDS)

    # Nobody heard of the case yet: the first desk of the fallback that nobody in conflict reads.
    [(channel, _revision, notice, state, _fields)] = deployment.rows(NOTICES)
    assert (channel, notice, state) == ("legal-desk", "reporter_wrote", "due")


def test_desks_that_are_still_to_hear_of_the_case_hear_of_that_first(deployment: Deployment) -> None:
    receipt, key = receipts.issue(SECRET)
    deployment.file("fraud", receipt=key)
    deployment.run("update referrals set state = 'standby', due_at = now() + interval '1 h' where notice is null")

    assert deployment.write(receipt, WORDS) is Written.KEPT

    assert deployment.rows(NOTICES) == []


def test_who_was_told_to_forget_the_case_hears_no_more_of_it(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    deployment.run(
        """insert into referrals (id, reference, channel, kind, revision, policy, state, fields, notice)
           values ('r', :r, 'legal-desk', 'folder', 90, 'p', 'sent', '{}', 'recalled')""",
        r=reference,
    )

    deployment.write(receipt, WORDS)

    assert {row[0] for row in deployment.rows(NOTICES)} == {"security-desk"}


def test_one_asks_once_to_withdraw_and_staff_decide(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    close: dict[str, Any] = {"reference": reference, "handle": "ana", "login": IN_CONSOLE, "told": False}
    with pytest.raises(Forbidden, match=r"^withdrawal_not_asked$"):
        acts.close(deployment.console, outcome=CaseOutcome.WITHDRAWN, **close)

    became = [deployment.write(receipt, why, ReporterKind.WITHDRAWAL) for why in ("", WORDS)]

    assert became == [Written.KEPT, Written.ASKED_BEFORE]
    assert opened(deployment, reference) == [("withdrawal", "")]
    assert {row[2] for row in deployment.rows(NOTICES)} == {"withdrawal_asked"}
    acts.close(deployment.console, outcome=CaseOutcome.WITHDRAWN, **close)
    assert stage_of(case_of(deployment, receipt), ()) is Stage.WITHDRAWN
    assert deployment.write(receipt, "later", ReporterKind.WITHDRAWAL) is Written.NOT_OPEN
    clocks = deployment.rows("select count(*) from referrals where state = 'standby' and awaited is not null")
    assert clocks == [(0,)]


def test_what_nobody_has_read_shows_in_the_queue_even_of_a_closed_case(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    deployment.run("update cases set state = 'closed', closed_at = now(), acknowledged_at = now(), feedback_at = now()")
    assert waiting(deployment) == {}

    deployment.write(receipt, WORDS)

    assert waiting(deployment, unread=True) == {reference: True}
    assert waiting(deployment, State.OWED) == {reference: True}
    opened(deployment, reference)
    assert waiting(deployment) == {}
    assert waiting(deployment, State.CLOSED) == {reference: False}


def test_the_reporter_learns_how_far_it_is_and_of_whom_nothing(deployment: Deployment) -> None:
    receipt, key = receipts.issue(SECRET)
    reference = deployment.file("grave", receipt=key).reference
    outside = {"police"}

    def stage() -> Stage:
        return stage_of(case_of(deployment, receipt), outside)

    stages = [stage()]
    deployment.sent(reference, "security-desk")
    stages.append(stage())
    with transaction(deployment.console) as connection:
        progress.claim(connection, reference, "ana")
    stages.append(stage())
    deployment.run("alter table referrals disable trigger approved")
    deployment.run("update referrals set state = 'sent' where channel = 'police'")
    stages.append(stage())
    with transaction(deployment.console) as connection:
        progress.close(connection, reference, "ana", CaseOutcome.ACTED, told=True)
    stages.append(stage())

    assert stages == [Stage.RECEIVED, Stage.TOLD, Stage.TAKEN, Stage.REFERRED, Stage.CLOSED]


def test_reminders_and_what_was_withdrawn_say_nothing_of_who_was_told(deployment: Deployment) -> None:
    reference, receipt = filed(deployment, "other")
    deployment.run("update referrals set state = 'recalled' where notice is null and reference = :r", r=reference)
    deployment.run("update referrals set state = 'sent' where notice is not null and reference = :r", r=reference)

    assert case_of(deployment, receipt).sent == frozenset()
    assert stage_of(case_of(deployment, receipt), ()) is Stage.RECEIVED


def test_words_that_did_not_come_from_the_reporter_are_shown_to_nobody(deployment: Deployment) -> None:
    reference, receipt = filed(deployment)
    deployment.write(receipt, WORDS)
    _other, strangers = filed(deployment)
    deployment.write(strangers, f"{WORDS} of another")
    forged = case_of(deployment, receipt)
    sealed = seal_message(reference, f"{WORDS} forged", forged.suite, forged.public)
    deployment.run("update sealed_messages set for_case = :blob where reference = :r", blob=sealed.blob, r=reference)

    assert opened(deployment, reference) == [("addition", None)]
    assert deployment.rows("select outcome from audit where detail like 'id:%'") == [("failed_message_replaced",)]


def test_another_receipt_gives_and_writes_nothing_of_the_case(deployment: Deployment) -> None:
    reference, _receipt = filed(deployment)
    _other, strangers = filed(deployment)

    deployment.write(strangers, WORDS)
    dialogue.send(deployment.console, By(reference, "ana", IN_CONSOLE), kind=MessageKind.QUESTION, text=WORDS, after=0)

    assert opened(deployment, reference) == [("question", WORDS)]
    with transaction(deployment.intake) as connection:
        lines = byreceipt.dialogue(connection, receipt_holder(strangers, SECRET).lookup)
    assert [line.kind for line in lines] == [ReporterKind.ADDITION]
    with transaction(deployment.intake) as connection:
        assert byreceipt.find(connection, receipt_holder("nobody's", SECRET).lookup) is None


def test_the_console_says_that_the_reporter_wrote_until_somebody_reads_it(office: Office) -> None:
    reference, receipt = filed(office.deployment)
    office.deployment.write(receipt, WORDS, ReporterKind.ANSWER)
    office.deployment.write(receipt, "", ReporterKind.WITHDRAWAL)
    browser = office.sign_in("ana", Role.REVIEWER)
    address = f"/console/cases/{reference}"

    before = [browser.get(place).text for place in ("/console", address)]
    office.unlock(browser, "ana")
    read = browser.get(f"{address}/dialogue").text
    after = [browser.get(place).text for place in ("/console", address)]

    assert ["reporter wrote" in page for page in before + after] == [True, True, False, False]
    assert ["withdrawal asked for" in page for page in (before[1], after[1])] == [True, True]
    assert "MARKED" not in "".join(before + after)
    assert re.findall(r"<h2 id=.message-[0-9]+-title.>(.*?)</h2>", read) == [
        "Answer",
        "The reporter asks for withdrawal",
    ]
    assert f"<pre>{WORDS}</pre>" in read
    assert "Without a word." in read
    assert 'value="withdrawn"' in before[1]
    other, _receipt = filed(office.deployment)
    assert 'value="withdrawn"' not in browser.get(f"/console/cases/{other}").text
    with transaction(office.deployment.console) as connection:
        whole = casefile.whole(connection, reference)
    assert whole
    assert [(one["written_by"], one["kind"]) for one in whole["messages"]] == [
        ("reporter", "answer"),
        ("reporter", "withdrawal"),
    ]
