"""What becomes of what a person hands over when the directory, the channels, the worker or the version change."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest
from alembic import command
from sqlalchemy import Engine

from router import clock
from router.bodies.together import joined
from router.channels.hand_over.sheet import read_sheet
from router.console import handing
from router.console.acting import By
from router.console.handing import Given
from router.errors import Forbidden
from router.failpoints import FailPoint, on_reach
from router.intake.pager import Pager
from router.reporter.following.standing import Stage, stage_of
from router.store import byreceipt, handovers, policies
from router.store.cases import record
from router.store.drafts import Draft
from router.store.engine import connect, transaction
from router.store.referrals import Ended, lease, settle
from router.store.retries import retry
from router.store.upgrade import alembic_config
from router.triage.policy import parse_policy
from router.vault.receipt import new_receipt, receipt_key
from router.vocabulary import ReferralState
from tests.conftest import Database
from tests.handing import BODIES, CHANNELS_IN_HAND, POLICE_IN_HAND
from tests.makers import a_case, prepare
from tests.router.console.approvers import Border, a_border
from tests.router.console.deployments import POLICY, SECRET

BESIDE = joined(CHANNELS_IN_HAND.replace(POLICE_IN_HAND, ""), BODIES)
"""The channels, of which none is served by a person any more."""
UNHELD = POLICY.replace(", hold: police", "")
BEFORE = "0012"
"""The last migration that knows nothing of what is in hand."""
AT_0012 = """
    update referrals set state = substr(channel, 4),
                         lease_until = case channel when 'to-leased' then now() + interval '1 min' end
