"""When a case is closed: its tickets are closed too, where the channel says so.

In the transaction that closes the case, as referrals like others, so that it is done once and after what was to be said
before. Elsewhere the ticket stays, and whoever is in `page` is told.
"""

from sqlalchemy import Connection

from router.catalogue import Catalogue, parse_catalogue
from router.errors import PolicyErrors
from router.marking import Tlp
from router.model import PlannedReferral, Referral
from router.store import endings, policies
from router.store.drafts import made_by
from router.store.posting import Post, post
from router.vocabulary import Notice, ReferralState, Scope, WhenClosedHere


def end_tickets(connection: Connection, reference: str, *, by: str) -> tuple[str, ...]:
    """Write that the case is closed, and have its tickets closed; return the channels to ring after the commit.

    What leads outside is a draft of `by`, who closed the case.
    """
    endings.case_closed(connection, reference)
    channels = in_force(connection).channels
    posts = [
        Post(reference, there.policy, _note(reference, there, channels[there.channel].scope))
        for there in endings.open_tickets(connection, reference)
        if there.channel in channels and channels[there.channel].closed_here is WhenClosedHere.CLOSE
    ]
    post(connection, posts)
    made_by(connection, reference, [posted.planned for posted in posts], by)
    return tuple(posted.planned.channel for posted in posts if posted.planned.state is ReferralState.DUE)


def _note(reference: str, there: endings.HasTicket, scope: Scope) -> PlannedReferral:
    tlp = Tlp.RED if scope is Scope.EXTERNAL else None
    fields = Referral(reference=reference, revision=there.revision + 1, notice=Notice.CLOSED, tlp=tlp)
    return PlannedReferral(
        channel=there.channel,
        kind=there.kind,
        # Nothing goes outside by itself, not even that all is over.
        state=ReferralState.DUE if scope is Scope.INTERNAL else ReferralState.DRAFT,
        fields=fields,
        kept_from=there.kept_from,
    )


def in_force(connection: Connection) -> Catalogue:
    """Return the channels in force; none when another version wrote them: what a case needs must not fail for that."""
    digest = policies.active_digest(connection)
    try:
        return parse_catalogue(policies.channels_text(connection, digest)) if digest else Catalogue({})
    except PolicyErrors:
        return Catalogue({})
