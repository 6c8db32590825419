"""Find marked text in bytes, however it was encoded on its way there."""

import base64
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

GZIP = b"\x1f\x8b\x08"
LARGEST_GUNZIPPED = 16 << 20


@dataclass(frozen=True, slots=True)
class Hit:
    """A marked text where it must not be."""

    where: str
    how: str


def forms(marker: str) -> dict[str, bytes]:
    """Return what to look for: the marker raw and in each encoding that something might have used.

    Base64 depends on the position modulo three, so its three forms leave out the characters that
    neighbours would change.
    """
    raw = marker.encode()
    found = {
        "raw": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "utf-16-le": marker.encode("utf-16-le"),
        "utf-16-be": marker.encode("utf-16-be"),
        "latin-1": marker.encode("latin-1"),
        "percent": quote(marker).encode(),
        "percent-plus": quote(marker, safe="").lower().encode(),
        "json": json.dumps(marker)[1:-1].encode(),
    }
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).rstrip(b"=")
        found[f"base64+{shift}"] = encoded[(0, 2, 3)[shift] : len(encoded) - 1]
    return found


class Search:
    """Looks for several markers in many places."""

    def __init__(self, markers: Iterable[str], *, plain: Iterable[str] = ()) -> None:
        """Compile one expression for all `markers` in all their forms, and for what is looked for as it is alone.

        Each form costs seconds in a database's files: codes that are made at random need no more than one.
        """
        self._names = {form: name for marker in markers for name, form in forms(marker).items()}
        self._names |= {code.encode(): "plain" for code in plain}
        self._any = re.compile(b"|".join(re.escape(form) for form in sorted(self._names, key=len, reverse=True)))

    def in_bytes(self, where: str, body: bytes) -> Iterator[Hit]:
        """Yield each form found in `body`, and in what gunzips out of it."""
        for found in sorted({match.group() for match in self._any.finditer(body)}):
            yield Hit(where, self._names[found])
        start = body.find(GZIP)
        while start >= 0:
            yield from self.in_bytes(f"{where} gunzipped", _gunzipped(body[start : start + LARGEST_GUNZIPPED]))
            start = body.find(GZIP, start + 1)

    def in_folder(self, folder: Path, *, but: frozenset[str] = frozenset()) -> Iterator[Hit]:
        """Yield hits in the names and bytes of all files below `folder`, except those named in `but`."""
        for path in sorted(folder.rglob("*")):
            yield from self.in_bytes(f"the name {path.name}", path.name.encode())
            if path.name not in but:
                yield from self.in_bytes(str(path.relative_to(folder)), _content(path))


def _content(path: Path) -> bytes:
    """Read whole, never mapped: servers that still run cut and remove files below the reader."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return b""
    except OSError:
        if path.is_file():
            raise
        return b""  # a socket


def _gunzipped(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(body, LARGEST_GUNZIPPED)
    except zlib.error:
        return b""
