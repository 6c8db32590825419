"""The part of a case page on copies of what left: which are kept, until when, by whose law. Opens none."""

from collections.abc import Mapping

from sqlalchemy import Connection

from router.console.pages.ask import Ask
from router.console.pages.part import Part, policy_of
from router.store import preserved
from router.store.casehead import CaseHead
from router.triage.legal import NO_ADVICE


def _kept(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    policy = policy_of(ask, case)
    failed = preserved.failures(connection, case.reference)
    warning = "A copy of what left could not be kept. The timeline says which; tell the operator."
    return {
        "copies": preserved.of_case(connection, case.reference),
        "law": policy.law if policy else None,
        "no_advice": NO_ADVICE,
        "unlocked": ask.viewer.unlocked is not None,
        "warnings": [warning] if failed else [],
    }


KEPT = Part("kept", "case/kept.html", _kept, title="Kept copies")
