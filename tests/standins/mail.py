"""A mail server: aiosmtpd, with TLS and accounts as a test wants them, on 127.0.0.1."""

import asyncio
import ssl
import threading
import warnings
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any, Final, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ACCOUNT: Final = "concerns"
PASSWORD: Final = "mail-password-7f3a"


@dataclass(frozen=True)
class Mail:
    """A mail that was taken."""

    sender: str
    to: tuple[str, ...]
    content: bytes
    over_tls: bool
    signed_in: bool

    @property
    def message(self) -> Message:
        return message_from_bytes(self.content)


class MailStandIn:
    """Takes mail, as a context manager; `says` and `cuts` script what it answers at which command."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, at_once: bool = False, accounts: bool = True) -> None:
        self.mails: list[Mail] = []
        self.heard: list[str] = []
        """Commands, the message included, in their order."""
        self.says: dict[str, str] = {}
        """By command: what is answered instead."""
        self.cuts: set[str] = set()
        """Commands that take effect and are not answered: the line is cut."""
        self._tls = tls
        self._at_once = at_once
        self._accounts = accounts
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"{'smtps' if self._at_once else 'smtp'}://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        tls = self._tls if self._at_once else None
        return await self._loop.create_server(self._conversation, "127.0.0.1", 0, ssl=tls)

    async def _end(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _conversation(self) -> SMTP:
        with warnings.catch_warnings():
            # It does not see that a line had TLS before it came to it.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                self,
                hostname="mail.example.org",
                tls_context=None if self._at_once else self._tls,
                require_starttls=self._tls is not None and not self._at_once,
                auth_required=self._accounts,
                auth_require_tls=not self._at_once,
                authenticator=self._authenticated,
                loop=self._loop,
            )

    def _authenticated(self, _server: Any, _session: Any, _envelope: Any, _way: str, said: Any) -> AuthResult:
        self.heard.append("AUTH")
        known = isinstance(said, LoginPassword) and (said.login, said.password) == (ACCOUNT.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's names
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return self._said(server, "MAIL")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return self._said(server, "RCPT")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" not in self.says:
            content = envelope.original_content or b""
            over_tls = session.ssl is not None or self._at_once
            taken = Mail(
                envelope.mail_from or "", tuple(envelope.rcpt_tos), content, over_tls, bool(session.authenticated)
            )
            self.mails.append(taken)
        return self._said(server, "DATA")

    def _said(self, server: SMTP, command: str) -> str:
        self.heard.append(command)
        if command in self.cuts and server.transport is not None:
            server.transport.abort()  # type: ignore[attr-defined] # of a socket's transport
        return self.says.get(command, "250 OK")
