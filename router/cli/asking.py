"""What commands of the console share: its login to the database, answers and secrets from the terminal, who sits there.

A secret comes from a prompt that does not show it, or from standard input; never from an argument,
which other users of the machine could read.
"""

import os
import pwd
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import orjson
import typer
from sqlalchemy import Engine

from router.errors import Broken
from router.settings import Settings
from router.store.engine import connect
from router.vocabulary import Login

LONGEST_SECRET = 1000


@contextmanager
def console(settings: Settings) -> Iterator[Engine]:
    """Yield an engine with the console's login; raises Broken when none is configured."""
    engine = connect(settings.dsn(Login.CONSOLE), process="command", pool_size=1)
    try:
        yield engine
    finally:
        engine.dispose()


def secret(prompt: str, *, from_stdin: bool) -> str:
    """Return one line: typed unseen after `prompt`; from standard input if told so, or if that is no terminal."""
    if from_stdin or not sys.stdin.isatty():
        return sys.stdin.readline(LONGEST_SECRET).rstrip("\r\n")
    return str(typer.prompt(prompt, hide_input=True, err=True))


def said(given: str | None, option: str, prompt: str) -> str:
    """Return what was given with `option`, or what is typed after `prompt`; raises Broken where nobody can type.

    Never reads a pipe: what comes there is a secret, and would be taken for an answer that is stored.
    """
    if given is not None:
        return given
    if not sys.stdin.isatty():
        raise Broken("option_missing", f"add {option}")
    return str(typer.prompt(prompt, err=True))


def whose_login() -> str:
    """Return the audit's name for whoever runs this command: the account on this machine."""
    try:
        return f"login:{pwd.getpwuid(os.geteuid()).pw_name}"
    except KeyError:
        return f"login:{os.geteuid()}"


def say_json(value: object) -> None:
    """Print `value` as one line of JSON; times as RFC 3339."""
    # Keys of rows are the database library's own kind of text.
    typer.echo(orjson.dumps(value, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS))


def say_columns(lines: Sequence[Sequence[str]]) -> None:
    """Print the cells of each line, all cells of a column below each other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
