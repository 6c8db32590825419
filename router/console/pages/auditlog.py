"""The audit's pages for auditors: who did and saw what, what vouches for it, a check of its end, a copy to take away.

Shows codes, ids, times and the reasons that staff gave; opens no case, and nothing in it leads into one. Each look,
each check and each copy is a line of what it shows.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from router.console import auditing
from router.console.attempt import is_reference
from router.console.pages.ask import Ask, page
from router.console.pages.rendering import show
from router.console.rights import Right
from router.store import auditlines
from router.store.auditlines import OK, REFUSED, Wanted
from router.store.engine import transaction

LISTED: Final = "audit_listed"
LINES: Final = 100
"""On one page."""
FILTERS: Final = ("who", "action", "about", "ended", "since", "until")
NOT_PEOPLE: Final = frozenset(
    {"reporter", "nobody", "intake", "worker", "clock", "pager", "schedule", "keys_init", "policy"}
)
"""Actors without a name of their own; any other word in `who` is a person's handle."""
_WHO: Final = re.compile(r"[a-z_]{1,20}(:[A-Za-z0-9._@-]{1,64})?")
_ACTION: Final = re.compile(r"[a-z_]{1,60}")
_ABOUT: Final = re.compile(r"[A-Za-z0-9._:/{}@-]{1,100}")
_BEFORE: Final = re.compile(r"[0-9]{1,18}")

MISTAKES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "who": "Write a person's handle, or a name as the list shows it, such as client:helpdesk.",
        "action": "Choose one of the list.",
        "about": "Write a case's reference, or a name as the list shows it; no blanks.",
        "ended": "Choose one of the list.",
        "since": "Write a day as 2026-11-23.",
        "until": "Write a day as 2026-11-23.",
    }
)
VERDICTS: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "signed": ("good", "signed", "The chain ends where the signature says."),
        "key_missing": ("warn", "not checked", "audit.pub is not here to check the signature with."),
        "unsigned": ("warn", "not signed", "The chainer signs within a second of the first line."),
        "forged": ("alarm", "forged", "The signature in the database is not of our key."),
        "contradicts": ("alarm", "contradicted", "The chain does not end where the signature says."),
    }
)
"""What the checkpoint in the database says, by its code: how serious, a word, and a sentence."""
OUTSIDE: Final[Mapping[str, tuple[str, str, str]]] = MappingProxyType(
    {
        "same": ("good", "agrees", "The copy of the checkpoints outside the database says the same."),
        "behind": ("good", "agrees", "The copy of the checkpoints outside the database is a moment behind."),
        "missing": ("warn", "missing", "No copy of the checkpoints is within reach of this page."),
        "cut_off": ("alarm", "cut off", "The copy outside the database knows of more lines: the end was cut off."),
        "other": ("alarm", "contradicted", "The copy outside the database was signed over another chain."),
        "damaged": ("alarm", "damaged", "Somebody wrote into the copy outside the database."),
    }
)
FINDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "line_changed": "was changed, or moved from its place",
        "line_removed": "was removed",
        "checkpoint_contradicts": "is not the one that was signed",
        "checkpoint_forged": "has a checkpoint that our key did not sign",
        "checkpoint_removed": "had a checkpoint that is gone from the database",
        "checkpoint_not_copied": "has a checkpoint that was never copied outside",
        "tail_cut_off": "was signed, and is gone: the end was cut off",
        "tail_unsigned": "stands after the last signature",
        "left_unchained": "was written, and never became part of the chain",
    }
)
"""What a check finds of a line or an entry, in words."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for in the address, and what of it cannot be meant."""

    typed: Mapping[str, str]
    wanted: Wanted
    mistakes: Mapping[str, str]

    @property
    def noted(self) -> str:
        """The filter for the audit: codes alone, none of what was typed in another form than an id has."""
        wanted = self.wanted
        about = wanted.object if is_reference(wanted.object) else "given"
        parts = {
            "actor": wanted.actor,
            "action": wanted.action,
            "object": wanted.object and about,
            "ended": wanted.ended,
            "since": self.typed["since"],
            "until": self.typed["until"],
            "before": wanted.before or "",
        }
        return " ".join(f"{name}={value}" for name, value in parts.items() if value)


