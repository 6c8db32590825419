"""How each channel does, over all workers and hosts: whether it is used now, how fast, and what was checked.

All times are PostgreSQL's. A healthy channel without limits costs one read by its key for each batch and no lock; the
others lock their one row until the commit. Functions take a connection and never commit.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text

from router.store.breaker import (
    LONGEST_ASKED_S,
    Heard,
    Standing,
    after,
    next_token_s,
    refilled,
    shut,
)
from router.vocabulary import Breaker

SHUT: Final = f"""
    (s.breaker <> 'closed' and s.until > clock_timestamp() and s.since <= clock_timestamp()
     and s.until <= clock_timestamp() + make_interval(secs => {LONGEST_ASKED_S:.0f}))
"""
"""Of a row `s`: the channel must not be tried yet. One that changed in the future did so before the clock was set
back; then `until` means nothing."""
NOT_SHUT: Final = f"not exists (select from channel_states s where s.channel = r.channel and {SHUT})"
"""Of a referral `r`: its channel may be tried, were it by a probe."""

_READ = f"""
    select s.breaker, s.failures, s.opened, s.checked, s.tokens, {SHUT} as shut, clock_timestamp() as now,
           extract(epoch from s.until - clock_timestamp())::float8 as left_s,
           extract(epoch from clock_timestamp() - s.tokens_at)::float8 as elapsed_s
    from channel_states s where s.channel = :channel
"""  # noqa: S608 - our own words
_LOOK = text(_READ)
_HOLD = text(f"{_READ} for update")
_MAKE = text("insert into channel_states (channel) values (:channel) on conflict do nothing")
_LEASED = text("""
    select count(*) from referrals
    where channel = :channel and state = 'leased'
      and lease_until between clock_timestamp() and clock_timestamp() + make_interval(secs => :lease_s)""")
_MOVE = text("""
    update channel_states
    set breaker = new.breaker, failures = :failures, opened = :opened,
        since = case when channel_states.breaker = new.breaker and shut_s is null then since else clock_timestamp() end,
        until = case when new.breaker = 'closed' then null when shut_s is null then until
                     else clock_timestamp() + make_interval(secs => shut_s) end,
        code = case when new.breaker = 'closed' then null else coalesce(new.code, channel_states.code) end,
        named = case when new.breaker = 'closed' or new.code is not null then new.named
                     else channel_states.named end
    from (select cast(:breaker as text), cast(:shut_s as float8), cast(:code as text), cast(:named as text))
         as new(breaker, shut_s, code, named)
    where channel = :channel""")
_PROBE = text("""
    update channel_states set breaker = 'half_open', since = clock_timestamp(),
                              until = clock_timestamp() + make_interval(secs => :probe_s)
    where channel = :channel""")
_SPEND = text("update channel_states set tokens = :tokens, tokens_at = :at where channel = :channel")
_FREE = text("""
    update channel_states set breaker = 'open', since = clock_timestamp(), until = clock_timestamp()
    where channel = :channel and breaker = 'half_open'""")
_WAITING = "exists (select from referrals where channel = :channel and state in ('due', 'leased'))"
_PASSED = text("""
    insert into channel_states as s (channel, checked, checked_at) values (:channel, :digest, clock_timestamp())
    on conflict (channel) do update
    set checked = :digest, checked_at = clock_timestamp(),
        breaker = case s.breaker when 'closed' then 'closed' else 'open' end,
        since = case s.breaker when 'closed' then s.since else clock_timestamp() end,
        until = case s.breaker when 'closed' then null else clock_timestamp() end""")
_BACK = text(f"""
    update channel_states
    set breaker = 'closed', failures = 0, opened = 0, since = clock_timestamp(), until = null, code = null, named = null
    where channel = :channel and breaker <> 'closed' and not {_WAITING}""")  # noqa: S608 - our own words


@dataclass(frozen=True, slots=True)
class Rules:
    """What the channel's file says of its pace, and which settings must have passed their check."""

    at_most: float | None = None
    at_once: int | None = None
    digest: str | None = None
    """None: no check is wanted."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """How many may be leased now."""

    most: int = 0
    probe: bool = False
    """The one is a probe: `spend` must be told when it was leased."""
    wait_s: float | None = None
    """When `most` is 0: seconds until more; None: nobody can say."""
    shut: bool = False
    """The breaker lets nothing through now."""
    unchecked: bool = False
    """The settings must pass their check first."""
    clean: bool = True
    """The breaker's row has nothing that a success would change."""
    tokens: float | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What a batch of attempts, or a check, changed."""

    breaker: Breaker
    changed: bool
    code: str | None = None
    shut_s: float | None = None


def admit(connection: Connection, channel: str, wanted: int, rules: Rules, *, lease_s: float) -> Admitted:
    """Say how many of `wanted` may be leased now; call `spend` in the same transaction with how many were.

    A channel with limits, or one to be probed, is locked until then: another worker waits, and counts what this one
    took.
    """
    limited = rules.at_most is not None or rules.at_once is not None
    row = _row(connection, channel) if limited else connection.execute(_LOOK, {"channel": channel}).one_or_none()
    if row is not None and row.breaker != Breaker.CLOSED and not row.shut and not limited:
        row = _row(connection, channel)
    if row is not None and row.shut:
        return Admitted(wait_s=max(0.0, row.left_s), shut=True, clean=False)
    clean = row is None or (row.breaker == Breaker.CLOSED and not row.failures and not row.opened)
    if rules.digest is not None and (row is None or row.checked != rules.digest):
        return Admitted(unchecked=True, clean=clean)
    if row is None:
        return Admitted(wanted)
    probe = row.breaker != Breaker.CLOSED
    return _within(
        connection, channel, row, Admitted(1 if probe else wanted, probe, clean=clean), rules, lease_s=lease_s
    )


def _within(
    connection: Connection, channel: str, row: Any, most: Admitted, rules: Rules, *, lease_s: float
) -> Admitted:
    """Return what the channel's limits leave of `most`."""
    allowed, wait_s, tokens = most.most, None, None
    if rules.at_most is not None:
        tokens = refilled(row.tokens, row.elapsed_s or 0.0, rules.at_most)
        if allowed > int(tokens):
            allowed, wait_s = int(tokens), next_token_s(tokens, rules.at_most)
    if rules.at_once is not None and allowed:
        leased = connection.execute(_LEASED, {"channel": channel, "lease_s": float(lease_s)}).scalar_one()
        allowed = max(0, min(allowed, rules.at_once - leased))
    at = None if tokens is None else row.now
    return Admitted(allowed, most.probe, None if allowed else wait_s, clean=most.clean, tokens=tokens, at=at)


