"""What staff write on a case: words, as much as fits, and nothing that may be the thing itself.

The same look that the door takes at a reporter's words. Keeps nothing, and says only which rule a text broke.
"""

from typing import Final

from router.console.attempt import Attempt
from router.errors import Fault, Refused
from router.web.texts import fault_in

LONGEST: Final = 4000
FIELD: Final = "text"
"""What the field of a form is called that such a text is typed into."""


def given(text: str) -> str:
    """Return a text as it is kept: lines end in one way, nothing blank around it; raises Refused."""
    words = text.replace("\r\n", "\n").strip()
    code = "missing" if not words else "too_long" if len(words) > LONGEST else fault_in(words)
    if code is not None:
        raise Refused(code, Fault(FIELD, code))
    return words


def check_written(attempt: Attempt, text: str) -> str:
    """Return a text as it is kept; refuse the attempt, and raise Refused, when it is none."""
    try:
        return given(text)
    except Refused as refused:
        attempt.refuse(f"text_{refused.code}", say=refused)
