"""Is this deployment in order? One finding for each thing that can be wrong, with what to do about it.

Reads only: mends nothing, sends nothing, and shows no address, password or stored value.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, TextClause, text

from router import secretfiles
from router.catalogue import parse_catalogue
from router.configfile.yamltext import read_file
from router.console.cannedtexts import FILE as TEXTS
from router.console.cannedtexts import parse_texts
from router.errors import Broken, PolicyErrors, RouterError
from router.keyrecords import RECOVERY
from router.reporter.house.house import FILE as HOUSE
from router.reporter.house.house import load_house
from router.settings import Settings
from router.store import floods, policies, wrongreceipts
from router.store.backlog import overdue
from router.store.channelstates import NOT_SHUT, SHUT
from router.store.engine import connect, transaction
from router.store.grants import GRANTS
from router.store.keys import active_recipients
from router.store.tables import metadata
from router.store.upgrade import alembic_config
from router.triage.policy import Policy, load_policy, parse_policy
from router.vocabulary import Login

CHAIN_LAG_S: Final = 60
DUE_AGE_S: Final = 300
REDIS_TIMEOUT_S: Final = 3
_GRANTED = text(
    """select table_name, column_name, lower(privilege_type) from information_schema.column_privileges
       where grantee = current_user and table_schema = 'public'
       union all
       select table_name, '', lower(privilege_type) from information_schema.table_privileges
       where grantee = current_user and table_schema = 'public'
         and privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')"""
)
_UNCHAINED = text("select coalesce(extract(epoch from clock_timestamp() - min(at)), 0) from audit where seq is null")
_DUE = text(
    f"""select coalesce(extract(epoch from clock_timestamp() - min(due_at)), 0)
        from referrals r where state = 'due' and {NOT_SHUT}"""  # noqa: S608 - our own words
)
_LEFT_ALONE = text(f"select channel, code, named from channel_states s where {SHUT} order by channel")  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    ok: bool
    advice: str
    """What to do; empty when it is ok."""


def findings(settings: Settings, *, only: frozenset[str] = frozenset()) -> Iterator[Finding]:
    """Yield a finding for each check, or for those that `only` names; a check that breaks is a finding too."""
    checks: dict[str, Callable[[], str]] = {
        **{f"database_{login.value}": partial(_login, settings, login) for login in Login},
        "schema": partial(_schema, settings),
        "redis": partial(_redis, settings),
        "secrets": partial(_secrets, settings),
        "policy": partial(_policy, settings),
        "texts": partial(_texts, settings),
        "house": partial(_house, settings),
        "keys": partial(_keys, settings),
        "audit_lag": partial(_age, settings, _UNCHAINED, CHAIN_LAG_S, "start the chainer: `audit chain`"),
        "channels": partial(_channels, settings),
        "pools": partial(_pools, settings),
        "floods": partial(_floods, settings),
        "receipts": partial(_receipts, settings),
        "deliveries": partial(_age, settings, _DUE, DUE_AGE_S, "start the workers, then `deliveries list`"),
    }
    for check, look in checks.items():
        if not only or check in only:
            yield _found(check, look)


def _found(check: str, look: Callable[[], str]) -> Finding:
    """Run one check; it returns advice, empty if all is well."""
    try:
        advice = look()
    except Broken as error:
        advice = error.hint
    except RouterError as error:
        advice = f"{error.code}: look at the server that this check is named for"
    return Finding(check, not advice, advice)


def _asked(dsn: str, ask: Callable[[Connection], str]) -> str:
    engine = connect(dsn, process="doctor", pool_size=1)
    try:
        with transaction(engine) as connection:
            return ask(connection)
    finally:
        engine.dispose()


def _login(settings: Settings, login: Login) -> str:
    """Check that the login gets in and holds exactly the rights that it should."""

    def ask(connection: Connection) -> str:
        has = {(str(table), str(column), str(right)) for table, column, right in connection.execute(_GRANTED)}
        expected = set(_expected(login))
        if has - expected:
            much = f"it may do {len(has - expected)} things that it should not"
            return f"{much}: run `concern-router db upgrade`, unless its address names another part's login"
        return "it lacks rights: run `concern-router db upgrade`" if expected - has else ""

    return _asked(settings.dsn(login), ask)


def _expected(login: Login) -> Iterator[tuple[str, str, str]]:
    """Yield (table, column, right) for what GRANTS lists; column '' for a right on whole rows."""
    for table, rights in GRANTS[login].items():
        for right, columns in rights.items():
            if right == "delete":
                yield table, "", right
                continue
            listed = [name.strip() for name in columns.split(",")] if columns else metadata.tables[table].columns.keys()
            for column in listed:
                yield table, column, right


def _schema(settings: Settings) -> str:
    """Check that the database is at the newest migration; only the owner can tell."""

    def ask(connection: Connection) -> str:
        newest = set(ScriptDirectory.from_config(alembic_config(connection)).get_heads())
        here = set(MigrationContext.configure(connection).get_current_heads())
        return "" if newest == here else "run `concern-router db upgrade`"

    return _asked(settings.owner_dsn, ask)


def _redis(settings: Settings) -> str:
    try:
        with Redis.from_url(
            settings.broker, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        ) as redis:
            policy = redis.config_get("maxmemory-policy")
    except RedisError as error:
        return f"it does not answer ({type(error).__name__}); concerns are still accepted, deliveries wait"
    if policy.get("maxmemory-policy") != "noeviction":
        return "set its maxmemory-policy to noeviction: doorbells must not vanish one by one"
    return ""


