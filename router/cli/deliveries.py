"""Commands for deliveries: where each referral stands, what was tried, and what people decide about it.

Facts, content and replies are not shown. Every look and every decision is audited.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any, Final

import typer

from router.channels import exchange
from router.cli.asking import console, said, say_columns, say_json, whose_login
from router.cli.ringing import ring
from router.console import deliveries as staff
from router.console.approving import Desk
from router.console.attempt import attempted
from router.console.exporting import EXPORTED, exported
from router.console.policies import Policies
from router.errors import Broken
from router.model import AuditEntry
from router.settings import Settings
from router.store.audit import note
from router.store.engine import transaction
from router.store.ledger import newest
from router.store.retries import Moved
from router.vocabulary import Awaited, ReferralState

_DONE: Final[Mapping[str | None, str]] = MappingProxyType(
    {
        Awaited.CLAIM: "somebody has claimed it",
        Awaited.DECIDE: "it is decided and closed",
        Awaited.ACKNOWLEDGE: "the reporter was told that it arrived",
        Awaited.FEEDBACK: "the reporter was told what was done",
        Awaited.DELIVERY: "everybody has got it who should at once",
    }
)
"""By what a referral waits for: what makes it needless."""

_DISAGREES: Final[Mapping[str | None, str]] = MappingProxyType(
    {
        "closed_there": "the ticket is closed and the case is open: close the case too, or open the ticket again",
        "closed_here": "the case is closed and the ticket is open: close the ticket too",
    }
)

commands = typer.Typer(help="See where each referral stands, try again, give up.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Reference = Annotated[str, typer.Argument(help="The case, CR-....-....-....; or a drill or notice.")]


@commands.command(name="list")
def list_deliveries(
    *,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, newest first.")] = 1000,
    state: Annotated[list[ReferralState] | None, typer.Option(help="Only such; may be said several times.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only those to this channel.")] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Also what waits for its time, or was withdrawn before it was tried.")
    ] = False,
    disagreeing: Annotated[
        bool, typer.Option("--disagreeing", help="Only where a ticket is closed and its case is open, or vice versa.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the newest referrals: reference, state, attempts, time, channel, outcome, other side's id, proof, ticket.

    The time, UTC, is when it was sent or given up; before that, when it is tried next. `deliveries show` says more of
    each: why it waits, and what every attempt came to.
    """
    with console(Settings()) as engine:
        with transaction(engine) as connection:
            note(connection, [AuditEntry(whose_login(), "deliveries_listed", "referrals")])
        with transaction(engine) as connection:
            rows = newest(
                connection, limit, waiting=waiting, states=state or (), channel=channel, disagreeing=disagreeing
            )
        if not rows and channel is not None:
            staff.check_channel(engine, channel)
    if as_json:
        say_json(rows)
        return
    if not rows:
        typer.echo("nothing such", err=True)
    say_columns([_cells(row) for row in rows])


