"""What a new deployment needs before its first concern: secrets, keys, a first reviewer.

Made once; the reviewer's passphrase and the recovery identity are returned to be shown and are
stored nowhere. A policy that does not load stops a first start and no later one.
"""

from pathlib import Path

from sqlalchemy import Engine

from router import secretfiles
from router.errors import Forbidden, PolicyErrors
from router.keymaking import first_keys, keys_for_new_teams
from router.store.engine import connect, transaction
from router.store.keys import anybody
from router.triage.policy import load_policy


def begin(console_dsn: str, *, secrets_dir: Path, config_dir: Path, reviewer: str) -> tuple[str, ...]:
    """Make what is missing and return lines to show once; empty when there was a reviewer already.

    Gives keys to teams that are new in the policy, in the hands of `reviewer`. Raises PolicyErrors
    at a first start with a wrong policy, and what the store raises.
    """
    secretfiles.make(secrets_dir)
    engine = connect(console_dsn, process="first-start", pool_size=1)
    try:
        with transaction(engine) as connection:
            begun = anybody(connection)
        try:
            teams = load_policy(config_dir).key_teams
        except PolicyErrors:
            if begun:
                return ()
            raise
        first = first_keys(engine, teams, reviewer)
        if first is None:
            return _further(engine, teams, reviewer)
    finally:
        engine.dispose()
    return (
        "First start. Write these two down now; they are stored nowhere and not shown again.",
        f"  reviewer           {reviewer}, member of every team",
        f"  passphrase         {first.passphrase}",
        f"  recovery identity  {first.recovery_identity}",
        "  (opens every case when all passphrases are lost: on paper, in a safe)",
    )


def _further(engine: Engine, teams: tuple[str, ...], reviewer: str) -> tuple[str, ...]:
    try:
        made = keys_for_new_teams(engine, teams, reviewer)
    except Forbidden:
        return (f"There is no reviewer `{reviewer}` to hold new teams' keys; see `concern-router doctor`.",)
    return tuple(f"Team `{team}` is new in the policy; `{reviewer}` holds its key." for team in made)
