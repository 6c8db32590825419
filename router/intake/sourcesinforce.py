"""Which sources are in force: those of the last good `sources.yaml`, taken up whole while messages come in.

The file is optional. A bad one never replaces a good one, not even at a restart: its text is kept beside the state of
the process. Who may send and what is taken is for each process to read; nothing of it decides who is told.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sqlalchemy import Engine

from router.errors import PolicyErrors, Problem
from router.intake.firstdesk import tell_first_desk
from router.model import AuditEntry
from router.sources.file import FILE, Sources, parse_sources, sources_text
from router.store.audit import note
from router.store.engine import transaction
from router.telemetry import get_log
from router.triage.policy import Policy
from router.vocabulary import Notice

KEPT: Final = "sources.last-good.yaml"
SHOWN_DIGITS: Final = 12
_NONE: Final[Sources] = MappingProxyType({})
_ACTOR: Final = "intake"


class SourcesInForce:
    """Holds the sources in force; call it to get them."""

    def __init__(
        self,
        config_dir: Path,
        state_dir: Path,
        engine: Engine,
        in_force: Callable[[], Policy],
        *,
        ring: Callable[[Iterable[str]], None],
    ) -> None:
        """Put the file in force, else the last good one, else none; `ring` wakes a channel after a commit."""
        self._config_dir = config_dir
        self._kept = state_dir / KEPT
        self._engine = engine
        self._in_force = in_force
        self._ring = ring
        self._sources = _NONE
        self._refused = False
        self._moving = self._settled = ("", "")
        """What was seen last, and what was taken up or refused: digests of the file and of the policy."""
        self._sources = self._last_good()
        self._settled = self._moving = self._look()[0]
        self._take(self._look()[1])

    def __call__(self) -> Sources:
        """Return the sources in force by name."""
        return self._sources

    def degraded(self) -> list[str]:
        """Return codes of what is wrong and does not stop work."""
        return ["sources_file_refused"] if self._refused else []

    def refresh(self) -> None:
        """Take up a changed file, or the same one under a changed policy, once it lies still.

        Raises Unavailable or StoreFailed when somebody could not be told: it comes again.
        """
        seen, text = self._look()
        lay_still, self._moving = seen == self._moving, seen
        if lay_still and seen != self._settled:
            self._take(text)
            self._settled = seen

    def _look(self) -> tuple[tuple[str, str], str | PolicyErrors | None]:
        """Return the digests of what stands there now, and the text; None where there is no file."""
        try:
            text: str | PolicyErrors | None = sources_text(self._config_dir)
        except PolicyErrors as errors:
            text = errors
        return (sha256(str(text).encode()).hexdigest(), self._in_force().digest), text

    def _take(self, text: str | PolicyErrors | None) -> None:
        if text is None:
            self._sources, self._refused = _NONE, False
            self._kept.unlink(missing_ok=True)
            return
        try:
            sources = self._parsed(text)
        except PolicyErrors:
            self._refuse(text)
            return
        self._sources, self._refused = sources, False
        self._keep(str(text))
        get_log().info("sources_activated", count=len(sources))

    def _parsed(self, text: str | PolicyErrors) -> Sources:
        """Return the sources, held against the policy in force; raises PolicyErrors."""
        if isinstance(text, PolicyErrors):
            raise text
        policy = self._in_force()
        words: Mapping[str, Iterable[str]] = {"category": policy.taxonomy, "site": policy.sites}
        try:
            return parse_sources(text, policy.channels, words={name: tuple(known) for name, known in words.items()})
        except PolicyErrors:
            raise
        except Exception as error:  # whatever a file makes our reader do, the last good one stays in force
            said = f"cannot be read: {type(error).__name__}"
            raise PolicyErrors([Problem(FILE, 1, "unforeseen", said)]) from error

    def _refuse(self, text: str | PolicyErrors) -> None:
        """Say that the file is wrong: in the log, in /readyz, and once to the fallback's first desk."""
        policy, digest = self._in_force(), sha256(str(text).encode()).hexdigest()
        with transaction(self._engine) as connection:
            desk = tell_first_desk(connection, policy, Notice.SOURCES_REFUSED, digest, policy.digest)
            if desk is not None:
                note(connection, [AuditEntry(_ACTOR, "sources_refused", digest[:SHOWN_DIGITS])])
        if desk is not None:
            self._ring([desk])
        get_log().error("sources_refused", policy=digest[:SHOWN_DIGITS])
        self._refused = True

    def _keep(self, text: str) -> None:
        """Keep what is good for the next start, whole or not at all; other processes of this machine keep the same."""
        draft = self._kept.with_name(f".{KEPT}.{os.getpid()}")
        try:
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._kept)
        except OSError as error:
            get_log().warning("sources_not_kept", error=type(error).__name__)

    def _last_good(self) -> Sources:
        """Return what was good before this start; none when that was for another policy, or cannot be read."""
        try:
            return self._parsed(self._kept.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, PolicyErrors):
            return _NONE
