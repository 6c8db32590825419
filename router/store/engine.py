"""The only begin and commit; one login per kind of process.

Database errors leave here as codes: psycopg prints failing rows, so its text goes nowhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from router.errors import StoreFailed, Unavailable

CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 30_000


def connect(dsn: str, *, process: str, pool_size: int = 4) -> Engine:
    """Return an engine for `dsn` (postgresql://…) that names itself `process` to the server.

    Opens nothing yet. Statements end after STATEMENT_TIMEOUT_MS, waits for locks after
    LOCK_TIMEOUT_MS, so that nobody hangs on a frozen neighbour.
    """
    return create_engine(
        dsn.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "application_name": process,
            "connect_timeout": CONNECT_TIMEOUT_S,
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={LOCK_TIMEOUT_MS} -c TimeZone=UTC",
        },
    )


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
