"""What of an attempt is kept: the document that was sent outside, and what the body answered.

Both or nothing: a document without a receipt proves nothing. The worker seals them and cannot open them again.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from router.model import Payload
from router.preserving import DOCUMENT, RECEIPT, Kept, preserve
from router.store.referrals import Ended

BY = "worker"


def keep_sent(connection: Connection, ended: Iterable[Ended]) -> None:
    """Keep what was sent with a receipt, in the transaction that settles it.

    Also of an attempt whose lease was lost in the meantime: what the body answered to it exists once.
    """
    preserve(connection, _kept(ended), by=BY)


def _kept(ended: Iterable[Ended]) -> Iterator[Kept]:
    for one in ended:
        if one.receipt is None or one.document is None:
            continue
        leased = one.referral
        receipt = Payload(one.receipt, one.document.media_type)
        for part, payload in ((DOCUMENT, one.document), (RECEIPT, receipt)):
            about = (leased.id, leased.fields.reference, leased.channel, leased.fields.revision, leased.lease_no)
            yield Kept(*about, part, payload)
