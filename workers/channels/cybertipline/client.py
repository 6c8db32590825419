"""The five calls to CyberTipline that we make: is it there, its schema, open a report, finish it, retract it.

There is no call that would carry a file or words about one. Logs what NCMEC's support asks for, the id of the request,
with the call and the code; never a body, a password, or anything of a report.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from router.channels.cybertipline import Settings
from router.model import Payload
from router.secretrefs import secret
from router.telemetry import get_log
from router.vocabulary import Scope
from workers.channels.cybertipline.answers import SUCCESS, Answer, read, refusal
from workers.channels.replies import Reply
from workers.channels.transport import Transport

STATUS: Final = "/status"
SCHEMA: Final = "/xsd"
SUBMIT: Final = "/submit"
FINISH: Final = "/finish"
RETRACT: Final = "/retract"
FORM: Final = "application/x-www-form-urlencoded"
_REQUEST_ID: Final = re.compile("[A-Za-z0-9._-]{1,64}")
NOBODY: Final[Mapping[str, str]] = MappingProxyType({})


class Client:
    """One account at one of the two systems. `about` says in the log which channel and referral a call is for."""

    def __init__(self, settings: Settings, scope: Scope) -> None:
        self._user, self._password = settings.user, settings.password
        self._transport = Transport(settings, scope)
        self.wrong_file = self._transport.wrong_file

    def status(self, *, until: float) -> None:
        """Ask whether it is there and lets us in; raises TryLater or Declined."""
        answer = read(self._call("GET", STATUS, NOBODY, until))
        if answer.code != SUCCESS:
            raise refusal(answer.code, wrote=False)

    def schema(self, *, until: float) -> bytes:
        """Return the official schema as it came; raises TryLater or Declined."""
        return self._call("GET", SCHEMA, NOBODY, until, judged=True).body

    def submit(self, payload: Payload, about: Mapping[str, str], *, until: float) -> Answer:
        """Open a report; raises TryLater or Declined."""
        return read(self._call("POST", SUBMIT, about, until, payload))

    def finish(self, report_id: str, about: Mapping[str, str], *, until: float) -> Answer:
        """File the report that is open, for good; raises TryLater or Declined."""
        return read(self._call("POST", FINISH, about, until, _form(report_id)))

    def retract(self, report_id: str, about: Mapping[str, str], *, until: float) -> Answer:
        """Cancel the report that is open; raises TryLater or Declined."""
        return read(self._call("POST", RETRACT, about, until, _form(report_id)))

    def credentials(self, until: float) -> str:
        """Return what signs us in; raises TryLater when a secret is not where the settings say."""
        return f"{secret(self._user, until=until)}:{secret(self._password, until=until)}"

    def _call(
        self,
        method: str,
        path: str,
        about: Mapping[str, str],
        until: float,
        payload: Payload | None = None,
        *,
        judged: bool = False,
    ) -> Reply:
        signed = b64encode(self.credentials(until).encode()).decode("ascii")
        headers = {"Authorization": f"Basic {signed}", "Accept": "text/xml"}
        body = None
        if payload is not None:
            body, headers["Content-Type"] = payload.body, payload.media_type
        reply = self._transport.call(method, path, until=until, headers=headers, body=body, judged=judged)
        known = _REQUEST_ID.fullmatch(reply.headers.get("Request-ID", ""))
        request = {"request_id": known.group()} if known else {}
        get_log().info("body_answered", part=path.removeprefix("/"), status=reply.status, **request, **about)
        return reply


def _form(report_id: str) -> Payload:
    return Payload(f"id={report_id}".encode(), FORM)
