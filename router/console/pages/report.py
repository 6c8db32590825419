"""The part of the case page that leads to what was reported: sealed, and opened by one's own act alone."""

from collections.abc import Mapping

from sqlalchemy import Connection, text

from router.console.pages.ask import Ask
from router.console.pages.part import Part
from router.store.casehead import CaseHead


def _report(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    sealed = text("""
        select exists (select from sealed_contents where reference = :reference) as there,
               (select count(*) from audit where object = :reference and action = 'case_opened' and outcome = 'ok')
                   as opened""")
    row = connection.execute(sealed, {"reference": case.reference}).one()
    return {"there": row.there, "opened": row.opened, "unlocked": ask.viewer.unlocked is not None}


REPORT = Part("report", "case/report.html", _report, "Report")