def show_audit(ask: Ask) -> Response:
    """Show the newest lines that are asked for, and what vouches for the whole."""
    with transaction(ask.desk.engine) as connection:
        actions = auditlines.actions(connection)
    asked = _asked(ask, actions)
    if asked.mistakes:
        return _shown(ask, asked, actions, [], status=422)
    with transaction(ask.desk.engine) as connection:
        found = auditlines.newest(connection, asked.wanted, LINES + 1)
    ask.note(LISTED, "audit", detail=f"{asked.noted} count={len(found[:LINES])}".strip())
    return _shown(ask, asked, actions, found)


def check_audit(ask: Ask) -> Response:
    """Check the chain's end now and show what was found."""
    checked = auditing.check(ask.desk.engine, f"person:{ask.viewer.handle}", ask.desk.witness)
    return show(ask, "audit/checked.html", checked=checked, told=FINDINGS)


def export_audit(ask: Ask) -> Response:
    """Send the whole chain as a file that `audit verify --file` checks."""
    lines = auditing.export(ask.desk.engine, f"person:{ask.viewer.handle}")
    named = {"content-disposition": f'attachment; filename="audit-{ask.now.astimezone(UTC):%Y%m%dT%H%M%SZ}.jsonl"'}
    return StreamingResponse(lines, media_type="application/x-ndjson", headers=named)


def _shown(ask: Ask, asked: Asked, actions: list[str], found: list[auditlines.Entry], *, status: int = 200) -> Response:
    kept = {name: value for name, value in asked.typed.items() if value and name in FILTERS}
    older = urlencode({**kept, "before": found[LINES - 1].id}) if len(found) > LINES else None
    return show(
        ask,
        "audit/list.html",
        status,
        lines=found[:LINES],
        actions=actions,
        asked=asked.typed,
        mistakes=asked.mistakes,
        filtered=bool(kept),
        later=asked.wanted.before is not None,
        newest=urlencode(kept),
        older=older,
        standing=auditing.standing(ask.desk.engine, ask.desk.witness),
        verdicts=VERDICTS,
        outside=OUTSIDE,
        newest_checked=auditing.NEWEST,
    )


def _asked(ask: Ask, actions: list[str]) -> Asked:
    typed = {name: ask.query.get(name, "").strip() for name in (*FILTERS, "before")}
    since, until = _day(typed["since"]), _day(typed["until"])
    fits = {
        "who": _WHO.fullmatch(_actor(typed["who"])),
        "action": typed["action"] in actions or _ACTION.fullmatch(typed["action"]),
        "about": _ABOUT.fullmatch(typed["about"]),
        "ended": typed["ended"] in {OK, REFUSED},
        "since": since,
        "until": until,
    }
    mistakes = {name: MISTAKES[name] for name, fit in fits.items() if typed[name] and not fit}
    before = int(typed["before"]) if _BEFORE.fullmatch(typed["before"]) else None
    wanted = Wanted(
        actor=_actor(typed["who"]),
        action=typed["action"],
        object=typed["about"],
        ended=typed["ended"],
        since=since,
        until=until and until + timedelta(days=1),
        before=before,
    )
    return Asked(typed, wanted, mistakes)


def _actor(who: str) -> str:
    """Return the actor that is meant; a word alone is a person's handle."""
    return who if not who or ":" in who or who in NOT_PEOPLE else f"person:{who.lower()}"


def _day(typed: str) -> datetime | None:
    """Return when a day begins, None if it is none or one that no line can be of."""
    try:
        day = datetime.strptime(typed, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return datetime.combine(day, time(0), UTC) if 2000 <= day.year <= 9000 else None  # noqa: PLR2004 - any far year


PAGES = (
    page("GET", "/console/audit", Right.READ_AUDIT, show_audit),
    page("POST", "/console/audit/check", Right.READ_AUDIT, check_audit),
    page("POST", "/console/audit/export", Right.READ_AUDIT, export_audit),
)