def spend(connection: Connection, channel: str, admitted: Admitted, taken: int, *, probe_s: float) -> None:
    """Note that `taken` of what was admitted were leased; a probe has `probe_s` before another may be sent."""
    if not taken:
        return
    if admitted.probe:
        connection.execute(_PROBE, {"channel": channel, "probe_s": float(probe_s)})
    if admitted.tokens is not None:
        spent = {"channel": channel, "tokens": admitted.tokens - taken, "at": admitted.at}
        connection.execute(_SPEND, spent)


def note(connection: Connection, channel: str, heard: Sequence[Heard]) -> Noted:
    """Let the breaker hear how attempts ended; not needed when all worked and the last `admit` was `clean`."""
    row = _row(connection, channel)
    before = Standing(Breaker(row.breaker), row.failures, row.opened)
    now = after(before, heard, jitter=_jitter())
    if now != before:
        _move(connection, channel, now)
    return Noted(now.breaker, now.breaker is not before.breaker, now.code, now.shut_s)


def hold(connection: Connection, channel: str, why: Heard, *, named: str = "") -> Noted:
    """Shut the channel: its check found something, or could not be made; `named` is the setting that is meant."""
    row = _row(connection, channel)
    before = Standing(Breaker(row.breaker), row.failures, row.opened)
    now = shut(before, why, jitter=_jitter())
    _move(connection, channel, now, named=named or None)
    return Noted(now.breaker, before.breaker is Breaker.CLOSED, why.code, now.shut_s)


def claim(connection: Connection, channel: str, *, probe_s: float) -> bool:
    """Say whether the channel's check may be made now; while it is shut one worker makes it, within `probe_s`."""
    row = _row(connection, channel)
    if row.breaker == Breaker.CLOSED:
        return True
    if not row.shut:
        connection.execute(_PROBE, {"channel": channel, "probe_s": float(probe_s)})
    return not row.shut


def passed(connection: Connection, channel: str, digest: str) -> bool:
    """Note that the settings passed their check, and return whether that brought back a channel that was shut.

    It may be probed at once. Where nothing waits that could be the probe, it is used again.
    """
    connection.execute(_PASSED, {"channel": channel, "digest": digest})
    return connection.execute(_BACK, {"channel": channel}).rowcount == 1


def lacks_probe(connection: Connection, channel: str) -> bool:
    """Say whether nothing waits that could show that the channel is back: then only a check can."""
    return not connection.execute(text(f"select {_WAITING}"), {"channel": channel}).scalar_one()


def doubt(connection: Connection, channel: str) -> None:
    """Have the channel checked before anything more is leased: what it showed does not fit its settings."""
    connection.execute(text("update channel_states set checked = null where channel = :c"), {"c": channel})


def release(connection: Connection, channel: str) -> None:
    """Say that a probe was not sent: another may be, at once."""
    connection.execute(_FREE, {"channel": channel})


def _row(connection: Connection, channel: str) -> Any:
    """Return the channel's row, locked; makes one if there is none."""
    row = connection.execute(_HOLD, {"channel": channel}).one_or_none()
    if row is None:
        connection.execute(_MAKE, {"channel": channel})
        row = connection.execute(_HOLD, {"channel": channel}).one()
    return row


def _move(connection: Connection, channel: str, now: Standing, *, named: str | None = None) -> None:
    values = {
        "channel": channel,
        "breaker": now.breaker.value,
        "failures": now.failures,
        "opened": now.opened,
        "shut_s": now.shut_s,
        "code": now.code,
        "named": named,
    }
    connection.execute(_MOVE, values)


def _jitter() -> float:
    return random.random()  # noqa: S311 - spreads load, keeps no secret
