"""One attempt holds to what the channel is now: it carries no more, and sends nothing outside without approval."""

from dataclasses import dataclass, field, replace

from router import clock
from router.catalogue import parse_catalogue
from router.model import LeasedReferral, Payload, Proof, Referral
from router.vocabulary import Awaited, Notice, Severity
from tests.workers.senders import Plain
from workers.attempt import attempt

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
