"""Parts of the case page: the facts in words, what the case is linked with, and why it was decided as it was."""

from collections.abc import Mapping

from sqlalchemy import Connection

from router.console.pages import factwords
from router.console.pages.ask import Ask
from router.console.pages.part import Part, policy_of
from router.store import conflicts
from router.store.casehead import CaseHead
from router.store.linkedcases import links
from router.triage.explain import in_words


def _facts(ask: Ask, _connection: Connection, case: CaseHead) -> Mapping[str, object]:
    return {"known": list(factwords.known(case.facts, policy_of(ask, case)))}


def _linked(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    found = links(connection, case.reference, ask.viewer.handle)
    warnings = ["Another case is perhaps about the same."] if found.shown or found.hidden else []
    return {"links": found, "warnings": warnings}


def _decision(_ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    tried = list(in_words(case.trace))
    return {
        "severities": [one for one in tried if one.part == "severity"],
        "routes": [one for one in tried if one.part == "route"],
        "others": [one for one in tried if one.part not in {"severity", "route"}],
        "conflicts": sorted(conflicts.found(connection, case.reference)),
        "readers": sorted(conflicts.readers(connection, case.reference)),
    }


FACTS = Part("facts", "case/facts.html", _facts, "Facts")
LINKED = Part("linked", "case/linked.html", _linked)
DECISION = Part("decision", "case/decision.html", _decision, "Decision")
