"""Files a report at CyberTipline in its steps, so that a crash at any of them files it once.

What is about to happen over there is written before it does, and what did is written before the next step. An answer
to an opening that was lost: it is opened anew, and the first one expires there, filed by nobody. An answer to a finish
that was lost: it is finished again under the same number, and 'already finished' is the yes.
"""

from contextlib import suppress
from hashlib import sha256
from time import monotonic
from typing import Final

from router.channels.cybertipline import Settings
from router.errors import Declined, RouterError, TryLater
from router.failpoints import FailPoint, reach
from router.model import Finding, LeasedReferral, Payload, Proof, Seen
from workers.channels.base import Filings, Surroundings
from workers.channels.cybertipline.answers import FINISHED, GONE, SUCCESS, Answer, refusal
from workers.channels.cybertipline.client import Client
from workers.channels.cybertipline.official import OfficialSchema
from workers.channels.findings import findings

NOT_SWITCHED_ON: Final = "not_switched_on"
"""The channel files for good, and whoever runs the workers has not said that they may."""
TEST_CREDENTIALS: Final = "test_credentials"
"""The channel files for good, with a name and password that the test system takes."""


class CybertiplineSender:
    """One account."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._production = surroundings.production
        self._filings = surroundings.filings
        self._client = Client(settings, surroundings.scope)
        self._official = OfficialSchema(settings, self._client, surroundings.state_dir)
        self._for_test = Client(settings.model_copy(update={"url": settings.test_url}), surroundings.scope)
        self._real: set[bytes] = set()
        """Digests of credentials that the test system was seen to refuse."""
        self.test = not settings.production

    def send(self, leased: LeasedReferral, payload: Payload, *, deadline_s: float) -> Proof:
        """File the report and return its number and receipt; raises TryLater or Declined."""
        until = monotonic() + deadline_s
        if self._settings.production:
            self._check_switch()
            self._check_credentials(until)
        filings = self._noted()
        report_id = filings.opened(leased, test=self.test)
        # One that is not there any more expired, or was retracted: it begins anew.
        found = self._finished(leased, payload, report_id, until) if report_id is not None else None
        if found is None:
            report_id = self._opened(filings, leased, payload, until)
            found = self._finished(leased, payload, report_id, until)
        if found is None:
            raise TryLater("report_gone")
        return found

    def check(self, *, deadline_s: float) -> tuple[Finding, ...]:
        """Return why the channel cannot be used as configured; raises TryLater when that cannot be found out now.

        Both switches, the credentials, that they are not those of the test system, and the schema; files nothing.
        """
        until = monotonic() + deadline_s
        if self._settings.production and not self._production:
            return (Finding(NOT_SWITCHED_ON),)
        found = findings(lambda: self._client.credentials(until), "password")
        found = found or findings(lambda: self._client.status(until=until), "user", self._client.wrong_file)
        if not found and self._settings.production:
            try:
                self._check_credentials(until)
            except TryLater as later:
                if later.code != TEST_CREDENTIALS:
                    raise
                return (Finding(TEST_CREDENTIALS, "user"),)
        if not found:
            self._official.find(until=until)
        return found

    def look(self, leased: LeasedReferral, *, deadline_s: float) -> Seen:  # noqa: ARG002 - the contract
        """Show nothing beyond what was shown when it was filed."""
        return Seen(leased.remote_id)

    def retract(self, report_id: str, leased: str, *, deadline_s: float) -> tuple[str, int]:
        """Cancel an open report; return how it ended and the code: `finished` if it was filed after all."""
        answer = self._client.retract(report_id, {"referral": leased}, until=monotonic() + deadline_s)
        if answer.code == FINISHED:
            return "finished", answer.code
        if answer.code in GONE:
            return "gone", answer.code
        if answer.code != SUCCESS:
            raise refusal(answer.code, wrote=True)
        return "retracted", answer.code

    def _check_switch(self) -> None:
        if not self._production:
            raise TryLater(NOT_SWITCHED_ON)

    def _check_credentials(self, until: float) -> None:
        """Raise TryLater if the test system takes them: each was asked once."""
        asked = sha256(self._client.credentials(until).encode()).digest()
        if asked in self._real:
            return
        try:
            self._for_test.status(until=until)
        except TryLater as later:
            if later.code != "not_authorised":
                raise
            self._real.add(asked)
            return
        raise TryLater(TEST_CREDENTIALS)

    def _opened(self, filings: Filings, leased: LeasedReferral, payload: Payload, until: float) -> str:
        """Open a report and return its number, noted; raises TryLater or Declined."""
        self._official.ask(payload.body, until=until)
        filings.asks(leased, test=self.test)
        reach(FailPoint.BEFORE_OPEN)
        answer = self._submitted(filings, leased, payload, until)
        reach(FailPoint.AFTER_OPEN)
        if answer.report_id is not None:
            filings.opens(leased, answer.report_id)
        if answer.code != SUCCESS:
            raise self._not_opened(filings, leased, refusal(answer.code, wrote=True))
        if answer.report_id is None:
            raise TryLater("odd_reply", ambiguous=True)
        return answer.report_id

    def _submitted(self, filings: Filings, leased: LeasedReferral, payload: Payload, until: float) -> Answer:
        try:
            return self._client.submit(payload, _about(leased), until=until)
        except (TryLater, Declined) as no:
            raise self._not_opened(filings, leased, no) from None

    def _not_opened(self, filings: Filings, leased: LeasedReferral, no: TryLater | Declined) -> TryLater | Declined:
        """Note that there is no report, where that is certain; return the reason."""
        if isinstance(no, Declined) or not no.ambiguous:
            filings.unopened(leased)
        return no

    def _noted(self) -> Filings:
        """Return where the steps are noted; without that none is taken."""
        if self._filings is None:
            raise TryLater("not_noted")
        return self._filings

    def _finished(self, leased: LeasedReferral, payload: Payload, report_id: str, until: float) -> Proof | None:
        """File the open report; None: there is none any more."""
        filings = self._noted()
        reach(FailPoint.BEFORE_FINISH)
        answer = self._client.finish(report_id, _about(leased), until=until)
        reach(FailPoint.AFTER_FINISH)
        if answer.code in GONE:
            filings.gone(leased, report_id, answer.code)
            return None
        if answer.code not in {SUCCESS, FINISHED}:
            raise refusal(answer.code, wrote=True)
        if answer.report_id not in {report_id, None if answer.code == FINISHED else report_id}:
            raise TryLater("odd_reply", ambiguous=True)
        # It is filed, whether that can be written now or not: what settles it, and the sweep, say so too.
        with suppress(RouterError):
            filings.finished(leased, report_id, answer.code, sent=payload, receipt=answer.body)
        return Proof(report_id, repeated=answer.code == FINISHED, receipt=answer.body)


def _about(leased: LeasedReferral) -> dict[str, str]:
    return {"channel": leased.channel, "referral": leased.id}
