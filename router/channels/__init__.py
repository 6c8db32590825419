"""The pure half of each channel kind: settings, rendering, fields used, guarantee."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from router.channels import (
    cybertipline,
    folder,
    hand_over,
    jira_service_management,
    mail,
    pagerduty,
    redmine,
    rest,
    rt,
    servicenow,
    webhook,
    zendesk,
)
from router.model import Frozen, Payload, Referral
from router.vocabulary import Guarantee, Proven


class Kind(Protocol):
    """What every kind's module has.

    One may also have `lacks(settings, referral) -> tuple[str, ...]`: the fields without which it cannot be rendered,
    as `Channel.lacks` asks for them; `OUTSIDE`, true where it leads outside whatever a file says; `FINAL`, true where
    nothing that was taken can be changed or taken back; `HOOK`; and `with_bodies(settings, directory)` and
    `bodies_for(settings, referral)`, see `router.bodies`.
    """

    @property
    def KIND(self) -> str:  # noqa: N802 - a module's constant
        """The word in `channels.yaml`."""

    @property
    def GUARANTEE(self) -> Guarantee:  # noqa: N802
        """How a second delivery is kept from becoming a second ticket."""

    @property
    def PROVES(self) -> Proven:  # noqa: N802
        """The most that the kind can show of a referral; one that can say `acknowledged` is looked at again later."""

    @property
    def Settings(self) -> type[Frozen]:  # noqa: N802
        """The kind's own settings."""

    def fields_named(self, settings: Any) -> frozenset[str]:
        """Return the fields that the settings use by name."""

    def fields_shown(self, settings: Any, carries: frozenset[str]) -> frozenset[str]:
        """Return which of the fields that the channel may carry what is sent can show."""

    def place(self, settings: Any) -> str | None:
        """Return what no other channel of the kind may share, if anything."""

    def search_lag_s(self, settings: Any) -> float:
        """Return how many seconds may pass over there until what was made is found; 0 where it is found at once."""

    def render(self, settings: Any, referral: Referral, *, key: str) -> Payload:
        """Return the exact bytes that will be sent."""


KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        kind.KIND: kind
        for kind in (
            cybertipline,
            folder,
            hand_over,
            jira_service_management,
            mail,
            pagerduty,
            redmine,
            rest,
            rt,
            servicenow,
            webhook,
            zendesk,
        )
    }
)
