"""Looks for the thing itself in what should be words.

Stops what people do in good faith: paste a picture as text, a hex dump, a file's first line. It
cannot stop somebody who hides bytes in words on purpose, and does not claim to. It looks at form
only; it never interprets or repeats a text, and keeps none.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from router.errors import Fault, Refused

LONGEST: Final = 4000
"""Characters of one text."""
LONGEST_HEX: Final = 63
"""Hex digits in a row; 64 are a SHA-256, which belongs into `hashes`, or more."""
LONGEST_HEX_WORDS: Final = 127
"""Hex digits in short groups, as dumps print them, in all; ten MAC addresses have fewer."""
LONGEST_HEX_ADDRESS: Final = 32
"""Digits of an IPv6 address in full. A line of a dump has more: an offset and sixteen bytes."""
LONGEST_BASE64: Final = 79
"""Base64 characters in a row; the longest words of German have about as many letters."""
LONGEST_BASE64_IN_ADDRESS: Final = 255
"""The same in a web address: tokens of a hundred characters are common there."""
LONGEST_TOKEN: Final = 199
"""ASCII characters without a blank that are no web address."""
SHORTEST_DUMP: Final = 16
"""Groups of hex digits in a text, before their digits are counted."""
SHORTEST_DUMP_LINE: Final = 8
"""Groups of hex digits in a row, likewise: some tools print the same bytes as characters behind each line."""

_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")
_OVERRIDES: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_DATA_URI: Final = re.compile(r"data:(?:[a-z]+/[a-z0-9.+-]+)?[;,]|data:[^\s]{0,80};base64|;base64,", re.IGNORECASE)
_SIGNATURES: Final = re.compile(
    # The same beginnings of JPEG, PNG, GIF, PDF, ZIP, RIFF, MP4 and Matroska: in base64, in hex, as read by Latin-1.
    r"(?:/9j/|iVBORw0KG|R0lGOD|JVBERi|UEsDB|UklGR|AAAA[A-Za-z0-9+/]{2}Z0eX|GkXfo)[A-Za-z0-9+/_-]{16}"
    r"|(?i:ffd8ff[de]|89504e470d0a|47494638[37]|255044462d|504b0304|52494646|667479706|1a45dfa3)[0-9A-Fa-f]{8}"
    r"|\xff\xd8\xff|\x89PNG|GIF8[79]a|%PDF-\d|PK\x03\x04"
    r"|^begin [0-7]{3} \S|^=ybegin |<~[!-u]{40}",
    re.MULTILINE,
)
_HEX_RUN: Final = re.compile(rf"[0-9A-Fa-f]{{{LONGEST_HEX + 1},}}")
_HEX_WORDS: Final = re.compile(
    rf"(?:(?:\\x|0x)[0-9A-Fa-f]{{2}}[\s,:;]{{0,3}}|[0-9A-Fa-f]{{2,8}}[\s,:;]{{1,3}}){{{SHORTEST_DUMP_LINE},}}"
)
_HEX_LINES: Final = re.compile(
    r"(?:[0-9A-Fa-f]{32,63}\s{1,80}){2,}[0-9A-Fa-f]{32,63}|(?:[0-9A-Fa-f]{40,63}\s{1,80})+[0-9A-Fa-f]{40}"
)
_ESCAPED_BYTES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2}){24,}")
_BASE64_RUN: Final = re.compile(rf"[A-Za-z0-9+/_=-]{{{LONGEST_BASE64 + 1},}}")
_BASE64_WORD: Final = re.compile(r"[A-Za-z0-9+/_=-]{16,}")
_AROUND_LINES: Final = re.compile(r"&#(?:10|13|(?i:x[ad]));|[\"'`,>|\\]|(?<![^\s\"'`,])[+&](?![^\s\"'`,])")
"""What stands around each line of a quoted mail, of a program's text, of XML."""
_TOKEN: Final = re.compile(rf"[!-~]{{{LONGEST_TOKEN + 1},}}")
_REPEATED: Final = re.compile(r"(.)\1{15,}")
"""One character over and over says nothing, however long the address."""
_ADDRESS: Final = re.compile(r"[(<\"']?https?://", re.IGNORECASE)
_MARKS: Final = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{6,}")
_LATIN: Final = re.compile(r"[\x00-\u024f\u2010-\u2027\u20ac]*")
_UNSEEN: Final = frozenset(
    map(chr, (0xFFFD, 0x200B, 0xFEFF, *range(0x2060, 0x2065), *range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0)))
)
"""The replacement character, and what is not seen and can carry bytes: zero widths, tags, variation selectors."""
_PRINTABLE: Final = re.compile(r"[\t\n -~]*")
_LONG_WORD: Final = re.compile(r"[A-Za-z0-9+/_=-]{16}|[!-~]{200}")
_PAIR_END: Final = re.compile(r"[0-9A-Fa-f]{2}[\s,:;]")
_TELLTALES: Final = ("data:", ";base64", "%pdf", "gif8", "begin", "<~", "\\x", "0x", "%f", "%d", "%8")