"""


@pytest.fixture
def border(database: Database, tmp_path: Path) -> Iterator[Border]:
    with a_border(database, tmp_path, channels=joined(CHANNELS_IN_HAND, BODIES)) as made:
        yield made


@pytest.fixture
def owner(database: Database) -> Iterator[Engine]:
    engine = connect(database.owner_dsn, process="test")
    yield engine
    engine.dispose()


def approved(border: Border) -> Draft:
    """Return what two people approved, and no worker has looked at."""
    draft = border.file(country="SE", where_found="removable_usb")
    for handle in ("tom", "una"):
        border.approve(draft, handle)
    return draft


def in_hand(border: Border) -> Draft:
    draft = approved(border)
    border.send()
    assert border.state_of(draft)[0] == "in_hand"
    return draft


def recorded(border: Border, draft: Draft, by: str = "sven", body: str = "se-police") -> None:
    handing.record(
        border.desk,
        By(draft.reference, by, ""),
        referral=draft.id,
        given=Given(body, "", f"K-{by}", clock.now()),
    )


def the_channel_vanishes(border: Border) -> None:
    digest = parse_policy(UNHELD, BESIDE).digest
    with transaction(border.deployment.intake) as connection:
        policies.keep(connection, digest, UNHELD, BESIDE)
        policies.activate(connection, digest)


def test_what_was_approved_for_another_number_is_a_draft_again_until_people_saw_the_new_one(border: Border) -> None:
    draft = approved(border)
    border.put_in_force(joined(CHANNELS_IN_HAND, BODIES.replace("114 14", "77 14 00")))
    border.send()

    assert border.state_of(draft)[:2] == ("draft", "not_approved")
    assert border.deployment.rows("select count(*) from handovers") == [(0,)]
    [again] = border.drafts(draft.reference)
    assert (again.id, again.open) == (draft.id, True)

    for handle in ("tom", "una"):
        border.approve(again, handle)
    border.send()

    assert border.state_of(draft)[0] == "in_hand"
    [(body,)] = border.deployment.rows("select body from drafts where referral = :id", id=draft.id)
    sheet = read_sheet(bytes(body))
    assert sheet.to is not None
    assert sheet.to.phone == "77 14 00"


def test_what_lies_before_a_person_when_its_channel_vanishes_is_told_of_listed_and_can_be_recorded(
    border: Border,
) -> None:
    draft = in_hand(border)
    the_channel_vanishes(border)
    rung: list[str] = []
    handing.tend(border.desk, rung.extend)
    # A critical case: half an hour, as the channel said when there was one.
    border.deployment.run(
        "update referrals set first_due_at = first_due_at - interval '31 min' where notice is not null"
    )
    border.deployment.run("update handovers set in_hand_at = in_hand_at - interval '31 min'")
    handing.tend(border.desk, rung.extend)
    with transaction(border.deployment.console) as connection:
        listed = [one.id for one in handovers.waiting(connection, "sven", limit=9)]
    recorded(border, draft)

    assert rung == ["legal-desk", "legal-desk"]
    assert listed == [draft.id]
    assert border.state_of(draft)[:2] == ("sent", "handed_over")


class Killed(BaseException):
    """Stands for a worker that is no more."""


def test_a_worker_that_ends_at_any_step_lays_it_before_people_once(border: Border) -> None:
    draft = approved(border)
    for point in (FailPoint.BEFORE_SETTLE, FailPoint.IN_LEASE, FailPoint.AFTER_SETTLE):
        seen: list[FailPoint] = []

        def die(reached: FailPoint, point: FailPoint = point, seen: list[FailPoint] = seen) -> None:
            # The turn's first write leases, its second settles: it is the latter that ends.
            settles = reached is point and FailPoint.AFTER_SEND in seen
            seen.append(reached)
            if settles:
                raise Killed

        on_reach(die)
        try:
            with pytest.raises(Killed):
                border.send()
        finally:
            on_reach(None)
        border.deployment.run("update referrals set lease_until = now() - interval '1 s' where state = 'leased'")
    border.send()

    assert border.state_of(draft)[:2] == ("in_hand", "in_hand")
    assert border.deployment.rows("select referral from handovers") == [(draft.id,)]
    assert border.deployment.rows("select count(*) from audit where action = 'referral_in_hand'") == [(1,)]


def test_whoever_settles_it_twice_or_after_it_was_recorded_changes_nothing(border: Border) -> None:
    draft = approved(border)
    with transaction(border.worker) as connection:
        [leased] = lease(connection, "police", limit=1, lease_s=30)
    ended = Ended(leased, "in_hand", "in_hand", clock.now())
    with transaction(border.worker) as connection:
        first, second = settle(connection, [ended]), settle(connection, [ended])
    recorded(border, draft)
    with transaction(border.worker) as connection:
        third = settle(connection, [replace(ended, state="due")])

    assert (first, second, third) == ({draft.id}, set(), set())
    assert border.state_of(draft)[:2] == ("sent", "handed_over")
    assert border.deployment.rows("select recorded_by from handovers") == [("sven",)]


def test_of_two_who_record_it_at_once_one_does_and_the_other_is_told(border: Border) -> None:
    draft = in_hand(border)
    together = Barrier(2)
    told: dict[str, str] = {}

    def one(by: str) -> None:
        together.wait()
        try:
            recorded(border, draft, by)
        except Forbidden as refused:
            told[by] = refused.code
        else:
            told[by] = "recorded"

    threads = [Thread(target=one, args=(by,)) for by in ("ana", "sven")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(told.values()) == ["handover_recorded", "recorded"]
    [winner] = [by for by, said in told.items() if said == "recorded"]
    assert border.deployment.rows("select recorded_by, external_reference from handovers") == [(winner, f"K-{winner}")]
    assert border.deployment.rows("select remote_id from referrals where id = :id", id=draft.id) == [(f"K-{winner}",)]
    assert border.deployment.rows("select part from preserved order by part") == [("document",), ("receipt",)]
    assert border.deployment.rows("select count(*) from attempts where outcome = 'handed_over'") == [(1,)]
    assert border.deployment.rows(
        "select outcome, count(*) from audit where action = 'handover_recorded' group by 1 order by 1"
    ) == [("ok", 1), ("refused_handover_recorded", 1)]


def test_a_reporter_reads_that_it_was_referred_when_it_was_and_not_while_it_is_in_hand(border: Border) -> None:
    receipt = new_receipt()
    key = receipt_key(receipt, SECRET)
    assert key is not None
    case = border.deployment.file("grave", receipt=key, country="SE")
    [draft] = border.drafts(case.reference)

    def stage() -> Stage:
        with transaction(border.deployment.intake) as connection:
            found = byreceipt.find(connection, key.lookup)
        assert found is not None
        return stage_of(found, {"police"})

    stages = [stage()]
    for handle in ("tom", "una"):
        border.approve(draft, handle)
    stages.append(stage())
    border.send()
    stages.append(stage())
    recorded(border, draft)

    assert set(stages) == {Stage.RECEIVED}
    assert stage() is Stage.REFERRED


def test_the_upgrade_takes_every_state_along_and_on_the_way_back_what_was_in_hand_is_for_a_person_to_look_at(
    owner: Engine, database: Database
) -> None:
    prepare(database)
    with transaction(owner) as connection:
        command.downgrade(alembic_config(connection), BEFORE)
        states = sorted(state.value for state in ReferralState if state is not ReferralState.IN_HAND)
        case = a_case(channels=tuple(f"to-{state}" for state in states))
        record(connection, [case])
        connection.exec_driver_sql(AT_0012)
        command.upgrade(alembic_config(connection), "head")
        upgraded = connection.exec_driver_sql("select channel, state from referrals order by channel").all()

        connection.exec_driver_sql("update referrals set state = 'in_hand' where channel = 'to-due'")
        connection.exec_driver_sql("update referrals set notice = 'draft_waits' where channel = 'to-standby'")
        connection.exec_driver_sql("insert into handovers (referral) select id from referrals where state = 'in_hand'")
        command.downgrade(alembic_config(connection), BEFORE)
        ended = "select state, outcome, settled_at is not null from referrals where channel in ('to-due', 'to-standby')"
        back = connection.exec_driver_sql(f"{ended} order by channel").all()
        command.upgrade(alembic_config(connection), "head")
        again = retry(connection, case.reference, "to-due")

    assert list(map(tuple, upgraded)) == [(f"to-{state}", state) for state in states]
    assert list(map(tuple, back)) == [("dead", "downgraded", True), ("recalled", "downgraded", True)]
    assert [one.state for one in again] == [ReferralState.DUE]


def test_whoever_must_not_know_hears_nothing_of_it_from_a_channel_that_vanished_either(border: Border) -> None:
    case = border.deployment.file("grave", country="SE", where_found="removable_usb", involves=["legal"])
    [draft] = border.drafts(case.reference)
    for handle in ("tom", "una"):
        border.approve(draft, handle)
    border.send()
    the_channel_vanishes(border)
    border.deployment.run("update handovers set in_hand_at = in_hand_at - interval '2 h'")
    border.deployment.run("update referrals set first_due_at = first_due_at - interval '2 h' where notice is null")
    handing.tend(border.desk)
    Pager(border.deployment.intake, lambda: parse_policy(UNHELD, BESIDE), ring=lambda _: None).look()

    assert border.deployment.rows("select notice, channel from referrals where about = 'police' order by notice") == [
        ("delivery_late", "ombuds-desk"),
        ("hand_over_waits", "ombuds-desk"),
    ]
