"""Drills take the same way as a referral, through real workers."""

import json

import pytest

from router.cli import main
from router.vocabulary import Login
from tests.conftest import Database
from tests.servers import Answer, Sink
from tests.workers.cli.commandline import Run, found
from tests.workers.processes import Worker
from tests.workers.rooms import Room

NOBODY_LISTENS = "redis://127.0.0.1:9/0"


def audited(room: Room) -> list[tuple[str, str, str]]:
    with room.owner.connect() as connection:
        rows = connection.exec_driver_sql(
            "select action, object, detail from audit where starts_with(action, 'drill') order by id"
        )
        return [tuple(row) for row in rows]


@pytest.mark.usefixtures("worker")
def test_a_drill_arrives_over_there_and_says_how_long_it_took(run: Run, room: Room, sink: Sink) -> None:
    drill = found(run, "drill", "desk")
    (posted,) = [request.json for request in sink.taken.values()]

    assert posted.pop("said").startswith("This is a drill, not a case: ")
    assert posted == {
        "type": "referral.drill",
        "data": {"reference": drill["reference"], "revision": 1, "notice": "drill"},
    }
    assert drill["reference"].startswith("DRILL-")
    assert (drill["channel"], drill["state"], drill["outcome"], drill["attempts"]) == ("desk", "sent", "sent", 1)
    assert 0 < drill["delivered_after_s"] < 60
    assert drill["acknowledged_after_s"] is None
    assert audited(room) == [("drill_asked", drill["reference"], "desk")]


@pytest.mark.usefixtures("worker")
def test_a_person_who_saw_it_ends_the_measure(run: Run, room: Room) -> None:
    reference = found(run, "drill", "file")["reference"]
    seen = found(run, "acknowledge", reference.lower())
    history = found(run, "drills")

    assert seen["state"] == "acknowledged"
    assert seen["acknowledged_after_s"] > seen["delivered_after_s"]
    assert history == [seen]
    assert [action for action, _, _ in audited(room)] == ["drill_asked", "drill_acknowledged"]
    status, _, err = run("acknowledge", reference)
    assert status == 1
    assert "already_acknowledged" in err


def test_a_drill_that_does_not_arrive_in_time_says_what_is_wrong(run: Run, worker: Worker, sink: Sink) -> None:
    sink.answer_always(Answer(503))
    status, out, err = run("drill", "desk", "--wait", "2", "--json")

    assert worker.process is not None
    assert status == 1
    assert json.loads(out)["delivered_after_s"] is None
    assert "http_503" in err


def test_a_drill_that_is_refused_over_there_says_so_at_once(run: Run, worker: Worker, sink: Sink) -> None:
    sink.answer_always(Answer(422))
    status, _, err = run("drill", "desk")

    assert worker.process is not None
    assert status == 1
    assert "undeliverable: http_422" in err


def test_without_workers_it_says_so(run: Run) -> None:
    status, _, err = run("drill", "desk", "--wait", "0.2")

    assert status == 1
    assert "no worker took it" in err


def test_without_redis_it_is_left_to_the_sweeps(run: Run, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_REDIS_URL", NOBODY_LISTENS)
    status, _, err = run("drill", "desk", "--wait", "0")

    assert status == 1
    assert "the next sweep will ring" in err
    assert [row.state for row in room.rows("state")] == ["due"]


@pytest.mark.parametrize(
    ("name", "code"), [("police", "external_channel"), ("deskk", "unknown_channel"), ("", "unknown_channel")]
)
def test_nobody_outside_and_nobody_unknown_is_drilled(run: Run, room: Room, name: str, code: str) -> None:
    status, _, err = run("drill", name)

    assert status == 1
    assert code in err
    assert room.rows() == []


def test_only_a_delivered_drill_can_have_been_seen(run: Run, room: Room) -> None:
    (case,) = room.post()
    room.run("update referrals set state = 'sent'")
    run("drill", "desk", "--wait", "0")
    (drill,) = found(run, "drills")

    for reference, code in (
        (drill["reference"], "not_delivered"),
        (case.reference, "unknown_drill"),
        ("DRILL-0000-0000-0000", "unknown_drill"),
    ):
        status, _, err = run("acknowledge", reference)
        assert status == 1
        assert code in err
    assert room.states() == {"due": 1, "sent": 1}


def test_people_get_lines(run: Run) -> None:
    run("drill", "desk", "--wait", "0")
    _, drills, _ = run("drills")

    assert drills.startswith("DRILL-")
    assert "not delivered (due, 0 tried, no answer yet)" in drills


def test_before_any_policy_it_says_what_to_start(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    monkeypatch.setattr("sys.argv", ["concern-router", "channels", "list"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 1
    assert "no_policy" in capsys.readouterr().err
