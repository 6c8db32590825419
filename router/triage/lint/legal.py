"""What the legal profile wants and the policy lacks; and a channel that the profile says is not theirs.

Looks at what is known of a channel alone: of a kind of their own making nobody can say where it leads.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from router.catalogue import Channel
from router.errors import Problem
from router.triage.legal import CHILD_MATERIAL, LegalProfile, Wanted, law_of
from router.triage.lint.reading import Files, placed
from router.vocabulary import Scope

CYBERTIPLINE: Final = "cybertipline"
HAND_OVER: Final = "hand_over"
_NOT_PROVIDERS: Final = frozenset({LegalProfile.US_EMPLOYER, LegalProfile.UK_EMPLOYER, LegalProfile.EU_EMPLOYER})


def findings(files: Files) -> Iterator[Problem]:
    """Yield what is odd between the profile and the routes' drafts."""
    profile = files.written.legal_profile
    wants = law_of(profile, files.written.legal).wants
    used = set(_held(files, None))
    for category in (name for name in CHILD_MATERIAL if name in files.written.taxonomy):
        there = [files.channels[name] for name in set(_held(files, category)) if name in files.channels]
        for wanted in wants:
            if not any(_may_lead_to(channel, wanted) for channel in there):
                said = (
                    f"under {profile} a referral of {category!r} to {_NAMES[wanted]} is wanted, and no route that "
                    "takes it has such a channel in `hold`; add one, or choose another legal_profile. This is no legal "
                    "advice"
                )
                yield files.rule(("legal_profile",), "profile_wants", said)
    for name in sorted(used & set(files.channels)):
        if profile in _NOT_PROVIDERS and files.channels[name].kind == CYBERTIPLINE:
            said = (
                f"{name!r} files with NCMEC as a provider does, and {profile} says that you are none: ask counsel, "
                "then say us_provider, or hand over by NCMEC's public form. This is no legal advice"
            )
            yield files.rule(("legal_profile",), "profile_differs", said)


_NAMES: Final = {
    Wanted.POLICE: "the police",
    Wanted.HOTLINE: "a hotline",
    Wanted.CYBERTIPLINE: "NCMEC's CyberTipline (kind cybertipline)",
}


def _held(files: Files, category: str | None) -> Iterable[str]:
    """Return where drafts of the category go, of any route that it can reach; None: of every route."""
    for one in placed(files):
        categories = one.region.get("category", ())
        if category is None or all(category in some for some in categories):
            yield from one.entry.hold


def _may_lead_to(channel: Channel, wanted: Wanted) -> bool:
    if channel.scope is not Scope.EXTERNAL:
        return False
    if channel.kind == HAND_OVER:
        settings: Any = channel.settings
        return str(getattr(settings, "to", "")) == wanted.value
    if channel.kind == CYBERTIPLINE:
        return wanted in {Wanted.CYBERTIPLINE, Wanted.HOTLINE}
    return wanted is not Wanted.CYBERTIPLINE
