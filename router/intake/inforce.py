"""Which policy is in force: the newest good one, never a bad one; swapped whole while concerns come in.

The files are looked at every few seconds, and so is the active row of the database, which is the truth: another
process may have put another policy in force. Whoever asks gets one whole policy and keeps it for one concern.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from router.errors import Broken, PolicyErrors, Problem
from router.intake.firstdesk import tell_first_desk
from router.intake.guard import Vocabulary
from router.model import AuditEntry
from router.store import policies
from router.store.audit import note
from router.store.engine import transaction
from router.telemetry import get_log
from router.triage.policy import FILE, Policy, parse_policy, policy_digest, policy_texts
from router.vocabulary import Notice

LOOK_EVERY_S: Final = 2
"""A change is in force after two to three of these; workers follow within their own LOOK_EVERY_S."""
SHOWN_DIGITS: Final = 12
_ACTOR: Final = "intake"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What stands on the disk: both texts, or why they cannot be read."""

    digest: str
    texts: tuple[str, str]
    unreadable: PolicyErrors | None = None

    def parsed(self, handle_key: bytes) -> Policy:
        """Return the policy; raises PolicyErrors."""
        if self.unreadable:
            raise self.unreadable
        return _parsed(self.texts, handle_key)


def _look(config_dir: Path) -> _Seen:
    try:
        texts = policy_texts(config_dir)
    except PolicyErrors as error:
        return _Seen(sha256(str(error).encode()).hexdigest(), ("", ""), error)
    return _Seen(policy_digest(*texts), texts)


def _parsed(texts: tuple[str, str], handle_key: bytes) -> Policy:
    try:
        return parse_policy(*texts, handle_key=handle_key)
    except PolicyErrors:
        raise
    except Exception as error:  # whatever a file makes our reader do, the last good policy stays in force
        said = f"cannot be read: {type(error).__name__}"
        raise PolicyErrors([Problem(FILE, 1, "unforeseen", said)]) from error


def vocabulary(policy: Policy) -> Vocabulary:
    """Return the words of `policy` that a concern may use."""
    return Vocabulary(policy.taxonomy.keys(), policy.sites.keys())


class InForce:
    """Holds the policy in force; call it to get that policy."""

    def __init__(
        self,
        config_dir: Path,
        engine: Engine,
        *,
        handle_key: bytes,
        key_owners: Callable[[], Collection[str]],
        ring: Callable[[Iterable[str]], None],
    ) -> None:
        """Put the policy of `config_dir` in force, or stay with the last good one when it is bad.

        `key_owners` names the teams that have a key; `ring` wakes a channel after a commit. Raises
        PolicyErrors when the files are bad and there was no policy before: a first start needs a good
        one. Raises Broken when the one before was written for another version of the language.
        """
        self._config_dir = config_dir
        self._engine = engine
        self._handle_key = handle_key
        self._key_owners = key_owners
        self._ring = ring
        self._refused = False
        self._not_understood = ""
        """Digest of the active policy when this version cannot read it."""
        seen = _look(config_dir)
        self._settled = self._moving = seen.digest
        try:
            policy = seen.parsed(handle_key)
        except PolicyErrors as errors:
            self._policy = self._last_good(errors)
            self._refuse(seen)
        else:
            self._activate(policy, seen)
        self._tell_missing_keys()

    def __call__(self) -> Policy:
        """Return the policy in force. Ask once for each concern: the next call may return another."""
        return self._policy

    def degraded(self) -> list[str]:
        """Return codes of what is wrong and does not stop work."""
        codes = {
            "policy_file_refused": self._refused,
            "policy_not_understood": bool(self._not_understood),
            "team_without_key": bool(self._without_key()),
        }
        return [code for code, wrong in codes.items() if wrong]

    def refresh(self) -> None:
        """Take up changed files and follow the active row; raises Unavailable or StoreFailed, and tries again.

        Two files change one after the other, and an editor writes each in pieces: a change counts when
        a second look finds the same. Half of a file can be a good policy too, so this holds for all.
        """
        seen = _look(self._config_dir)
        lay_still = seen.digest == self._moving
        self._moving = seen.digest
        if lay_still and seen.digest != self._settled:
            self._take(seen)
            self._settled = seen.digest
        self._follow()

    def _take(self, seen: _Seen) -> None:
        try:
            policy = seen.parsed(self._handle_key)
        except PolicyErrors:
            self._refuse(seen)
            return
        self._activate(policy, seen)
        self._tell_missing_keys()

    def _activate(self, policy: Policy, seen: _Seen) -> None:
        with transaction(self._engine) as connection:
            policies.keep(connection, policy.digest, *seen.texts)
            another = policies.activate(connection, policy.digest)
            if another:
                note(connection, [AuditEntry(_ACTOR, "policy_activated", policy.digest[:SHOWN_DIGITS])])
        if another:
            get_log().info("policy_activated", policy=policy.digest[:SHOWN_DIGITS])
        self._policy, self._refused, self._not_understood = policy, False, ""

    def _refuse(self, seen: _Seen) -> None:
        """Say that the files are wrong: in the log, in /readyz, and to the fallback's first desk.

        The notice's reference is made of what was refused and what stays in force, so that however many
        processes see it, and however often they start, it is posted once.
        """
        policy = self._policy
        with transaction(self._engine) as connection:
            desk = tell_first_desk(connection, policy, Notice.POLICY_REFUSED, seen.digest, policy.digest)
            if desk is not None:
                note(connection, [AuditEntry(_ACTOR, "policy_refused", seen.digest[:SHOWN_DIGITS])])
        if desk is not None:
            self._ring([desk])
        get_log().error("policy_refused", policy=seen.digest[:SHOWN_DIGITS])
        self._refused = True

    def _last_good(self, errors: PolicyErrors) -> Policy:
        with transaction(self._engine) as connection:
            stored = policies.active(connection)
        if stored is None:
            raise errors
        try:
            return _parsed((stored.policy_text, stored.channels_text), self._handle_key)
        except PolicyErrors:
            shown = stored.digest[:SHOWN_DIGITS]
            hint = f"this version cannot read the last good policy ({shown}) either, so mend the files; {errors.hint}"
            raise Broken("policy_refused", hint) from None

    def _follow(self) -> None:
        """Swap to the active policy when another process put it in force."""
        with transaction(self._engine) as connection:
            digest = policies.active_digest(connection)
            if digest != self._not_understood:
                self._not_understood = ""
            if digest in {None, self._policy.digest, self._not_understood}:
                return
            stored = policies.active(connection)
        if stored is None:
            return
        try:
            policy = _parsed((stored.policy_text, stored.channels_text), self._handle_key)
        except PolicyErrors:
            # A newer version is being rolled out beside this one, which goes on by what it understands.
            self._not_understood = stored.digest
            get_log().error("policy_not_understood", policy=stored.digest[:SHOWN_DIGITS])
            return
        self._policy = policy
        get_log().info("policy_followed", policy=policy.digest[:SHOWN_DIGITS])
        self._tell_missing_keys()

    def _without_key(self) -> set[str]:
        return set(self._policy.key_teams) - set(self._key_owners())

    def _tell_missing_keys(self) -> None:
        """Say how many teams of the policy have no key: what concerns them, only recovery could open."""
        missing = self._without_key()
        if missing:
            get_log().error("team_without_key", policy=self._policy.digest[:SHOWN_DIGITS], count=len(missing))
