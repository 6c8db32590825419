"""`channels list` says how each way does, and why one is not used, in words of our own."""

import json
from collections.abc import Iterator

import pytest

from router.catalogue import parse_catalogue
from tests.servers import RT_TOKEN, Sink, StandInRT
from tests.workers.cli.commandline import Run, found
from tests.workers.rooms import Room, channels_text


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInRT]:
    monkeypatch.setenv("RT_TOKEN", RT_TOKEN)
    with StandInRT() as server:
        yield server


def rt_desk(there: StandInRT) -> str:
    return (
        f"desk: {{kind: rt, scope: internal, readable_by: [security], carries: [severity], url: '{there.url}', "
        "token: 'env:RT_TOKEN', queue: Safeguarding, custom_fields: {reference: Reference id, severity: Severity}, "
        "at_most: 10/s, at_once: 4, proof: acknowledged, late_after: 90m, page: phone, instead: phone}\n"
        "phone: {kind: folder, scope: internal, readable_by: [security], carries: [severity], path: p}\n"
    )


def test_lists_the_channels_in_force_with_their_last_drill(run: Run, room: Room) -> None:
    run("drill", "desk", "--wait", "0")
    run("drill", "desk", "--wait", "0")
    room.run(
        "update referrals set first_due_at = first_due_at - interval '1 day' where id = (select min(id) from referrals)"
    )
    newest = found(run, "drills")[0]
    listed = {row["name"]: row for row in found(run, "list")}

    assert set(listed) == {"desk", "file", "police"}
    assert {key: listed["desk"][key] for key in ("kind", "scope", "guarantee", "last_drill", "drill_every_h")} == {
        "kind": "webhook",
        "scope": "internal",
        "guarantee": "keyed",
        "last_drill": newest,
        "drill_every_h": None,
    }
    assert (listed["desk"]["due"], listed["desk"]["breaker"], listed["desk"]["proof"]) == (2, "closed", "accepted")
    assert listed["desk"]["oldest_due_s"] > 86_000
    assert listed["file"]["drill_every_h"] == 168
    assert listed["police"]["last_drill"] is None


def test_a_channel_that_does_not_start_says_which_field_is_missing(run: Run, room: Room, there: StandInRT) -> None:
    there.absent.add(("Safeguarding", "Severity"))
    room.put_in_force(rt_desk(there))
    room.post()
    room.deliverer(parse_catalogue(rt_desk(there))).deliver("desk")
    desk, phone = found(run, "list")

    assert (desk["breaker"], desk["code"], desk["named"]) == ("open", "field_missing", "Severity")
    assert desk["said"] == "Request Tracker has no custom field 'Severity' for queue 'Safeguarding'"
    assert desk["until"] > desk["since"]
    assert (desk["due"], desk["dead"]) == (1, 0)
    assert phone["code"] is None
    assert there.tickets == []


def test_people_get_lines(run: Run, room: Room, there: StandInRT) -> None:
    there.absent.add(("Safeguarding", "Severity"))
    room.put_in_force(rt_desk(there))
    room.post()
    room.deliverer(parse_catalogue(rt_desk(there))).deliver("desk")
    status, out, _ = run("list")
    lines = out.splitlines()

    assert status == 0
    assert lines[0] == "desk  rt, internal, found"
    said = (
        "does not start: Request Tracker has no custom field 'Severity' for queue 'Safeguarding' [field_missing]; since"
    )
    assert lines[1].strip().startswith(said)
    assert lines[2].startswith("  due: 1, the oldest for ")
    assert lines[3] == (
        "  late after 1 h 30 min without proof 'acknowledged': phone is told; phone gets a case instead after 30 min"
    )
    assert lines[4:6] == ["  pool doorbells; at most 10 a second, 4 at once", "  never drilled"]
    assert lines[6:8] == ["phone  folder, internal, repeatable", "  in use, and checked before the first is sent"]


def test_only_those_that_are_named_are_listed(run: Run) -> None:
    status, out, err = run("list", "desc")

    assert [row["name"] for row in json.loads(run("list", "desk", "--json")[1])] == ["desk"]
    assert (status, out) == (1, "")
    assert "did you mean 'desk'" in err


def test_a_check_of_other_settings_is_not_shown(run: Run, room: Room, sink: Sink) -> None:
    room.post(channels=("file",))
    room.deliverer(room.catalogue(sink)).deliver("file")
    room.put_in_force(channels_text(room.folder, desk=sink.url).replace("path: out", "path: elsewhere"))

    assert {row["name"]: row["checked_at"] for row in found(run, "list")} == {"desk": None, "file": None}
    assert "in use, and checked before the first is sent" in run("list", "file")[1]


def test_a_channel_that_leads_outside_says_why_it_is_never_drilled(run: Run) -> None:
    assert run("list", "police")[1].endswith("  never drilled: it leads out of the organisation\n")


def test_a_channel_that_was_checked_says_when(run: Run, room: Room, sink: Sink) -> None:
    room.post(channels=("file",))
    room.deliverer(room.catalogue(sink)).deliver("file")
    listed = {row["name"]: row for row in found(run, "list")}

    assert listed["file"]["checked_at"] is not None
    assert listed["desk"]["checked_at"] is None
