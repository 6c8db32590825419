"""The operator's own longer texts: paragraphs, headings and lists out of plain lines. Knows no markup but these three.

A heading is a line that begins with `# `, a list is lines that begin with `- ` and goes on in lines that are set in,
and an empty line ends a paragraph.
Never makes a link, and never passes a tag through.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

from markupsafe import Markup

_ONE_WAY: Final = re.compile(r"\+?[0-9][0-9 -]{3,}[0-9]|[\w.+-]+@[\w.-]*\w|https://\S*\w")
"""Telephone numbers and addresses, which read from left to right in every language."""
_MARKS: Final = {"# ": "heading", "- ": "list"}


class BlockKind(StrEnum):
    """What a block of text is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Block:
    """A heading or a paragraph, which has one line, or a list, which has one for each of its points."""

    kind: BlockKind
    lines: tuple[str, ...]


def blocks(text: str) -> tuple[Block, ...]:
    """Return what `text` is made of, in its order; none for a text without a word."""
    made: list[Block] = []
    for kind, lines in groupby(_lines(text), key=lambda line: line[0]):
        said = tuple(words for _, words in lines)
        if kind is BlockKind.LIST:
            made.append(Block(kind, said))
        elif kind is BlockKind.HEADING:
            made += [Block(kind, (words,)) for words in said]
        elif kind is BlockKind.PARAGRAPH:
            made.append(Block(kind, (" ".join(said),)))
    return tuple(made)


def _lines(text: str) -> list[tuple[BlockKind | None, str]]:
    """Return each line with what it belongs to; an empty one, which parts paragraphs, with None."""
    found: list[tuple[BlockKind | None, str]] = []
    for written in text.splitlines():
        line = written.strip()
        mark = _MARKS.get(line[:2])
        if not line:
            found.append((None, ""))
        elif mark:
            found.append((BlockKind(mark), line[2:].strip()))
        elif written[0].isspace() and found and found[-1][0] is BlockKind.LIST:
            found[-1] = (BlockKind.LIST, f"{found[-1][1]} {line}")
        else:
            found.append((BlockKind.PARAGRAPH, line))
    return found


def isolated(line: str) -> Markup:
    """Return a line as markup, its numbers and addresses kept in order where text runs from right to left."""
    made, end = Markup(), 0
    for found in _ONE_WAY.finditer(line):
        made += Markup('{}<bdi dir="ltr">{}</bdi>').format(line[end : found.start()], found[0])
        end = found.end()
    return made + line[end:]
