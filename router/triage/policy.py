"""The policy: who must know of what, and how fast. From two files to frozen rules; anything doubtful is an error.

One ordered tree with a closed vocabulary, no expressions: a condition names a fact and the values that will
do. Loading either gives a whole policy or every problem with its line; it never gives half a policy.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from router.catalogue import read_ways, ways_text
from router.configfile.shape import shape
from router.configfile.yamltext import read, read_file
from router.errors import PolicyErrors, Problem
from router.triage import check
from router.triage.assemble import assembled, calendars_of
from router.triage.check_times import too_far
from router.triage.file import PolicyFile
from router.triage.parts import Category, Policy, Route, SeverityRule, Step, Team, Times

__all__ = [
    "FALLBACK",
    "FILE",
    "Category",
    "Policy",
    "Route",
    "SeverityRule",
    "Step",
    "Team",
    "Times",
    "load_policy",
    "parse_policy",
    "policy_digest",
    "policy_texts",
]

FILE: Final = "policy.yaml"
FALLBACK: Final = "fallback"
"""The route's name in a decision when no route matched, or deciding failed."""


def load_policy(config_dir: Path) -> Policy:
    """Return the policy of `config_dir`; raises PolicyErrors with every problem of both files."""
    return parse_policy(*policy_texts(config_dir))


def policy_texts(config_dir: Path) -> tuple[str, str]:
    """Return the texts of policy.yaml and of channels.yaml with the outside bodies; raises PolicyErrors."""
    problems: list[Problem] = []
    texts: list[str] = []
    for text_of in (_rules_text, ways_text):
        try:
            texts.append(text_of(config_dir))
        except PolicyErrors as error:
            problems.extend(error.problems)
    if problems:
        raise PolicyErrors(problems)
    return texts[0], texts[1]


def _rules_text(config_dir: Path) -> str:
    return read_file(config_dir / FILE)


def policy_digest(policy_text: str, channels_text: str) -> str:
    """Return the SHA-256, in hex, that names a policy: over both texts, each with its length."""
    both = [text.encode() for text in (policy_text, channels_text)]
    return sha256(b"".join(len(text).to_bytes(8) + text for text in both)).hexdigest()


def parse_policy(policy_text: str, channels_text: str, *, handle_key: bytes = b"") -> Policy:
    """Return the policy that the two texts say; raises PolicyErrors with every problem of both.

    Account names are digested under `handle_key`; what is stored (keys of likely duplicates) needs a secret one.
    """
    with _nothing_collected():
        rules = read(policy_text, FILE)
        ways, channels = read_ways(channels_text)
        written = shape(rules, PolicyFile)
        check.names(rules, ways)
        if written is not None:
            too_far(rules, written, calendars_of(written))
        if written is None or rules.problems or ways.problems:
            raise PolicyErrors([*rules.problems, *ways.problems])
        return assembled(written, channels, digest=policy_digest(policy_text, channels_text), handle_key=handle_key)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Let nobody look for garbage meanwhile: looking through what is being built, again and again, doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
