"""What each kind makes over there: one neutral ticket with the fields, internal notes, a recall; what it refuses."""

import re

import pytest

from router.errors import Declined, RouterError, TryLater
from router.model import Finding
from router.vocabulary import Proven
from tests.standins.standin import StandIn
from tests.workers.channels.tickets.desks import FIRST, RECALL, REFERENCE, REMINDER, Desk, leased, send, sender


def test_a_case_becomes_one_ticket_that_reads_back(desk: Desk, there: StandIn) -> None:
    proof = send(desk, there, leased())

    (ticket,) = there.there()
    assert (proof.remote_id, proof.proven, proof.repeated) == (ticket.number, Proven.VISIBLE, False)
    assert (ticket.fields["category"], ticket.fields["severity"]) == ("fraud", "high")
    assert not ticket.closed


def test_the_title_says_the_reference_and_nothing_of_the_matter(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased())

    (ticket,) = there.there()
    assert ticket.title == f"{REFERENCE} confidential referral"


def test_nobody_outside_the_desk_reads_or_is_written_to(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased())
    send(desk, there, leased(REMINDER))

    (ticket,) = there.there()
    assert ticket.text_internal
    assert ticket.requester is None
    assert [note.internal for note in ticket.notes] == [True]


def test_what_comes_later_is_a_note_in_the_ticket(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased())
    proof = send(desk, there, leased(REMINDER))

    (ticket,) = there.there()
    assert proof.remote_id == ticket.number
    assert re.search(rf"Reminder: a person should have taken {REFERENCE}", ticket.notes[0].text)


def test_a_recall_says_so_empties_the_fields_and_closes(desk: Desk, there: StandIn) -> None:
    send(desk, there, leased())
    send(desk, there, leased(RECALL))

    (ticket,) = there.there()
    assert ticket.closed
    assert not {name: value for name, value in ticket.fields.items() if name != "reference"}
    assert "withdrawn" in ticket.notes[-1].text


def test_check_is_content_with_a_desk_as_configured(desk: Desk, there: StandIn) -> None:
    made, _ = sender(desk, there)

    assert made.check(deadline_s=10) == ()
    assert not there.there()


def test_check_tells_of_an_account_that_is_not_known(desk: Desk, there: StandIn) -> None:
    made, _ = sender(desk, there)
    there.forget_account()

    assert [found.code for found in made.check(deadline_s=10)] == ["not_authorised"]


def test_a_field_that_does_not_exist_there_is_found_before_or_at_the_first_ticket(desk: Desk, there: StandIn) -> None:
    """Some systems say so when asked; the others drop it, and that is seen when the ticket is read back."""
    made, _ = sender(desk, there)
    there.drop_field("severity")
    found = [one for one in made.check(deadline_s=10) if one.code == "field_missing"]
    refused: RouterError | None = None
    try:
        send(desk, there, leased())
    except (Declined, TryLater) as error:
        refused = error

    assert found == [Finding("field_missing", found[0].named)] if found else isinstance(refused, Declined)
    there.broken.clear()


def test_a_limit_is_waited_for_as_long_as_it_says(desk: Desk, there: StandIn) -> None:
    there.limited = 1
    with pytest.raises(TryLater) as later:
        send(desk, there, leased())

    assert (later.value.code, later.value.retry_after_s, later.value.ambiguous) == ("http_429", 7.0, False)
    assert not there.there()


def test_only_what_the_referral_holds_arrives(desk: Desk, there: StandIn) -> None:
    """Marked: the one free word that a referral can hold; it arrives where it is mapped or listed, as it is."""
    send(desk, there, leased(FIRST.model_copy(update={"category": "marked_7f3a"})))

    everything = b"".join(request.body for request in there.everything).decode()
    assert everything.count("marked_7f3a") >= 1
    for word in ("narrative", "contact", "asset_tag", "hashes", "subject_handle", "url"):
        assert f'"{word}"' not in everything
