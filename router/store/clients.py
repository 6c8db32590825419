"""Machine clients and the digests of their tokens; the tokens themselves are nowhere."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from router.store.tables import clients


@dataclass(frozen=True, slots=True)
class Client:
    """A detection agent or a helpdesk that files concerns with a token."""

    name: str
    per_minute: int


def add_client(connection: Connection, name: str, *, token_digest: bytes, per_minute: int) -> None:
    """Insert a client; the database refuses a name that is there already, revoked or not."""
    connection.execute(insert(clients), {"name": name, "token_digest": token_digest, "quota_per_minute": per_minute})


def active_clients(connection: Connection) -> dict[bytes, Client]:
    """Return the clients that are not revoked, by their token's digest."""
    query = select(clients).where(clients.c.revoked_at.is_(None))
    return {row.token_digest: Client(row.name, row.quota_per_minute) for row in connection.execute(query)}


def all_clients(connection: Connection) -> list[dict[str, Any]]:
    """Return every client as a plain row for a list; no digest."""
    columns = (
        clients.c.name,
        clients.c.quota_per_minute.label("per_minute"),
        clients.c.created_at,
        clients.c.revoked_at,
    )
    return [dict(row) for row in connection.execute(select(*columns).order_by(clients.c.name)).mappings()]


def revoke_client(connection: Connection, name: str) -> bool:
    """Revoke a client for good; return whether there was an active one of that name."""
    query = update(clients).where(clients.c.name == name, clients.c.revoked_at.is_(None))
    return (
        connection.execute(query.values(revoked_at=func.clock_timestamp()).returning(clients.c.name)).first()
        is not None
    )
