"""Which policy is in force: the file's if it is good, else the last good one; never a bad one."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from router.errors import PolicyErrors
from router.model import AuditEntry
from router.store import policies
from router.store.audit import note
from router.store.engine import transaction
from router.telemetry import get_log
from router.triage.policy import Policy, parse_policy, policy_texts

SHOWN_DIGITS = 12


@dataclass(frozen=True, slots=True)
class InForce:
    """The policy, and whether the file was refused."""

    policy: Policy
    file_refused: bool


def policy_in_force(config_dir: Path, engine: Engine) -> InForce:
    """Put the policy of `config_dir` in force and return it; if it is bad, return the one before.

    Raises PolicyErrors when it is bad and there is none before: a first start needs a good one.
    """
    try:
        texts = policy_texts(config_dir)
        policy = parse_policy(*texts)
    except PolicyErrors:
        with transaction(engine) as connection:
            stored = policies.active(connection)
        if stored is None:
            raise
        get_log().error("policy_refused", policy=stored.digest[:SHOWN_DIGITS])
        return InForce(parse_policy(stored.policy_text, stored.channels_text), file_refused=True)
    with transaction(engine) as connection:
        policies.keep(connection, policy.digest, *texts)
        if policies.activate(connection, policy.digest):
            note(connection, [AuditEntry("intake", "policy_activated", policy.digest[:SHOWN_DIGITS])])
            get_log().info("policy_activated", policy=policy.digest[:SHOWN_DIGITS])
    return InForce(policy, file_refused=False)
