"""Whether a described system is as `channels.yaml` has it: account, search, and what the description expects there.

Changes nothing over there. What a system does not say without being asked to change something, such as a field that it
would drop, shows at the first ticket, best at a drill's.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from router.channels import rest
from router.channels.rest.language import Find
from router.channels.rest.templates import names
from router.configfile.pointers import at
from router.errors import Declined, TryLater
from router.model import Finding
from workers.channels.findings import findings
from workers.channels.rest.calls import RestCalls
from workers.channels.rest.tickets import word

NOBODYS: Final = "CR-ZZZZ-ZZZZ-ZZZZ"
"""A reference that no case has, but for one in 10^18."""


def check(calls: RestCalls, settings: rest.Settings, until: float) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first; raises TryLater when the system does not say now."""
    if account := findings(lambda: calls.knocked(until), "auth", calls.wrong_file):
        return account
    found: list[object] = []
    if answer := _answer(calls, settings.calls.find, found, until):
        return answer
    if found and _searches(settings.calls.find):
        return (Finding("no_filter", "reference"),)
    return tuple(_expected(calls, settings, until))


def _answer(calls: RestCalls, find: Find, found: list[object], until: float) -> tuple[Finding, ...]:
    """Look for what is not there; return what that says of account, address and call."""
    try:
        wrong = findings(lambda: found.extend(calls.listed(find, until, reference=NOBODYS)), "url", calls.wrong_file)
    except Declined:
        return (Finding("call_refused", "find"),)
    except TryLater as later:
        if later.code in {"http_404", "odd_reply"}:
            return (Finding("call_refused", "find"),)
        raise
    return tuple(replace(one, named="auth") if one.code == "not_authorised" else one for one in wrong)


def _searches(find: Find) -> bool:
    asked = [*find.query.values(), find.path, *([] if find.body is None else [find.body])]
    return any("reference" in names(node) for node in asked)


def _expected(calls: RestCalls, settings: rest.Settings, until: float) -> Iterator[Finding]:
    for expected in settings.expects:
        try:
            there = {word(at(item, expected.at)) for item in calls.expected(expected, until)}
        except (TryLater, Declined) as error:
            if error.code not in {"not_authorised", "http_404", "odd_reply"} and isinstance(error, TryLater):
                raise
            there = set()
        for node in expected.holds:
            wanted = word(calls.value(node))
            if wanted not in there:
                yield Finding(expected.otherwise, wanted)