def _secrets(settings: Settings) -> str:
    secretfiles.intake_secrets(settings.secrets_path)
    secretfiles.console_secret(settings.secrets_path)
    secretfiles.audit_signing_key(settings.secrets_path)
    secretfiles.audit_public_key(settings.secrets_path)
    mode = settings.secrets_path.stat().st_mode
    return f"chmod 700 {settings.secrets_path}" if mode & 0o077 else ""


def _policy(settings: Settings) -> str:
    """Check that the files are good and in force."""
    try:
        digest = load_policy(settings.config_dir).digest
    except PolicyErrors as error:
        found = "1 problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
        return f"{found}: see `concern-router policy check`; the last good policy stays in force"

    def ask(connection: Connection) -> str:
        here = policies.active_digest(connection) == digest
        return "" if here else "the files are good and not in force: is the public part running, with this CONFIG_DIR?"

    return _asked(settings.dsn(Login.CONSOLE), ask)


def _texts(settings: Settings) -> str:
    """Check that the texts that messages to reporters start from can be read, where there are any."""
    path = settings.config_dir / TEXTS
    if not path.exists():
        return ""
    try:
        parse_texts(read_file(path))
    except PolicyErrors as error:
        return f"{error.problems[0]}: the last good texts are offered"
    return ""


def _house(settings: Settings) -> str:
    """Check that the organisation says who it is, so that the public part may start; a trial needs it, too."""
    path = settings.config_dir / HOUSE
    if not path.exists():
        return f"there is no {HOUSE}: the pages say that nobody knows who runs this"
    load_house(settings.config_dir, public_url=str(settings.public_url), host=settings.public_url.host)
    return ""


def _keys(settings: Settings) -> str:
    """Check that every team that may decide, by the policy in force or by the files, has a key, and recovery too."""
    teams = set(_key_teams(partial(load_policy, settings.config_dir)))

    def ask(connection: Connection) -> str:
        stored = policies.active(connection)
        if stored:
            teams.update(_key_teams(partial(parse_policy, stored.policy_text, stored.channels_text)))
        missing = sorted({*teams, RECOVERY} - set(active_recipients(connection)))
        return f"no key for {', '.join(missing)}: run `concern-router keys init`" if missing else ""

    return _asked(settings.dsn(Login.CONSOLE), ask)


def _key_teams(read: Callable[[], Policy]) -> tuple[str, ...]:
    """Return the teams that need a key; none of a policy that cannot be read, of which the check `policy` tells."""
    try:
        return read().key_teams
    except PolicyErrors:
        return ()


def _channels(settings: Settings) -> str:
    """Check that no channel is left alone because it failed."""

    def ask(connection: Connection) -> str:
        left = [
            f"{row.channel} ({row.code}{f': {row.named}' if row.named else ''})"
            for row in connection.execute(_LEFT_ALONE)
        ]
        return f"left alone for now: {', '.join(left)}; see `concern-router channels check`" if left else ""

    return _asked(settings.dsn(Login.CONSOLE), ask)


def _pools(settings: Settings) -> str:
    """Check that somebody takes the doorbells of each pool whose channels have something due."""

    def ask(connection: Connection) -> str:
        late = overdue(connection, stall_s=DUE_AGE_S)
        stored = policies.active(connection)
        if not late or stored is None:
            return ""
        try:
            channels = parse_catalogue(stored.channels_text)
        except PolicyErrors:
            return ""
        return _nobody_takes(settings, {channels.pool(name) for name in late})

    return _asked(settings.dsn(Login.CONSOLE), ask)


def _floods(settings: Settings) -> str:
    """Check that no concern waits because it came in a flood."""

    def ask(connection: Connection) -> str:
        count = sum(one.count for one in floods.waiting(connection))
        said = f"{count} concerns came in a flood and wait for a look: see `concern-router floods list`"
        return said if count else ""

    return _asked(settings.dsn(Login.CONSOLE), ask)


def _receipts(settings: Settings) -> str:
    """Check that nobody tries receipts out."""

    def ask(connection: Connection) -> str:
        count = wrongreceipts.within_the_hour(connection)
        said = f"{count} receipts were wrong in the last hour: somebody tries them out; nobody finds one so"
        return said if count >= settings.wrong_receipts_per_hour else ""

    return _asked(settings.dsn(Login.CONSOLE), ask)


def _nobody_takes(settings: Settings, pools: Iterable[str]) -> str:
    """Return what to do about those of `pools` whose doorbells lie there."""
    try:
        with Redis.from_url(
            settings.broker, socket_timeout=REDIS_TIMEOUT_S, socket_connect_timeout=REDIS_TIMEOUT_S
        ) as redis:
            left = sorted(pool for pool in pools if redis.llen(pool))
    except RedisError:
        return ""  # the check `redis` tells of it
    if not left:
        return ""
    return f"nobody takes the doorbells of {', '.join(left)}: start workers with -Q (`up`: CONCERN_ROUTER_WORKER_POOLS)"


def _age(settings: Settings, query: TextClause, most_s: int, advice: str) -> str:
    def ask(connection: Connection) -> str:
        age_s = int(connection.execute(query).scalar_one())
        return f"the oldest waits for {age_s} s: {advice}" if age_s > most_s else ""

    return _asked(settings.dsn(Login.CONSOLE), ask)
