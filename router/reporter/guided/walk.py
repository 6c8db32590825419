"""Where a report leads: which page comes after an answer, and which are still open.

Pure: from answers to answers and page numbers. Pages count from 1, in the order of the questions that are asked now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from router.errors import Fault
from router.reporter.form import DAY, TIME, ZONE, Typed
from router.reporter.guided.kept import Begun
from router.reporter.guided.questions import Step, steps


@dataclass(frozen=True, slots=True, repr=False)
class Walk:
    """A report that was begun, and its pages as they are with these answers."""

    begun: Begun
    pages: Sequence[Step]

    def number_of(self, name: str) -> int | None:
        """Return the page that asks for a field, None when none does any more."""
        return next((number for number, step in enumerate(self.pages, 1) if step.name == name), None)

    def first_open(self) -> int | None:
        """Return the first page that was not gone on from, or whose answer does not fit any more."""
        return next((number for number, step in enumerate(self.pages, 1) if _is_open(step, self.begun)), None)

    def after(self, name: str) -> int | None:
        """Return the page to go on to, None to check the answers.

        Who has checked them already comes back there at once, unless the change has opened another question.
        """
        number = self.number_of(name)
        if self.begun.checking or number is None:
            return self.first_open()
        return number + 1 if number < len(self.pages) else None


def walk(begun: Begun, sites: Mapping[str, str]) -> Walk:
    """Return a report with its pages."""
    return Walk(begun, steps(begun.typed, sites))


def with_answer(begun: Begun, step: Step, typed: Typed, *, done: bool) -> Begun:
    """Return the report with what was typed on one page instead of what was there; `done`: it can go on from there."""
    single = {name: said for name, said in begun.typed.single.items() if name not in step.fields}
    several = {name: said for name, said in begun.typed.several.items() if name not in step.fields}
    single |= {name: said for name, said in typed.single.items() if name in step.fields}
    several |= {name: said for name, said in typed.several.items() if name in step.fields}
    seen = begun.seen | {step.name} if done else begun.seen - {step.name}
    return replace(begun, typed=Typed(single, several), seen=seen)


def not_offered(step: Step, typed: Typed) -> tuple[Fault, ...]:
    """Return what is wrong with an answer before anybody asks what it says: there is none, or none of those offered."""
    if step.answered(typed) or not step.asks:
        return ()
    if _says_something(step, typed):
        return (Fault(step.name, "unknown_value"),)
    return (Fault(step.name, "missing"),) if step.required else ()


def _is_open(step: Step, begun: Begun) -> bool:
    return step.name not in begun.seen or bool(not_offered(step, begun.typed))


def _says_something(step: Step, typed: Typed) -> bool:
    single = step.fields - {ZONE} if step.fields & {DAY, TIME} else step.fields
    return any(typed.get(name) for name in single) or any(typed.several.get(name) for name in step.fields)
