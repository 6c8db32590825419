"""The one act behind API, batch and page: admit, decide, seal, record; then answer.

Content exists in clear only between the request and the seal, on this stack. Nothing here logs
more of a concern than its reference, and nothing answers before the commit.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import orjson

from router.clock import new_reference, now
from router.errors import Refused, RouterError, Unavailable
from router.intake import guard, idempotency, limits
from router.intake.callers import Caller
from router.intake.inforce import vocabulary
from router.keyrecords import RECOVERY, ReceiptKey, RecipientKey
from router.model import Flooded, NewCase
from router.store.cases import Repeated
from router.telemetry import ACCEPTED, FALLBACKS, PARKED, get_log
from router.triage.decide import decide
from router.triage.noteback import with_note_back
from router.triage.parking import parked
from router.triage.policy import Policy
from router.triage.stateduties import duty_of
from router.vault.seal import seal_case
from router.vocabulary import Reason

ITEMS_PER_TURN: Final = 8
"""Items of a batch prepared before other requests get their turn."""


class Records(Protocol):
    """What keeps a new case: returns after the commit."""

    async def record(self, case: NewCase) -> Repeated | None:
        """Return None, or what the idempotency key had stored before."""


@dataclass(frozen=True, slots=True, repr=False)
class _Prepared:
    case: NewCase
    answer: bytes


class Door:
    """Takes concerns in."""

    def __init__(
        self,
        *,
        policy: Callable[[], Policy],
        recipients: Callable[[], Mapping[str, RecipientKey]],
        recorder: Records,
        issue_receipt: Callable[[], tuple[str, ReceiptKey]],
        idempotency_secret: bytes,
        quotas: limits.Quotas,
        flood: Callable[[str, datetime], str | None],
        console_url: str,
    ) -> None:
        """Prepare; `flood` counts a person's concern, and says which flood of a network's it belongs to."""
        self._policy = policy
        self._recipients = recipients
        self._recorder = recorder
        self._issue_receipt = issue_receipt
        self._secret = idempotency_secret
        self._quotas = quotas
        self._flood = flood
        self._console_url = console_url

    async def submit(
        self,
        sent: object,
        caller: Caller,
        key: str | None,
        *,
        note_back: str | None = None,
        behalf: bytes | None = None,
    ) -> bytes:
        """Return the JSON body of the 201 once the concern is kept.

        `note_back` names the channel that tells in its `source_ticket` that it was taken over; `behalf` is the digest
        of the link by which somebody of staff took it down. Raises Refused, Unavailable when nothing can be kept now,
        another RouterError when we failed (StoreFailed `link_used`: the link cannot be used any more).
        """
        prepared = self._prepare(sent, caller, key, note_back, behalf)
        repeated = await self._recorder.record(prepared.case)
        if repeated is None:
            ACCEPTED.inc()
            if prepared.case.flooded and prepared.case.flooded.waits_until:
                PARKED.inc()
            if prepared.case.decision.reason:
                FALLBACKS.labels(prepared.case.decision.reason).inc()
            return prepared.answer
        if prepared.case.idempotent is None or key is None:
            raise Unavailable("repeated_without_key")
        return idempotency.replay(
            self._secret,
            client=caller.name,
            key=key,
            new=prepared.case.idempotent,
            body=repeated.body,
            answer=repeated.answer,
        )

    async def submit_all(self, items: Sequence[object], caller: Caller) -> list[bytes | RouterError]:
        """Return for each item, in order, the body of its 201 or what was wrong with it."""
        running: list[asyncio.Future[bytes | RouterError]] = []
        by_key: dict[str, asyncio.Future[bytes | RouterError]] = {}
        for number, item in enumerate(items, 1):
            key = item.get("key") if isinstance(item, dict) else None
            if isinstance(key, str) and key in by_key:
                # The first of its key in the list decides what the key stands for, not the first to be written.
                await asyncio.wait([by_key[key]])
            running.append(asyncio.ensure_future(self._submit_item(item, caller)))
            if isinstance(key, str):
                by_key[key] = running[-1]
            if number % ITEMS_PER_TURN == 0:
                await asyncio.sleep(0)
        return list(await asyncio.gather(*running))

    async def _submit_item(self, item: object, caller: Caller) -> bytes | RouterError:
        try:
            key = None
            if isinstance(item, dict) and "key" in item:
                item = dict(item)
                key = item.pop("key")
                if not isinstance(key, str):
                    raise Refused("idempotency_key_malformed")
            return await self.submit(item, caller, key)
        except RouterError as error:
            return error

    def _prepare(
        self, sent: object, caller: Caller, key: str | None, note_back: str | None, behalf: bytes | None
    ) -> _Prepared:
        if key is not None:
            idempotency.check_key(key, anonymous=caller.client is None)
        received_at = now()
        # One policy from here to the end, whatever comes into force meanwhile.
        policy = self._policy()
        admitted = guard.admit(sent, vocabulary(policy), now=received_at)
        flood = self._count(caller, received_at) if behalf is None else None
        reference = new_reference()
        decision = decide(
            policy,
            admitted.facts,
            reference=reference,
            received_at=received_at,
            statutory=caller.client is None,
            console_url=self._console_url,
        )
        if note_back is not None:
            decision = with_note_back(decision, policy, admitted.facts, note_back, reference=reference)
        waits_until = None
        if flood is not None:
            decision, waits_until = parked(decision, received_at=received_at)
        if decision.reason is Reason.POLICY_ERROR:
            get_log().error("policy_failed", reference=reference)
        sealed = seal_case(reference, admitted.content, self._readers(decision.teams))
        receipt, receipt_key = (None, None) if caller.client else self._issue_receipt()
        deadlines = decision.deadlines
        accepted: dict[str, Any] = {
            "reference": reference,
            "acknowledge_by": deadlines.acknowledge_by,
            "feedback_by": deadlines.feedback_by,
        }
        if receipt:
            accepted["receipt"] = receipt
            if decision.say:
                accepted["guidance"] = decision.say
        if duty := duty_of(policy.regions, admitted.facts):
            accepted["it_staff_duty"] = duty
        answer = orjson.dumps(accepted, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS)
        idempotent = None
        if key is not None:
            idempotent = idempotency.claim(
                self._secret, client=caller.name, key=key, canonical=admitted.canonical, answer=answer
            )
        case = NewCase(
            reference=reference,
            received_at=received_at,
            client_id=caller.name,
            facts=admitted.facts,
            decision=decision,
            sealed=sealed,
            receipt=receipt_key,
            idempotent=idempotent,
            behalf=behalf,
            flooded=Flooded(flood, waits_until) if flood is not None else None,
        )
        return _Prepared(case, answer)

    def _count(self, caller: Caller, now: datetime) -> str | None:
        """Refuse a client that sends too much; return the flood of a person's concern, who is never refused for it."""
        if caller.client is None:
            return self._flood(caller.bucket, now)
        wait_s = self._quotas.wait_s(caller.bucket, most=caller.client.per_minute, window_s=limits.MINUTE_S)
        if wait_s:
            raise Refused("quota_exceeded", retry_after_s=wait_s)
        return None

    def _readers(self, teams: Sequence[str]) -> list[RecipientKey]:
        """Return the keys of the deciding teams and of recovery; a team without one is left to recovery."""
        known = self._recipients()
        if RECOVERY not in known:
            raise Unavailable("no_recovery_key")
        return [known[owner] for owner in dict.fromkeys((*teams, RECOVERY)) if owner in known]
