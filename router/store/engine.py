"""The only begin and commit; one login per kind of process.

Database errors leave here as codes: psycopg prints failing rows, so its text goes nowhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import orjson
import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from router.errors import StoreFailed, Unavailable

CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 30_000
IDLE_TIMEOUT_MS = 60_000
"""Whoever says nothing in the middle of a transaction for so long is frozen, and must not keep its locks."""
PING_AFTER_S = 1.0
"""A connection that lay unused for longer is asked whether it lives; asking each time costs a round trip."""


def connect(dsn: str, *, process: str, pool_size: int = 4, patient: bool = False) -> Engine:
    """Return an engine for `dsn` (postgresql://…) that names itself `process` to the server.

    Opens nothing yet. Statements end after STATEMENT_TIMEOUT_MS, and transactions in which nothing is said
    after IDLE_TIMEOUT_MS, unless `patient`; waits for locks end after LOCK_TIMEOUT_MS, so that nobody hangs on a
    frozen neighbour.
    """
    longest_ms = 0 if patient else STATEMENT_TIMEOUT_MS
    idle_ms = 0 if patient else IDLE_TIMEOUT_MS
    engine = create_engine(
        dsn.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=CONNECT_TIMEOUT_S,
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "application_name": process,
            "connect_timeout": CONNECT_TIMEOUT_S,
            # A host that vanished is noticed in half a minute, not when the kernel gives up after fifteen.
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
            "options": f"-c statement_timeout={longest_ms} -c lock_timeout={LOCK_TIMEOUT_MS} -c TimeZone=UTC "
            f"-c idle_in_transaction_session_timeout={idle_ms}",
        },
    )
    _ping_idle(engine)
    return engine


def _ping_idle(engine: Engine) -> None:
    """Have connections that lay idle tested when they are taken out again, and replaced if they are dead."""

    @event.listens_for(engine, "checkin")
    def _note(_raw: object, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = monotonic()

    @event.listens_for(engine, "checkout")
    def _test(raw: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:
        if monotonic() - record.info.get("idle_since", monotonic()) > PING_AFTER_S:
            try:
                alive = engine.dialect.do_ping(raw)
            except psycopg.Error:
                alive = False
            if not alive:
                raise DisconnectionError


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction: committed at the end, rolled back on any error.

    Raises Unavailable when the database cannot be reached or went away, StoreFailed otherwise.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise coded(error) from None


def coded(error: SQLAlchemyError) -> StoreFailed | Unavailable:
    """Return our error for a database error: a code with the SQLSTATE, none of its text."""
    if isinstance(error, PoolTimeout):
        return Unavailable("database_busy")
    if not isinstance(error, DBAPIError):
        return StoreFailed(f"database_{type(error).__name__.lower()}")
    sqlstate = getattr(error.orig, "sqlstate", None) or ""
    # Class 08 connection, 53 resources, 57P0x shutdown; an operational error without SQLSTATE: the socket broke.
    broke = not sqlstate and isinstance(error, OperationalError | InterfaceError)
    if error.connection_invalidated or broke or sqlstate[:2] in {"08", "53"} or sqlstate[:4] == "57P0":
        return Unavailable(f"database_away_{sqlstate or 'unreachable'}".lower())
    # The driver refused a value before the server saw it, or the server did.
    return StoreFailed(f"database_refused_{sqlstate or 'unsent'}".lower())
