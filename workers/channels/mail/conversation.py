"""The one conversation that we have with a mail server: hello, TLS, sign in, one sender, one recipient, one message.

Over a line to an address that was judged, ended when its time is over, never in clear but to this machine. Nothing that
the server says gets into an error or a log, and no more than REPLIES_CAP bytes of it are read.
"""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import Any, Final

from router.channels import mail
from router.errors import Declined, RouterError, TryLater
from router.secretrefs import secret
from router.vocabulary import Scope
from workers.channels.addresses import CONNECT_S, Addresses, RefusedAddress, Resolve, connected, resolve
from workers.channels.transport import AUTHORITIES
from workers.channels.trust import Trust
from workers.channels.watching import Call, Timer

REPLIES_CAP: Final = 64 * 1024
"""Bytes, of a whole conversation."""
SHORTEST_S: Final = 0.001
_DONE: Final = range(200, 300)
_GO_ON: Final = 354
_NOT_NOW: Final = range(400, 500)
_NEVER: Final = range(500, 600)
_FULL: Final = 552
"""Of a recipient: what should have been 452 (RFC 5321, 4.5.3.1.10)."""
_SIGN_IN: Final = frozenset({530, 534, 535, 538})
"""RFC 4954, 6."""
_ON_THE_WAY: Final = frozenset({"greeting", "hello", "sign_in"})
"""Steps whose no is about neither the referral nor its recipient."""
_FAILURES: Final = (smtplib.SMTPException, OSError, ValueError)


class _No(Exception):
    """The server's answer was none of those that lead on."""

    def __init__(self, step: str, code: int) -> None:
        super().__init__(step)
        self.step = step
        self.code = code


class MailServer:
    """One server, and what goes from one sender to one recipient there; used by several threads at once."""

    def __init__(self, settings: mail.Settings, scope: Scope, *, resolve: Resolve = resolve) -> None:
        self._settings = settings
        self._addresses = Addresses(
            scope, settings.networks, this_machine_only=not (settings.starttls or settings.tls_at_once), resolve=resolve
        )
        self._trust = Trust(settings.ca or AUTHORITIES, None, None)
        self._timer = Timer()

    def hand_in(self, message: bytes, *, until: float) -> None:
        """Hand the message in; raises TryLater, `ambiguous` when the message went and no answer came, or Declined.

        `recipient_refused` and other answers for good: Declined. What is the account's, the sender's or the way's is
        for an operator to mend, so the referral waits: TryLater, as when the server cannot now.
        """
        self._have(message, until)

    def rehearse(self, *, until: float) -> None:
        """Go as far as the recipient and hand nothing in; raises as `hand_in` does."""
        self._have(None, until)

    def password(self, until: float) -> str:
        """Return our account's password; raises TryLater when it is not where the settings say."""
        return secret(self._settings.password or "", until=until)

    def wrong_file(self) -> str:
        """Return which setting names a file for TLS that cannot be used; empty when none does."""
        return self._trust.unusable()

    def _have(self, message: bytes | None, until: float) -> None:
        """Have the conversation. What was raised in it holds texts, and ends here."""
        password = None if self._settings.password is None else self.password(until)
        call = Call(until, anew=True)
        trouble: RouterError | None = None
        try:
            with self._timer.watching(call), self._line(call) as line:
                self._talk(line, password, message, call)
        except _No as no:
            trouble = _judged(no, ambiguous=call.wrote)
        except _FAILURES:
            code = call.why or ("no_answer" if _reached(call) else "unreachable")
            trouble = TryLater(code, ambiguous=call.wrote)
        if trouble is not None:
            raise trouble

    @contextmanager
    def _line(self, call: Call) -> Iterator["_Line"]:
        """Yield a line that was greeted; close it in any case."""
        if monotonic() >= call.until:
            raise TimeoutError
        with _answering("greeting"):
            line = _Line(call, self._settings, self._addresses, self._trust)
        try:
            yield line
        finally:
            line.close()

    def _talk(self, line: "_Line", password: str | None, message: bytes | None, call: Call) -> None:
        _want("hello", line.ehlo())
        if self._settings.starttls and not self._settings.tls_at_once:
            line.begin_tls()
            _want("hello", line.ehlo())
        if password is not None:
            line.sign_in(self._settings.account or "", password)
        _want("sender", line.docmd("MAIL", f"FROM:<{self._settings.sender}>"))
        _want("recipient", line.docmd("RCPT", f"TO:<{self._settings.to}>"))
        if message is not None:
            code, _ = line.docmd("DATA")
            if code != _GO_ON:
                raise _No("message", code)
            call.wrote = True
            line.send(mail.stuffed(message))
            _want("message", line.getreply())
        # What was taken is taken, however they part.
        with suppress(*_FAILURES):
            line.docmd("QUIT")


