"""`channels check` asks every other side, says what helps, and lets a channel that passes go on at once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.catalogue import parse_catalogue
from router.channels import KINDS
from router.channelwords import FINDINGS, KINDS_SAID, SAID
from tests.servers import RT_TOKEN, StandInRT
from tests.workers.cli.commandline import Run, found
from tests.workers.rooms import Room, channels_text

NOBODY_LISTENS = "http://127.0.0.1:9"


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT() as server:
        yield server


@pytest.fixture(autouse=True)
def _state(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_STATE_DIR", str(room.folder))


def rt_desk(there: StandInRT) -> str:
    return (
        f"tickets: {{kind: rt, scope: internal, readable_by: [security], carries: [severity], url: '{there.url}', "
        "token: 'env:RT_TOKEN', queue: Safeguarding, custom_fields: {reference: Reference id, severity: Severity}}\n"
    )


def test_every_channel_in_force_is_checked(run: Run) -> None:
    checked = found(run, "check")

    assert [(row["name"], row["ok"], row["findings"]) for row in checked] == [
        ("desk", True, []),
        ("file", True, []),
        ("police", True, []),
    ]


def test_a_finding_says_what_is_wrong_and_what_helps(run: Run, room: Room, there: StandInRT) -> None:
    there.absent.add(("Safeguarding", "Severity"))
    room.put_in_force(rt_desk(there))
    status, out, _ = run("check")

    assert status == 1
    assert out == (
        "tickets  Request Tracker has no custom field 'Severity' for queue 'Safeguarding' [field_missing]: "
        "add it there as 'Enter one value', or let the account see it (SeeCustomField)\n"
    )
    assert there.tickets == []


def test_only_those_that_are_named_are_checked(run: Run, room: Room, there: StandInRT) -> None:
    room.put_in_force(rt_desk(there) + channels_text(room.folder, desk=NOBODY_LISTENS))

    assert run("check", "tickets", "file")[:2] == (0, "tickets  ok\nfile  ok\n")
    status, _, err = run("check", "tickts")
    assert status == 1
    assert "unknown_channel" in err
    assert "tickets" in err


def test_whom_nobody_could_ask_is_told_apart(run: Run, room: Room) -> None:
    room.put_in_force(channels_text(room.folder, desk=NOBODY_LISTENS))
    status, out, _ = run("check", "desk", "--json")
    (desk,) = json.loads(out)
    _, lines, _ = run("check", "desk")

    assert status == 1
    assert (desk["ok"], desk["asked"], desk["findings"][0]["code"]) == (False, False, "unreachable")
    assert lines.startswith("desk  could not be checked: nothing answers at its address [unreachable]: ")


def test_a_secret_that_is_missing_here_is_said_with_where_it_belongs(
    run: Run, room: Room, there: StandInRT, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.put_in_force(rt_desk(there))
    monkeypatch.delenv("RT_TOKEN")
    status, out, _ = run("check")

    assert status == 1
    assert "[secret_missing]" in out
    assert "here and for the workers" in out


def test_a_held_channel_that_passes_is_tried_at_once(run: Run, room: Room, there: StandInRT) -> None:
    there.absent.add(("Safeguarding", "Severity"))
    room.put_in_force(rt_desk(there))
    room.post(channels=("tickets",))
    deliverer = room.deliverer(parse_catalogue(rt_desk(there)))
    deliverer.deliver("tickets")
    held = room.states()
    there.absent.clear()
    status, out, _ = run("check")
    deliverer.deliver("tickets")

    assert held == {"due": 1}
    assert (status, out) == (0, "tickets  ok, as far as can be seen without sending: tried again now\n")
    assert room.states() == {"sent": 1}
    assert found(run, "check")[0]["tried_at_once"] is False


def test_a_channel_that_still_fails_waits_on(run: Run, room: Room, there: StandInRT) -> None:
    there.absent.add(("Safeguarding", "Severity"))
    room.put_in_force(rt_desk(there))
    room.post(channels=("tickets",))
    deliverer = room.deliverer(parse_catalogue(rt_desk(there)))
    deliverer.deliver("tickets")
    before = room.channel_state("tickets").until
    run("check")

    assert room.channel_state("tickets").until == before


def test_the_pause_that_a_channel_asked_for_is_kept(run: Run, room: Room) -> None:
    room.run(
        "insert into channel_states (channel, breaker, until, code) "
        "values ('desk', 'open', clock_timestamp() + interval '1 h', 'http_429')"
    )

    assert run("check", "desk")[:2] == (0, "desk  ok\n")
    assert room.channel_state("desk").shut_s > 3000


def test_files_are_checked_before_they_are_in_force_and_without_a_database(
    run: Run, there: StandInRT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.lacking.add(("Safeguarding", "CreateTicket"))
    (tmp_path / "channels.yaml").write_text(rt_desk(there))
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE")
    status, out, _ = run("check", "--files")

    assert status == 1
    assert out.startswith("tickets  our account has no right 'CreateTicket' in queue 'Safeguarding' [right_missing]: ")


def test_files_that_are_wrong_or_not_there_are_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_CONFIG_DIR", str(tmp_path))
    assert "file_unreadable" in run("check", "--files")[2]
    (tmp_path / "channels.yaml").write_text("desk: {kind: folder}")
    status, _, err = run("check", "--files")

    assert status == 1
    assert "policy_refused" in err


def test_every_finding_has_words_of_its_own() -> None:
    assert set(SAID) >= FINDINGS
    assert len({said for said, _ in SAID.values()}) == len(SAID)
    assert set(KINDS) <= set(KINDS_SAID), "say what they are called in words.py"
