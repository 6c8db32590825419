"""Policies by digest, as their files were written, and which of them is in force."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from router.store.tables import policies, policy_activations


@dataclass(frozen=True, slots=True)
class Stored:
    """A policy as it was kept: the two files' texts, named by their digest."""

    digest: str
    policy_text: str
    channels_text: str


def keep(connection: Connection, digest: str, policy_text: str, channels_text: str) -> None:
    """Store the two texts under `digest`; nothing happens when they are there already."""
    row = {"digest": digest, "policy": policy_text, "channels": channels_text}
    connection.execute(upsert(policies).values(row).on_conflict_do_nothing())


def activate(connection: Connection, digest: str) -> bool:
    """Put a kept policy in force; return whether another, or none, was before. Raises if it was never kept."""
    if _active_digest(connection) == digest:
        return False
    connection.execute(insert(policy_activations).values(digest=digest))
    return True


def active(connection: Connection) -> Stored | None:
    """Return the policy in force, or None before the very first one."""
    digest = _active_digest(connection)
    if digest is None:
        return None
    row = connection.execute(select(policies).where(policies.c.digest == digest)).one()
    return Stored(row.digest, row.policy, row.channels)


def _active_digest(connection: Connection) -> str | None:
    newest = select(policy_activations.c.digest).order_by(policy_activations.c.id.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none()
