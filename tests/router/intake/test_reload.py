"""Changed files come into force without a restart, whole; bad ones never do, and somebody hears of it."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from router.errors import Broken, PolicyErrors, Unavailable
from router.intake import inforce
from router.intake.inforce import InForce
from router.store import policies
from router.store.engine import connect, transaction
from router.triage.handles import Handles
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.policies import CHANNELS, POLICY
from tests.publicpart import logged

__all__ = ["logged"]  # a fixture

KEY = b"k" * 32
BAD = f"{POLICY}MARKED: 1\n"
CHANGED = POLICY.replace("label: Fraud,", "label: Fraud or theft,")
AGAIN = POLICY.replace("label: Fraud,", "label: Theft,")


@dataclass
class Web:
    """One web process: its files, what it holds, and the channels that it rang."""

    folder: Path
    engine: Engine
    owners: set[str] = field(default_factory=lambda: {"security", "legal", "ombuds"})
    rung: list[str] = field(default_factory=list)

    def write(self, policy: str = POLICY, channels: str = CHANNELS) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / "policy.yaml").write_text(policy)
        (self.folder / "channels.yaml").write_text(channels)

    def start(self) -> InForce:
        def ring(channels: Iterable[str]) -> None:
            self.rung.extend(channels)

        return InForce(self.folder, self.engine, handle_key=KEY, key_owners=lambda: self.owners, ring=ring)

    def started(self, policy: str = POLICY) -> InForce:
        self.write(policy)
        return self.start()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with transaction(self.engine) as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def notices(self) -> list[tuple[Any, ...]]:
        return self.rows("select channel, state, notice from referrals where reference like 'NOTICE-%'")


@pytest.fixture
def web(database: Database, tmp_path: Path) -> Iterator[Web]:
    with login(database, Login.INTAKE) as engine:
        yield Web(tmp_path / "one", engine)


@pytest.fixture
def other(database: Database, tmp_path: Path) -> Iterator[Web]:
    with login(database, Login.INTAKE) as engine:
        yield Web(tmp_path / "other", engine)


def look(in_force: InForce, times: int = 2) -> InForce:
    for _ in range(times):
        in_force.refresh()
    return in_force


def label(in_force: InForce) -> str:
    return in_force().taxonomy["fraud"].label


def activations(web: Web) -> int:
    return len(web.rows("select id from policy_activations"))


def test_a_changed_file_comes_into_force_once_it_lies_still(web: Web) -> None:
    in_force = web.started()
    web.write(CHANGED)

    assert label(look(in_force, 1)) == "Fraud"
    assert label(look(in_force, 1)) == "Fraud or theft"
    assert label(look(in_force, 3)) == "Fraud or theft"
    assert activations(web) == 2
    assert not in_force.degraded()
    assert not web.notices()


def test_two_files_that_change_one_after_the_other_are_no_false_alarm(web: Web) -> None:
    in_force = web.started()
    policy = POLICY.replace("desks: ombuds-desk", "desks: new-desk")
    web.write(policy)
    look(in_force, 1)
    web.write(policy, CHANNELS.replace("ombuds-desk:", "new-desk:"))
    look(in_force)

    assert "new-desk" in in_force().channels.channels
    assert not in_force.degraded()
    assert not web.notices()


def test_half_a_file_is_never_in_force_also_if_it_would_be_a_policy(web: Web) -> None:
    in_force = web.started()
    web.write(POLICY, f"{CHANNELS}late: {{kind: folder, scope: external, carries: [], path: e}}\n")
    look(in_force)
    web.write(POLICY, CHANNELS)
    look(in_force, 1)
    web.write(CHANGED, f"{CHANNELS}late: {{kind: folder, scope: external, carries: [], path: f}}\n")
    look(in_force)

    assert activations(web) == 3
    assert label(in_force) == "Fraud or theft"


def test_a_bad_file_leaves_the_last_good_policy_and_tells_the_fallback(web: Web, logged: StringIO) -> None:
    in_force = web.started()
    web.write(BAD)
    look(in_force, 4)

    assert label(in_force) == "Fraud"
    assert in_force.degraded() == ["policy_file_refused"]
    assert web.notices() == [("legal-desk", "due", "policy_refused")]
    assert web.rung == ["legal-desk"]
    assert logged.getvalue().count("policy_refused") == 1
    assert "MARKED" not in logged.getvalue()


def test_the_notice_of_one_file_is_posted_once_whoever_sees_it_and_however_often(web: Web, other: Web) -> None:
    look(web.started())
    other.started()
    for process in (web, other):
        process.write(BAD)
    for process in (web, other, web):
        look(process.start())

    assert len(web.notices()) == 1
    assert (web.rung, other.rung) == (["legal-desk"], [])


def test_another_bad_file_is_another_notice(web: Web) -> None:
    in_force = web.started()
    for bad in (BAD, f"{BAD}ALSO: 2\n"):
        web.write(bad)
        look(in_force)

    assert len(web.notices()) == 2


def test_the_same_bad_file_is_told_again_once_another_policy_was_in_force(web: Web) -> None:
    in_force = web.started()
    for policy in (BAD, CHANGED, BAD):
        web.write(policy)
        look(in_force)

    assert len(web.notices()) == 2


def test_a_mended_file_is_taken_up_and_all_is_well(web: Web) -> None:
    in_force = web.started()
    for policy in (BAD, POLICY):
        web.write(policy)
        look(in_force)

    assert in_force.degraded() == []
    assert activations(web) == 1


def test_a_file_that_is_gone_is_a_bad_one(web: Web) -> None:
    in_force = web.started()
    (web.folder / "channels.yaml").unlink()
    look(in_force)

    assert in_force.degraded() == ["policy_file_refused"]
    assert len(web.notices()) == 1


def test_whatever_a_file_does_to_its_reader_the_last_good_policy_stays(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched, because there is no known way to make the reader fail so."""

    def broken(*_: object, **__: object) -> None:
        raise RecursionError("MARKED-7f3a")

    in_force = web.started()
    web.write(CHANGED)
    monkeypatch.setattr(inforce, "parse_policy", broken)
    look(in_force)

    assert label(in_force) == "Fraud"
    assert in_force.degraded() == ["policy_file_refused"]


