"""What staff write on a case: words, as much as fits, and nothing that may be the thing itself.

The same look that the door takes at a reporter's words. Keeps nothing, and says only which rule a text broke.
"""

from typing import Final

from router.console.attempt import Attempt
from router.errors import Refused
from router.web.texts import as_kept

FIELD: Final = "text"
"""What the field of a form is called that such a text is typed into."""


def given(text: str) -> str:
    """Return a text as it is kept; raises Refused."""
    return as_kept(text, field=FIELD)


def check_written(attempt: Attempt, text: str) -> str:
    """Return a text as it is kept; refuse the attempt, and raise Refused, when it is none."""
    try:
        return given(text)
    except Refused as refused:
        attempt.refuse(f"text_{refused.code}", say=refused)
