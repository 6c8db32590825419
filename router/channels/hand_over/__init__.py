"""What a person must hand over themselves: to the police, to a hotline with a form on the web, by telephone.

Pure: renders the sheet, and says what it lacks. Nothing is sent; the worker lays what people approved before a person,
who hands it over and records that.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import BeforeValidator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from router.bodies.body import ANYWHERE, Body
from router.bodies.choosing import To, candidates, needs_address, serves
from router.channels.hand_over import asked
from router.channels.hand_over.sheet import MEDIA_TYPE, sheet
from router.channels.setting import Within
from router.errors import Unrenderable
from router.model import Frozen, Payload, Referral
from router.vocabulary import Guarantee, Name, Notice, Proven, WhereFound

KIND: Final = "hand_over"
GUARANTEE: Final = Guarantee.REPEATABLE
"""Of two who hand it over at once both give our reference: the body sees that it is one thing."""
PROVES: Final = Proven.ACCEPTED
"""A person says so."""
OUTSIDE: Final = True
"""Whoever it is handed to, they are outside: nothing is laid before a person that nobody approved."""
_NAMED: Final = frozenset({"jurisdiction"})
"""Without it nobody knows whose bodies are asked."""
REMIND_EVERY: Final = timedelta(hours=4)
REMIND_CRITICAL_EVERY: Final = timedelta(minutes=30)
_WHY: Final = {
    To.POLICE: "What is found on a device is for the police",
    To.HOTLINE: "What is on the Internet is for a hotline",
}
_ELSEWHERE: Final = {
    To.POLICE: "What somebody did is for the police, wherever it was found",
    To.HOTLINE: "This body takes more than addresses on the Internet",
}
_DEVICES: Final = frozenset(
    {
        *(WhereFound.WORKSTATION, WhereFound.LAPTOP, WhereFound.SERVER_SHARE, WhereFound.REMOVABLE_USB),
        *(WhereFound.EXTERNAL_DISK, WhereFound.COMPANY_PHONE),
    }
)
_WITHDRAWS: Final = frozenset({Notice.RECALLED, Notice.CLOSED})
"""Says nothing of the matter itself."""


def _elsewhere(_given: Any) -> Any:
    raise PydanticCustomError("no_effect", "bodies stand in bodies.yaml, for every channel: leave this out")


class Settings(Frozen):
    """What `channels.yaml` says for a channel that a person serves."""

    to: To
    """For whom it is: what was found on a device is for the police, an address on the Internet for a hotline."""
    prefer: tuple[Name, ...] = ()
    """Codes of bodies.yaml, where a country has several: the first that takes it gets it."""
    remind_every: Within = REMIND_EVERY
    """How often whoever is on duty is told that it still waits."""
    remind_critical_every: Within = REMIND_CRITICAL_EVERY
    """The same for critical cases."""
    bodies: SkipJsonSchema[Annotated[tuple[Body, ...], BeforeValidator(_elsewhere)]] = ()
    """Those of the directory: filled in when the channels are loaded."""


def with_bodies(settings: Settings, directory: Iterable[Body]) -> Settings:
    """Return the settings with those of the directory in them who may get it: what people approve covers these, too."""
    return settings.model_copy(update={"bodies": tuple(body for body in directory if serves(body, settings.to))})


def fields_named(settings: Settings) -> frozenset[str]:  # noqa: ARG001 - the kind's contract
    """Return the fields that the settings use by name: whose bodies are asked."""
    return _NAMED


def fields_shown(settings: Settings, carries: frozenset[str]) -> frozenset[str]:  # noqa: ARG001 - the kind's contract
    """Return which of the fields that the channel may carry some sheet shows, or is chosen by."""
    return carries & (asked.all_fields() | {"jurisdiction"})


def place(settings: Settings) -> str | None:  # noqa: ARG001 - the kind's contract
    """Return what no other channel may share: nothing; people keep sheets apart by their references."""
    return None


def search_lag_s(settings: Settings) -> float:  # noqa: ARG001 - the kind's contract
    """Return how many seconds may pass until what was made is found: none."""
    return 0.0


def lacks(settings: Settings, referral: Referral) -> tuple[str, ...]:
    """Return the fields without which nobody could act on the sheet."""
    if referral.notice in _WITHDRAWS:
        return ()
    body = next(iter(bodies_for(settings, referral)), None)
    if body is None:
        return ("jurisdiction",)
    wanted = ("category", "url") if needs_address(body) else ("category",)
    return tuple(field for field in wanted if getattr(referral, field) is None)


def render(settings: Settings, referral: Referral, *, key: str) -> Payload:  # noqa: ARG001 - the kind's contract
    """Return the sheet's bytes; raises Unrenderable when something is missing."""
    if missing := lacks(settings, referral):
        raise Unrenderable("lacks_" + missing[0])
    who = bodies_for(settings, referral)
    return Payload(body=sheet(referral, who, why=why(settings, referral, who)).written(), media_type=MEDIA_TYPE)


def bodies_for(settings: Settings, referral: Referral) -> tuple[Body, ...]:
    """Return who may get it, the first choice first.

    Nobody for a withdrawal, which says nothing but our reference: the console knows who has what it withdraws.
    """
    if referral.notice in _WITHDRAWS and referral.jurisdiction is None:
        return ()
    return candidates(settings.bodies, referral, settings.to, settings.prefer)


def why(settings: Settings, referral: Referral, who: tuple[Body, ...]) -> str:
    """Return why the sheet is for the first of `who`, in a sentence; empty when it is for nobody by name."""
    if not who:
        return ""
    on_device = referral.where_found in _DEVICES
    reason = (_WHY if on_device is (settings.to is To.POLICE) else _ELSEWHERE)[settings.to]
    if who[0].country == ANYWHERE:
        return f"{reason}; the directory names none of {referral.jurisdiction or 'the country'}."
    return f"{reason}, of {who[0].country}, whose bodies are asked in this case."
