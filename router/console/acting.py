"""One act of staff on one case: who may, the change and its entry in one transaction, or an entry of the refusal.

Only a reviewer who is enabled and holds a key of one of the case's teams may. Opens nothing. By the command line,
who sits at the machine is believed to be who they say; the entry names the account there too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine

from router.console.attempt import Attempt, attempted
from router.errors import Forbidden, RouterError, Taken
from router.keyrecords import normal_handle
from router.store import claims, progress
from router.store.audit import note
from router.store.engine import transaction
from router.store.progress import Access, Standing

IN_CONSOLE: Final = ""
"""The `login` of what is done on the console's pages: there is no account of the machine to name."""
_OPEN: Final = "open"


@dataclass(frozen=True, slots=True)
class By:
    """Who does something with which case, and by which way."""

    reference: str
    handle: str
    login: str
    """Kind and account at the machine, or IN_CONSOLE."""
    seen: str = ""
    """The version that they saw (`CaseHead.seen`); empty: whatever it is by now."""
    lasts_s: int | None = None
    """How long a claim lasts from now on; None: it has no end."""

    @property
    def who(self) -> str:
        """The handle as it is kept."""
        return normal_handle(self.handle) or ""


Change = Callable[[Connection, Standing, str], bool]
"""Makes the change and says whether it could; may raise Forbidden instead, which undoes it."""


def act(
    engine: Engine,
    action: str,
    by: By,
    *,
    change: Change,
    why_not: Callable[[Standing], RouterError],
    detail: Callable[[Standing], str] = lambda _case: "",
    ready: Attempt | None = None,
) -> None:
    """Make the change and its entry, or find out why it could not be made, and leave an entry of that.

    Whoever has the case keeps it for longer by this. `detail` is asked before the change. Raises Forbidden, Taken, and
    what `transaction` raises.
    """
    attempt = ready or begin(engine, action, by)
    try:
        with transaction(engine) as connection:
            case = progress.standing(connection, attempt.reference)
            _check(connection, case, by)
            if case is None or not change(connection, case, by.who):
                raise why_not(case) if case else Forbidden("unknown_case")
            claims.extend(connection, case.reference, by.who, lasts_s=by.lasts_s)
            note(connection, [attempt.entry(detail=(detail(case) + by.login).strip())])
    except Forbidden as refused:
        attempt.refuse(refused.code, detail=by.login, say=refused)


def begin(engine: Engine, action: str, by: By) -> Attempt:
    """Return the attempt, as the audit will name it."""
    return attempted(engine, action, kind="person", handle=by.handle, reference=by.reference)


def not_open(case: Standing) -> RouterError | None:
    """Return the refusal of what can be done with open cases alone, None for one."""
    return None if case.state == _OPEN else Forbidden(f"case_{case.state}")


def taken(case: Standing) -> RouterError:
    """Return the refusal for a case that somebody else has, or nobody."""
    return Taken(str(case.claimed_by), case.claimed_at) if case.claimed_at else Forbidden("not_claimed")


def _check(connection: Connection, case: Standing | None, by: By) -> None:
    may = progress.access(connection, case.reference if case else "", by.who)
    if case is None or may is not Access.READER:
        raise Forbidden("unknown_case" if case is None and may is Access.STRANGER else may.value)
    if by.seen and by.seen.partition(".")[0] != str(case.version):
        raise Forbidden("changed_since")
