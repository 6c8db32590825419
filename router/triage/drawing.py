"""A policy drawn as SVG: rules and routes from top to bottom in the order tried, and beside each who is told.

Pure. No script, no picture from elsewhere, no font but the viewer's own; every text is escaped by the XML library and
has room measured for one of the widest fonts, so that none runs into another.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from router.catalogue import Channel
from router.triage.file import PolicyFile
from router.triage.graph import Box, Outline, outline
from router.vocabulary import Severity

WIDTH: Final = 1240
MARGIN: Final = 30
LEFT: Final = 62
"""Where boxes begin; to the left of it runs the line of the order."""
INDENT: Final = 30
BOX_RIGHT: Final = 600
PORT: Final = 640
"""Where the lines to teams and channels part."""
LABEL: Final = 660
PILLS: Final = 800
LINE: Final = 18
PILL: Final = 24
GAP: Final = 8

INK, PALE, FAINT = "#1b1f24", "#57606a", "#8c959f"
FILL: Final = {"route": "#f6f8fa", "add": "#fff8e6", "team": "#e7f0fb", "channel": "#ffffff", "fallback": "#fdeeee"}
COLOUR: Final = {
    Severity.CRITICAL: "#a40e26",
    Severity.HIGH: "#953800",
    Severity.MEDIUM: "#5d4a00",
    Severity.LOW: "#1a5a2e",
}
DASHES: Final = {"solid": None, "draft": "7 4", "later": "2 4"}

_WIDE: Final = frozenset("mwMW%@&→…")
_NARROW: Final = frozenset("ijl.,'|:;I ")
_SLIM: Final = frozenset('frt()[]{}/\\-"!J')


@dataclass(frozen=True, slots=True)
class _Way:
    """One line of what a box leads to: a label, and names to the right of it."""

    label: str
    names: tuple[str, ...]
    style: str
    fill: str


def svg(written: PolicyFile, channels: Mapping[str, Channel], digest: str) -> str:
    """Return the picture of a policy and its channels."""
    return _Drawing(outline(written, channels), digest).text()


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide `text` is at most, in a usual font without serifs."""
    ems = sum(_ems(character) for character in text)
    return ems * size * (1.12 if bold else 1.0)


def _ems(character: str) -> float:
    if character in _NARROW:
        return 0.34
    if character in _SLIM:
        return 0.46
    if character in _WIDE or ord(character) > 0x2000:  # noqa: PLR2004 - punctuation and scripts of full width
        return 1.02
    return 0.80 if character.isupper() else 0.66


