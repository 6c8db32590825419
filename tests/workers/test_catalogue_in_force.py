"""Workers follow the policy in force, by the database alone; nothing goes where an older one said it should."""

from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.servers import Sink
from tests.workers.rooms import PACE, Room, channels_text
from workers.deliver import Deliverer
from workers.inforce import Channels


def text(room: Room, **urls: str) -> str:
    return channels_text(room.folder, **urls)


def deliverer(room: Room, channels: Channels) -> Deliverer:
    return Deliverer(room.engine, channels, PACE, state_dir=room.folder, stopping=lambda: False)


def paths(sink: Sink) -> list[str]:
    return [request.path for request in sink.taken.values()]


def test_nothing_is_known_before_a_first_policy(room: Room) -> None:
    channels = Channels(room.engine)

    assert channels.find("desk") is None
    with transaction(room.engine) as connection:
        assert channels.holds(connection)


def test_a_moved_channel_gets_the_next_referral_at_its_new_place(room: Room, sink: Sink) -> None:
    worker = deliverer(room, Channels(room.engine, look_every_s=3600))
    room.put_in_force(text(room, desk=f"{sink.url}/old"))
    room.post()
    worker.deliver("desk")
    room.put_in_force(text(room, desk=f"{sink.url}/new"))
    room.post()
    while worker.deliver("desk"):
        pass

    assert paths(sink) == ["/old", "/new"]
    assert room.states() == {"sent": 2}


def test_a_turn_under_way_ends_when_another_policy_comes(room: Room, sink: Sink) -> None:
    """What came with the new policy is leased by the turn that began under the old one, and not sent by it."""
    room.put_in_force(text(room, desk=f"{sink.url}/old"))
    room.post(4)
    changes: list[int] = []

    def change_before_the_second_lease() -> bool:
        if len(sink.taken) == 4 and not changes:
            changes.append(1)
            room.put_in_force(text(room, desk=f"{sink.url}/new"))
            room.post(20)
        return False

    channels = Channels(room.engine, look_every_s=3600)
    worker = Deliverer(room.engine, channels, PACE, state_dir=room.folder, stopping=change_before_the_second_lease)
    assert worker.deliver("desk") is True
    assert "/new" not in paths(sink)
    while worker.deliver("desk"):
        pass

    assert (paths(sink).count("/old"), paths(sink).count("/new")) == (4, 20)
    assert [row.attempts for row in room.rows("attempts")] == [1] * 24


def test_a_channel_that_is_not_named_any_more_stays_as_it_was_last(room: Room, sink: Sink) -> None:
    room.put_in_force(text(room, desk=f"{sink.url}/first"))
    room.put_in_force(text(room, desk=f"{sink.url}/last"))
    room.put_in_force("desk: [")
    room.put_in_force(text(room, hr=f"{sink.url}/hr"))
    room.post(channels=("desk", "hr"))
    worker = deliverer(room, Channels(room.engine))
    for name in ("desk", "hr"):
        worker.deliver(name)

    assert sorted(paths(sink)) == ["/hr", "/last"]


def test_going_back_to_an_older_policy_makes_its_channels_the_last_ones(room: Room) -> None:
    first, second = (text(room, desk=f"http://127.0.0.1:9/{word}") for word in ("first", "second"))
    for channels in (first, second, first, text(room, hr="http://127.0.0.1:9")):
        room.put_in_force(channels)

    found = Channels(room.engine).find("desk")
    assert found
    assert "/first" in str(found.settings)


def test_channels_of_another_version_leave_the_last_readable_ones(room: Room, sink: Sink) -> None:
    room.put_in_force(text(room, desk=sink.url))
    running = Channels(room.engine, look_every_s=0)
    assert running.find("desk")
    room.put_in_force("desk: {kind: of-tomorrow}")
    room.post(2)

    for channels in (running, Channels(room.engine)):
        assert channels.find("desk")
    assert deliverer(room, running).deliver("desk") is False
    assert room.states() == {"sent": 2}


def test_with_the_database_away_the_last_channels_stay(room: Room, database: Database) -> None:
    room.put_in_force(text(room, desk="http://127.0.0.1:9"))
    away = connect(database.dsn(Login.WORKER).replace(f":{database.server.port}/", ":9/"), process="test")
    channels = Channels(room.engine, look_every_s=0)
    known = channels.find("desk")
    channels._engine = away

    assert known
    assert channels.find("desk") == known
    away.dispose()


def test_an_unchanged_channel_keeps_its_sender_and_a_changed_one_gets_another(room: Room) -> None:
    channels = Channels(room.engine, look_every_s=0)
    worker = deliverer(room, channels)

    def senders(**urls: str) -> dict[str, object]:
        room.put_in_force(text(room, **urls))
        found = {name: channels.find(name) for name in ("desk", "hr")}
        return {name: worker._sender(channel) for name, channel in found.items() if channel}

    before = senders(desk="http://127.0.0.1:9/a", hr="http://127.0.0.1:9/b")
    after = senders(desk="http://127.0.0.1:9/a", hr="http://127.0.0.1:9/c")

    assert before["desk"] is after["desk"]
    assert before["hr"] is not after["hr"]


def test_a_channel_whose_list_became_shorter_gets_no_more_than_is_on_it(room: Room, sink: Sink) -> None:
    room.put_in_force(text(room, desk=sink.url).replace("carries: [category]", "carries: [severity]"))
    room.post()
    deliverer(room, Channels(room.engine)).deliver("desk")

    [sent] = sink.taken.values()
    assert set(sent.json["data"]) == {"reference", "revision"}
