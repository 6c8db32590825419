"""Single sign-on by OpenID Connect: the one place outside the workers that speaks to another host, the one issuer.

Code flow with PKCE, state and nonce; the issuer's name is compared character for character, in its own document, in
the answer (RFC 9207) and in the token. Calls go to the addresses that the issuer documents and nowhere else, follow no
redirect, end in bounded time, and read a bounded reply. No token is kept, and nothing that the issuer said is in an
error or a log.
"""

import hmac
import json
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from requests import Response, Session
from requests.exceptions import RequestException

from router.clock import now
from router.console.signin.carried import Carried, Client, Vouched
from router.errors import Forbidden

CALL_S: Final = 10
"""Longest that one look at the issuer takes, redirects and slow answers and all."""
_READ_S: Final = 5
REPLY_CAP: Final = 256 * 1024
AT_ONCE: Final = 2
"""Calls at a time. Who comes on top is told to try again: whoever waited here would take the console's threads."""
SILENT_S: Final = 15
"""How long an issuer that gave no answer is not asked for its document again."""
DOCUMENT_S: Final = 3600
"""How long the issuer's own document and keys are believed."""
KEYS_AGAIN_S: Final = 60
"""How often keys are asked for again because a token names one that is not known."""
CLOCK_OFF_S: Final = 60
SCOPE: Final = "openid profile"
ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a key that only the issuer has; never `none`, never a shared secret."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SUBJECT: Final = re.compile(r"[!-~]{1,255}")
_T = TypeVar("_T")
_NO_ANSWER: Final = (
    *(TooLate, RequestException, AuthlibBaseError, OSError, ValueError, TypeError, KeyError),
    # Of replies that are no object, or nested without end.
    *(AttributeError, RecursionError),
)


