"""The operator's colours in place of ours, for light and dark, and whether people can read them.

Names and our own values stand in `style.css` alone, each as `--name: light-dark(#light, #dark)`. Never lets a pair
of colours through that is too weak for WCAG 2.2 AA (1.4.3 and 1.4.11).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from router.model import Frozen

TEXT: Final = 4.5
"""Least contrast of text with what it stands on."""
SHAPE: Final = 3.0
"""Least contrast of what is no text and must be seen: the border of a field, the ring around what has the focus."""
PAIRS: Final = (
    ("ink", "paper", TEXT),
    ("ink", "card", TEXT),
    ("ink", "alarm_paper", TEXT),
    ("soft", "paper", TEXT),
    ("soft", "card", TEXT),
    ("accent", "paper", TEXT),
    ("accent", "card", TEXT),
    ("accent", "alarm_paper", SHAPE),
    ("on_accent", "accent", TEXT),
    ("alarm", "paper", TEXT),
    ("alarm", "card", TEXT),
    ("alarm", "alarm_paper", TEXT),
)
"""What stands on what. `accent` is the ring around a link in a warning; `line` only parts what space parts already."""
_LONGEST: Final = 60
_VARIABLE: Final = re.compile(r"--([a-z-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")


def _hex(written: str) -> str:
    """Return a colour as #rrggbb, however CSS lets it be written; it must cover what is below it."""
    from coloraide import Color  # noqa: PLC0415 - 5 MB that only a house with colours of its own needs

    try:
        colour = Color(written) if len(written) <= _LONGEST else None
    except ValueError:
        colour = None
    if colour is None or colour.alpha() < 1:
        raise PydanticCustomError("odd_value", "a colour such as #0b5c6b is wanted, that nothing shows through")
    return colour.convert("srgb").fit().to_string(hex=True)


Colour = Annotated[str, AfterValidator(_hex)]


class Palette(Frozen):
    """Colours of one scheme; those left out stay ours."""

    paper: Colour | None = None
    """Behind everything."""
    card: Colour | None = None
    """Behind what is set off: fields, boxes."""
    ink: Colour | None = None
    """Text."""
    soft: Colour | None = None
    """Text of less weight, and borders of fields."""
    line: Colour | None = None
    """Thin lines that nobody needs to see."""
    accent: Colour | None = None
    """Links, buttons, and the ring around what has the focus."""
    on_accent: Colour | None = None
    """Text on a button."""
    alarm: Colour | None = None
    """Warnings and mistakes."""
    alarm_paper: Colour | None = None
    """Behind them."""

    def own(self) -> Mapping[str, str]:
        """Return the colours that are given, by name."""
        return {name: colour for name, colour in self if colour is not None}


class Colours(Frozen):
    """What stands in place of ours."""

    light: Palette = Field(default_factory=Palette)
    dark: Palette = Field(default_factory=Palette)


@dataclass(frozen=True, slots=True)
class Weak:
    """Two colours that are too near to each other."""

    scheme: str
    name: str
    """The one of the two that the operator chose."""
    said: str


def ours(style: str) -> Mapping[str, Mapping[str, str]]:
    """Return the colours of a style sheet, by scheme and name."""
    found = [(name.replace("-", "_"), light, dark) for name, light, dark in _VARIABLE.findall(style)]
    return {
        "light": {name: light for name, light, _ in found},
        "dark": {name: dark for name, _, dark in found},
    }


def weak(style: str, colours: Colours) -> Iterator[Weak]:
    """Yield every pair that could not be read well, of ours as they stand in `style` and of `colours` over them."""
    from coloraide import Color  # noqa: PLC0415 - as above

    for scheme, base in ours(style).items():
        own = getattr(colours, scheme).own()
        used = {**base, **own}
        for front, back, least in PAIRS:
            if front not in own and back not in own:
                continue
            ratio = Color(used[front]).contrast(used[back])
            if ratio < least:
                said = (
                    f"{front} {used[front]} on {back} {used[back]} has a contrast of {int(ratio * 100) / 100:.2f} to 1 "
                    f"({scheme}); at least {least:g} to 1 is needed"
                )
                yield Weak(scheme, front if front in own else back, said)


def styled(style: str, colours: Colours | None) -> str:
    """Return a style sheet with `colours` in place of its own."""
    if colours is None:
        return style
    light, dark = colours.light.own(), colours.dark.own()

    def written(found: re.Match[str]) -> str:
        name = found[1].replace("-", "_")
        return f"--{found[1]}: light-dark({light.get(name, found[2])}, {dark.get(name, found[3])})"

    return _VARIABLE.sub(written, style)