def fault_in(text: str) -> str | None:
    """Return the code of what is wrong with a text of words, None if nothing."""
    if _is_plain(text):
        return None
    return (
        _always_wrong(text)
        or _characters_fault(text)
        or ("encoded_run" if _is_hex(text) or _is_base64(text) or _has_long_token(text) else None)
    )


def _is_plain(text: str) -> bool:
    """Say quickly that nothing below can find anything: most texts are such."""
    if not _PRINTABLE.fullmatch(text) or _LONG_WORD.search(text):
        return False
    lowered = text.lower()
    return not any(telltale in lowered for telltale in _TELLTALES) and len(_PAIR_END.findall(text)) < SHORTEST_DUMP


def address_fault(address: str) -> str | None:
    """Return the code of what is wrong with a web address beyond its form, None if nothing."""
    said = _REPEATED.sub(r"\1", address)
    runs = (run[0] for run in _BASE64_RUN.finditer(said) if len(run[0]) > LONGEST_BASE64_IN_ADDRESS)
    if _is_hex(said) or any(map(_is_dense, runs)):
        return _always_wrong(address) or "encoded_run"
    return _always_wrong(address)


def is_material(text: str) -> bool:
    """Say whether a text surely is no words, but a file turned into them."""
    return _always_wrong(text) is not None


def _always_wrong(text: str) -> str | None:
    if _DATA_URI.search(text):
        return "data_uri"
    if _SIGNATURES.search(text):
        return "file_signature"
    return None


def _characters_fault(text: str) -> str | None:
    if _CONTROLS.search(text):
        return "control_character"
    if _OVERRIDES.search(text):
        return "direction_override"
    if _MARKS.search(text) or (not _LATIN.fullmatch(text) and _has_odd_share(text)):
        return "binary_like"
    return None


def _has_odd_share(text: str) -> bool:
    """More than 12 characters, and more than one in fifty, that no script writes with."""
    odd = sum(1 for c in text if c in _UNSEEN or unicodedata.category(c) in {"Co", "Cn", "Cs"})
    return odd > 12 and odd * 50 > len(text)  # noqa: PLR2004 - both named above


def _is_hex(text: str) -> bool:
    # One character over and over says nothing, and the longest identifier may be such.
    runs = (run[0] for run in _HEX_RUN.finditer(text) if len(set(run[0])) > 1)
    if any(not run.isdigit() for run in runs) or _HEX_LINES.search(text):
        return True
    # Times and telephone numbers in a row are hex pairs as well, but without letters.
    runs = (re.sub(r"\\x|0x|[\s,:;]+", "", words[0]) for words in _HEX_WORDS.finditer(text))
    dumped = [run for run in runs if len(run) > LONGEST_HEX_ADDRESS and sum(map(str.isalpha, run)) * 10 > len(run)]
    if sum(map(len, dumped)) > LONGEST_HEX_WORDS:
        return True
    for escaped in _ESCAPED_BYTES.finditer(text):
        try:
            bytes.fromhex(escaped[0].replace("%", "")).decode()
        except UnicodeDecodeError:
            return True
    return False


def _is_base64(text: str) -> bool:
    if any(_is_dense(run[0]) for run in _BASE64_RUN.finditer(text)):
        return True
    # Wrapped lines: neighbours of 16 characters and more that mix letters as no language does.
    words = _AROUND_LINES.sub(" ", text).split()
    return any(mixed and sum(map(len, run)) > LONGEST_BASE64 for mixed, run in groupby(words, _is_mixed))


def _has_long_token(text: str) -> bool:
    return any(not _ADDRESS.match(token[0]) and re.search(r"[A-Za-z0-9]", token[0]) for token in _TOKEN.finditer(text))


def _is_dense(run: str) -> bool:
    """A run of base64 characters that is no address of words: one long piece, or mixed letters throughout."""
    if not run.strip("=_-/+"):
        return False  # a ruled line
    if any(len(piece) > LONGEST_BASE64 for piece in re.split(r"[/_-]", run)):
        return True
    return _mixes(run)


def _is_mixed(word: str) -> bool:
    return bool(_BASE64_WORD.fullmatch(word)) and _mixes(word)


def _mixes(run: str) -> bool:
    upper, lower = sum(map(str.isupper, run)), sum(map(str.islower, run))
    others = len(run) - upper - lower
    return min(upper, lower) * 8 > len(run) and others * 33 > len(run)


def first_fault(texts: Iterable[str]) -> str | None:
    """Return the first code found in any of `texts`."""
    return next((code for code in map(fault_in, texts) if code), None)


def as_kept(text: str, *, field: str, longest: int = LONGEST) -> str:
    """Return words as they are kept: lines end in one way, nothing blank around them.

    Raises Refused, with `field` at fault, for none, for too many, and for what may be the thing itself.
    """
    words = text.replace("\r\n", "\n").strip()
    code = "missing" if not words else "too_long" if len(words) > longest else fault_in(words)
    if code is not None:
        raise Refused(code, Fault(field, code))
    return words
