"""What commands for the policy share: reading it, facts and times, and saying what is wrong with them."""

import json
import re
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from router import clock
from router.bodies.directory import FILE as BODIES
from router.bodies.directory import where
from router.configfile.shape import shape
from router.configfile.yamltext import nearest, read
from router.errors import PolicyErrors, Problem, Refused
from router.intake import strictjson
from router.model import Decision, Facts
from router.settings import Settings
from router.triage.decide import decide
from router.triage.file import PolicyFile
from router.triage.policy import FILE, Policy, load_policy
from router.vocabulary import Reference

WRONG = 2
"""Exit status when what was given is wrong."""

_A_TIME: Final = "2026-11-30T09:00:00+01:00"
_TIMES: Final = frozenset({"occurred_at", "noticed_at"})
_CONTENT: Final = frozenset({"narrative", "contact", "identity"})
_QUOTED: Final = re.compile(r"'([^']*)'")

SHOWN_REFERENCE: Final[Reference] = "CR-0000-0000-0000"
"""Stands for the random reference that a real case would get."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def load(config_dir: Path, *, as_json: bool) -> Policy:
    """Return the policy, or print every problem and exit."""
    try:
        return load_policy(config_dir)
    except PolicyErrors as error:
        refuse(config_dir, error.problems, as_json=as_json)


def decided(facts_file: str, at: str | None, *, client: bool, as_json: bool) -> tuple[Policy, Facts, Decision]:
    """Return what the policy of CONFIG_DIR would decide of the facts in a file; print what is wrong and exit."""
    settings = Settings()
    policy = load(settings.config_dir, as_json=as_json)
    facts = facts_in(policy, facts_file, as_json=as_json)
    decision = decide(
        policy,
        facts,
        reference=SHOWN_REFERENCE,
        received_at=moment(at),
        statutory=not client,
        console_url=str(settings.console_address),
    )
    return policy, facts, decision


def written_in(policy_text: str) -> PolicyFile:
    """Return what stands in a policy that loads."""
    written = shape(read(policy_text, FILE), PolicyFile)
    if written is None:
        fail("policy_refused: the file changed meanwhile")
    return written


def refuse(folder: Path, problems: tuple[Problem, ...], *, as_json: bool) -> NoReturn:
    """Print every problem that keeps files of `folder` from loading, and exit."""
    if as_json:
        typer.echo(json.dumps({"ok": False, "problems": list(as_values(folder, problems, "error"))}))
    else:
        for problem in problems:
            typer.echo(line(folder, problem, "error"))
    fail(f"policy_refused: {counted(len(problems), 'problem')}; nothing was loaded")


def line(folder: Path, problem: Problem, level: str) -> str:
    """Return a problem as one line that editors can follow."""
    return f"{_place(folder, problem)}:{problem.line}: {level}: {problem.said} [{problem.code}]"


def _place(folder: Path, problem: Problem) -> Path:
    """Return the file: that of the outside bodies may stand in the folder around."""
    around = where(folder) if problem.file == BODIES else None
    return around or folder / problem.file


def as_values(folder: Path, problems: Iterable[Problem], level: str) -> Iterable[dict[str, Any]]:
    """Yield each problem as JSON-ready values."""
    for one in problems:
        yield {
            "file": str(_place(folder, one)),
            "line": one.line,
            "level": level,
            "code": one.code,
            "message": one.said,
        }


def counted(number: int, what: str) -> str:
    """Return `1 thing` or `2 things`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def moment(at: str | None) -> datetime:
    """Return the time that `at` says, or now; exits when it is none."""
    if at is None:
        return clock.now()
    try:
        said = datetime.fromisoformat(at)
    except ValueError:
        said = None
    if said is None or said.tzinfo is None:
        fail(f"odd_time: --at takes a time such as {_A_TIME}, with its zone")
    return said


def facts_in(policy: Policy, name: str, *, as_json: bool) -> Facts:
    """Return the facts in the file; or print what each wrong field wants and exit; never what stands in it."""
    try:
        text = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError:
        fail("unreadable: the file with the facts cannot be read; - reads standard input")
    try:
        value: Any = strictjson.loads(text)
    except Refused as error:
        fail(f"facts_refused: {error.code}")
    wrong = _not_in(policy, value)
    try:
        facts = TypeAdapter(Facts).validate_json(json.dumps(value))
    except ValidationError as error:
        wrong = sorted({*wrong, *map(_wanted, error.errors())})
    if wrong:
        lines = [json.dumps({"ok": False, "problems": wrong})] if as_json else wrong
        typer.echo("\n".join(lines))
        fail(f"facts_refused: {counted(len(wrong), 'problem')}")
    return facts


def _not_in(policy: Policy, value: Any) -> list[str]:
    """Return what is said of a category or site that the policy does not know."""
    said = []
    for field, known in (("category", policy.taxonomy), ("site", policy.sites)):
        found = value.get(field) if isinstance(value, dict) else None
        if isinstance(found, str) and found not in known:
            said.append(f"{field}: not in the policy{nearest(found, known)}")
    return said


def _wanted(detail: ErrorDetails) -> str:
    field, kind = str(detail["loc"][0]) if detail["loc"] else "", detail["type"]
    if kind == "extra_forbidden" and field in _CONTENT:
        return f"{field}: content is no fact; leave it out"
    if kind == "extra_forbidden":
        return f"a field that is not known{nearest(field, Facts.model_fields)}"
    if kind == "missing":
        return f"{field}: missing"
    if kind == "enum":
        return f"{field}: unknown value{nearest(str(detail['input']), _QUOTED.findall(detail['ctx']['expected']))}"
    if field in _TIMES:
        return f"{field}: a time such as {_A_TIME} is wanted, with its zone"
    return f"{field or 'facts'}: {detail['msg']}"


def fail(said: str) -> NoReturn:
    """Say why on standard error, and exit."""
    typer.echo(f"concern-router: {said}", err=True)
    raise typer.Exit(WRONG)
