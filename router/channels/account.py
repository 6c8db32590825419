"""How we sign in to a service that knows accounts by name and secret, or by a token alone.

Pure: names where the secret stands, and never holds one.
"""

from typing import Annotated

from pydantic import StringConstraints

from router.channels.overhttp import OverHttp
from router.channels.setting import SecretReference

AccountName = Annotated[str, StringConstraints(pattern=r"^[!-9;-~]{1,128}$")]
"""Without a colon, which ends the name in HTTP's basic authentication (RFC 7617, 2)."""


class Account(OverHttp):
    """What `channels.yaml` says of our account there, and where the service is."""

    account: AccountName | None = None
    """Its name, sent with the secret as HTTP basic; left out: the secret is a bearer token."""
    token: SecretReference
    """Where the account's password, API token or bearer token stands."""
