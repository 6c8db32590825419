"""What a new deployment needs before its first concern: secrets, keys, a first reviewer.

Made once; the reviewer's password and passphrase and the recovery identity are shown before the keys are kept,
and are stored nowhere. A policy that does not load stops a first start and no later one.
"""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from router import secretfiles
from router.console.accounts import first_password, give_first_password
from router.errors import Forbidden, PolicyErrors
from router.keymaking import FirstKeys, first_keys, keys_for_new_teams
from router.store.accounts import any_account
from router.store.engine import connect, transaction
from router.store.keys import anybody
from router.triage.policy import load_policy

_ACTOR = "first_start"


def begin(console_dsn: str, *, secrets_dir: Path, config_dir: Path, reviewer: str, say: Callable[[str], None]) -> None:
    """Make what is missing; `say` shows, at a first start, the secrets that are shown once.

    Gives keys to teams that are new in the policy, in the hands of `reviewer`. Raises PolicyErrors
    at a first start with a wrong policy, and what the store raises.
    """

    def show(first: FirstKeys) -> None:
        say("First start. Write these three down now; they are stored nowhere and not shown again.")
        say(f"  reviewer           {reviewer}, member of every team, and administrator")
        say(f"  sign-in password   {password.text}")
        say("  (for the console; to be changed at the first sign-in)")
        say(f"  passphrase         {first.passphrase}")
        say("  (opens what is sealed)")
        say(f"  recovery identity  {first.recovery_identity}")
        say("  (opens every case when all passphrases are lost: on paper, in a safe)")
        say("  Should this start be cut short and a later one show others, only the later ones count.")

    secretfiles.make(secrets_dir)
    password = first_password()
    engine = connect(console_dsn, process="first-start", pool_size=1)
    try:
        with transaction(engine) as connection:
            begun = anybody(connection)
        try:
            teams = load_policy(config_dir).key_teams
        except PolicyErrors:
            if begun:
                return
            raise
        if first_keys(engine, teams, reviewer, show=show, also=password.keep) is None:
            _further(engine, teams, reviewer, say)
            _first_account(engine, reviewer, say)
    finally:
        engine.dispose()


def _further(engine: Engine, teams: tuple[str, ...], reviewer: str, say: Callable[[str], None]) -> None:
    try:
        made = keys_for_new_teams(engine, teams, reviewer)
    except Forbidden:
        say(f"There is no reviewer `{reviewer}` to hold new teams' keys; see `concern-router doctor`.")
        return
    for team in made:
        say(f"Team `{team}` is new in the policy; `{reviewer}` holds its key.")


def _first_account(engine: Engine, reviewer: str, say: Callable[[str], None]) -> None:
    """Let somebody sign in to a deployment that is older than its console."""
    with transaction(engine) as connection:
        if any_account(connection):
            return
    try:
        password = give_first_password(engine, reviewer, by=_ACTOR)
    except Forbidden:
        say(f"There is no reviewer `{reviewer}`, and nobody can sign in to the console; see `people password`.")
        return
    say("Nobody could sign in to the console yet. This is not shown again:")
    say(f"  sign-in password of {reviewer}  {password}")
