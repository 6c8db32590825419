"""A page with a report's questions on it, filled in with what was typed and marked with what is wrong."""

import secrets
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from router import clock
from router.errors import RouterError
from router.reporter import words
from router.reporter.choices import ZONES, Choices
from router.reporter.form import ZONE, Typed
from router.reporter.rendering import Visit
from router.reporter.telling import KEY_BYTES, needs_new_key, shown_again, told


def form_page(
    visit: Visit,
    template: str,
    choices: Choices,
    asked: Mapping[str, str],
    typed: Typed,
    *,
    error: RouterError | None = None,
    message: str | None = None,
    **more: Any,
) -> Response:
    """Return the page that asks for `asked`; `message` says something more than the error does."""
    said = told(error, asked)
    return visit.page(
        template,
        said.status,
        said.headers,
        message=message or said.message,
        faults=said.faults,
        wrong={fault.field for fault in said.faults},
        typed=shown_again(typed, said),
        ticked=typed.several,
        key=key_of(typed, error),
        groups=choices.groups,
        sites=choices.sites,
        zones=ZONES,
        zone=zone_of(typed),
        asked=asked,
        words=words,
        identity_hints=words.identity_hints(custodians=choices.custodians),
        **more,
    )


def key_of(typed: Typed, error: RouterError | None) -> str:
    """Return the form's own key: the same for a double click, a new one where it was wrong or is known elsewhere."""
    return secrets.token_urlsafe(KEY_BYTES) if needs_new_key(error) or not typed.key else typed.key


def zone_of(typed: Typed) -> str:
    """Return the offset from UTC that was chosen; at first, this machine's."""
    return typed.single.get(ZONE) or clock.now().astimezone().isoformat()[-6:]
