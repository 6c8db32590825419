"""Read a configuration file: a small, safe part of YAML, with the line of everything in it.

Values are true, false, whole numbers, texts, lists and mappings with text keys. What other readers of
YAML would take for something else (`on`, `NO`, `22:00`, `0x1F`, a date), an anchor, a tag, a key that
stands twice, an empty value: each is a problem with its line. Never runs, includes or expands anything.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from errno import EACCES, EISDIR, ENOENT, ENOTDIR, errorcode
from pathlib import Path as FilePath
from typing import Any, Final, TypeAlias

import yaml
from yaml.resolver import Resolver

from router.errors import PolicyErrors, Problem

MOST_CHARACTERS: Final = 8_000_000
DEEPEST: Final = 20
LONGEST_SHOWN: Final = 60

Path: TypeAlias = tuple[str | int, ...]

_INT = re.compile(r"-?(0|[1-9][0-9]{0,8})")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|0o[0-7]+")
"""What YAML 1.2 takes for a number, and 1.1 does not."""
_KNOWN_SECRET = re.compile(
    r"whsec_|-----BEGIN|\bBearer\s|\bgh[pousr]_|\bxox[abpr]-|\bAKIA[0-9A-Z]{12}|\b\d-\d+-[0-9a-f]{20}|\beyJ[A-Za-z0-9_-]{8}"
)
_LONG_RUN = re.compile(r"[A-Za-z0-9+_=-]{24,}")
_READER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER = Resolver()
_NODES = (yaml.ScalarEvent, yaml.CollectionStartEvent)
_UNREADABLE: Final = {
    ENOENT: "there is no such file",
    ENOTDIR: "there is no such file",
    EISDIR: "a folder stands where the file should be",
    EACCES: "the account that runs this may not read the file",
}


@dataclass(slots=True)
class Document:
    """What a file says (`value`), where it says it, and what is wrong with it."""

    file: str
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    broken_off: bool = False
    """The rest of the file could not be read: what seems to be missing may stand there."""

    @property
    def whole(self) -> bool:
        """Say whether all of the file was read, and names can be looked up in it."""
        return isinstance(self.value, dict) and bool(self.value) and not self.broken_off

    def line(self, path: Path) -> int:
        """Return the line of `path`, or of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def complain(self, path: Path, code: str, said: str) -> None:
        """Keep a problem at `path`."""
        self.problems.append(Problem(self.file, self.line(path), code, said))

    def entries(self, *path: str | int) -> Iterator[tuple[str | int, Any]]:
        """Yield keys and values below `path`; nothing where there is no mapping or list. For best-effort checks."""
        value = self.at(*path)
        if isinstance(value, dict):
            yield from value.items()
        elif isinstance(value, list):
            yield from enumerate(value)

    def at(self, *path: str | int) -> Any:
        """Return the value at `path`, or None."""
        value = self.value
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def words(self, *path: str | int) -> Iterator[tuple[Path, str]]:
        """Yield each text at `path`, which holds one or a list of them, with its own path."""
        value = self.at(*path)
        if isinstance(value, str):
            yield path, value
        elif isinstance(value, list):
            for index, word in enumerate(value):
                if isinstance(word, str):
                    yield (*path, index), word


def shown(found: object) -> str:
    """Return `found` as an operator may see it: one line, in quotes, shortened; not if it looks like a secret."""
    if looks_secret(str(found)):
        return "(not shown: looks like a secret)"
    text = repr(found) if isinstance(found, str) else str(found)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def looks_secret(text: str) -> bool:
    """Say whether `text` might be a secret in clear: a known token's beginning, or a long mixed run."""
    return bool(_KNOWN_SECRET.search(text)) or any(map(_mixed, _LONG_RUN.findall(text)))


def _mixed(run: str) -> bool:
    """Letters and at least three digits in one run: words joined by dashes do not do that, keys do."""
    digits = sum(character.isdigit() for character in run)
    return digits >= 3 and digits < len(run)  # noqa: PLR2004 - said above


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the known word nearest to `word`, else the known words if they are few."""
    listed = sorted(known)
    close = get_close_matches(word, listed, n=1, cutoff=0.6) or get_close_matches(word.lower(), listed, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(listed)}" if listed and len(listed) <= 12 else ""  # noqa: PLR2004 - fits a line


def read_file(path: FilePath) -> str:
    """Return the text of `path`, of one too long its beginning; raises PolicyErrors when it is no UTF-8 text."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS + 1)
    except UnicodeError:
        raise PolicyErrors([Problem(path.name, 1, "not_utf8", "the file is not UTF-8 text")]) from None
    except OSError as error:
        code = error.errno or 0
        why = _UNREADABLE.get(code, f"the file cannot be read ({errorcode.get(code, 'error')})")
        raise PolicyErrors([Problem(path.name, 1, "unreadable", f"{why}, in {path.parent}")]) from None


