"""What came back from a call, and what it means for the referral. Never shows a reply, nor any text of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

from router import clock
from router.errors import Declined, TryLater

READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing over there (RFC 9110, 9.2.1); every other call may have taken effect."""
LONGEST_DATE: Final = 64
"""Characters of a Retry-After that are looked at."""


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What came back; prints as its status, never as its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    """As it came, nothing decompressed; empty when it was longer than the transport reads."""
    wrote: bool = False
    """Whether the call was one that may have taken effect."""

    def __repr__(self) -> str:
        return f"Reply({self.status})"

    def json(self) -> Any:
        """Return the decoded body; raises TryLater `odd_reply` when it is not JSON, or was too long.

        Whether a write took effect is then unknown, so the next attempt has to look first.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            pass  # its error holds the whole text, so nothing is raised from here
        raise self.odd()

    def odd(self) -> TryLater:
        """Return what to raise when a 2xx reply does not say what it should."""
        return TryLater("odd_reply", ambiguous=self.wrote)


def judge(reply: Reply) -> None:
    """Return for 2xx; raise TryLater or Declined for everything else.

    408, 425, 429 and 5xx: the service cannot now. 401, 403, 404 and redirects: what it needs is a
    change of our configuration or of its rights, or the end of its maintenance, not of the
    referral, so the referral waits. Any other 4xx is a no.

    Of a write, 5xx is ambiguous: it may be said after the work was done. So is a redirect but 307 and 308, which ask
    for the same again: others are how a form that was taken answers. 4xx says that nothing was done, 408 and 425 too
    (RFC 9110, 15.5.9; RFC 8470, 5.2).
    """
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, 15
        return
    if status in {401, 403}:
        raise TryLater("not_authorised")
    if 300 <= status < 400:  # noqa: PLR2004
        raise TryLater("redirected", ambiguous=reply.wrote and status not in {307, 308})
    if status in {404, 408, 425, 429} or status >= 500:  # noqa: PLR2004
        asked_s = retry_after(reply.headers.get("Retry-After", ""))
        raise TryLater(f"http_{status}", retry_after_s=asked_s, ambiguous=reply.wrote and status >= 500)  # noqa: PLR2004
    raise Declined(f"http_{status}")


def retry_after(said: str) -> float:
    """Return the seconds of a Retry-After header, given as seconds or as a date; 0 for anything else.

    Not capped: how long anybody is waited for is the ledger's to say.
    """
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        at = parsedate_to_datetime(said[:LONGEST_DATE])
        return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - clock.now()).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
