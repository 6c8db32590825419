"""What is odd about a house that could be shown as it stands: for who writes `house.yaml`, before the program starts.

Pure: the day and the policy are given. What keeps a house from being shown is found in `house.py`.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Final

from router.configfile.yamltext import Document, Path, read, shown
from router.errors import Problem
from router.reporter.house.file import EVERY
from router.reporter.house.house import FILE, House, is_example, without
from router.reporter.languages import DEFAULT, languages
from router.triage.policy import Policy

OLD: Final = timedelta(days=365)
"""What was verified longer ago than this is looked at again."""


def doubts(text: str, house: House, policy: Policy | None) -> tuple[Problem, ...]:
    """Return what is hardly meant: texts that a language lacks, of the house in `text` and of the policy."""
    document = read(text, FILE)
    for path, said in _texts(house):
        if EVERY not in said:
            for code in without(said, house.languages):
                document.complain(path, "untranslated", f"there is nothing in {code!r} here")
    if policy is not None:
        _labels(document, house, policy)
    return tuple(document.problems)


def notes(text: str, house: House, today: date) -> tuple[Problem, ...]:
    """Return what somebody should look at some day: authorities that nobody compared for a year."""
    document = read(text, FILE)
    if not house.authorities:
        document.complain((), "no_authorities", "no authorities: people must be told where else they can turn")
    for number, authority in enumerate(house.authorities):
        if authority.verified_on is None:
            document.complain(("authorities", number), "not_verified", "nobody has verified this yet")
        elif today - authority.verified_on > OLD:
            document.complain(("authorities", number, "verified_on"), "not_verified", "verified more than a year ago")
    return tuple(document.problems)


def of_example(text: str, house: House, *, real: bool) -> tuple[Problem, ...]:
    """Return what is to be said of our example, where people could take it for `real` and elsewhere."""
    document = read(text, FILE)
    if is_example(house):
        where = "PUBLIC_URL could be a real address" if real else "it is for trying out, on this machine only"
        document.complain(("name",), "example", f"this is the example, and {where}")
    return tuple(document.problems)


def _texts(house: House) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """Yield each text that may be there in some languages only, with its place."""
    for name in ("who", "hours", "address"):
        if said := getattr(house.contact, name):
            yield ("contact", name), said
    for number, desk in enumerate(house.numbers):
        yield ("numbers", number, "who"), desk.who
        if desk.hours:
            yield ("numbers", number, "hours"), desk.hours
    for place, prose in house.guidance.items():
        yield ("guidance", place.value), prose
    for number, authority in enumerate(house.authorities):
        yield ("authorities", number, "name"), authority.name
        yield ("authorities", number, "takes"), authority.takes
    if house.logo and house.logo.alt:
        yield ("logo", "alt"), house.logo.alt


def _labels(document: Document, house: House, policy: Policy) -> None:
    """Complain of the policy's labels and sentences that neither the program nor the house has in a language."""
    kinds = policy.taxonomy.values()
    said = [*(kind.label for kind in kinds), *(kind.group for kind in kinds), *policy.sites.values()]
    labels = dict.fromkeys([*said, *policy.sentences.values()])
    for code in house.languages:
        if code == DEFAULT:
            continue  # what the policy says is taken for the language that the program is written in
        known = house.translations.get(code, {})
        for label in labels:
            if label not in known and languages()[code].catalogue.gettext(label) == label:
                lacking = f"the policy says {shown(label)}, and nothing says how that reads in {code!r}"
                document.complain(("translations", code), "untranslated", lacking)
