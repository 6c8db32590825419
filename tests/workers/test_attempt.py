"""One attempt holds to what the channel is now, and tells what became of the referral from how the channel does."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest

from router import clock
from router.catalogue import parse_catalogue
from router.errors import NOT_SEEN, Declined, TryLater
from router.model import LeasedReferral, Payload, Proof, Referral
from router.vocabulary import Awaited, Notice, Proven, Severity
from tests.workers.senders import Plain
from workers.attempt import Tried, attempt
from workers.retry import MOST_BROKEN, MOST_TRIES

CHANNELS = "desk: {kind: folder, scope: internal, readable_by: [security], carries: [severity], path: a}"


@dataclass
class Seeing(Plain):
    """A sender that keeps what it was given."""

    seen: list[Referral] = field(default_factory=list)

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        assert payload.body
        assert deadline_s
        self.seen.append(leased.fields)
        return Proof("1")


def test_a_sender_sees_no_field_that_left_the_channel_s_list() -> None:
    desk = parse_catalogue(CHANNELS).channels["desk"]
    kept = {"reference": "CR-AAAA-BBBB-CCCC", "revision": 2, "notice": Notice.REMINDER, "awaited": Awaited.CLAIM}
    decided = Referral.model_validate({**kept, "category": "fraud", "severity": Severity.LOW})
    sender = Seeing()
    ended = attempt(desk, sender, LeasedReferral("k", "desk", decided, 1, 1, clock.now()), deadline_s=1).ended

    assert ended.state == "sent"
    assert sender.seen == [Referral.model_validate({**kept, "severity": Severity.LOW})]


def test_what_somebody_in_conflict_would_read_by_now_is_not_sent() -> None:
    desk = parse_catalogue(CHANNELS.replace("[security]", "[security, hr]")).channels["desk"]
    decided = Referral(reference="CR-AAAA-BBBB-CCCC", severity=Severity.LOW)
    sender = Seeing()
    leased = LeasedReferral("k", "desk", decided, 1, 1, clock.now(), kept_from=("hr", "legal"))
    ended = attempt(desk, sender, leased, deadline_s=1).ended

    assert (ended.state, ended.outcome) == ("dead", "read_by_involved")
    assert sender.seen == []
    assert attempt(desk, sender, replace(leased, kept_from=("legal",)), deadline_s=1).ended.state == "sent"


def test_what_was_decided_when_a_channel_led_inside_does_not_leave_by_it_now() -> None:
    outside = parse_catalogue(CHANNELS.replace("internal", "external")).channels["desk"]
    decided = Referral(reference="CR-AAAA-BBBB-CCCC", severity=Severity.LOW)
    sender = Seeing()
    ended = attempt(outside, sender, LeasedReferral("k", "desk", decided, 1, 1, clock.now()), deadline_s=1).ended

    assert (ended.state, ended.outcome) == ("dead", "not_approved")
    assert sender.seen == []


OUTSIDE = CHANNELS.replace("internal", "external")
DECIDED = Referral(reference="CR-AAAA-BBBB-CCCC", severity=Severity.LOW)


def a_draft(channels: str, **more: Any) -> LeasedReferral:
    """Return a draft that people approved as `channels` would send it."""
    outside = parse_catalogue(channels).channels["desk"]
    digest = outside.leaving(outside.render(DECIDED, key="k"), key="k")
    return LeasedReferral("k", "desk", DECIDED, 1, 1, clock.now(), drafted=True, approved=(digest,), **more)


def test_what_people_approved_leaves() -> None:
    sender = Seeing()
    ended = attempt(parse_catalogue(OUTSIDE).channels["desk"], sender, a_draft(OUTSIDE), deadline_s=1).ended

    assert ended.state == "sent"
    assert sender.seen == [DECIDED]


@pytest.mark.parametrize(
    "now",
    [
        OUTSIDE.replace("path: a", "path: b"),
        OUTSIDE.replace("[severity]", "[]"),
        OUTSIDE.replace("[security]", "[security, hr]"),
        OUTSIDE.replace("path: a", "path: a, approvals: 1"),
        OUTSIDE.replace("external", "internal"),
    ],
    ids=["elsewhere", "less", "other readers", "fewer people", "inside by now"],
)
def test_what_people_approved_otherwise_is_a_draft_again(now: str) -> None:
    sender = Seeing()
    ended = attempt(parse_catalogue(now).channels["desk"], sender, a_draft(OUTSIDE), deadline_s=1).ended

    assert (ended.state, ended.outcome) == ("draft", "not_approved")
    assert sender.seen == []


def test_what_people_approved_for_another_referral_does_not_leave() -> None:
    sender = Seeing()
    leased = replace(a_draft(OUTSIDE), id="other")
    ended = attempt(parse_catalogue(OUTSIDE).channels["desk"], sender, leased, deadline_s=1).ended

    assert (ended.state, sender.seen) == ("draft", [])


RT = """
desk: {kind: rt, scope: internal, readable_by: [security], carries: [severity], url: 'http://127.0.0.1:1',
       token: 'env:RT_TOKEN', queue: Safeguarding, custom_fields: {reference: Reference id}, search_lag: 90s}
