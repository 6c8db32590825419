"""NCMEC's own schema: fetched with our credentials, kept in the state directory, asked before a report is opened.

It is never shipped: NCMEC gives it to whoever has credentials. A report that it does not accept is our mistake.
"""

import os
import threading
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

from router import clock
from router.channels.cybertipline import Settings
from router.channels.cybertipline.writing import fits, schema
from router.errors import Declined, RouterError, TryLater
from workers.channels.cybertipline.client import Client

if TYPE_CHECKING:
    from lxml import etree

FOLDER: Final = "cybertipline"
FRESH_S: Final = 7 * 24 * 3600.0
"""How long a copy is used before it is fetched anew; an older one is used as well, while a new one is not to be had."""
_SHOWN_DIGITS: Final = 12


class OfficialSchema:
    """The schema of one of the two systems, for one process; used by several threads at once."""

    def __init__(self, settings: Settings, client: Client, state_dir: Path) -> None:
        place = sha256(settings.url.encode()).hexdigest()[:_SHOWN_DIGITS]
        self._file = state_dir / FOLDER / f"{settings.environment}-{place}.xsd"
        self._client = client
        self._lock = threading.Lock()
        self._known: etree.XMLSchema | None = None
        self._until = 0.0

    def ask(self, document: bytes, *, until: float) -> None:
        """Raise Declined `not_their_schema` unless the document is one of the schema's; TryLater when there is none."""
        with self._lock:
            if not fits(document, self._found(until)):
                raise Declined("not_their_schema")

    def find(self, *, until: float) -> None:
        """Have the schema; raises TryLater."""
        with self._lock:
            self._found(until)

    def _found(self, until: float) -> "etree.XMLSchema":
        now = clock.now().timestamp()
        if self._known is not None and now < self._until:
            return self._known
        kept, age_s = self._kept(now)
        if kept is None or not 0 <= age_s < FRESH_S:
            try:
                kept, age_s = self._fetched(until), 0.0
            except RouterError:
                if kept is None:
                    raise
                age_s = FRESH_S - 3600  # asked again in an hour
        self._known, self._until = kept, now + FRESH_S - age_s
        return kept

    def _kept(self, now: float) -> "tuple[etree.XMLSchema | None, float]":
        try:
            return schema(self._file.read_bytes()), now - self._file.stat().st_mtime
        except (OSError, ValueError):
            return None, FRESH_S

    def _fetched(self, until: float) -> "etree.XMLSchema":
        text = self._client.schema(until=until)
        try:
            found = schema(text)
        except ValueError:
            raise TryLater("schema_unusable") from None
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self._file.parent, delete=False) as new:
            new.write(text)
        os.replace(new.name, self._file)  # noqa: PTH105 - a name, not a Path
        return found
