"""What a check tells an operator of a way that cannot work as `channels.yaml` has it."""

from collections.abc import Callable
from typing import Final

from router.errors import TryLater
from router.model import Finding

AS_CONFIGURED: Final = frozenset(
    {
        *("not_authorised", "redirected", "refused_address", "secret_malformed", "secret_missing", "tls_failed"),
        *("tls_missing", "sender_refused"),
    }
)
"""Codes that say something of the configuration, whatever is tried. Other codes may be another's at the next try."""


def findings(
    attempt: Callable[[], object], named: str, wrong_file: Callable[[], str] = lambda: ""
) -> tuple[Finding, ...]:
    """Make `attempt` and return what its failure says of the setting `named`; raises TryLater when it says nothing.

    Of TLS that failed, `wrong_file` may say that another setting is to blame.
    """
    try:
        attempt()
    except TryLater as later:
        if later.code not in AS_CONFIGURED:
            raise
        blamed = wrong_file() if later.code == "tls_failed" else ""
        return (Finding(later.code, blamed or named),)
    return ()