def _wrapped(text: str, size: float, room: float) -> list[str]:
    """Return `text` in lines that fit; a word that is too long gets lines of its own parts."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if width_of(longer, size) <= room:
            lines[-1] = longer
            continue
        while width_of(word, size) > room:
            cut = next(n for n in range(len(word), 0, -1) if width_of(word[:n], size) <= room)
            lines.append(word[:cut])
            word = word[cut:]  # noqa: PLW2901 - what is left of it
        lines.append(word)
    return [line for line in lines if line] or [""]


class _Drawing:
    """A picture that grows downwards."""

    def __init__(self, picture: Outline, digest: str) -> None:
        self._picture = picture
        self._root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "role": "img"})
        self._root.set("aria-labelledby", "title desc")
        self._root.set("font-family", "sans-serif")
        SubElement(self._root, "title", {"id": "title"}).text = f"Who is told: policy {digest[:12]}"
        SubElement(self._root, "desc", {"id": "desc"}).text = self._described()
        self._back = SubElement(self._root, "rect", {"width": str(WIDTH), "fill": "#ffffff"})
        self._arrowhead()
        self._y = 46.0
        self._text(MARGIN, self._y, f"Who is told: policy {digest[:12]}", size=20, bold=True)

    def text(self) -> str:
        """Return the whole picture as XML."""
        self._legend()
        self._section("How bad it is: the first that matches, but never below the category's own")
        self._boxes(self._picture.severity)
        self._section("Who must know: the first that matches decides; inner ones before the one around them")
        self._boxes(self._picture.routes, last=True)
        self._section("When: by severity, unless the route says otherwise")
        self._apart(self._picture.times)
        if self._picture.ways:
            self._section("When a channel cannot be reached: which other one gets the case")
            self._apart(self._picture.ways)
        height = str(round(self._y + MARGIN))
        self._back.set("height", height)
        self._root.set("width", str(WIDTH))
        self._root.set("height", height)
        self._root.set("viewBox", f"0 0 {WIDTH} {height}")
        return tostring(self._root, encoding="unicode", xml_declaration=False) + "\n"

    def _described(self) -> str:
        """Return the routes in words, for whoever cannot see them."""
        said = []
        for box in self._picture.routes:
            told = [*box.at_once, *(f"{name} (a draft)" for name in box.drafts)]
            when = "; ".join(box.conditions) or "anything"
            teams = ", ".join(box.teams) or "no team"
            said.append(f"{box.name}, for {when}: {teams}, by {', '.join(told) or 'no channel'}.")
        said.append(f"Otherwise the fallback: {', '.join(self._picture.fallback)}.")
        for box in self._picture.ways:
            said += [f"{', '.join(told.channels)} {told.label}, if {box.name} does not get it." for told in box.later]
        return " ".join(said)

    def _arrowhead(self) -> None:
        marker = SubElement(SubElement(self._root, "defs"), "marker", {"id": "head", "viewBox": "0 0 8 8"})
        for name, value in (("refX", "7"), ("refY", "4"), ("markerWidth", "7"), ("markerHeight", "7")):
            marker.set(name, value)
        marker.set("orient", "auto")
        SubElement(marker, "path", {"d": "M0 0 L8 4 L0 8 z", "fill": PALE})

    def _legend(self) -> None:
        self._y += 30
        x = float(MARGIN)
        for style, said in (
            ("solid", "told at once, or gets a key"),
            ("draft", "a draft, until people approve it"),
            ("later", "told later, if nothing happens"),
        ):
            self._path([(x, self._y - 4), (x + 44, self._y - 4)], style, head=True)
            self._text(x + 54, self._y, said, size=13, colour=PALE)
            x += 54 + width_of(said, 13) + 40

    def _section(self, said: str) -> None:
        self._y += 44
        self._text(MARGIN, self._y, said, size=15, bold=True)
        self._y += 16

    def _boxes(self, boxes: Sequence[Box], *, last: bool = False) -> None:
        """Draw boxes one below the other, with the line of the order at their left."""
        stops: list[list[float]] = []
        fallback = Box("fallback", 0, ("no route named a team, deciding failed, or nobody else may be told",))
        for box in [*boxes, fallback] if last else boxes:
            x = LEFT + INDENT * box.depth - 18
            del stops[box.depth + 1 :]
            top = self._y
            if box is fallback:
                self._box(box, [_Way("in this order", self._picture.fallback, "solid", "team")], fill="fallback")
            else:
                self._box(box)
            if box.depth < len(stops):
                start = stops[box.depth][0]
            else:
                stops.append([])
                start = top - GAP - 2
            stops[box.depth] = [top + 15]
            self._path([(x, start), (x, top + 15), (x + 17, top + 15)], "solid", head=True)
            self._y += GAP

    def _apart(self, boxes: Iterable[Box]) -> None:
        """Draw boxes that have no order."""
        for box in boxes:
            self._box(box)
            self._y += GAP

    def _box(self, box: Box, ways: Sequence[_Way] | None = None, *, fill: str = "") -> None:
        """Draw one box and where it leads, and move below both."""
        x = LEFT + INDENT * box.depth
        room = BOX_RIGHT - x - 24
        lines = [line for said in (box.conditions or ("anything",)) for line in _wrapped(said, 13, room)]
        notes = [line for said in box.notes for line in _wrapped(said, 12, room)]
        rows = self._rows(_ways(box) if ways is None else ways)
        below = max((offset + y + PILL + 6 for _, offset, pills in rows for _, y, _ in pills), default=0.0)
        top, height = self._y, max(34.0 + LINE * (len(lines) + len(notes)), below)
        frame = {"x": x, "y": top, "width": BOX_RIGHT - x, "height": height, "rx": 6}
        shown = fill or ("add" if box.goes_on else "route")
        self._shape("rect", frame, fill=FILL[shown], stroke=FAINT)
        self._text(x + 12, top + 20, box.name, size=14, bold=True)
        if box.sets is not None:
            self._path([(BOX_RIGHT, top + 16), (PILLS - 6, top + 16)], "solid", head=True)
            self._pill(PILLS, top + 4, str(box.sets), "solid", "channel", colour=COLOUR[box.sets])
        for number, line in enumerate(lines):
            self._text(x + 12, top + 20 + LINE * (number + 1), line, size=13)
        for number, line in enumerate(notes, len(lines) + 1):
            self._text(x + 12, top + 20 + LINE * number, line, size=12, colour=PALE)
        for way, offset, pills in rows:
            self._lead(top, top + offset, way, pills)
        self._y = top + height

    def _rows(self, ways: Iterable[_Way]) -> list[tuple[_Way, float, list[tuple[float, float, str]]]]:
        """Return each way with its place below the box's top, and its pills with theirs."""
        rows, y = [], 4.0
        for way in ways:
            x, begin, pills = float(PILLS), y, []
            for name in way.names:
                wide = width_of(name, 13) + 24
                if x > PILLS and x + wide > WIDTH - MARGIN:
                    x, y = float(PILLS), y + PILL + 6
                pills.append((x, y - begin, name))
                x += wide + 8
            rows.append((way, begin, pills))
            y += PILL + 6
        return [(way, begin, pills) for way, begin, pills in rows]

    def _lead(self, top: float, y: float, way: _Way, pills: Sequence[tuple[float, float, str]]) -> None:
        middle = y + PILL / 2
        if y > top + PILL:
            self._path([(PORT, top + 16), (PORT, middle), (LABEL - 4, middle)], way.style)
        else:
            self._path([(BOX_RIGHT, middle), (LABEL - 4, middle)], way.style)
        self._text(LABEL, middle + 4, way.label, size=12, colour=PALE)
        self._path([(LABEL + width_of(way.label, 12) + 6, middle), (PILLS - 3, middle)], way.style, head=True)
        for x, below, name in pills:
            self._pill(x, y + below, name, way.style, way.fill)

    def _pill(self, x: float, y: float, name: str, style: str, fill: str, *, colour: str = INK) -> None:
        width = width_of(name, 13) + 24
        frame = {"x": x, "y": y, "width": width, "height": PILL, "rx": 12 if fill == "team" else 4}
        self._shape("rect", frame, fill=FILL[fill], stroke=colour if colour != INK else PALE, style=style)
        # In the middle: the font may be narrower than the width that is kept free for it.
        self._text(x + width / 2, y + 17, name, size=13, colour=colour).set("text-anchor", "middle")

    def _shape(self, kind: str, frame: dict[str, float], *, fill: str, stroke: str, style: str = "solid") -> None:
        drawn = SubElement(self._root, kind, {name: _number(value) for name, value in frame.items()})
        drawn.set("fill", fill)
        drawn.set("stroke", stroke)
        if DASHES[style] is not None:
            drawn.set("stroke-dasharray", str(DASHES[style]))

    def _path(self, points: Sequence[tuple[float, float]], style: str, *, head: bool = False) -> None:
        steps = " L".join(f"{_number(x)} {_number(y)}" for x, y in points)
        drawn = SubElement(self._root, "path", {"d": f"M{steps}", "fill": "none", "stroke": PALE})
        if DASHES[style] is not None:
            drawn.set("stroke-dasharray", str(DASHES[style]))
        if head:
            drawn.set("marker-end", "url(#head)")

    def _text(self, x: float, y: float, said: str, *, size: int, bold: bool = False, colour: str = INK) -> Element:
        drawn = SubElement(self._root, "text", {"x": _number(x), "y": _number(y), "font-size": str(size)})
        drawn.set("fill", colour)
        if bold:
            drawn.set("font-weight", "bold")
        drawn.text = said
        return drawn


def _ways(box: Box) -> list[_Way]:
    ways = [
        _Way("key to", box.teams, "solid", "team"),
        _Way("at once", box.at_once, "solid", "channel"),
        _Way("draft", box.drafts, "draft", "channel"),
        *(_Way(told.label, told.channels, "later", "channel") for told in box.later),
    ]
    return [way for way in ways if way.names]


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
