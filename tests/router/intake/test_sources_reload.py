"""A changed sources.yaml comes into force whole; a bad one never does, not even at a restart, and somebody hears."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from router.intake.inforce import InForce
from router.intake.sourcesinforce import SourcesInForce
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.makers import login
from tests.policies import CHANNELS, POLICY

GOOD = "helpdesk: {client: agent, key: [/id], fields: {category: fraud, noticed_how: helpdesk_repair}}\n"
OTHER = GOOD.replace("helpdesk:", "other:")
Start = Callable[[], SourcesInForce]


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with login(database, Login.INTAKE) as engine:
        yield engine


@pytest.fixture
def rung() -> list[str]:
    return []


@pytest.fixture
def policy(tmp_path: Path, engine: Engine) -> InForce:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "channels.yaml").write_text(CHANNELS)
    owners = {"security", "legal", "ombuds"}
    return InForce(tmp_path, engine, handle_key=b"k" * 32, key_owners=lambda: owners, ring=lambda _channels: None)


@pytest.fixture
def start(tmp_path: Path, engine: Engine, policy: InForce, rung: list[str]) -> Start:
    def ring(channels: Iterable[str]) -> None:
        rung.extend(channels)

    return lambda: SourcesInForce(tmp_path, tmp_path, engine, policy, ring=ring)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "sources.yaml"


def look(sources: SourcesInForce) -> SourcesInForce:
    for _ in range(2):
        sources.refresh()
    return sources


def notices(engine: Engine) -> int:
    with transaction(engine) as connection:
        query = text("select count(*) from referrals where notice = 'sources_refused'")
        return int(connection.execute(query).scalar_one())


def test_no_file_is_no_source_and_nothing_wrong(start: Start, engine: Engine) -> None:
    sources = look(start())

    assert (dict(sources()), sources.degraded(), notices(engine)) == ({}, [], 0)


def test_a_file_that_comes_changes_and_goes_is_followed(start: Start, file: Path) -> None:
    sources = start()
    seen = []
    for written in (GOOD, OTHER):
        file.write_text(written)
        seen += list(look(sources)())
    file.unlink()

    assert seen == ["helpdesk", "other"]
    assert dict(look(sources)()) == {}


def test_a_bad_file_leaves_the_last_good_one_and_tells_the_fallback_once(
    start: Start, file: Path, engine: Engine, rung: list[str]
) -> None:
    file.write_text(GOOD)
    sources, beside = start(), start()
    file.write_text(f"{GOOD}MARKED: 1\n")
    for process in (sources, beside, sources):
        look(process)

    assert list(sources()) == ["helpdesk"]
    assert sources.degraded() == ["sources_file_refused"]
    assert (notices(engine), rung) == (1, ["legal-desk"])


def test_a_restart_with_a_bad_file_stays_with_the_last_good_one(start: Start, file: Path) -> None:
    file.write_text(GOOD)
    start()
    file.write_text("helpdesk: [")

    assert list(start()()) == ["helpdesk"]
    assert start().degraded() == ["sources_file_refused"]


def test_a_first_start_with_a_bad_file_starts_and_says_so(start: Start, file: Path, engine: Engine) -> None:
    file.write_text("helpdesk: [")
    sources = start()

    assert (dict(sources()), sources.degraded(), notices(engine)) == ({}, ["sources_file_refused"], 1)


def test_a_mended_file_is_taken_up(start: Start, file: Path) -> None:
    file.write_text("helpdesk: [")
    sources = start()
    file.write_text(GOOD)

    assert list(look(sources)()) == ["helpdesk"]
    assert sources.degraded() == []


def test_a_category_that_the_policy_does_not_know_is_a_bad_file(start: Start, file: Path) -> None:
    file.write_text(GOOD.replace("fraud", "fraudd"))

    assert start().degraded() == ["sources_file_refused"]
