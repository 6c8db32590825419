"""A note in the ticket that a concern came out of is no referral to withdraw: it holds nothing of the case."""

from datetime import UTC, datetime

from router.console.anew import recalls
from router.store.conflicts import Told

REFERENCE = "CR-0123-4567-89AB"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def told(revision: int, notice: str | None) -> Told:
    return Told("helpdesk-notes", "rt", revision, "sent", notice, None, NOW, NOW, 1)


def test_a_note_back_alone_is_not_recalled() -> None:
    assert recalls(REFERENCE, [told(1, "taken_over")], {"helpdesk-notes"}) == []


def test_what_was_sent_beside_it_is_recalled_after_both() -> None:
    (recall,) = recalls(REFERENCE, [told(1, None), told(2, "taken_over")], {"helpdesk-notes"})

    assert recall.fields.revision == 3
