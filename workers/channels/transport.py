"""The only place that speaks HTTP to the outside: one service, one deadline for the whole call.

Never follows a redirect, takes a proxy or a password from the environment, keeps a cookie, reads more than REPLY_CAP
bytes, or puts anything of a reply into an error. Beside it: `lines` connect, `addresses` say where to, `trust` says to
whom, `watching` keeps the deadline, `replies` judge, `secretrefs` find secrets.
"""

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import RequestException
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError

from router.channels.overhttp import OverHttp
from router.channels.reach import literal
from router.errors import Declined, TryLater
from router.vocabulary import Scope
from workers.channels.addresses import CONNECT_S, Addresses, Resolve, resolve
from workers.channels.lines import PlainPool, TlsPool, Way, under_way
from workers.channels.replies import READS, Reply, judge
from workers.channels.trust import Trust
from workers.channels.watching import Call, Timer

REPLY_CAP: Final = 256 * 1024
CONNECTIONS: Final = 32
AUTHORITIES: Final = DEFAULT_CA_BUNDLE_PATH
"""Who may vouch for a service where a channel names nobody: the list that comes with the program."""
_CHUNK: Final = 64 * 1024
_POOLS: Final = {"http": PlainPool, "https": TlsPool}
_FAILURES: Final = (RequestException, HTTPError, OSError, ValueError)
"""All that can end a call. ValueError: urllib3 raises it for a line that was shut while it read."""


class _Adapter(HTTPAdapter):
    """Uses our lines, whose trust is their own."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(_POOLS)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = dict(_POOLS)
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Leave the pool as it is: what it were given here would be trusted beside the channel's own authorities."""


class Transport:
    """Calls to one service, over kept connections; for use by several threads at once."""

    def __init__(self, settings: OverHttp, scope: Scope, *, resolve: Resolve = resolve) -> None:
        parts = urlsplit(settings.url)
        self._url = settings.url.rstrip("/")
        self._origin = parts[:2]
        self._proxies = {} if settings.proxy is None else {"https": settings.proxy}
        addresses = Addresses(scope, settings.networks, this_machine_only=parts.scheme == "http", resolve=resolve)
        # A proxy is told the name; an address that stands in its place can be judged all the same.
        self._refused = literal(parts.hostname or "") is not None and not addresses.may_reach(parts.hostname or "")
        self._trust = Trust(settings.ca or AUTHORITIES, settings.client_certificate, settings.client_key)
        self._way = Way(addresses, self._trust)
        self._adapter = _Adapter(pool_connections=1, pool_maxsize=CONNECTIONS, max_retries=0)
        self._timer = Timer()

    def call(
        self,
        method: str,
        path: str = "",
        *,
        until: float,
        headers: Mapping[str, str],
        body: bytes | None = None,
        judged: bool = True,
    ) -> Reply:
        """Call the service at its own address followed by `path`, and return the 2xx reply, or any unless `judged`.

        `until` is a moment of `time.monotonic()`: the call is over by then, sent or not. Raises TryLater: `unreachable`
        when not a byte of the request was written; `refused_address` or `tls_failed` when none could be; `no_answer`
        when no whole answer came, ambiguous unless the method only reads; and what `judge` raises for other replies
        than 2xx. A line that was kept and turns out to be closed is replaced once, if nothing can have taken effect.
        """
        request = self._request(method, path, headers, body)
        reads = method in READS
        for anew in (False, True):
            call = Call(until, anew=anew)
            reply = self._try(request, call)
            if reply is not None:
                if judged:
                    judge(reply)
                return reply
            if not call.kept or call.why or (call.wrote and not reads) or monotonic() >= until:
                break
        if call.why is not None:
            raise TryLater(call.why)
        raise TryLater("no_answer" if call.wrote else "unreachable", ambiguous=call.wrote and not reads)

    def knock(self, *, until: float) -> None:
        """Connect as a call would, TLS and all, and send nothing; raises TryLater as a call does."""
        request = self._request("GET", "", {}, None)
        call = Call(until, anew=True)
        try:
            with self._timer.watching(call), under_way(call, self._way):
                self._connect(request, call)
        except _FAILURES:
            pass
        else:
            return
        raise TryLater(call.why or "unreachable")

    def wrong_file(self) -> str:
        """Return which setting names a file for TLS that cannot be used; empty when none does."""
        return self._trust.unusable()

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> PreparedRequest:
        request = PreparedRequest()
        request.method = method
        request.url = f"{self._url}{path}"
        if urlsplit(request.url)[:2] != self._origin:
            raise Declined("foreign_host")
        if self._refused:
            raise TryLater("refused_address")
        request.headers = CaseInsensitiveDict({"User-Agent": "concern-router", "Accept": "application/json", **headers})
        if body is not None:
            request.body = body
            request.headers["Content-Length"] = str(len(body))
        return request

    def _try(self, request: PreparedRequest, call: Call) -> Reply | None:
        """Return the whole reply, or None: why is the call's to say. What was raised holds texts, and ends here."""
        left = call.until - monotonic()
        if left <= 0:
            call.cut = True
            return None
        try:
            with self._timer.watching(call), under_way(call, self._way):
                response = self._adapter.send(
                    request, stream=True, timeout=(min(left, CONNECT_S), left), proxies=self._proxies
                )
                body = _read(response)
        except _FAILURES:
            return None
        # 1xx is no answer yet, and what comes after it on this line must not become another call's.
        if call.cut or body is None:
            return None
        return Reply(response.status_code, response.headers, body, wrote=request.method not in READS)

    def _connect(self, request: PreparedRequest, call: Call) -> None:
        pool: Any = self._adapter.get_connection_with_tls_context(request, verify=True, proxies=self._proxies)
        line = pool._new_conn()  # noqa: SLF001 - urllib3 has no other way to connect and send nothing
        line.timeout = min(call.until - monotonic(), CONNECT_S)
        try:
            if self._proxies:
                pool._prepare_proxy(line)  # noqa: SLF001 - the same
            else:
                line.connect()
        finally:
            line.close()


def _read(response: Response) -> bytes | None:
    """Return the body as it came, empty when longer than REPLY_CAP; None of no answer. Keeps the line if it can."""
    raw = response.raw
    if response.status_code < 200:  # noqa: PLR2004 - RFC 9110, 15.2
        raw.close()
        return None
    body = bytearray()
    while len(body) <= REPLY_CAP:
        chunk = raw.read(_CHUNK, decode_content=False)
        if not chunk:
            raw.release_conn()
            return bytes(body)
        body += chunk
    raw.close()
    return b""
