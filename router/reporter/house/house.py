"""What the organisation that runs this says of itself on the reporters' pages: `house.yaml`, read at the start.

Without a name, a contact and a privacy notice in each language the public part does not start; nor with those of our
example where people could take it for real.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Final

from babel import Locale
from babel.lists import format_list

from router.configfile.shape import shape
from router.configfile.yamltext import Document, read, read_file
from router.errors import Broken, PolicyErrors
from router.reporter.house.file import EVERY, Authority, Contact, HouseFile
from router.reporter.house.logo import Logo, read_logo
from router.reporter.house.prose import blocks
from router.reporter.house.theme import styled, weak
from router.reporter.languages import N_

FILE: Final = "house.yaml"
STYLE: Final = Path(__file__).parents[2] / "web/static/style.css"
_ON_TRIAL: Final = N_("Nobody has said yet who runs this. It is here to be tried out: do not report anything real.")
_RESERVED: Final = (".localhost", ".test", ".example", ".invalid", ".example.com", ".example.net", ".example.org")
"""Names that nobody can own (RFC 2606 and 6761)."""
_NOBODYS: Final = tuple(
    map(ip_network, ("127.0.0.0/8", "::1/128", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
)
"""This machine, and networks for documents (RFC 5737)."""


class House(HouseFile):
    """The organisation's own part of the pages."""

    picture: Logo | None = None
    """The logo."""
    stylesheet: str = ""
    """Our style sheet, in the house's colours."""

    def numbers_in_danger(self, locale: Locale) -> tuple[tuple[str, str], ...]:
        """Return each emergency number with the countries that have it, by their names in a language."""
        countries: dict[str, list[str]] = {}
        for country, number in self.emergency.items():
            countries.setdefault(number, []).append(named(country, locale))
        return tuple((number, format_list(names, locale=locale)) for number, names in countries.items())

    def authorities_in(self, locale: Locale) -> Mapping[str, tuple[Authority, ...]]:
        """Return the authorities by the names of their countries, in the file's order."""
        found: dict[str, tuple[Authority, ...]] = {}
        for authority in self.authorities:
            name = named(authority.country, locale)
            found[name] = (*found.get(name, ()), authority)
        return found


def named(country: str, locale: Locale) -> str:
    """Return a country's name in a language."""
    return str(locale.territories.get(country, country))


def on_trial() -> House:
    """Return the house of an installation that nobody has described: it says so, in each language."""
    said = {EVERY: _ON_TRIAL}
    return House(
        house="concern-router/1",
        name="concern-router (example)",
        contact=Contact(who=said, address=said),
        privacy=MappingProxyType({EVERY: blocks(_ON_TRIAL)}),
        emergency={"SE": "112", "US": "911"},
        stylesheet=STYLE.read_text(),
    )


def load_house(config_dir: Path, *, public_url: str, host: str | None) -> House:
    """Return the house that `config_dir` describes; raises Broken with all that is wrong with it.

    Where the part is reached under a name or an address that cannot be anybody's (`host`), the example will do, and
    so will none.
    """
    trial = is_nobodys(host or "")
    if not (config_dir / FILE).exists():
        if trial:
            return on_trial()
        said = "name, contact and privacy notice must stand there; start from the example that comes with the program"
        raise Broken("house_missing", f"there is no {FILE} in {config_dir}: {said}")
    try:
        house = parse_house(read_file(config_dir / FILE), config_dir)
    except PolicyErrors as error:
        raise Broken("house_refused", error.hint) from None
    if is_example(house) and not trial:
        said = f"{FILE} is the example that comes with the program, and {public_url} could be a real address"
        raise Broken("house_is_example", f"{said}: write your own name and contact there")
    return house


def parse_house(text: str, config_dir: Path) -> House:
    """Return the house in `text`, whose logo stands in `config_dir`; raises PolicyErrors with every problem."""
    document = read(text, FILE)
    written = shape(document, HouseFile)
    if written is None:
        raise PolicyErrors(document.problems)
    for language in without(written.privacy, written.languages):
        document.complain(("privacy",), "missing", f"the privacy notice is missing in {language!r}")
    style = STYLE.read_text()
    if written.colours:
        for pair in weak(style, written.colours):
            document.complain(("colours", pair.scheme, pair.name), "weak_contrast", pair.said)
    picture = _picture(document, written, config_dir)
    if document.problems:
        raise PolicyErrors(document.problems)
    values = {name: getattr(written, name) for name in HouseFile.model_fields}
    return House.model_construct(**values, picture=picture, stylesheet=styled(style, written.colours))


def without(texts: Mapping[str, object], languages: tuple[str, ...]) -> Iterator[str]:
    """Yield the languages that a text lacks; one that is written once will do where there is one language only."""
    if EVERY in texts and len(languages) == 1:
        return
    yield from (code for code in languages if code not in texts)


def _picture(document: Document, written: HouseFile, config_dir: Path) -> Logo | None:
    if written.logo is None:
        return None
    found = read_logo(config_dir / written.logo.file)
    if isinstance(found, Logo):
        return found
    document.complain(("logo", "file"), "odd_logo", found)
    return None


def is_example(house: House) -> bool:
    """Say whether this is our example, or still has its contact: addresses that end so are nobody's."""
    return "(example)" in house.name or (house.contact.email or "").endswith(_RESERVED)


def is_nobodys(host: str) -> bool:
    """Say whether a host is this machine, or one that only examples name."""
    bare = host.strip("[]").rstrip(".").lower()
    try:
        address = ip_address(bare)
    except ValueError:
        return f".{bare}".endswith(_RESERVED)
    return any(address in network for network in _NOBODYS)
