"""A mail of a fixed time stands for all that waited, no sooner than it was accepted, and is the same with nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from router.catalogue import Catalogue, parse_catalogue
from router.store.digests import AWAITS, IN_DIGEST, post_digest
from router.store.digests import now as time_there
from router.store.engine import transaction
from tests.conftest import Database
from tests.standins.mail import Mail, MailStandIn
from tests.workers.rooms import Room, a_room
from workers.attempt import HELD_FOR_S
from workers.retry import GIVE_UP_S

TIMES: Final = ", ".join(f'"{hour:02}:30"' for hour in range(0, 24, 6))


@pytest.fixture
def room(database: Database, tmp_path: Path) -> Iterator[Room]:
    with a_room(database, tmp_path) as made:
        yield made


@pytest.fixture
def there() -> Iterator[MailStandIn]:
    with MailStandIn(accounts=False) as running:
        yield running


def channels(there: MailStandIn) -> Catalogue:
    made = (
        "kind: mail, scope: internal, carries: [], readable_by: [security], sender: a@example.org, to: b@example.org, "
        f"look_at: 'https://c.example.org', late_after: 8h, url: '{there.url}', starttls: false, "
        f"digest: {{at: [{TIMES}], zone: Europe/Luxembourg}}"
    )
    return parse_catalogue(f"desk: {{{made}}}\nother: {{{made}}}")


def deliver(room: Room, there: MailStandIn, channel: str = "desk") -> None:
    room.deliverer(channels(there)).deliver(channel)


def time_comes(room: Room) -> str:
    with transaction(room.owner) as connection:
        at = time_there(connection)
        reference = post_digest(connection, channel="desk", kind="mail", policy="a" * 64, fixed=at)
    assert reference
    return reference


def cases(room: Room) -> list[Any]:
    return room.rows("state, outcome, remote_id, proof, attempts", "notice is null")


def masked(mail: Mail) -> bytes:
    """Return the mail without its moment and its id, which have one length each."""
    lines = mail.content.split(b"\r\n")
    return b"\r\n".join(b"." * len(line) if line.startswith((b"Date:", b"Message-ID:")) else line for line in lines)


def test_a_case_waits_for_the_next_time_and_reaches_no_server(room: Room, there: MailStandIn) -> None:
    time_comes(room)
    deliver(room, there)
    heard = list(there.heard)
    room.post(3)
    deliver(room, there)

    assert there.heard == heard
    assert [(row.state, row.outcome) for row in cases(room)] == [("due", AWAITS)] * 3
    (wait_s,) = {
        row[0] for row in room.rows("extract(epoch from due_at - clock_timestamp())::int / 60", "notice is null")
    }
    assert 0 <= wait_s <= (6 * 3600 + HELD_FOR_S) / 60


def test_one_mail_stands_for_all_that_waited(room: Room, there: MailStandIn) -> None:
    room.post(20)
    deliver(room, there)
    reference = time_comes(room)
    deliver(room, there)

    (mail,) = there.mails
    (own,) = room.rows("id, state, outcome", f"reference = '{reference}'")
    assert {tuple(row)[:4] for row in cases(room)} == {("sent", IN_DIGEST, own.id, "accepted")}
    assert mail.message["Message-ID"] == f"<{own.id}@example.org>"
    assert (own.state, own.outcome) == ("sent", "sent")


def test_with_nothing_waiting_the_mail_is_the_same(room: Room, there: MailStandIn) -> None:
    time_comes(room)
    deliver(room, there)
    room.post(20)
    deliver(room, there)
    time_comes(room)
    deliver(room, there)

    empty, full = there.mails
    assert masked(empty) == masked(full)
    assert len(empty.content) == len(full.content)


def test_nothing_is_sent_before_the_mail_is(room: Room, there: MailStandIn) -> None:
    room.post(2)
    deliver(room, there)
    time_comes(room)
    there.says["DATA"] = "451 not now"
    deliver(room, there)
    before = cases(room)
    there.says.clear()
    room.run("update referrals set due_at = clock_timestamp() where notice = 'digest'")
    deliver(room, there)

    assert {row.state for row in before} == {"due"}
    assert {row.state for row in cases(room)} == {"sent"}
    assert len(there.mails) == 1


def test_what_comes_after_the_mail_was_taken_waits_for_the_next(room: Room, there: MailStandIn) -> None:
    room.post(1)
    deliver(room, there)
    late = room.post(1)[0].reference
    deliver(room, there)
    room.run("update referrals set first_due_at = clock_timestamp() + interval '1 min' where reference = :r", r=late)
    time_comes(room)
    deliver(room, there)

    assert [row.state for row in room.rows("state", f"reference = '{late}'")] == ["due"]


def test_what_no_worker_looked_at_is_not_taken_for_told(room: Room, there: MailStandIn) -> None:
    """Something may forbid to tell of it: that is found when a worker looks, and a mail must not hide it."""
    room.post(1)
    room.run("update referrals set due_at = due_at + interval '1 hour', kept_from = '{security}'")
    time_comes(room)
    deliver(room, there)
    before = cases(room)
    room.run("update referrals set due_at = clock_timestamp() where notice is null")
    deliver(room, there)

    assert [(row.state, row.outcome) for row in before] == [("due", None)]
    assert [(row.state, row.outcome) for row in cases(room)] == [("dead", "read_by_involved")]
    assert len(there.mails) == 1


def test_a_mail_stands_for_nothing_of_another_channel(room: Room, there: MailStandIn) -> None:
    room.post(1, channels=("desk", "other"))
    deliver(room, there)
    deliver(room, there, "other")
    time_comes(room)
    deliver(room, there)

    assert {(row.channel, row.state) for row in room.rows("channel, state", "notice is null")} == {
        ("desk", "sent"),
        ("other", "due"),
    }


def test_each_is_audited_with_its_own_reference(room: Room, there: MailStandIn) -> None:
    posted = {case.reference for case in room.post(3)}
    deliver(room, there)
    time_comes(room)
    deliver(room, there)

    with transaction(room.owner) as connection:
        query = "select object from audit where action = 'referral_sent' and outcome = 'in_digest' and detail = 'desk'"
        assert set(connection.exec_driver_sql(query).scalars()) == posted


def test_what_no_mail_ever_stood_for_ends_in_front_of_a_person(room: Room, there: MailStandIn) -> None:
    room.post(1)
    room.run(
        "update referrals set attempts = 9, first_due_at = first_due_at - make_interval(secs => :s)", s=GIVE_UP_S + 60
    )
    deliver(room, there)

    assert [(row.state, row.outcome) for row in cases(room)] == [("dead", AWAITS)]
