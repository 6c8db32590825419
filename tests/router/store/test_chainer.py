"""The process that links: each entry once, whoever else links, whatever happens to its connection."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from router import chainer
from router.chainer import Chainer
from router.errors import StoreFailed
from router.store import chain
from router.store.engine import connect, transaction
from router.vocabulary import Login
from tests.audits import KEY, Audit, audit
from tests.conftest import Database
from tests.makers import change, login

__all__ = ["audit"]  # a fixture


def test_two_chainers_link_every_entry_once(audit: Audit, database: Database) -> None:
    with login(database, Login.CHAINER) as engine, ThreadPoolExecutor(3) as pool:
        chainers = [audit.chainer, Chainer(engine, KEY, audit.copy)]
        for _ in range(20):
            written = pool.submit(audit.write, 7)
            for done in [pool.submit(one.link_batch) for one in chainers]:
                done.result()
            written.result()
    while audit.chainer.link_batch():
        pass

    assert audit.verify() == []
    with transaction(audit.console) as connection:
        assert chain.chain_end(connection)[0] == 140


def test_entries_that_were_linked_meanwhile_are_not_linked_again(audit: Audit) -> None:
    audit.chain(1)
    with transaction(audit.console) as connection:
        linked = list(chain.all_linked(connection))

    with pytest.raises(StoreFailed, match="chain_changed_meanwhile"), transaction(audit.owner) as connection:
        chain.write_links(connection, linked)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def linked_count(engine: Engine) -> int:
    with transaction(engine) as connection:
        return int(connection.execute(text("select count(*) from audit where seq is not null")).scalar_one())


def test_the_process_links_what_comes_and_survives_losing_its_connection(
    audit: Audit, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chainer, "IDLE_S", 0.05)
    monkeypatch.setattr(chainer, "LONGEST_PAUSE_S", 0.1)
    stop = threading.Event()
    running = threading.Thread(target=audit.chainer.run, args=(stop,))
    running.start()
    try:
        audit.write(2)
        until(lambda: linked_count(audit.owner) == 2)
        superuser = connect(database.superuser_dsn, process="test-superuser")
        with transaction(superuser) as connection:
            change(connection, "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chainer'")
        superuser.dispose()
        audit.write(2)
        until(lambda: linked_count(audit.owner) == 4)
    finally:
        stop.set()
        running.join()

    assert audit.verify() == []