@commands.command()
def show(
    reference: Reference,
    *,
    channel: Annotated[str | None, typer.Option(help="Only what goes to this channel.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show each referral of a case: state, proof, next try, why, and what every attempt came to; never its fields.

    Of a report that an outside body takes in steps also its number there, and whether it is open, finished or lost.
    """
    with console(Settings()) as engine:
        rows = staff.show(engine, _who(), reference, channel)
    if as_json:
        say_json(rows)
        return
    for number, row in enumerate(rows):
        typer.echo("\n" * bool(number) + _title(row))
        say_columns([("  " + name, said_of) for name, said_of in _told(row)])
        if row["tried"]:
            say_columns([("  tried", *_try(line)) for line in row["tried"]])
        if row["filed"]:
            say_columns([("  report", *_filed(line)) for line in row["filed"]])


@commands.command()
def export(
    references: Annotated[list[str], typer.Argument(help="The cases, CR-....-....-....", metavar="REFERENCE...")],
    *,
    channel: Annotated[str | None, typer.Option(help="Only what goes to this channel.")] = None,
) -> None:
    """Print what people let leave of these cases, as JSON: a list of documents, each with the fields of its channel.

    `deliveries schema` prints what may stand in them, docs/exchange.md says it in words.
    """
    with console(Settings()) as engine:
        desk, (kind, handle) = Desk(engine, Policies(engine)), _who()
        attempts = [attempted(engine, EXPORTED, kind=kind, handle=handle, reference=one) for one in references]
        say_json([document for attempt in attempts for document in exported(desk, attempt, channel=channel)])


@commands.command()
def schema() -> None:
    """Print the JSON Schema of the documents that leave: of `deliveries export`, of folders and webhooks outside."""
    say_json(exchange.schema())


@commands.command()
def retry(
    reference: Annotated[str | None, typer.Argument(help="The case, CR-....-....-....; or a drill or notice.")] = None,
    *,
    channel: Annotated[str | None, typer.Option(help="Only what goes to this channel.")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All that is dead for --channel, of whatever case.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, for the audit: 3 to 200 characters.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try again now what is dead or waits for another try; it has its three days anew, and its channel is tried too.

    What a person tries again may arrive after a later revision; each says which it is.
    """
    settings = Settings()
    with console(settings) as engine:
        if dead and channel is not None and reference is None:
            count = staff.retry_dead(engine, _who(), channel, reason)
            again = {channel} if count else set()
            said_of = f"{channel}: {count} due now"
        elif reference is not None and not dead:
            moved = staff.retry(engine, _who(), reference, channel, reason)
            count, again = len(moved), {row.channel for row in moved}
            said_of = _lines(moved, "due now")
        else:
            raise Broken("odd_options", "say which reference, or --channel NAME --dead for all that is dead there")
        ring(settings, engine, again)
    if as_json:
        say_json({"due_again": count})
    else:
        typer.echo(said_of)


@commands.command(name="give-up")
def give_up(
    reference: Reference,
    *,
    channel: Annotated[str, typer.Option(help="The channel that shall not get it any more.")],
    reason: Annotated[
        str | None, typer.Option(help="Why, for the audit: 3 to 200 characters; asked for if left out.")
    ] = None,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Also what waits for its time, such as reminders.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Withdraw what did not get through to a channel: nobody tries it again. What was sent stays sent."""
    reason = said(reason, "--reason", "Reason, for the audit")
    with console(Settings()) as engine:
        moved = staff.give_up(engine, _who(), reference, channel, reason, waiting=waiting)
    if as_json:
        say_json({"given_up": len(moved)})
    else:
        typer.echo(_lines(moved, "withdrawn"))


def _who() -> tuple[str, str]:
    kind, _, account = whose_login().partition(":")
    return kind, account


def _lines(moved: list[Moved], what: str) -> str:
    return "\n".join(
        f"{row.reference}  {row.channel}, revision {row.revision}: {_became(row) or what}" for row in moved
    )


def _became(row: Moved) -> str | None:
    if row.state == ReferralState.LEASED:
        return "a worker has it just now, and does not try it again"
    if row.waits_until is not None:
        return f"it may be there already, and is looked for at {_moment(row.waits_until)}"
    return None


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    at = (row["settled_at"] or row["due_at"]).isoformat(timespec="seconds")
    to = f"{row['channel']} ({row['kind']})"
    ended = (row["outcome"] or "-", row["remote_id"] or "-", row["proof"] or "-")
    ticket = row["disagreement"] or row["ticket"] or "-"
    return (row["reference"], row["state"], f"{row['attempts']} tried", at, to, *ended, ticket)


def _title(row: dict[str, Any]) -> str:
    says = f", {row['notice']}" if row["notice"] else ""
    return f"{row['reference']}  {row['channel']} ({row['kind']}), revision {row['revision']}{says}: {row['state']}"


def _told(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what there is to say of a referral, name and value; what does not apply is left out."""
    waits = row["state"] in {ReferralState.DUE, ReferralState.STANDBY}
    held_until = row["held_until"]
    held = f"{row['held_by'] or 'shut'}; see `channels list {row['channel']}`" if held_until else None
    next_try = max(row["due_at"], held_until) if held_until else row["due_at"]
    unsure = f"{row['unsure']} more looks before it is made" if row["unsure"] else None
    lines = (
        ("proof", row["proof"]),
        ("outcome", row["outcome"]),
        ("there", row["remote_id"]),
        ("next try" if row["state"] == ReferralState.DUE else "waits until", _moment(next_try) if waits else None),
        ("channel held", held),
        ("may be there", unsure),
        ("not once", _once(row) if row["state"] == ReferralState.STANDBY else None),
        ("instead of", row["instead_of"]),
        ("about", row["about"]),
        ("first due", None if row["state"] == ReferralState.STANDBY else _moment(row["first_due_at"])),
        ("retried", _moment(row["retried_at"])),
        ("settled", _moment(row["settled_at"])),
        ("acknowledged", _moment(row["acknowledged_at"])),
        ("ticket", f"{row['ticket']} since {_moment(row['ticket_at'])}" if row["ticket"] else None),
        ("disagrees", _DISAGREES.get(row["disagreement"])),
        ("looked at next", _moment(row["look_at"])),
        ("to do", _to_do(row) if row["state"] == ReferralState.DEAD else None),
    )
    return [(name, value) for name, value in lines if value is not None]


def _once(row: dict[str, Any]) -> str | None:
    """Return what keeps a referral that waits from being sent at all."""
    if row["instead_of"] is not None:
        return f"{row['instead_of']} has got it"
    return _DONE.get(row["awaited"])


def _to_do(row: dict[str, Any]) -> str:
    """Return what a person can do about a dead referral."""
    said_so = f"{row['reference']} --channel {row['channel']}"
    return f"`deliveries retry {said_so}` when it is mended, or `deliveries give-up {said_so}`"


def _try(line: dict[str, Any]) -> tuple[str, ...]:
    took = "-" if line["took_ms"] is None else f"{line['took_ms']} ms"
    return (str(line["attempt"]), str(_moment(line["started_at"])), took, line["outcome"], line["remote_id"] or "-")


def _filed(line: dict[str, Any]) -> tuple[str, ...]:
    """Return what became of one report that an outside body takes in steps: its number there, since when."""
    at = line["ended_at"] or line["opened_at"] or line["asked_at"]
    code = "-" if line["code"] is None else f"code {line['code']}"
    system = ("test system: thrown away there",) if line["test"] else ()
    return (line["report_id"] or "no number", line["state"], str(_moment(at)), code, *system)


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
