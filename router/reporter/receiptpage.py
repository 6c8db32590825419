"""The page that shows a receipt: to the reporter, or to who took the report down for them. Keeps nothing of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import Response

from router.reporter.rendering import Visit
from router.reporter.stateduty import duty_said


def kept_page(visit: Visit, answer: Mapping[str, Any], *, on_behalf: bool = False, second: bool = False) -> Response:
    """Return the page; `answer` is what the API answers with 201. `second`: the reporter had one for another report."""
    return visit.page(
        "receipt.html",
        201,
        receipt=answer["receipt"],
        guidance=answer.get("guidance", ()),
        duty=duty_said(visit, answer.get("it_staff_duty")),
        acknowledge_by=visit.day(_moment(answer["acknowledge_by"])),
        feedback_by=visit.day(_moment(answer["feedback_by"])),
        on_behalf=on_behalf,
        second=second,
    )


def _moment(text: str | None) -> datetime | None:
    """Return a date of the answer; there is none where the law sets no such time."""
    return datetime.fromisoformat(text) if text else None
