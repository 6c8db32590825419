"""What is no referral to withdraw: a note in the ticket that a concern came out of, and what nobody can take back."""

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


def test_what_nobody_can_take_back_is_not_recalled() -> None:
    """A report that is filed: a draft that no one could send would wait for approvals, and remind them of it."""
    filed = Told("tip", "cybertipline", 1, "sent", None, None, NOW, NOW, 1)
    written = filed._replace(channel="police", kind="folder")

    drafts = recalls(REFERENCE, [filed, written], {"tip", "police"}, outside={"tip", "police"})

    assert [(one.channel, one.state) for one in drafts] == [("police", "draft")]