class _Line(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """Calls to the documented addresses."""

    def __init__(self, client: Client, allowed: frozenset[str], auth_method: str | None = None) -> None:
        super().__init__(
            client.client_id,
            client.client_secret,
            token_endpoint_auth_method=auth_method,
            scope=SCOPE,
            redirect_uri=client.redirect_uri,
            code_challenge_method="S256",
        )
        self.trust_env = False
        self.verify = client.ca or True
        self._allowed = allowed

    def request(self, method: str, url: str, *, auth: Any = None, **options: Any) -> Response:
        """Call one of the addresses; raises Forbidden for any other, and for a reply that is too long or too slow."""
        if url not in self._allowed:
            raise Forbidden("oidc_foreign_address")
        options.pop("withhold_token", None)
        until = monotonic() + CALL_S
        headers = {
            **(options.pop("headers", None) or {}),
            "Accept-Encoding": "identity",
            "User-Agent": "concern-router",
        }
        fixed = {**options, "headers": headers, "allow_redirects": False, "timeout": (_READ_S, _READ_S), "stream": True}
        response = Session.request(self, method, url, auth=auth, **fixed)
        with response:
            response._content = _read(response, until)  # noqa: SLF001 - read by us, and no further than we want
        return response


def _read(response: Response, until: float) -> bytes:
    body = bytearray()
    while chunk := response.raw.read(16 * 1024, decode_content=False):
        body += chunk
        if len(body) > REPLY_CAP or monotonic() > until:
            raise Forbidden("oidc_no_answer")
    return bytes(body)


@dataclass(frozen=True, slots=True)
class _Document:
    """What the issuer says of itself."""

    authorization: str
    token: str
    keys: str
    auth_method: str | None
    names_itself: bool
    """It promises `iss` in its answers."""
    algorithms: tuple[str, ...]
    read_at: float


class Provider:
    """The one issuer that vouches for people here; for use by several threads at once."""

    def __init__(self, client: Client) -> None:
        _safe(client.issuer, client.issuer)
        self._client = client
        self._lock = threading.Lock()
        self._document: _Document | None = None
        self._keys: tuple[KeySet, float] | None = None
        self._silent_at: float | None = None
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="oidc")

    @property
    def issuer(self) -> str:
        """Who vouches."""
        return self._client.issuer

    def way_there(self, carried: Carried) -> str:
        """Return where the browser is sent to; raises Forbidden `oidc_no_answer`."""
        document = self._known()
        with _Line(self._client, frozenset()) as line:
            address, _ = line.create_authorization_url(
                document.authorization, state=carried.state, code_verifier=carried.verifier, nonce=carried.nonce
            )
        return str(address)

    def vouched(self, carried: Carried | None, answer: Mapping[str, str]) -> Vouched:
        """Return whom the issuer vouches for in its answer to the browser that has `carried`.

        Raises Forbidden: `oidc_state` for an answer to another browser's or nobody's question, `oidc_issuer` for
        somebody else's answer, `oidc_refused`, `oidc_no_answer`, `oidc_token` for a token that does not hold.
        """
        given = answer.get("state", "").encode(errors="replace")
        if carried is None or not hmac.compare_digest(given, carried.state.encode()):
            raise Forbidden("oidc_state")
        document = self._known()
        said = answer.get("iss")
        if (said is not None or document.names_itself) and said != self._client.issuer:
            raise Forbidden("oidc_issuer")
        if "error" in answer or not answer.get("code"):
            raise Forbidden("oidc_refused")
        token = self._bounded(lambda: self._redeem(document, carried, answer["code"]))
        return self._checked(document, carried, token)

    def _redeem(self, document: _Document, carried: Carried, code: str) -> Mapping[str, Any]:
        with _Line(self._client, frozenset({document.token}), document.auth_method) as line:
            fetched: Mapping[str, Any] = line.fetch_token(
                document.token, grant_type="authorization_code", code=code, code_verifier=carried.verifier
            )
        return fetched

    def _checked(self, document: _Document, carried: Carried, token: Mapping[str, Any]) -> Vouched:
        """Return what the id token says, once all of it holds."""
        given = token.get("id_token")
        if not isinstance(given, str):
            raise Forbidden("oidc_token")
        try:
            read = self._decoded(document, given)
            options = {
                "iss": {"essential": True, "value": self._client.issuer},
                "aud": {"essential": True, "value": self._client.client_id},
            }
            params = {
                "nonce": carried.nonce,
                "client_id": self._client.client_id,
                "access_token": token.get("access_token"),
            }
            claims = CodeIDToken(read.claims, read.header, options, params)
            claims.validate(now=int(now().timestamp()), leeway=CLOCK_OFF_S)
        except (JoseError, *_NO_ANSWER):
            raise Forbidden("oidc_token") from None
        subject = claims.get("sub")
        # `==` of the library would take a list that holds the issuer's name.
        if claims.get("iss") != self._client.issuer or not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise Forbidden("oidc_token")
        said = _words(claims.get("amr")) | _words(claims.get("acr"))
        groups = _words(claims.get(self._client.groups_claim))
        return Vouched(subject, bool(said & self._client.second_factor), groups)

    def _decoded(self, document: _Document, token: str) -> jwt.Token:
        keys = self._signing_keys(document, again_after_s=DOCUMENT_S)
        try:
            return jwt.decode(token, keys, algorithms=list(document.algorithms))
        except (JoseError, ValueError):
            # The issuer may have changed its keys since.
            newer = self._signing_keys(document, again_after_s=KEYS_AGAIN_S)
            if newer is keys:
                raise
            return jwt.decode(token, newer, algorithms=list(document.algorithms))

    def _signing_keys(self, document: _Document, *, again_after_s: float) -> KeySet:
        with self._lock:
            kept = self._keys
        if kept is not None and monotonic() - kept[1] < again_after_s:
            return kept[0]
        told = self._told(document.keys)
        signing = [key for key in told.get("keys", ()) if isinstance(key, dict) and key.get("use", "sig") == "sig"]
        keys = KeySet([usable for key in signing if (usable := _key(key)) is not None])
        with self._lock:
            self._keys = (keys, monotonic())
        return keys

    def _known(self) -> _Document:
        """Return the issuer's own document, asked for once in a while."""
        with self._lock:
            kept, silent_at = self._document, self._silent_at
        if kept is not None and monotonic() - kept.read_at < DOCUMENT_S:
            return kept
        if silent_at is not None and monotonic() - silent_at < SILENT_S:
            raise Forbidden("oidc_no_answer")
        told = self._told(f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration")
        if told.get("issuer") != self._client.issuer:
            raise Forbidden("oidc_issuer")
        read = _document(told, self._client.issuer, with_secret=self._client.client_secret is not None)
        with self._lock:
            self._document = read
        return read

    def _told(self, address: str) -> dict[str, Any]:
        """Return the JSON object at one address of the issuer; raises Forbidden `oidc_no_answer`."""

        def ask() -> Any:
            with _Line(self._client, frozenset({address})) as line:
                response = line.get(address, withhold_token=True)
            return json.loads(response.content) if response.status_code == 200 else None  # noqa: PLR2004 - OK

        told = self._bounded(ask)
        if not isinstance(told, dict):
            raise Forbidden("oidc_no_answer")
        return told

    def _bounded(self, call: Callable[[], _T]) -> _T:
        """Return what a call returns, within CALL_S: the library's own time-outs are for each read."""
        if not self._turns.acquire(blocking=False):
            raise Forbidden("oidc_no_answer")
        asked: Future[_T] = self._threads.submit(call)
        asked.add_done_callback(lambda _: self._turns.release())
        try:
            return asked.result(timeout=CALL_S)
        except _NO_ANSWER as error:
            asked.cancel()
            if isinstance(error, TooLate | OSError):
                with self._lock:
                    self._silent_at = monotonic()
            raise Forbidden("oidc_no_answer") from None


def _key(given: dict[str, Any]) -> Key | None:
    """Return one of the issuer's keys; None, as RFC 7517 (5) has it, for one that we cannot use or share with it."""
    try:
        return None if given.get("kty") == "oct" else JWKRegistry.import_key(given)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def _document(told: Mapping[str, Any], issuer: str, *, with_secret: bool) -> _Document:
    authorization, token, keys = (
        _safe(told.get(name), issuer) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
    )
    ways = _words(told.get("token_endpoint_auth_methods_supported")) or frozenset({"client_secret_basic"})
    wanted = ("client_secret_basic", "client_secret_post") if with_secret else ("none",)
    algorithms = _words(told.get("id_token_signing_alg_values_supported")) or frozenset({"RS256"})
    return _Document(
        authorization,
        token,
        keys,
        auth_method=next((way for way in wanted if way in ways), wanted[0]),
        names_itself=told.get("authorization_response_iss_parameter_supported") is True,
        algorithms=tuple(name for name in ALGORITHMS if name in algorithms),
        read_at=monotonic(),
    )


def _safe(given: object, issuer: str) -> str:
    """Return an address that is https, or on this machine as the issuer itself is; raises Forbidden."""
    address = given if isinstance(given, str) else ""
    parts, of_issuer = urlsplit(address), urlsplit(issuer)
    here = parts.scheme == "http" and parts.hostname in _LOOPBACK and of_issuer.hostname in _LOOPBACK
    if not parts.hostname or parts.username is not None or not (parts.scheme == "https" or here):
        raise Forbidden("oidc_foreign_address")
    return address


def _words(value: object) -> frozenset[str]:
    """Return a claim that is one word or a list of words as a set; of anything else nothing."""
    if isinstance(value, str):
        return frozenset({value})
    return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else frozenset()
