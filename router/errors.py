"""Every error we raise, each saying who does what next.

Errors carry codes and ids, never text from outside.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

NOT_SEEN: Final = "not_seen_yet"
"""Code of a TryLater: nothing is there, but an earlier attempt may have made something that does not show yet."""


class RouterError(Exception):
    """Something in the product said no. Its `code` is stable and safe to log and to show."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a concern: a field of our own closed list (or `unknown`), and a code."""

    field: str
    code: str
    pointer: str = ""
    """Where in a source's message, as `sources.yaml` has it; nothing of the message is in it."""


class Refused(RouterError):
    """The request was not admitted. Tell the sender `code` and the faults; do not retry.

    Faults name fields from our own closed list only, never a key that was sent.
    `retry_after_s` is 0 unless waiting helps.
    """

    def __init__(self, code: str, *faults: Fault, retry_after_s: int = 0) -> None:
        super().__init__(code)
        self.faults = faults
        self.retry_after_s = retry_after_s


class Unavailable(RouterError):
    """We cannot keep the concern now. Tell the sender to come back; nothing was stored."""


class StoreFailed(RouterError):
    """The database refused a statement. `code` holds our code and the SQLSTATE; look at the server."""


class Broken(RouterError):
    """Something the operator wrote or runs is wrong. Print `code` and `hint`, and stop."""

    def __init__(self, code: str, hint: str) -> None:
        super().__init__(code)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.code}: {self.hint}"


class Forbidden(RouterError):
    """This person may not do that. Say so, audit it."""


class Taken(Forbidden):
    """Somebody else has the case. Say who and since when; only giving it back changes that."""

    def __init__(self, holder: str, since: datetime) -> None:
        super().__init__("already_claimed")
        self.holder = holder
        self.since = since

    def __str__(self) -> str:
        return f"{self.code}: {self.holder} has it since {self.since:%Y-%m-%dT%H:%M:%SZ}"


class SealBroken(RouterError):
    """A sealed text did not open: wrong passphrase, wrong key, or swapped or changed bytes."""


class TryLater(RouterError):
    """The channel gave no answer, 429 or 5xx. Wait, then send again with the same key.

    `retry_after_s` is what the channel asked for, 0 if it did not. `ambiguous`: it may have taken effect all the same,
    so look before sending again. `remote_id` is what was made and could not be read back: it must not be made again.
    """

    def __init__(
        self, code: str, *, retry_after_s: float = 0.0, ambiguous: bool = False, remote_id: str | None = None
    ) -> None:
        super().__init__(code)
        self.retry_after_s = retry_after_s
        self.ambiguous = ambiguous
        self.remote_id = remote_id


class Declined(RouterError):
    """The channel said no and would again. Stop; a person must look."""


class Unrenderable(RouterError):
    """What a channel should say cannot be written out. Send nothing; a person must look, or say what is missing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a configuration file, at its line."""

    file: str
    line: int
    code: str
    said: str
    """What was found and what would do, for the operator who wrote the file."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.said} [{self.code}]"


class PolicyErrors(Broken):
    """The policy or the channels are wrong. Show all `problems` to the operator; nothing was loaded."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda p: (p.file, p.line, p.said)))
        super().__init__("policy_refused", "; ".join(map(str, self.problems)))
