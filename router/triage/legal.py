"""Legal profiles: which law an organisation reports under, and what follows from it here.

Data, each sentence with its source. Decides whose clocks run, how long is kept what left, and what `policy check` looks
for; never who is told, which is the routes' business. None of it is legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints

from router.model import Frozen

NO_ADVICE: Final = (
    "This is no legal advice. It says what this program assumes, and from where; ask counsel what holds for you."
)
HOW_OLD: Final = (
    "Gathered in November 2026 from stored copies of public sources, some of them years old; nobody has compared them "
    "with today's law."
)
MONTHS: Final = 12
"""How long is kept what left, where nobody says otherwise."""
CHILD_MATERIAL: Final = ("csam_suspected", "livestreamed_abuse_suspected")
"""Categories of the shipped taxonomy of which the profiles say that somebody outside should hear."""


class LegalProfile(StrEnum):
    """Which law the organisation reports under."""

    EU_EMPLOYER = "eu_employer"
    UK_EMPLOYER = "uk_employer"
    US_EMPLOYER = "us_employer"
    US_PROVIDER = "us_provider"
    CUSTOM = "custom"


class Wanted(StrEnum):
    """An outside body that a profile wants some channel in `hold` to lead to."""

    POLICE = "police"
    HOTLINE = "hotline"
    CYBERTIPLINE = "cybertipline"


@dataclass(frozen=True, slots=True)
class Said:
    """What a profile assumes, and where that stands."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Law:
    """One profile, with what follows from it."""

    profile: LegalProfile
    label: str
    statutory_clocks: bool
    """Whether the law sets times in which a person's report is acknowledged and answered."""
    wants: tuple[Wanted, ...]
    """Where drafts about CHILD_MATERIAL should be able to go."""
    preserve_months: int
    """Calendar months for which is kept what left with a receipt."""
    preserve_why: str
    says: tuple[Said, ...]


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list | dict) else [value]


_Line = Annotated[str, StringConstraints(min_length=3, max_length=300, pattern=r"^[^\x00-\x1f\x7f<>]*$")]


class LegalEntry(Frozen):
    """What follows from the profile `custom`, as the policy says it; whoever writes it knows their law."""

    statutory_clocks: StrictBool
    """Whether persons' reports are acknowledged within seven days and answered within three months."""
    preserve_months: int = Field(default=MONTHS, strict=True, ge=1, le=120)
    wants: Annotated[tuple[Wanted, ...], BeforeValidator(_one_or_many)] = ()
    source: _Line
    """Where that stands: a law, or who said so and when."""


_OUR_CHOICE: Final = (
    "No law that we know of gives a period for an employer's referral. A year is this program's choice, as long as a "
    "provider's; what data protection allows you is for counsel to say."
)
_DEVICE_OR_ADDRESS: Final = Said(
    "What lies on a device is for the police; an address on the Internet is for a hotline, which cannot act on a "
    "device.",
    "IWF, 'top tips' for finds at work; the same in the guidance of the German and Swedish police",
)
_NOTHING_OPENED: Final = Said(
    "Whoever opens, copies or sends on such material may commit a crime by it; nothing here asks anybody to.",
    "UK: Protection of Children Act 1978, s. 1; US: 18 USC 2252, 2252A; Germany, Sweden: guidance of the police",
)

