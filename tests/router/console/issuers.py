"""An OpenID provider on 127.0.0.1 that does as a test says, also what none should."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.loopback import Answer, Loopback, Received

CLIENT_ID, CLIENT_SECRET = "console-of-ours", "MARKED-7f3a client secret"
CODE = "MARKED-7f3a-code"


class Issuer(Loopback):
    """Answers as `oidc` asks; what it puts into the token can be changed."""

    def __init__(self) -> None:
        super().__init__()
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.signing: Any = self.key
        self.header: dict[str, Any] = {"alg": "RS256", "kid": "one"}
        self.document: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.nonce = ""
        self.challenge = ""
        self.subject = "sub-7f3a"

    def asked(self, query: dict[str, str]) -> None:
        """Take the browser's question: what the token must hold and the code be redeemed with."""
        self.nonce, self.challenge = query["nonce"], query["code_challenge"]

    def count(self, path: str) -> int:
        return sum(request.path == path for request in self.everything)

    def reply(self, request: Received) -> Answer:
        if request.path == "/.well-known/openid-configuration":
            return _json(self._about())
        if request.path == "/keys":
            return _json({"keys": [self.key.as_dict(private=False)]})
        if request.path == "/token":
            return self._token(request)
        return Answer(404)

    def _about(self) -> dict[str, Any]:
        about = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/auth",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "authorization_response_iss_parameter_supported": True,
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.document,
        }
        return {name: value for name, value in about.items() if value is not None}

    def _token(self, request: Received) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        proof = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).decode().rstrip("=")
        if form.get("code") != CODE or proof != self.challenge:
            return Answer(400, b'{"error": "invalid_grant", "error_description": "MARKED-7f3a description"}')
        return _json({"access_token": "a", "token_type": "Bearer", "id_token": self.token()})

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": self.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "amr": ["pwd", "mfa"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.header["alg"] in {"none", "HS256"}:
            parts = [
                urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (self.header, claims)
            ]
            signed = ".".join(parts)
            mac = b"" if self.header["alg"] == "none" else hmac.digest(self.signing, signed.encode(), "sha256")
            return f"{signed}.{urlsafe_b64encode(mac).decode().rstrip('=')}"
        return jwt.encode(self.header, claims, self.signing, algorithms=[self.header["alg"]])


def _json(value: object) -> Answer:
    return Answer(200, json.dumps(value).encode())
