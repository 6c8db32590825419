"""What a sheet says, in one language: labels, values, sentences. Each language has all of them; a test says so.

Circumstances only, as in the vocabulary; the words follow the Luxembourg Guidelines.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """One language."""

    code: str
    """ISO 639-1."""
    title: str
    labels: Mapping[str, str]
    """By row of a sheet."""
    words: Mapping[str, Mapping[str, str]]
    """By field, what each of its values is called."""
    categories: Mapping[str, str]
    """Of the taxonomy that ships; another category is called by its code."""
    danger: Mapping[bool, str]
    """Whether a child, or somebody's life, is said to be in danger now."""
    emergency: str
    """What is said first when it is."""
    recalled: str
    corrected: str
    marking: Mapping[str, str]
    """What a label of the Traffic Light Protocol asks for."""

    def category(self, code: str) -> str:
        """Return what a category is called."""
        return self.categories.get(code, code)

    def word(self, field: str, value: str) -> str:
        """Return what a value of a closed list is called."""
        return self.words.get(field, {}).get(value, value)
