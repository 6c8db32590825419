"""Whether whoever asks may do something with the case in the address, and whether they saw its newest state.

Every page of a case begins here. A refusal is in the audit with the case; whose page is out of date changes nothing.
"""

from typing import Final

from sqlalchemy import Connection, text
from starlette.responses import Response

from router.console.attempt import Attempt, attempted
from router.console.pages.ask import Ask
from router.console.pages.rendering import go
from router.errors import Forbidden
from router.store import claims, progress
from router.store.engine import transaction
from router.store.progress import Access

VERSION: Final = "version"
"""The field of each form on a case that says which version of it the page showed."""


def begin(ask: Ask, action: str) -> Attempt:
    """Return the attempt of whoever asks at the case in the address; raises Forbidden, audited, if they may not."""
    reference = ask.path["reference"]
    attempt = attempted(ask.desk.engine, action, kind="person", handle=ask.viewer.handle, reference=reference)
    with transaction(ask.desk.engine) as connection:
        there = connection.execute(
            text("select from cases where reference = :reference"), {"reference": attempt.reference}
        ).first()
        access = progress.access(connection, attempt.reference, ask.viewer.handle)
        if access is Access.READER and not ask.page.quiet:
            # Whoever works on a case keeps it, whatever the page is.
            claims.extend(connection, attempt.reference, ask.viewer.handle, lasts_s=ask.desk.limits.claim_s)
    if there is None:
        attempt.refuse("unknown_case")
    if access is not Access.READER:
        attempt.refuse(access.value)
    return attempt


def back(ask: Ask, said: str, anchor: str = "") -> Response:
    """Lead back to the case after a form on it was taken; `said` is a code of words.SAID, `anchor` a part's name."""
    answer = go(f"/console/cases/{ask.path['reference']}", said=said)
    if anchor:
        answer.headers["location"] += f"#{anchor}"
    return answer


def check_version(connection: Connection, reference: str, seen: str) -> None:
    """Raise Forbidden `changed_since` unless `seen` is the case's version; nobody changes it until the commit.

    `seen` is the form's VERSION, as `CaseHead.seen` makes it: behind a point it may have the last line of the audit
    that the page knew. Whoever calls shows the page anew (`case.case_page`), with what was typed and what changed.
    """
    query = text("select version from cases where reference = :reference for update")
    version = connection.execute(query, {"reference": reference}).scalar_one_or_none()
    if version is None or seen.partition(".")[0] != str(version):
        raise Forbidden("changed_since")
