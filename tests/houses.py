"""House files for tests: a small one that is good, and the shipped ones."""

from pathlib import Path
from typing import Any

import yaml

from router.reporter.house.house import House, parse_house

CHECKOUT = Path(__file__).parents[1]
SHIPPED = (CHECKOUT / "config", CHECKOUT / "config/us", CHECKOUT / "config/uk")
LEAST: dict[str, Any] = {
    "house": "concern-router/1",
    "name": "Concerns",
    "languages": ["en"],
    "contact": {"who": "Office", "phone": "+46 8 465 004 10"},
    "privacy": "We keep little.",
    "emergency": {"SE": "112"},
}


def house_text(**changed: Any) -> str:
    """Return a house file with some keys changed; None takes one out."""
    said = {key: value for key, value in {**LEAST, **changed}.items() if value is not None}
    return yaml.safe_dump(said, sort_keys=False, allow_unicode=True)


def a_house(config_dir: Path = CHECKOUT, **changed: Any) -> House:
    """Return the house that such a file describes; its logo stands in `config_dir`."""
    return parse_house(house_text(**changed), config_dir)
