"""One try of a member of staff to do something with one case, or with what was told of it, as the audit will say.

A try that was refused is an entry too, in a transaction of its own. Keeps nothing that was typed but ids.
"""

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from sqlalchemy import Engine

from router.errors import Forbidden, RouterError
from router.keyrecords import normal_handle
from router.model import AuditEntry
from router.store.audit import note
from router.store.engine import transaction

SHORTEST_REASON, LONGEST_REASON = 3, 200
_REFERENCE: Final = re.compile(r"(CR|DRILL|FLOOD|NOTICE)(-[0-9A-HJKMNP-TV-Z]{4}){3}")
UNKNOWN: Final = "unknown"
"""Stands for a handle or a reference that cannot be one."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who tries what with which case, drill, flood or notice."""

    engine: Engine
    action: str
    actor: str
    """Kind and handle: `person:anna`."""
    reference: str

    def entry(self, outcome: str = "ok", detail: str = "") -> AuditEntry:
        """Return the line that says how it ended."""
        return AuditEntry(self.actor, self.action, self.reference, outcome, detail)

    def note(self, outcome: str = "ok", detail: str = "") -> None:
        """Commit that line."""
        with transaction(self.engine) as connection:
            note(connection, [self.entry(outcome, detail)])

    def check_reason(self, reason: str) -> str:
        """Return the reason as it is kept; refuse the attempt when it is none."""
        given = reason.strip()
        if not SHORTEST_REASON <= len(given) <= LONGEST_REASON or not given.isprintable():
            self.refuse("reason_malformed")
        return given

    def refuse(self, outcome: str, *, detail: str = "", say: str | RouterError | None = None) -> NoReturn:
        """Commit the line that it was refused, and raise Forbidden with `say`, or `say` itself."""
        self.note(f"refused_{outcome}", detail)
        raise say if isinstance(say, RouterError) else Forbidden(say or outcome)


def is_reference(text: str) -> bool:
    """Say whether `text` is a reference as the audit has it: of a case, a drill, a flood or a notice."""
    return _REFERENCE.fullmatch(text) is not None


def attempted(engine: Engine, action: str, *, kind: str, handle: str, reference: str) -> Attempt:
    """Return the attempt, with nothing in it that is not an id; the reference as it is meant, whatever its case."""
    meant = reference.strip().upper()
    known = meant if _REFERENCE.fullmatch(meant) else UNKNOWN
    return Attempt(engine, action, f"{kind}:{normal_handle(handle) or UNKNOWN}", known)
