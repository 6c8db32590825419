"""Any other ticket system with a JSON API: one ticket for each case, described in `channels.yaml` alone.

Pure: settings, the exact bytes of a ticket or note, and what must show. Recipes for some systems stand in
`config/recipes/`.
"""

from typing import Final

from router.channels import notices, wording
from router.channels.rest import rendering
from router.channels.rest.described import names_of, place
from router.channels.rest.settings import Settings
from router.channels.rest.templates import names
from router.model import Payload, Referral
from router.vocabulary import Guarantee, Proven

__all__ = ["GUARANTEE", "KIND", "PROVES", "Settings", "fields_named", "fields_shown", "place", "render", "search_lag_s"]

KIND: Final = "rest"
GUARANTEE: Final = Guarantee.FOUND
PROVES: Final = Proven.ACKNOWLEDGED


def fields_named(settings: Settings) -> frozenset[str]:
    """Return the fields that the settings use by name: the channel must be allowed to carry each."""
    bodies = (settings.calls.create.body, settings.calls.fill.body)
    in_templates = frozenset[str]().union(*(names_of(settings, body) for body in bodies))
    return (in_templates | set(settings.ticket.shows) | set(settings.text or ())) - {"reference"}


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:
    """Return which of the fields that the channel may carry a ticket or note can show."""
    if settings.text is None and names(settings.calls.create.body) & {"text", "text_html"}:
        return carries
    return carries & {*fields_named(settings), *notices.FIELDS_SAID}


def search_lag_s(settings: Settings) -> float:
    """Return how many seconds may pass until a search finds what was made."""
    return settings.search_lag.total_seconds()


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the body of the call: a note's for what is said of a case that has a ticket, else a new ticket's."""
    if not wording.is_note(referral):
        return rendering.ticket(settings, referral)
    return rendering.note(settings, referral.reference, wording.title(referral), wording.note(referral))
