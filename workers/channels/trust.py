"""TLS as one channel wants it: 1.2 or newer, verified, by the authorities and with the certificate that it names.

Nothing of the environment counts, neither bundles of authorities nor files for session keys.
"""

import ssl
import threading
from pathlib import Path
from typing import Final

OLDEST: Final = ssl.TLSVersion.TLSv1_2


class Trust:
    """Makes the context for new lines; anew when one of the files changed, so that certificates can be renewed."""

    def __init__(self, authorities: str, certificate: str | None, key: str | None) -> None:
        self._authorities = authorities
        self._certificate = certificate
        self._key = key
        self._lock = threading.Lock()
        self._made_of: tuple[object, ...] = ()
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Return the context; raises OSError (ssl.SSLError is one) when a file cannot be used."""
        with self._lock:
            made_of = tuple(map(_version, (self._authorities, self._certificate, self._key)))
            if self._context is None or made_of != self._made_of:
                self._context = self.for_proxy()
                self._show(self._context)
                self._made_of = made_of
            return self._context

    def for_proxy(self) -> ssl.SSLContext:
        """Return one that does not say who we are."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = OLDEST
        context.load_verify_locations(self._authorities)
        return context

    def unusable(self) -> str:
        """Return which of the channel's settings names a file that cannot be used; empty when none does."""
        try:
            context = self.for_proxy()
        except OSError:
            return "ca"
        try:
            self._show(context)
        except OSError:
            return "client_certificate"
        return ""

    def _show(self, context: ssl.SSLContext) -> None:
        if self._certificate is not None:
            # Without a password given OpenSSL would ask for one at the terminal.
            context.load_cert_chain(self._certificate, self._key, password="")


def _version(path: str | None) -> object:
    if path is None:
        return None
    found = Path(path).stat()
    return found.st_ino, found.st_mtime_ns, found.st_size
