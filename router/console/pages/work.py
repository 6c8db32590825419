"""Parts of the case page by which one works on it: who has it and until when, and what can be done with it."""

from collections.abc import Mapping

from sqlalchemy import Connection

from router.console.pages import factwords
from router.console.pages.ask import Ask
from router.console.pages.part import Part
from router.store import colleagues, messages
from router.store.casehead import CaseHead
from router.vocabulary import Awaited, CaseOutcome


def _claim(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    others = [who for who in colleagues.readers(connection, case.reference) if who != ask.viewer.handle]
    lasts_s = ask.desk.limits.claim_s
    return {"colleagues": others, "lasts_s": lasts_s, "warn_s": min(300, lasts_s // 3)}


def _work(ask: Ask, connection: Connection, case: CaseHead) -> Mapping[str, object]:
    return {
        "outcomes": {
            code: said
            for code, said in factwords.OUTCOMES.items()
            if code != CaseOutcome.WITHDRAWN or messages.withdrawal_asked(connection, case.reference)
        },
        "answers": any(one.awaited is Awaited.FEEDBACK and one.done_at is None for one in case.deadlines),
        "alone": not set(colleagues.readers(connection, case.reference)) - {ask.viewer.handle},
    }


CLAIM = Part("claim", "case/claim.html", _claim)
WORK = Part("work", "case/work.html", _work, "Close, hold, step out", aside=True)
