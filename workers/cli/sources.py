"""The commands `sources`: which systems send concerns, whether sources.yaml is right, and asking those that cannot.

Joins the command line by an entry point: what speaks to the outside is the workers'. Prints names, pointers and counts;
of a message nothing but the facts that it is mapped to, and those only when they are asked for.
"""

import json
from pathlib import Path
from time import monotonic, sleep
from typing import Annotated, Any, Final

import typer

from router.catalogue import parse_catalogue, ways_text
from router.channels.setting import as_written
from router.cli.asking import say_json
from router.configfile.yamltext import nearest, read, read_file
from router.errors import Broken, Refused, RouterError, TryLater
from router.secretrefs import secret
from router.settings import Settings
from router.sources import mapping
from router.sources.file import FILE, Source, Sources, parse_sources, sources_text
from workers.cli.asked import AsJson
from workers.polling import Filed, Poller

commands = typer.Typer(
    help="See the systems that send concerns, check what is taken of their messages, and ask those that cannot send.",
    no_args_is_help=True,
)
CALL_S: Final = 30.0
POLICY: Final = "policy.yaml"
MOST_BYTES: Final = 64 * 1024
"""Of a message, as at the door."""

Every = Annotated[int | None, typer.Option(min=5, help="Go on, asking every so many seconds; else ask once.")]
Names = Annotated[list[str] | None, typer.Argument(help="The sources; all when none is named.")]


@commands.command(name="list")
def list_sources(*, as_json: AsJson = False) -> None:
    """List the sources of the file in CONFIG_DIR: as which client each files, how it proves that, where notes go."""
    rows = [_row(source) for source in _sources(Settings()).values()]
    if as_json:
        say_json(rows)
        return
    for row in rows:
        back = f"; notes by {row['note_back']}" if row["note_back"] else ""
        asked = "; asked by `sources poll`" if row["polled"] else ""
        typer.echo(f"{row['name']}  as {row['client']}, by {row['by']}{back}{asked}")


@commands.command()
def check(
    names: Names = None,
    *,
    message: Annotated[
        Path | None, typer.Option(help="A message of the one source named, as a file: show what would be taken of it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check sources.yaml in CONFIG_DIR against channels.yaml and policy.yaml, and that its secrets are there.

    With a message, print the concern that it would be; nothing is filed. Exit 1 when something is wrong.
    """
    settings = Settings()
    sources = _named(_sources(settings, whole=True), names or [])
    if message is not None:
        if len(sources) != 1:
            raise Broken("option_missing", "name the one source whose message it is")
        _try(sources[0], message)
        return
    found = [{"name": source.name, "findings": _secrets_missing(source)} for source in sources]
    if as_json:
        say_json(found)
    else:
        for one in found:
            typer.echo(f"{one['name']}  {', '.join(one['findings']) or 'ok'}")
    if any(one["findings"] for one in found):
        raise typer.Exit(1)


@commands.command()
def poll(
    name: Annotated[str, typer.Argument(help="The source.")],
    *,
    every: Every = None,
    to: Annotated[str | None, typer.Option(help="Where our own public part is; else PUBLIC_URL.")] = None,
    as_json: AsJson = False,
) -> None:
    """Ask a system for the tickets that somebody marked there, and file each as an ordinary client does.

    Only what sources.yaml takes of a ticket is sent on. What was filed is remembered in STATE_DIR, and not filed again.
    """
    settings = Settings()
    (source,) = _named(_sources(settings), [name])
    if source.poll is None:
        raise Broken("not_polled", f"{name} has no 'poll' in {FILE}: it sends by itself")
    poller = Poller(source, source.poll, to or str(settings.public_url), settings.state_dir)
    while True:
        _say(_asked(poller, goes_on=every is not None), as_json=as_json)
        if every is None:
            return
        sleep(every)


def _asked(poller: Poller, *, goes_on: bool) -> Filed:
    try:
        return poller.ask(monotonic() + CALL_S)
    except TryLater as later:
        if not goes_on:
            raise Broken(later.code, "the other system, or our own public part, could not be asked now") from None
        return Filed(later=later.code)


def _say(filed: Filed, *, as_json: bool) -> None:
    if as_json:
        say_json(filed.row())
        return
    typer.echo(f"{filed.new} filed, {filed.known} known, {len(filed.refused)} refused")
    for line in [*filed.refused, *([f"asked again later: {filed.later}"] if filed.later else [])]:
        typer.echo(f"  {line}", err=True)


def _sources(settings: Settings, *, whole: bool = False) -> Sources:
    """Return what the file says; with `whole`, held against the two other files as well."""
    text = sources_text(settings.config_dir)
    if text is None:
        raise Broken(
            "no_sources", f"there is no {FILE} in {settings.config_dir}: copy an entry from config/recipes/sources/"
        )
    if not whole:
        return parse_sources(text)
    rules = read(read_file(settings.config_dir / POLICY), POLICY)
    words = {"category": [str(key) for key, _ in rules.entries("taxonomy")]}
    words["site"] = [str(key) for key, _ in rules.entries("sites")]
    return parse_sources(text, parse_catalogue(ways_text(settings.config_dir)), words=words)


def _named(sources: Sources, names: list[str]) -> list[Source]:
    for name in names:
        if name not in sources:
            raise Broken("unknown_source", f"no source is called {name}{nearest(name, sources)}")
    return [source for name, source in sources.items() if not names or name in names]


def _try(source: Source, path: Path) -> None:
    try:
        with path.open("rb") as file:
            sent = json.loads(file.read(MOST_BYTES))
    except (OSError, ValueError):
        raise Broken("file_unreadable", "the message is not there, longer than 64 KiB, or no JSON") from None
    try:
        say_json(dict(mapping.take(source, sent).concern))
    except Refused as refused:
        for fault in refused.faults:
            typer.echo(f"{fault.pointer or fault.field}  {fault.field}: {fault.code}", err=True)
        raise typer.Exit(1) from None


def _secrets_missing(source: Source) -> list[str]:
    """Return which of the source's secrets cannot be read here; run it where each is used."""
    named = {"secret": source.secret}
    if source.poll is not None:
        named |= {"poll.secret": source.poll.secret, "poll.token": source.poll.token}
    missing = []
    for setting, reference in named.items():
        try:
            if reference is not None:
                secret(reference)
        except RouterError as error:
            missing.append(f"{setting}: {error.code}")
    return missing


def _row(source: Source) -> dict[str, Any]:
    signed = source.signed
    return {
        "name": source.name,
        "client": source.client,
        "by": "token" if signed is None else f"{signed.algorithm} in {signed.signature}",
        "window": as_written(signed.window) if signed is not None and signed.timestamp is not None else None,
        "fields": sorted(
            {field for field, _ in source.fields.each()} | ({"hashes"} if source.fields.hashes else set())
        ),
        "note_back": source.note_back,
        "polled": source.poll is not None,
    }
