"""The only place that speaks HTTP to the outside: one service, one deadline for the whole call.

Never follows a redirect, takes a proxy or a password from the environment, keeps a cookie, reads
more than REPLY_CAP bytes, or puts anything of a reply into an error. Timeouts of `requests` are
per read, so a timer shuts the socket when the call's time is over, whatever drips in.
"""

import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import orjson
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from router import clock
from router.errors import Declined, TryLater

REPLY_CAP: Final = 256 * 1024
CONNECT_S: Final = 10.0
TICK_S: Final = 0.25
"""How late the timer may be."""
IDLE_S: Final = 10.0
SECRET_CAP: Final = 4096
CONNECTIONS: Final = 32
_CHUNK: Final = 64 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Reply:
    """What came back; prints as its status, never as its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"Reply({self.status})"

    def json(self) -> Any:
        """Return the decoded body; raises TryLater when it is not JSON or was longer than REPLY_CAP.

        Whether the request took effect is then unknown, so the next attempt has to look first.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            raise TryLater("odd_reply") from None


class _Call:
    """One call under way: when it must be over, the line it uses, and whether a byte was written."""

    __slots__ = ("cut", "line", "until", "wrote")

    def __init__(self, until: float) -> None:
        self.until = until
        self.line: socket.socket | None = None
        self.wrote = False
        self.cut = False

    def use(self, connection: socket.socket) -> None:
        """Keep a second handle on the line: TLS and `Connection: close` take the first one away."""
        self.release()
        self.line = socket.socket(fileno=os.dup(connection.fileno()))

    def release(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    def shut(self) -> None:
        self.cut = True
        line = self.line
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class _Thread(threading.local):
    call: _Call | None = None


_this_thread = _Thread()


class _Watched:
    """Tells the thread's call which line it uses, and writes nothing after its time."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        line: socket.socket = super()._new_conn()  # type: ignore[misc]
        if _this_thread.call is not None:
            _this_thread.call.use(line)
        return line

    def request(self, *args: Any, **kwargs: Any) -> None:
        if _this_thread.call is not None and self.sock is not None:
            _this_thread.call.use(self.sock)
        super().request(*args, **kwargs)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        call = _this_thread.call
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        if call is not None:
            if call.cut or monotonic() > call.until:
                raise TimeoutError
            call.wrote = True
        super().send(data)  # type: ignore[misc]


class _PlainConnection(_Watched, HTTPConnection):
    pass


class _TlsConnection(_Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


class _Timer:
    """Shuts the lines of calls whose time is over; its one thread goes when none comes for a while."""

    def __init__(self) -> None:
        self._calls: set[_Call] = set()
        self._lock = threading.Lock()
        self._busy = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, until: float) -> Iterator[_Call]:
        call = _Call(until)
        with self._lock:
            self._calls.add(call)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="call-timer", daemon=True)
                self._thread.start()
        self._busy.set()
        _this_thread.call = call
        try:
            yield call
        finally:
            _this_thread.call = None
            with self._lock:
                self._calls.discard(call)
                call.release()

    def _watch(self) -> None:
        while self._wanted():
            sleep(TICK_S)
            now = monotonic()
            with self._lock:
                if not self._calls:
                    self._busy.clear()
                for call in self._calls:
                    if now > call.until:
                        call.shut()

    def _wanted(self) -> bool:
        """Wait for calls; after IDLE_S without any, say no: the next call starts another thread."""
        if self._busy.wait(IDLE_S):
            return True
        with self._lock:
            if self._calls:
                return True
            self._thread = None
            return False


class Transport:
    """Calls to one service, over kept connections; for use by several threads at once."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._origin = urlsplit(url)[:2]
        self._adapter = _Adapter(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=0)
        self._timer = _Timer()

    def call(
        self, method: str, path: str = "", *, until: float, headers: Mapping[str, str], body: bytes | None = None
    ) -> Reply:
        """Call the service at its own address followed by `path`, and return the 2xx reply.

        `until` is a moment of `time.monotonic()`: the call is over by then, sent or not. Raises
        TryLater `unreachable` when not a byte of the request was written, `no_answer` when the
        request may have taken effect, and what `judge` raises for other replies than 2xx.
        """
        request = PreparedRequest()
        request.method = method
        request.url = f"{self._url}{path}"
        if urlsplit(request.url)[:2] != self._origin:
            raise Declined("foreign_host")
        request.headers = CaseInsensitiveDict({"User-Agent": "concern-router", "Accept": "application/json", **headers})
        if body is not None:
            request.body = body
            request.headers["Content-Length"] = str(len(body))
        left = until - monotonic()
        if left <= 0:
            raise TryLater("unreachable")
        with self._timer.watching(until) as call:
            try:
                response = self._adapter.send(
                    request, stream=True, timeout=(min(left, CONNECT_S), left), verify=True, proxies={}
                )
                reply = Reply(response.status_code, response.headers, _read(response))
            except (RequestException, HTTPError, OSError, ValueError):
                # ValueError: urllib3 raises it for a line that was shut while it read.
                raise TryLater("no_answer" if call.wrote else "unreachable") from None
        if call.cut:
            raise TryLater("no_answer")
        judge(reply)
        return reply


def _read(response: Response) -> bytes:
    """Return the body as it came, nothing decompressed; empty when longer than REPLY_CAP. Keeps the line if it can."""
    raw = response.raw
    body = bytearray()
    while len(body) <= REPLY_CAP:
        chunk = raw.read(_CHUNK, decode_content=False)
        if not chunk:
            raw.release_conn()
            return bytes(body)
        body += chunk
    raw.close()
    return b""


def judge(reply: Reply) -> None:
    """Return for 2xx; raise TryLater or Declined for everything else.

    408, 425, 429 and 5xx: the service cannot now. 401, 403, 404 and redirects: what it needs is a
    change of our configuration or of its rights, or the end of its maintenance, not of the
    referral, so the referral waits. Any other 4xx is a no.
    """
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, 15
        return
    if status in {401, 403}:
        raise TryLater("not_authorised")
    if 300 <= status < 400:  # noqa: PLR2004
        raise TryLater("redirected")
    if status in {404, 408, 425, 429} or status >= 500:  # noqa: PLR2004
        raise TryLater(f"http_{status}", retry_after_s=retry_after(reply.headers.get("Retry-After", "")))
    raise Declined(f"http_{status}")


def retry_after(said: str) -> float:
    """Return the seconds of a Retry-After header, given as seconds or as a date; 0 for anything else."""
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - clock.now()).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0


def secret(reference: str) -> str:
    """Return the secret that `reference` (env:NAME or file:/path) names, read anew at each call.

    Raises TryLater `secret_missing`: the referral waits until an operator has put it there.
    """
    scheme, _, place = reference.partition(":")
    if scheme == "env":
        found = os.environ.get(place, "")
    elif scheme == "file":
        found = _file(Path(place))
    else:
        _missing()
    return found.strip() or _missing()


def _file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(SECRET_CAP).decode()
    except (OSError, UnicodeDecodeError):
        _missing()


def _missing() -> NoReturn:
    raise TryLater("secret_missing")
