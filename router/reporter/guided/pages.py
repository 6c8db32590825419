"""The pages of the guided report, as they look: a question, the answers to check, what to do when something is wrong.

Titles say which page it is, and nothing of an answer.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from router.errors import RouterError, Unavailable
from router.reporter import words
from router.reporter.choices import ZONES, Choices
from router.reporter.form import Typed
from router.reporter.formpage import zone_of
from router.reporter.guided.kept import Begun, Kept, Sent
from router.reporter.guided.questions import Shape, Step, concern
from router.reporter.guided.topics import LEAVE_IT
from router.reporter.guided.walk import Walk, walk
from router.reporter.rendering import Visit
from router.reporter.telling import MAX_FORM_BYTES, Told, moment_said, shown_again, told, without_material
from router.web.refusals import MATERIAL

MOST_CARRIED_BYTES: Final = MAX_FORM_BYTES - 1024
"""Of the answers in the form of the page that shows them: more would not be taken together with its button and key."""


@dataclass(frozen=True, slots=True)
class Row:
    """One answer, as it is shown to be checked."""

    number: int
    step: Step
    said: tuple[str, ...]
    ours: bool
    """The words are ours or the policy's, and have a translation."""


class GuidedPages:
    """Makes the pages, with what the policy in force lets a reporter choose."""

    def __init__(self, choices: Callable[[], Choices]) -> None:
        self._choices = choices

    @property
    def sites(self) -> Mapping[str, str]:
        """Return the policy's sites with their labels."""
        return self._choices().sites

    def walk(self, begun: Begun) -> Walk:
        """Return a report with its pages as they are now."""
        return walk(begun, self.sites)

    def start(self, visit: Visit, kept: Kept) -> Response:
        """Show the first page: what to do now, and where to begin or to go on."""
        place = self.walk(kept).first_open() or "check" if isinstance(kept, Begun) else None
        return visit.page("start.html", place=place, sent=isinstance(kept, Sent), advice=LEAVE_IT)

    def question(
        self, visit: Visit, found: Walk, number: int, step: Step, *, typed: Typed, error: RouterError | None = None
    ) -> Response:
        """Show one page with what was typed on it, or what is wrong with that."""
        said = told(error, {step.name: step.title})
        if isinstance(error, Unavailable):
            said = replace(said, message=words.NOT_KEPT_NOW)
        if any(fault.code in MATERIAL for fault in said.faults):
            return visit.page("material.html", said.status, said.headers, advice=LEAVE_IT, number=number)
        choices = self._choices()
        return visit.page(
            "question.html",
            said.status,
            said.headers,
            step=step,
            number=number,
            total=max(number, len(found.pages)) + 1,
            typed=shown_again(typed, said),
            ticked=typed.several,
            groups=choices.groups,
            zones=ZONES,
            zone=zone_of(typed),
            option_hints=words.identity_hints(custodians=choices.custodians) if step.name == "identity" else {},
            asked={step.name: step.title},
            words=words,
            **_told(said),
        )

    def check(self, visit: Visit, found: Walk, error: RouterError | None = None) -> Response:
        """Show every answer, each with the page where it can be changed.

        The page has them in its form as well, so that they can be sent even if what was kept of them is gone.
        """
        rows = list(self._rows(visit, found))
        again = concern(found.begun.typed, found.pages)
        as_sent = urlencode({**again.single, **again.several}, doseq=True)
        said = told(error, {row.step.name: row.step.title for row in rows})
        return visit.page(
            "check.html",
            said.status,
            said.headers,
            rows=rows,
            plainly=words.plainly,
            key=found.begun.key,
            again=again if len(as_sent) < MOST_CARRIED_BYTES else None,
            **_told(said),
        )

    def gone(self, visit: Visit, step: Step | None = None, typed: Typed | None = None) -> Response:
        """Say that the answers are not there any more, and offer to begin with what was just typed, if anything was."""
        typed = without_material(typed) if typed else None
        part = step.part_of(typed) if step and typed and step.answered(typed) else None
        return visit.page("gone.html", 410, step=step, typed=part)

    def broken(self, visit: Visit, error: RouterError, *, place: str) -> Response:
        """Say that something is wrong on our side, with a button that sends the same page again."""
        said = told(error, {})
        return visit.page("broken.html", said.status, said.headers, message=said.message, place=place)

    def done(self, visit: Visit) -> Response:
        """Say that nothing of a report is left in this browser."""
        return visit.page("done.html")

    def _rows(self, visit: Visit, found: Walk) -> Iterator[Row]:
        labels = {kind.name: kind.label for kind in self._choices().categories}
        for number, step in enumerate(found.pages, 1):
            if step.asks:
                options = labels if step.shape is Shape.KIND else step.options
                part = step.part_of(found.begun.typed)
                if step.shape is Shape.MOMENT:
                    said = moment_said(visit, part)
                else:
                    given = (part.get(step.name), *part.several.get(step.name, ()))
                    said = tuple(options.get(value, value) for value in given if value)
                yield Row(number, step, said, ours=bool(options))


def _told(said: Told) -> Mapping[str, Any]:
    return {"message": said.message, "faults": said.faults, "wrong": {fault.field for fault in said.faults}}