LAWS: Final[Mapping[LegalProfile, Law]] = MappingProxyType(
    {
        law.profile: law
        for law in (
            Law(
                LegalProfile.EU_EMPLOYER,
                "An employer in the European Union",
                statutory_clocks=True,
                wants=(Wanted.POLICE, Wanted.HOTLINE),
                preserve_months=MONTHS,
                preserve_why=_OUR_CHOICE,
                says=(
                    Said(
                        "A person's report is acknowledged within 7 days and answered within 3 months.",
                        "Directive (EU) 2019/1937, article 9(1)(b) and (f)",
                    ),
                    _DEVICE_OR_ADDRESS,
                    _NOTHING_OPENED,
                    Said(
                        "Reports are kept no longer than is necessary and proportionate.",
                        "Directive (EU) 2019/1937, article 18(1)",
                    ),
                ),
            ),
            Law(
                LegalProfile.UK_EMPLOYER,
                "An employer in the United Kingdom",
                statutory_clocks=False,
                wants=(Wanted.POLICE, Wanted.HOTLINE),
                preserve_months=MONTHS,
                preserve_why=_OUR_CHOICE,
                says=(
                    Said("No law sets the two times of the EU's directive.", "assumed; ask counsel"),
                    _NOTHING_OPENED,
                    Said(
                        "Who made a copy to prevent, detect or investigate crime must prove that it was necessary. "
                        "In favour of it count: an identified professional role, a timely report to the police or the "
                        "IWF, secure and limited access, and no more copies than needed.",
                        "Sexual Offences Act 2003, s. 46; memorandum of CPS and NPCC on it",
                    ),
                    _DEVICE_OR_ADDRESS,
                    Said(
                        "The National Crime Agency's portal is for regulated user-to-user services alone.",
                        "SI 2026/268, in force 7 April 2026, as one source has it; verify",
                    ),
                ),
            ),
            Law(
                LegalProfile.US_EMPLOYER,
                "An employer in the United States that is no provider",
                statutory_clocks=False,
                wants=(Wanted.POLICE, Wanted.HOTLINE),
                preserve_months=MONTHS,
                preserve_why=_OUR_CHOICE,
                says=(
                    Said(
                        "Whether an employer that runs its own mail is a provider is not settled; this profile assumes "
                        "that you are none, so that no federal law obliges you to report to NCMEC.",
                        "18 USC 2258E; Fraser v. Nationwide, 3d Cir. 2003",
                    ),
                    Said(
                        "The police or the Internet Crimes Against Children task force hear first; NCMEC's public form "
                        "takes reports from anybody. Its Reporting API is for those whom NCMEC has admitted.",
                        "Parker Poe, 2009; report.cybertip.org; esp.ncmec.org",
                    ),
                    Said(
                        "Some states oblige IT staff themselves to report: `policy profiles` lists them below.",
                        "National Conference of State Legislatures, September 2013; check today's law",
                    ),
                    _NOTHING_OPENED,
                ),
            ),
            Law(
                LegalProfile.US_PROVIDER,
                "A provider in the United States (18 USC 2258E)",
                statutory_clocks=False,
                wants=(Wanted.CYBERTIPLINE,),
                preserve_months=MONTHS,
                preserve_why=(
                    "A completed submission is a request to preserve the contents of the report for 1 year, and they "
                    "may be kept for longer: 18 USC 2258A(h) as amended by the REPORT Act, PL 118-59, 7 May 2024."
                ),
                says=(
                    Said(
                        "Whoever has actual knowledge reports to NCMEC's CyberTipline as soon as reasonably possible; "
                        "what the report holds is at the provider's discretion, and there is no duty to search.",
                        "18 USC 2258A(a), (b), (f)",
                    ),
                    Said(
                        "Since 2024 this includes child sex trafficking and enticement of children.",
                        "REPORT Act, PL 118-59, 7 May 2024",
                    ),
                    Said(
                        "What is preserved is secured by the NIST Cybersecurity Framework. Here that is the sealed "
                        "document and receipt; material itself never comes here, and preserving it is yours to see to.",
                        "18 USC 2258A(h) as amended by PL 118-59",
                    ),
                    Said(
                        "Knowing and wilful failure to report is fined, up to 1,000,000 dollars.",
                        "18 USC 2258A(e) as amended by PL 118-59",
                    ),
                    _NOTHING_OPENED,
                ),
            ),
        )
    }
)
"""Every profile but `custom`, of which the policy itself says what follows."""


def law_of(profile: LegalProfile, entry: LegalEntry | None) -> Law:
    """Return what follows from a profile; `entry` is what the policy says of `custom`, and counts for that alone.

    Until a policy says it, as while it is being checked, `custom` is as strict as any: its clocks run.
    """
    if profile is not LegalProfile.CUSTOM:
        return LAWS[profile]
    own = entry or LegalEntry(statutory_clocks=True, source="not said yet")
    why = f"As policy.yaml says, from: {own.source}"
    says = (Said("What follows from this profile is what policy.yaml says below `legal`.", own.source),)
    label = "What the policy itself says"
    return Law(LegalProfile.CUSTOM, label, own.statutory_clocks, own.wants, own.preserve_months, why, says)
