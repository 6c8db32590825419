"""What an operator can turn, with units; read at the edge only and passed in from there.

`config/env.example` lists all of it; a promise test compares the two.
"""

import os
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    Field,
    FilePath,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    JsonConfigSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from router.errors import Broken
from router.vocabulary import DEFAULT_POOL, Login, Name, Role

SERVERS_FILE = "servers.json"
"""Written into the state directory by `up`: the logins of its embedded servers, readable by the owner only."""

CHILD = "CONCERN_ROUTER_CHILD"
"""Set by the supervisor in the environment of what it starts."""

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported: where the processes share their metrics."""

CONTAINER_SECRETS = "/run/secrets"
"""Where container engines put secrets: files called like the variables, in small letters. systemd names its own."""


def _bare(address: AnyHttpUrl) -> AnyHttpUrl:
    """Refuse what could not stand before `/console/cases/...` in a referral: every decision would fall back."""
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]{1,255}/", str(address)):
        raise ValueError("scheme, host and port only")
    return address


Bind = Annotated[str, Field(pattern=r"^[^\s:]+:\d{1,5}$")]
"""host:port"""


_ISSUER = (
    r"^(https://[A-Za-z0-9.-]{1,253}|http://(127\.0\.0\.1|localhost|\[::1\]))(:\d{1,5})?(/[A-Za-z0-9._~/-]{0,200})?$"
)
"""https, or on this machine."""


def _split(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _listed(given: object) -> object:
    return _split(given) if isinstance(given, str) else given


def _network(given: str) -> str:
    ip_network(given)
    return given


def _pairs(given: object) -> object:
    """Read `name=value,name=value`; the name may hold a `=` itself."""
    if not isinstance(given, str):
        return given
    parts = [part.rpartition("=") for part in _split(given)]
    return tuple((name.strip(), value.strip()) for name, _, value in parts)


def _pools_apart(given: tuple[tuple[str, int], ...]) -> tuple[tuple[str, int], ...]:
    if len(dict(given)) < len(given) or DEFAULT_POOL in dict(given):
        raise ValueError(f"each pool once, and not {DEFAULT_POOL}, whose processes worker_processes counts")
    return given


Pools = Annotated[tuple[tuple[Name, PositiveInt], ...], NoDecode, BeforeValidator(_pairs), AfterValidator(_pools_apart)]
"""Names of pools and how many processes each has, written `slow=1,night=2`."""
Networks = Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], NoDecode, BeforeValidator(_listed)]
"""Addresses and networks, written with commas between."""


class Settings(BaseSettings):
    """Environment variables with the prefix CONCERN_ROUTER_."""

    model_config = SettingsConfigDict(
        env_prefix="CONCERN_ROUTER_", env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    database_url: SecretStr | None = None
    """Owner's login, for `db upgrade` only. Without it `up` starts a private PostgreSQL."""
    database_url_intake: SecretStr | None = None
    """Login of the public part."""
    database_url_worker: SecretStr | None = None
    """Login of Celery workers and beat."""
    database_url_console: SecretStr | None = None
    """Login of the console part and of the commands that list and open."""
    database_url_chainer: SecretStr | None = None
    """Login of the audit's chainer."""
    redis_url: SecretStr | None = None
    """Carries doorbells only. Without it `up` starts a private Redis."""
    state_dir: Path = Path("var")
    """Everything that `up` keeps: servers, secrets, logs, the folder channel's files."""
    config_dir: Path = Path("config")
    """policy.yaml and channels.yaml."""
    secrets_dir: Path | None = None
    """Deployment secrets (0700); default: `secrets` in the state directory."""
    bind: Bind = "127.0.0.1:8000"
    """Public part: API and reporters' pages."""
    console_bind: Bind = "127.0.0.1:8001"
    """Console part."""
    metrics_bind: Bind = "127.0.0.1:8002"
    """Metrics, apart from both: a counter that moves must not tip off a colleague."""
    public_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8000")
    """Where reporters reach the public part."""
    console_url: Annotated[AnyHttpUrl, AfterValidator(_bare)] | None = None
    """Where reviewers reach the console, without a path; the link in referrals starts with it.

    Default: CONSOLE_BIND, over http.
    """
    trusted_proxies: Networks = ()
    """Addresses and networks whose X-Forwarded-For and -Proto are believed, commas between; none by default."""
    log_level: Annotated[str, Field(pattern="^(DEBUG|INFO|WARNING|ERROR)$")] = "INFO"
    """Least level of log lines; no level shows content."""

    header_deadline_s: PositiveFloat = 10
    """A client must have sent its request's headers within this."""
    body_deadline_s: PositiveFloat = 30
    """And its body within this."""
    anonymous_per_hour: PositiveInt = 1000
    """Concerns an hour from one network address without a token: an office of 500 on its training day.

    More are taken, too; but for critical ones, they wait for a reviewer's look before channels are told.
    """
    parked_above_per_minute: PositiveInt = 600
    """The same for concerns a minute without a token from everywhere, so that a flood from many networks waits, too."""
    wrong_receipts_per_hour: PositiveInt = 200
    """Unknown receipts an hour: more from one network address are answered slowly, more from everywhere are told of."""
    client_per_minute: PositiveInt = 30_000
    """Default quota of a new machine client: bursts of an agent that was offline for a week."""
    recorder_batch: PositiveInt = 100
    """Most concerns that share one commit."""

    session_s: PositiveInt = 28_800
    """Longest time that somebody stays signed in to the console, whatever they do."""
    session_idle_s: PositiveInt = 900
    """And without doing anything."""
    unlocked_s: PositiveInt = 900
    """How long sealed texts stay open to a person after their passphrase, without doing anything."""
    claim_s: PositiveInt = 1800
    """How long a claim lasts without doing anything in the case; it ends by itself then."""
    oidc_issuer: Annotated[str, Field(pattern=_ISSUER)] | None = None
    """OpenID provider that vouches for staff, exactly as it names itself; without one there are passwords only.

    It sends people back to CONSOLE_URL followed by /console/sign-in/single/back.
    """
    oidc_client_id: Annotated[str, Field(pattern=r"^[!-~]{1,255}$")] | None = None
    """What the provider calls us."""
    oidc_client_secret: SecretStr | None = None
    """And the secret that it gave us; without one we are a public client, with PKCE alone."""
    oidc_name: Annotated[str, Field(pattern=r"^[^<>\r\n]{1,40}$")] = "single sign-on"
    """What people call it: stands on the sign-in page."""
    oidc_ca: FilePath | None = None
    """PEM file of who may vouch for the provider's host; default: the list that comes with the program."""
    oidc_second_factor: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)] = ("mfa",)
    """Values of the claims acr and amr by which the provider says that it asked for a second factor, commas between.

    Whoever comes without one of these is asked for ours.
    """
    oidc_groups_claim: Annotated[str, Field(pattern=r"^[!-~]{1,128}$")] = "groups"
    """Claim of the id token that names a person's groups."""
    oidc_roles: Annotated[tuple[tuple[str, Role], ...], NoDecode, BeforeValidator(_pairs)] = ()
    """What groups may do here: concern-reviewers=reviewer,audit=auditor. Left out: roles are given here."""
    oidc_teams: Annotated[tuple[tuple[str, Name], ...], NoDecode, BeforeValidator(_pairs)] = ()
    """Teams of the policy that groups are: it-security=security. Who is not in the group may not use the team's key."""

    lease_s: PositiveInt = 120
    """How long a worker owns a referral before another may take it; a call may last a third of it."""
    lease_batch: PositiveInt = 64
    """Referrals leased at once."""
    sends_at_once: PositiveInt = 8
    """Calls in flight in one worker process for one channel."""
    public_processes: PositiveInt = 2
    """Processes of the public part that `up` starts on BIND: when one dies the other goes on. Quotas count in each."""
    worker_processes: PositiveInt = 2
    """Celery pool children that `up` starts."""
    worker_pools: Pools = ()
    """More workers that `up` starts, for channels with a `pool` of their own: names and children, slow=1,night=2."""
    sweep_every_s: PositiveFloat = 5
    """How often what is due is rung again; bounds the delay after every message in Redis was lost."""
    stall_s: PositiveInt = 120
    """Due for this long with nothing leased: the worker's watchdog ends the worker, to be started anew."""

    cybertipline: Annotated[str, Field(pattern="^(test|production)$")] = "test"
    """production: workers may file reports at NCMEC for good. The second switch, beside the channel's `environment`."""

    @model_validator(mode="after")
    def _provider_is_whole(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            raise ValueError("oidc_issuer and oidc_client_id go together")
        return self

    @model_validator(mode="after")
    def _leases_outlive_calls(self) -> Self:
        if self.lease_s < 2 * self.sweep_every_s:
            raise ValueError("lease_s must be at least twice sweep_every_s")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings names it
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - it knows no folder
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins, then secret files; what `up` wrote of its servers fills the gaps for commands.

        A process that `up` started has its own login in its environment and reads no other.
        """
        folders = [Path(folder) for folder in (os.environ.get("CREDENTIALS_DIRECTORY"), CONTAINER_SECRETS) if folder]
        files = SecretsSettingsSource(settings_cls, secrets_dir=[folder for folder in folders if folder.is_dir()])
        if CHILD in os.environ:
            return init_settings, env_settings, files
        state_dir = Path(env_settings().get("state_dir", "var"))
        servers = JsonConfigSettingsSource(settings_cls, json_file=state_dir / SERVERS_FILE)
        return init_settings, env_settings, files, servers

    @property
    def secrets_path(self) -> Path:
        """Where the deployment's secrets are."""
        return self.secrets_dir or self.state_dir / "secrets"

    @property
    def console_address(self) -> AnyHttpUrl:
        """Where reviewers reach the console."""
        return self.console_url or AnyHttpUrl(f"http://{self.console_bind}")

    def dsn(self, login: Login) -> str:
        """Return the database address of one kind of process; raises Broken naming the variable if unset."""
        return self._given(f"database_url_{login}")

    @property
    def owner_dsn(self) -> str:
        """The owner's database address; raises Broken if unset."""
        return self._given("database_url")

    @property
    def broker(self) -> str:
        """Redis' address; raises Broken if unset."""
        return self._given("redis_url")

    def _given(self, name: str) -> str:
        secret: SecretStr | None = getattr(self, name)
        if secret is None:
            raise Broken("not_configured", f"set CONCERN_ROUTER_{name.upper()}, or run `concern-router up` first")
        return secret.get_secret_value()