def test_what_another_process_put_in_force_is_followed(web: Web, other: Web) -> None:
    in_force = web.started()
    elsewhere = other.started()
    other.write(CHANGED)
    look(elsewhere)
    look(in_force, 1)

    assert in_force().digest == elsewhere().digest
    assert label(in_force) == "Fraud or theft"
    assert activations(web) == 2
    web.write(AGAIN)
    look(in_force)
    look(elsewhere, 1)
    assert label(elsewhere) == label(in_force) == "Theft"


def put_one_of_tomorrow_in_force(web: Web) -> None:
    with transaction(web.engine) as connection:
        policies.keep(connection, "f" * 64, "policy: concern-router/9\n", CHANNELS)
        policies.activate(connection, "f" * 64)


def test_a_policy_of_another_version_is_not_followed_and_said_so(web: Web, logged: StringIO) -> None:
    in_force = web.started()
    put_one_of_tomorrow_in_force(web)
    look(in_force, 3)

    assert label(in_force) == "Fraud"
    assert in_force.degraded() == ["policy_not_understood"]
    assert logged.getvalue().count("policy_not_understood") == 1
    web.write(CHANGED)
    assert look(in_force).degraded() == []


def test_when_the_policy_of_another_version_is_taken_back_all_is_well(web: Web) -> None:
    in_force = web.started()
    put_one_of_tomorrow_in_force(web)
    look(in_force)
    with transaction(web.engine) as connection:
        policies.activate(connection, in_force().digest)

    assert look(in_force, 1).degraded() == []


def test_a_folder_that_is_swapped_as_a_whole_is_taken_up(web: Web) -> None:
    """As Kubernetes mounts a ConfigMap: the files are links into a folder behind a link that is replaced."""
    for name, policy in {"v1": POLICY, "v2": CHANGED}.items():
        Web(web.folder.parent / name, web.engine).write(policy)
    web.folder.mkdir()
    data, new = web.folder / "..data", web.folder / "..data_tmp"
    data.symlink_to("../v1")
    for name in ("policy.yaml", "channels.yaml"):
        (web.folder / name).symlink_to(f"..data/{name}")
    in_force = web.start()
    new.symlink_to("../v2")
    new.rename(data)

    assert label(look(in_force)) == "Fraud or theft"


def test_a_stored_policy_of_another_version_stops_no_start_with_a_good_file(web: Web) -> None:
    web.started()
    put_one_of_tomorrow_in_force(web)

    assert label(web.started(CHANGED)) == "Fraud or theft"


def test_when_neither_file_nor_stored_policy_can_be_read_both_are_named(web: Web) -> None:
    web.started()
    put_one_of_tomorrow_in_force(web)
    web.write(BAD)

    with pytest.raises(Broken) as broken:
        web.start()
    assert "ffffffffffff" in broken.value.hint
    assert "MARKED" in broken.value.hint


def test_only_a_very_first_start_refuses(web: Web) -> None:
    web.write(BAD)
    with pytest.raises(PolicyErrors):
        web.start()

    web.started()
    web.write(BAD)
    assert web.start().degraded() == ["policy_file_refused"]


def test_a_team_without_a_key_is_said_until_it_has_one(web: Web, logged: StringIO) -> None:
    web.owners.remove("ombuds")
    in_force = web.started()

    assert in_force.degraded() == ["team_without_key"]
    assert '"count": 1' in next(line for line in logged.getvalue().splitlines() if "team_without_key" in line)
    assert "ombuds" not in logged.getvalue()
    web.owners.add("ombuds")
    assert in_force.degraded() == []


def test_account_names_are_digested_under_the_deployments_key(web: Web, other: Web) -> None:
    read, stored = web.started(), other.started(CHANGED)
    look(read)

    for in_force in (read, stored):
        assert in_force().handles.digest("MARKED") == Handles(KEY).digest("MARKED")
    assert read().digest == stored().digest


def test_with_the_database_away_a_change_waits_and_is_not_lost(web: Web, database: Database) -> None:
    in_force = web.started()
    with ExitStack() as stack:
        away = connect(database.dsn(Login.INTAKE).replace(f":{database.server.port}/", ":9/"), process="test")
        stack.callback(away.dispose)
        in_force._engine = away
        web.write(CHANGED)
        for _ in range(2):
            with pytest.raises(Unavailable):
                in_force.refresh()
        assert label(in_force) == "Fraud"
        in_force._engine = web.engine

    assert label(look(in_force, 1)) == "Fraud or theft"
