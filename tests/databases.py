"""Databases that tests use again: emptied, which costs a tenth of another one made from the template.

A database is used again only if it differs from the template in rows alone, and under a new name: what a test
left running cannot reach it. One with another table, trigger, right or setting is never used again, nor is a
big one, nor one that somebody is still connected to.
"""

import secrets
import time
from dataclasses import dataclass, field
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from router.embedded.postgres import OWNER, SUPERUSER, EmbeddedPostgres
from router.vocabulary import Login

TEMPLATE: Final = "migrated"
WAIT_FOR_LEAVING_S = 0.5
"""A connection that was closed is gone within milliseconds; on a busy machine it takes longer."""
BIGGEST_TABLE_BYTES = 1 << 20
_KEPT: Final = "alembic_version"
# A row of a catalog that was changed in any way has another xmin; vacuum and analyze change figures in place.
_SHAPE: Final = """
select md5(string_agg(part, ' ' order by part)) from (
  select concat_ws(':', 'class', oid, xmin, relpages, reltuples) as part from pg_class where oid >= 16384
  union all select concat_ws(':', 'column', attrelid, attnum, xmin) from pg_attribute where attrelid >= 16384
  union all select concat_ws(':', 'default', oid, xmin) from pg_attrdef
  union all select concat_ws(':', 'constraint', oid, xmin) from pg_constraint where oid >= 16384
  union all select concat_ws(':', 'trigger', oid, tgname, tgenabled) from pg_trigger
  union all select concat_ws(':', 'function', oid, xmin) from pg_proc where oid >= 16384
  union all select concat_ws(':', 'policy', oid, xmin) from pg_policy
  union all select concat_ws(':', 'schema', oid, xmin) from pg_namespace where nspname !~ '^pg_'
  union all select concat_ws(':', 'rights', oid, xmin) from pg_default_acl
  union all select concat_ws(':', 'extension', oid, xmin) from pg_extension
  union all select concat_ws(':', 'statistics', count(*)) from pg_statistic where starelid >= 16384
  union all select concat_ws(':', 'database', datdba, datacl, datconnlimit, datallowconn)
            from pg_database where datname = current_database()
  union all select concat_ws(':', 'setting', setrole, setconfig)
            from pg_db_role_setting join pg_database on setdatabase = pg_database.oid
            where datname = current_database()
  union all select concat_ws(':', 'version', version_num) from alembic_version
) as parts
"""
_DISABLED: Final = """
select relname, tgname from pg_trigger join pg_class on pg_class.oid = tgrelid where tgenabled = 'D'
"""
_FILLED: Final = """
select relname, pg_relation_size(oid) from pg_class
where relkind = 'r' and oid >= 16384 and relname <> %s and pg_relation_size(oid) > 0
"""


@dataclass
class Shelf:
    """The emptied databases of one cluster, what one from the template looks like, and a superuser's connection."""

    connection: psycopg.Connection
    shape: str = ""
    names: list[str] = field(default_factory=list)


_shelves: dict[EmbeddedPostgres, Shelf] = {}


def take(server: EmbeddedPostgres) -> str:
    """Return the name of a database as the migrations leave it, that nobody else has."""
    its = _shelf(server)
    if its.names:
        return its.names.pop()
    name = _make(its.connection)
    if not its.shape:
        with psycopg.connect(server.address(SUPERUSER, name), autocommit=True) as connection:
            its.shape = _look(connection)
    return name


def give_back(server: EmbeddedPostgres, name: str) -> None:
    """Empty the database for another test, or drop it where that does not do."""
    its, anew = _shelf(server), _a_name()
    if _left(its.connection, name):
        _run(its.connection, "alter database {} rename to {}", name, anew)
        name = anew
        if _emptied(server, name, its.shape):
            its.names.append(name)
            return
    _run(its.connection, "drop database {} with (force)", name)


def clear_away(server: EmbeddedPostgres) -> None:
    """Close the connection that was kept, before the cluster is stopped."""
    if kept := _shelves.pop(server, None):
        kept.connection.close()


def _shelf(server: EmbeddedPostgres) -> Shelf:
    if server not in _shelves:
        _shelves[server] = Shelf(psycopg.connect(server.address(SUPERUSER, "postgres"), autocommit=True))
    return _shelves[server]


def _a_name() -> str:
    return f"test_{secrets.token_hex(6)}"


def _run(connection: psycopg.Connection, statement: LiteralString, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _make(connection: psycopg.Connection) -> str:
    name = _a_name()
    _run(connection, "create database {} template {} owner {}", name, TEMPLATE, OWNER)
    # Rights on the database itself are not copied from a template.
    _run(connection, "revoke all on database {} from public", name)
    for login in Login:
        _run(connection, "grant connect on database {} to {}", name, login)
    return name


def _look(connection: psycopg.Connection) -> str:
    """Return what the database looks like, its rows apart."""
    (shape,) = connection.execute(_SHAPE).fetchone() or ("",)
    return str(shape)


def _left(connection: psycopg.Connection, name: str) -> bool:
    """Wait until nobody is connected to the database; return whether that came about."""
    ends = time.monotonic() + WAIT_FOR_LEAVING_S
    while connection.execute("select from pg_stat_activity where datname = %s limit 1", [name]).rowcount:
        if time.monotonic() > ends:
            return False
        time.sleep(0.003)
    return True


def _emptied(server: EmbeddedPostgres, name: str, shape: str) -> bool:
    """Empty each table and begin each count anew, unless more than rows was changed."""
    with psycopg.connect(server.address(SUPERUSER, name), autocommit=True) as connection:
        for table, trigger in connection.execute(_DISABLED).fetchall():
            _run(connection, "alter table {} enable trigger {}", table, trigger)
        filled = connection.execute(_FILLED, [_KEPT]).fetchall()
        if any(size > BIGGEST_TABLE_BYTES for _, size in filled) or _look(connection) != shape:
            return False
        # No trigger and no foreign key is asked.
        steps = [
            sql.SQL("set session_replication_role = replica"),
            *(sql.SQL("delete from {}").format(sql.Identifier(table)) for table, _ in filled),
            sql.SQL("select setval(seqrelid, seqstart, false) from pg_sequence"),
            sql.SQL("select pg_stat_reset()"),
        ]
        connection.execute(sql.SQL("; ").join(steps))
    return True
