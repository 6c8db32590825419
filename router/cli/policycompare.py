"""`policy diff`: what one policy says otherwise than another, and which past cases it would send elsewhere.

Changes nothing, but that deciding past cases again is in the audit before one of them is read. Prints references,
routes, teams, channels and times; never the value of a fact.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine

from router import clock
from router.cli.asking import console, whose_login
from router.cli.policyreading import AsJson, counted, fail, refuse, written_in
from router.errors import PolicyErrors
from router.model import AuditEntry, Facts
from router.settings import Settings
from router.store import policies, replay
from router.store.audit import note
from router.store.engine import transaction
from router.triage.compare import Change, Elsewhere, Past, What, by_route, changes, elsewhere
from router.triage.file import Duration, PolicyFile, Span
from router.triage.policy import Policy, parse_policy, policy_texts

commands = typer.Typer()

ACTIVE: Final = "active"
SAID_EVERY: Final = 5_000
"""Cases between two lines that say how far it is."""
_DIGEST = re.compile(r"[0-9a-f]{6,64}")
_SIGNS: Final = {What.ADDED: "+", What.REMOVED: "-", What.CHANGED: "~", What.MOVED: "~"}


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two policies."""

    policy: Policy
    written: PolicyFile


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of deciding past cases again."""

    since: datetime
    cases: int
    unreadable: tuple[str, ...]
    """References of cases whose stored facts are not ours to read any more."""
    elsewhere: tuple[Elsewhere, ...]


@commands.command()
def diff(
    old: Annotated[str, typer.Argument(help="A folder, or of a stored policy the digest's beginning, or `active`.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    *,
    replay_for: Annotated[
        str | None, typer.Option("--replay", metavar="TIME", help="Decide the cases of this time again, such as 90d.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what NEW says otherwise than OLD; with --replay also which past cases would go elsewhere.

    Needs the console's database login for stored policies and for --replay.
    """
    settings = Settings()
    span = _span(replay_for) if replay_for is not None else None
    sides = [_side(settings, name, as_json=as_json) for name in (old, new)]
    first, second = sides
    found = changes(first.written, second.written, first.policy.channels.channels, second.policy.channels.channels)
    again = None
    if span is not None:
        with console(settings) as engine:
            again = _replayed(engine, first.policy, second.policy, span, str(settings.console_address))
    if as_json:
        typer.echo(json.dumps(_values(first.policy, second.policy, found, again), default=str))
        return
    for line in (*_changed(found), *(_replay_lines(again) if again else ())):
        typer.echo(line)


def _span(said: str) -> Span:
    try:
        span: Span = TypeAdapter(Duration).validate_python(said)
    except ValidationError:
        fail("odd_time: --replay takes a time such as 12h or 90d")
    return span


def _side(settings: Settings, name: str, *, as_json: bool) -> Side:
    """Return the policy of the folder `name`, else the stored one that it names; exits when there is none."""
    folder = Path(name)
    try:
        if folder.is_dir():
            texts = policy_texts(folder)
        elif name == ACTIVE or _DIGEST.fullmatch(name):
            texts, folder = _stored(settings, name), Path(f"stored:{name}")
        else:
            fail("unknown_policy: name a folder, at least six digits of a digest, or active")
        return Side(parse_policy(*texts), written_in(texts[0]))
    except PolicyErrors as error:
        refuse(folder, error.problems, as_json=as_json)


def _stored(settings: Settings, name: str) -> tuple[str, str]:
    with console(settings) as engine, transaction(engine) as connection:
        active = policies.active(connection) if name == ACTIVE else None
        found = [active] if active else []
        if name != ACTIVE:
            found = policies.kept(connection, name)
    if len(found) != 1:
        fail("ambiguous_policy: more than one digest begins so" if found else "unknown_policy: none such is stored")
    return found[0].policy_text, found[0].channels_text


def _replayed(engine: Engine, old: Policy, new: Policy, span: Span, console_url: str) -> Replayed:
    """Decide every case of the time again, by both; says on standard error how far it is."""
    since = clock.now() - span.real
    entry = AuditEntry(whose_login(), "cases_replayed", "cases", detail=f"{old.digest[:12]}..{new.digest[:12]} {span}")
    with transaction(engine) as connection:
        note(connection, [entry])
    count, unreadable, found = 0, [], []
    for past in _past(engine, since):
        count += 1
        if past.facts is None:
            unreadable.append(past.reference)
        other = elsewhere(old, new, past, console_url=console_url)
        if other is not None:
            found.append(other)
        if count % SAID_EVERY == 0:
            typer.echo(f"{count} cases decided", err=True)
    return Replayed(since, count, tuple(unreadable), tuple(found))


def _past(engine: Engine, since: datetime) -> Iterator[Past]:
    """Yield the cases in batches, each read in its own short transaction."""
    last = None
    while True:
        with transaction(engine) as connection:
            batch = replay.past_cases(connection, since=since, after=last, limit=replay.BATCH)
        for row in batch:
            yield Past(row.reference, row.received_at, row.by_client, _facts(row.facts))
        if len(batch) < replay.BATCH:
            return
        last = batch[-1]


def _facts(stored: Any) -> Facts | None:
    try:
        return Facts.model_validate_json(json.dumps(stored))
    except ValidationError:
        return None


def _changed(found: tuple[Change, ...]) -> Iterator[str]:
    if not found:
        yield "both say the same"
    for one in found:
        name = f" {one.name}" if one.name else ""
        yield f"{_SIGNS[one.what]} {one.kind}{name}{' ' + str(one.what) if one.what is What.MOVED else ''}"
        yield from (f"    {detail}" for detail in one.details)


def _replay_lines(again: Replayed) -> Iterator[str]:
    yield ""
    yield (
        f"Since {again.since:%Y-%m-%d %H:%M} UTC: {counted(again.cases, 'case')}, "
        f"{len(again.elsewhere)} of them elsewhere or otherwise"
    )
    for (was, is_now), count in by_route(again.elsewhere).items():
        yield f"  {count:6}  {was} -> {is_now}" if was != is_now else f"  {count:6}  {was}, otherwise than before"
    for other in again.elsewhere:
        yield other.reference
        yield from (f"    {name}: {was} -> {is_now}" for name, (was, is_now) in other.fields.items())
    for reference in again.unreadable:
        yield f"{reference}: its stored facts cannot be read; not decided"


def _values(old: Policy, new: Policy, found: tuple[Change, ...], again: Replayed | None) -> dict[str, Any]:
    """Return all of it as JSON-ready values."""
    values: dict[str, Any] = {"old": old.digest, "new": new.digest, "changes": [asdict(one) for one in found]}
    if again is None:
        return values
    values["replay"] = {
        "since": again.since.isoformat(),
        "cases": again.cases,
        "unreadable": again.unreadable,
        "routes": [
            {"old": was, "new": is_now, "cases": count} for (was, is_now), count in by_route(again.elsewhere).items()
        ],
        "elsewhere": [
            {
                "reference": other.reference,
                "fields": {name: {"old": was, "new": is_now} for name, (was, is_now) in other.fields.items()},
            }
            for other in again.elsewhere
        ],
    }
    return values
