"""Whose outside bodies a concern is for: of the country that it names, else of its site, else of the organisation.

Pure. An address on the Internet says nothing about where anybody is, and is not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from router.bodies.body import ANYWHERE
from router.catalogue import Channel
from router.model import ConditionTried, Facts, Referral, RuleTried


class Whose(NamedTuple):
    """A region, and what said so: `country` or `site` of the concern, or `region` of the policy."""

    region: str | None
    said_by: str


@dataclass(frozen=True, slots=True)
class Regions:
    """Where the organisation is, as the policy says."""

    own: str | None = None
    of_sites: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def whose(self, facts: Facts) -> Whose:
        """Return whose bodies are asked; no region when nobody said one.

        Where the concern's country is its site's as well, the site says it more closely: US-TX instead of US.
        """
        of_site = self.of_sites.get(facts.site) if facts.site else None
        if facts.country is not None and not (of_site and of_site.startswith(facts.country)):
            return Whose(facts.country, "country")
        return Whose(of_site, "site") if of_site else Whose(self.own, "region")


def explained(whose: Whose, drafts: Iterable[tuple[Channel, Referral]]) -> Iterator[RuleTried]:
    """Yield, for each draft whose channel leads to bodies of the directory, which one it is for and why."""
    region, said_by = whose
    for channel, referral in drafts:
        if not hasattr(channel.settings, "bodies"):
            continue
        first = next(iter(channel.bodies_for(referral)), None)
        test = ConditionTried(
            field=said_by,
            wanted=(first.code,) if first else (),
            actual=(region,) if region else (),
            ok=first is not None and first.country != ANYWHERE,
        )
        yield RuleTried(rule=f"body:{channel.name}", matched=first is not None, tests=(test,))
