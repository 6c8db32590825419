"""What a sender of a test's own need not say anew."""

from router.model import Finding, LeasedReferral, Seen


class Plain:
    """Has nothing to check, and shows nothing more later."""

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:  # noqa: ARG002 - the contract
        return ()

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        return Seen(leased.remote_id)