class _Line(smtplib.SMTP):
    """A line to a judged address; connects when it is made."""

    def __init__(self, call: Call, settings: mail.Settings, addresses: Addresses, trust: Trust) -> None:
        self._call = call
        self._addresses = addresses
        self._trust = trust
        self._tls_at_once = settings.tls_at_once
        self._heard = 0
        # Without a name given, the machine's own would be looked up, and said.
        host, port = settings.server
        super().__init__(host, port, local_hostname=settings.sender.rpartition("@")[2])

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:  # noqa: ARG002 - smtplib's own hook for it
        call = self._call
        until = min(call.until, monotonic() + CONNECT_S)
        try:
            places = self._addresses.of(host, port, until=until)
        except RefusedAddress:
            call.why = "refused_address"
            raise
        line = connected(places, until)
        line.settimeout(max(SHORTEST_S, call.until - monotonic()))
        call.kept = False
        call.use(line)
        if not self._tls_at_once:
            return line
        with self._trusting() as context:
            return context.wrap_socket(line, server_hostname=host)

    def begin_tls(self) -> None:
        """Go on in TLS, or not at all."""
        if not self.has_extn("starttls"):
            self._call.why = "tls_missing"
            raise smtplib.SMTPNotSupportedError
        with _answering("hello"), self._trusting() as context:
            self.starttls(context=context)

    def sign_in(self, account: str, password: str) -> None:
        """Sign in by whichever way the server offers."""
        try:
            with _answering("sign_in"):
                self.login(account, password)
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            raise _No("sign_in", 535) from None  # none of the ways that it offers, or none at all

    def getreply(self) -> tuple[int, bytes]:
        """Return the next answer."""
        if self.file is None:
            self.file = _Heard(self.sock.makefile("rb"))  # type: ignore[union-attr] # there is one
        return super().getreply()

    @contextmanager
    def _trusting(self) -> Iterator[ssl.SSLContext]:
        """Yield the context, and note when it is the trust that fails."""
        try:
            context = self._trust.context()
        except OSError:
            self._call.why = "tls_failed"
            raise
        try:
            yield context
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            raise  # it hung up
        except ssl.SSLError:
            self._call.why = None if self._call.cut else "tls_failed"
            raise


class _Heard:
    """What a server says, up to so many bytes."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines
        self._left = REPLIES_CAP

    def readline(self, limit: int) -> bytes:
        line: bytes = self._lines.readline(limit)
        self._left -= len(line)
        if self._left < 0:
            raise OSError
        return line

    def close(self) -> None:
        self._lines.close()


def _reached(call: Call) -> bool:
    """Say whether the server was reached at all."""
    return not call.kept


@contextmanager
def _answering(step: str) -> Iterator[None]:
    """Turn the answers that smtplib raises into ours."""
    try:
        yield
    except smtplib.SMTPResponseException as error:
        raise _No(step, error.smtp_code) from None


def _want(step: str, reply: tuple[int, bytes]) -> None:
    """Go on when it said yes."""
    code, _ = reply
    if code not in _DONE:
        raise _No(step, code)


def _judged(no: _No, *, ambiguous: bool) -> RouterError:
    """Return what the server's answer means for the referral; `ambiguous` if it cannot be told what was answered."""
    step, code = no.step, no.code
    if code not in {*_NOT_NOW, *_NEVER}:
        return TryLater("odd_reply", ambiguous=ambiguous)
    if code in _SIGN_IN or (step == "sign_in" and code in _NEVER):
        return TryLater("not_authorised")
    full = step == "recipient" and code == _FULL
    if code in _NOT_NOW or full or step in _ON_THE_WAY:
        return TryLater(f"smtp_{code}")
    if step == "sender":
        return TryLater("sender_refused")
    return Declined("recipient_refused" if step == "recipient" else f"smtp_{code}")