def read(text: str, file: str) -> Document:
    """Return the document in `text`; `file` names it in problems. Raises nothing."""
    document = Document(file)
    if len(text) > MOST_CHARACTERS:
        document.complain((), "too_long", f"the file is longer than {MOST_CHARACTERS} characters")
        document.broken_off = True
        return document
    try:
        _Builder(document).build(yaml.parse(text, Loader=_READER))
    except yaml.MarkedYAMLError as error:
        _break_off(document, text, error)
    except (yaml.YAMLError, UnicodeError):
        document.complain((), "not_yaml", "not YAML: characters that may not stand in a text file")
        document.broken_off = True
    except _Stop:
        document.broken_off = True
    return document


def _break_off(document: Document, text: str, error: yaml.MarkedYAMLError) -> None:
    lines = text.split("\n")
    mark = error.problem_mark or error.context_mark
    line = min(mark.line, len(lines) - 1) + 1 if mark else 1
    begun = error.context_mark.line + 1 if error.context_mark else line
    said = f"not YAML: {error.problem or 'cannot be read'}"
    if "\t" in lines[line - 1]:
        said += "; a tab stands in this line: write spaces"
    elif error.context and begun < line:
        said += f", {error.context} that begins in line {begun}"
    document.problems.append(Problem(document.file, line, "not_yaml", f"{said}; the rest was not looked at"))
    document.broken_off = True


class _Stop(Exception):
    """The rest of the file cannot be understood."""


@dataclass(slots=True)
class _Open:
    """A list or mapping that is still being filled."""

    path: Path
    value: dict[str, Any] | list[Any]
    key: str | None = None
    again: bool = False
    """The key stood here before: what follows is read for its problems, and dropped."""


class _Builder:
    """Builds the value from parser events, without recursion: depth is counted, not suffered."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: list[_Open] = []
        self._plain: set[str] = set()
        """Plain words that are texts to everybody: most stand in a file many times."""

    def build(self, events: Iterable[Any]) -> None:
        documents = 0
        for event in events:
            line = event.start_mark.line + 1
            if isinstance(event, _NODES):
                self._node(event, line)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._open.pop()
            elif isinstance(event, yaml.AliasEvent):
                self._stop(line, "alias", f"an alias (*{event.anchor}) stands here; write it out")
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._stop(line, "two_documents", "a second document starts here; one file holds one")

    def _node(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self._problem(line, "anchor", f"an anchor (&{event.anchor}) stands here; write it out")
        if event.tag is not None:
            self._problem(line, "tag", f"a tag ({shown(event.tag)}) stands here; leave it out")
        top = self._open[-1] if self._open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event, line)
            return
        path = self._path(top)
        self._document.lines.setdefault(path, line)
        if isinstance(event, yaml.ScalarEvent):
            self._keep(top, self._scalar(event, line))
            return
        if len(self._open) >= DEEPEST:
            self._stop(line, "too_deep", f"more than {DEEPEST} levels deep")
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._keep(top, value)
        self._open.append(_Open(path, value))

    def _key(self, top: _Open, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            self._stop(line, "odd_key", "a key must be a text")
        key = self._scalar(event, line)
        if not isinstance(key, str):
            self._problem(line, "odd_key", f"the key {shown(event.value)} must be a text; put it in quotes")
            key = event.value
        if key in top.value:
            first = self._document.line((*top.path, key))
            self._problem(line, "duplicate_key", f"the key {shown(key)} stands twice; first in line {first}")
            key = f"{key} (again)"
            top.again = True
        top.key = key
        self._document.lines[(*top.path, key)] = line

    @staticmethod
    def _path(top: _Open | None) -> Path:
        if top is None:
            return ()
        return (*top.path, len(top.value) if isinstance(top.value, list) else str(top.key))

    def _keep(self, top: _Open | None, value: Any) -> None:
        if top is None:
            self._document.value = value
        elif isinstance(top.value, list):
            top.value.append(value)
        else:
            if not top.again:
                top.value[str(top.key)] = value
            top.key, top.again = None, False

    def _scalar(self, event: Any, line: int) -> str | int | bool | None:
        text: str = event.value
        if event.style or text in self._plain:  # quoted, or a block: libyaml says "" for plain, PyYAML None
            return text
        resolved = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
        tag = str(resolved).rsplit(":", 1)[-1]
        if tag == "str" and not _NUMBER.fullmatch(text):
            self._plain.add(text)
            return text
        if tag == "bool" and text in {"true", "false"}:
            return text == "true"
        if tag == "int" and _INT.fullmatch(text):
            return int(text)
        if text == "":
            self._problem(line, "empty", "nothing stands here; write a value, or leave the key out")
            return None
        hint = "true or false, or " if tag == "bool" else ""
        self._problem(line, "trap", f"{text} means {_means(tag)} to other readers; write {hint}'{text}' in quotes")
        return text

    def _problem(self, line: int, code: str, said: str) -> None:
        self._document.problems.append(Problem(self._document.file, line, code, said))

    def _stop(self, line: int, code: str, said: str) -> None:
        self._problem(line, code, said)
        raise _Stop


def _means(tag: str) -> str:
    names = {"bool": "yes or no", "null": "nothing", "timestamp": "a date", "merge": "a merge", "value": "a default"}
    return names.get(tag, "a number")