"""


@dataclass
class Ending(Plain):
    """A sender that ends as it is told."""

    end: Proof | Exception

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        assert leased.id
        assert payload.body
        assert deadline_s
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


def tried(end: Proof | Exception, *, channels: str = CHANNELS, **leased: Any) -> Tried:
    """Return one attempt that ends so."""
    fields = Referral(reference="CR-AAAA-BBBB-CCCC", severity=Severity.LOW)
    referral = replace(LeasedReferral("k", "desk", fields, 1, 1, clock.now()), **leased)
    return attempt(parse_catalogue(channels).channels["desk"], Ending(end), referral, deadline_s=1)


@pytest.mark.parametrize(
    ("end", "state", "worked"),
    [
        (Proof("1"), "sent", True),
        (Declined("http_422"), "dead", True),
        (Declined("foreign_host"), "dead", False),
        (TryLater("unreachable"), "due", False),
        (TryLater(NOT_SEEN), "due", None),
        (TryLater("nothing_there"), "due", None),
        (KeyError("MARKED-7f3a"), "due", False),
    ],
    ids=["sent", "a no", "a no to all", "down", "not seen yet", "nothing to withdraw", "unforeseen"],
)
def test_what_an_end_says_of_the_channel_is_not_what_became_of_the_referral(
    end: Proof | Exception, state: str, worked: Literal[True, False] | None
) -> None:
    one = tried(end)

    assert (one.ended.state, one.heard.worked) == (state, worked)
    assert one.heard.code == one.ended.outcome


def test_a_pause_that_was_asked_for_is_heard() -> None:
    assert tried(TryLater("http_429", retry_after_s=30)).heard.asked_s == 30


@pytest.mark.parametrize("end", [TryLater("no_answer", ambiguous=True), TryLater(NOT_SEEN), KeyError("MARKED-7f3a")])
def test_where_things_show_late_nothing_is_looked_for_sooner(end: Exception) -> None:
    assert tried(end, channels=RT).ended.wait_s >= 90
    assert tried(end).ended.wait_s < 90


def test_what_surely_was_not_made_need_not_wait_for_the_search() -> None:
    assert tried(TryLater("unreachable"), channels=RT).ended.wait_s < 90


@pytest.mark.parametrize(("channels", "looks"), [(RT, 2), (RT.replace(", search_lag: 90s", ""), 0), (CHANNELS, 0)])
def test_a_channel_that_shows_things_late_must_be_seen_empty_twice(channels: str, looks: int) -> None:
    ended = tried(TryLater("no_answer", ambiguous=True), channels=channels).ended

    assert (ended.ambiguous, ended.looks_wanted) == (True, looks)


def test_what_is_dead_may_be_there_all_the_same() -> None:
    """A person who tries it again must find it, not make another; a lease that was lost shows two makers."""
    late = TryLater("odd_reply", ambiguous=True, remote_id="7")
    ended = tried(late, channels=RT, age_s=4 * 86400, attempts=9).ended

    assert (ended.state, ended.remote_id, ended.unsure, ended.look_after_s) == ("dead", "7", 2, 120.0)


@pytest.mark.parametrize(
    ("channels", "proof", "look_s"),
    [
        (RT, Proof("7", Proven.VISIBLE), 120.0),
        (RT, Proof("7", Proven.VISIBLE, doubled=True), 0.0),
        (CHANNELS, Proof("7"), None),
    ],
    ids=["later", "two of it: at once", "there is no more to be seen"],
)
def test_what_was_sent_is_looked_at_again_where_that_shows_something(
    channels: str, proof: Proof, look_s: float | None
) -> None:
    ended = tried(proof, channels=channels).ended

    assert (ended.look_after_s, ended.proven, ended.remote_id) == (look_s, proof.proven, "7")


def test_an_attempt_says_how_long_it_took() -> None:
    took = tried(TryLater("unreachable")).ended.took_ms

    assert took is not None
    assert took >= 0


def test_what_ended_its_worker_ten_times_is_not_sent_again() -> None:
    assert tried(Proof("1"), broke=MOST_BROKEN - 1).ended.state == "sent"
    last = tried(Proof("1"), broke=MOST_BROKEN)

    assert (last.ended.state, last.ended.outcome, last.heard.worked) == ("dead", "ends_its_worker", None)


def test_tries_before_a_person_asked_for_it_anew_do_not_count() -> None:
    assert tried(Proof("1"), attempts=MOST_TRIES + 1).ended.outcome == "given_up"
    assert tried(Proof("1"), attempts=MOST_TRIES + 1, retried_after=MOST_TRIES).ended.state == "sent"
