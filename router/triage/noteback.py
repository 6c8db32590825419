"""Tells in the ticket that a concern came out of that it was taken over: one more referral of the decision.

It holds the ticket's id and nothing of the case. Not where somebody in conflict reads that ticket system: that their
ticket became a case is what they must not learn.
"""

from router.model import Decision, Facts, PlannedReferral, Referral, RuleTried
from router.triage.policy import Policy
from router.triage.telling import conflicts
from router.vocabulary import Notice, ReferralState


def with_note_back(decision: Decision, policy: Policy, facts: Facts, channel_name: str, *, reference: str) -> Decision:
    """Return `decision` with the note by the channel, as its last revision there; without, if it names no ticket.

    A channel that is not in force any more says nothing: the case itself goes on.
    """
    channel = policy.channels.get(channel_name)
    if channel is None or facts.source_ticket is None:
        return decision
    in_conflict = conflicts(policy, facts)
    readers = [team for team in channel.readable_by if team in in_conflict]
    if readers:
        because = tuple(reason for team in readers for reason in in_conflict[team])
        step = RuleTried(rule=f"note_back_withheld:{channel.name}", matched=True, tests=because)
        return decision.model_copy(update={"trace": (*decision.trace, step)})
    before = [planned.fields.revision for planned in decision.referrals if planned.channel == channel.name]
    planned = PlannedReferral(
        channel=channel.name,
        kind=channel.kind,
        state=ReferralState.DUE,
        fields=Referral(
            reference=reference,
            revision=max(before, default=0) + 1,
            notice=Notice.TAKEN_OVER,
            source_ticket=facts.source_ticket,
        ),
        kept_from=tuple(in_conflict),
    )
    return decision.model_copy(update={"referrals": (*decision.referrals, planned)})
