"""The header that signs us in. Never kept, never logged: the secret is read again at each call."""

from base64 import b64encode

from router.channels.account import Account
from router.secretrefs import secret


def authorization(settings: Account, until: float) -> dict[str, str]:
    """Return the header; raises TryLater when the secret is not where the settings say."""
    token = secret(settings.token, until=until)
    if settings.account is None:
        return {"Authorization": f"Bearer {token}"}
    return {"Authorization": f"Basic {b64encode(f'{settings.account}:{token}'.encode()).decode('ascii')}"}
