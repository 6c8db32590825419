"""What a policy that loads gets wrong all the same: findings, each with its line and what to do.

Errors that keep a policy from loading are the loader's. Pure: today is given.
"""

from dataclasses import replace
from datetime import date

from router.errors import Problem
from router.triage.lint import bodies, categories, danger, fields, legal, order, times, unused, ways
from router.triage.lint.reading import read_both


def findings(
    policy_text: str, channels_text: str, *, today: date, notes_back: frozenset[str] = frozenset()
) -> tuple[Problem, ...]:
    """Return everything odd about the two texts, by file and line; nothing where their shape is wrong.

    `notes_back` names the channels that sources.yaml uses.

    Does what it can with names that lead nowhere: the loader complains about those.
    """
    files = read_both(policy_text, channels_text)
    if files is None:
        return ()
    files = replace(files, notes_back=notes_back)
    found = {*order.findings(files), *times.findings(files)}
    if not files.ways.problems:  # else who reads what is not known
        found |= {
            *unused.findings(files, today),
            *categories.findings(files),
            *fields.findings(files),
            *ways.findings(files),
            *legal.findings(files),
            *danger.findings(files),
            *bodies.findings(files, today),
        }
    return tuple(sorted(found, key=lambda one: (one.file, one.line, one.said)))
