"""The organisation's logo: one small picture beside house.yaml, read once.

Never takes one that could run something or fetch something from elsewhere.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 65_536
"""A page with its style sheet has less than half of that."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_SVG: Final = re.compile(rb"\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*<svg[\s>]", re.DOTALL)
_ACTIVE: Final = re.compile(
    rb"<!doctype|<!entity|<\?xml-stylesheet|<script|<foreignobject|\son[a-z]+\s*=|@import"
    rb"|href\s*=\s*[\"']?\s*[^#\"'\s]|url\(\s*[\"']?\s*[^#\"'\s]",
    re.IGNORECASE,
)
"""What runs, what names other files, and what makes an SVG of another kind."""


@dataclass(frozen=True, slots=True)
class Logo:
    """The picture as it is served."""

    path: str
    media_type: str
    content: bytes = field(repr=False)


def read_logo(path: Path) -> Logo | str:
    """Return the logo in the file, or in plain words why it cannot be one."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError:
        return f"there is no file {path.name} that can be read in {path.parent}"
    if len(content) > MOST_BYTES:
        return f"{path.name} is larger than {MOST_BYTES // 1024} KB"
    if path.suffix == ".png":
        wrong = "" if content.startswith(_PNG) else f"{path.name} is no PNG"
    else:
        wrong = _wrong_in_svg(path.name, content.removeprefix(b"\xef\xbb\xbf"))
    media_type = "image/png" if path.suffix == ".png" else "image/svg+xml"
    return wrong or Logo(f"/static/logo{path.suffix}", media_type, content)


def _wrong_in_svg(name: str, content: bytes) -> str:
    if not _SVG.match(content):
        return f"{name} is no SVG in UTF-8"
    if _ACTIVE.search(content):
        return f"{name} holds a script, a document type or an address: only shapes of its own may stand in it"
    return ""
