"""Policies by digest, as their files were written, and which of them is in force."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select
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
    if active_digest(connection) == digest:
        return False
    connection.execute(insert(policy_activations).values(digest=digest))
    return True


def active(connection: Connection) -> Stored | None:
    """Return the policy in force, or None before the very first one."""
    digest = active_digest(connection)
    if digest is None:
        return None
    row = connection.execute(select(policies).where(policies.c.digest == digest)).one()
    return Stored(row.digest, row.policy, row.channels)


def active_digest(connection: Connection) -> str | None:
    """Return the name of the policy in force, or None before the very first one."""
    newest = select(policy_activations.c.digest).order_by(policy_activations.c.id.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none()


def in_force_since(connection: Connection) -> datetime | None:
    """Return since when the policy in force is, or None before the very first one."""
    newest = select(policy_activations.c.activated_at).order_by(policy_activations.c.id.desc()).limit(1)
    return connection.execute(newest).scalar_one_or_none()


def digest_at(connection: Connection, moment: datetime) -> str | None:
    """Return the name of the policy that was in force at `moment`, None before the very first one."""
    table = policy_activations.c
    query = select(table.digest).where(table.activated_at <= moment).order_by(table.id.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def kept(connection: Connection, prefix: str) -> list[Stored]:
    """Return the kept policy whose digest starts with `prefix`; two of them when it is not the only one."""
    query = select(policies).where(policies.c.digest.startswith(prefix, autoescape=True)).order_by(policies.c.digest)
    return [Stored(row.digest, row.policy, row.channels) for row in connection.execute(query.limit(2))]


def channels_text(connection: Connection, digest: str) -> str:
    """Return the channels of a kept policy, as they were written. All that a worker may see of one."""
    query = select(policies.c.channels).where(policies.c.digest == digest)
    return str(connection.execute(query).scalar_one())


def channels_texts_with(connection: Connection, word: str) -> Iterator[str]:
    """Yield the channels of every policy that was in force and whose channels hold `word`, the latest first."""
    last = func.max(policy_activations.c.id)
    query = (
        select(policies.c.channels)
        .join(policy_activations, policy_activations.c.digest == policies.c.digest)
        .where(func.strpos(policies.c.channels, word) > 0)
        .group_by(policies.c.digest, policies.c.channels)
        .order_by(last.desc())
    )
    with connection.execution_options(yield_per=8).execute(query) as found:
        yield from found.scalars()
