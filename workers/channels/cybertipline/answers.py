"""What CyberTipline answers, and what each of its codes means for the referral. Never shows an answer.

NCMEC calls its own list of codes not exhaustive: one that does not stand here stops the referral in front of a person.
"""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from router.errors import Declined, TryLater
from workers.channels.replies import Reply, judge

if TYPE_CHECKING:
    from lxml import etree

SUCCESS: Final = 0
TRANSIENT: Final = frozenset({1000, 1100, 1110, 1111, 1300})
"""Its own trouble: tried again."""
NOT_FOUND: Final = 1210
"""There is no such call at this address: an operator's to mend."""
NOT_AUTHORISED: Final = frozenset({2000, 3000, 3100, 3300})
GONE: Final = frozenset({5001, 5101})
"""The report does not exist, or was retracted: it begins anew."""
FINISHED: Final = 5102
"""Already finished: of a report whose number we hold, by ourselves."""
_ROOTS: Final = frozenset({"reportResponse", "reportDoneResponse"})
_CODE: Final = re.compile("[0-9]{1,6}")
_REPORT_ID: Final = re.compile("[0-9]{1,19}")
"""A positive xs:long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call was answered."""

    code: int
    report_id: str | None
    body: bytes = field(repr=False)
    """As it came: of a finished report the official receipt."""


def read(reply: Reply) -> Answer:
    """Return the answer; raises as `judge` does without a code, or where the status says no and the code yes."""
    answer = _answer(reply.body)
    if answer is None:
        judge(reply)
        raise reply.odd()
    if answer.code == SUCCESS:
        judge(reply)
    return answer


def refusal(code: int, *, wrote: bool) -> TryLater | Declined:
    """Return what to raise of a code that is no success; `wrote`: the call may have taken effect all the same."""
    if code in TRANSIENT:
        return TryLater(f"code_{code}", ambiguous=wrote)
    if code == NOT_FOUND:
        return TryLater("wrong_path")
    if code in NOT_AUTHORISED:
        return TryLater("not_authorised")
    return Declined(f"code_{code}")


def _answer(body: bytes) -> Answer | None:
    """Return what the body says; None where it is no answer of CyberTipline's."""
    root = _root(body)
    if root is None or root.tag not in _ROOTS:
        return None
    code = (root.findtext("responseCode") or "").strip()
    if not _CODE.fullmatch(code):
        return None
    number = (root.findtext("reportId") or "").strip()
    return Answer(int(code), number if _REPORT_ID.fullmatch(number) else None, body)


def _root(body: bytes) -> "etree._Element | None":
    """Return the document; no entity is expanded, nothing is fetched, and one with a type of its own is none."""
    from lxml import etree  # noqa: PLC0415 - heavy

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except (etree.LxmlError, ValueError):
        return None
    return None if root.getroottree().docinfo.doctype else root
