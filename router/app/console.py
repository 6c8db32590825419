"""The console part: reviewers, approvers, custodians, auditors and administrators."""

from functools import partial

from babel import Locale
from fastapi import FastAPI
from sqlalchemy import Engine

from router import secretfiles
from router.app.made import beside, files, lifespan_of, web_part
from router.audit.checkpointfile import CheckpointFile
from router.bell import Bell, channels_in_force
from router.console import pages
from router.console.auditing import Witness
from router.console.cannedtexts import CannedTexts
from router.console.emergency import Emergency
from router.console.pages import singlesignon
from router.console.pages.ask import Desk, Limits
from router.console.pages.frame import Frame
from router.console.policies import Policies
from router.console.signin.carried import Client
from router.console.signin.single import SingleSignOn
from router.errors import RouterError
from router.reporter.house.house import load_house, named
from router.settings import Settings
from router.store.engine import connect
from router.vocabulary import Login
from router.web import health


def console_app(settings: Settings) -> FastAPI:
    """Return the console part; raises Broken with the operator's next step."""
    secret = secretfiles.console_secret(settings.secrets_path)
    engine = connect(settings.dsn(Login.CONSOLE), process="console")
    bell = _console_bell(settings, engine)
    desk = Desk(
        engine=engine,
        policies=Policies(engine),
        ring=bell.ring if bell else lambda _channels: None,
        console_url=str(settings.console_address).rstrip("/"),
        public_url=str(settings.public_url).rstrip("/"),
        https=settings.console_address.scheme == "https",
        limits=Limits(
            session_s=settings.session_s,
            idle_s=settings.session_idle_s,
            unlocked_s=settings.unlocked_s,
            claim_s=settings.claim_s,
            body_deadline_s=settings.body_deadline_s,
        ),
        texts=CannedTexts(settings.config_dir),
        witness=Witness(CheckpointFile.below(settings.state_dir), settings.secrets_path / secretfiles.AUDIT_PUBLIC),
        secret=secret,
        single=_single_sign_on(settings),
        emergency=_emergency(settings),
    )
    chores = beside(*pages.chores(desk))
    running = lifespan_of(engine, *([bell] if bell else []), *chores)
    app = web_part(settings.console_address.scheme, running, api_document=False)
    app.include_router(Frame(desk).routes(pages.PAGES))
    app.include_router(files("style.css", "console.css", "console.js", "icon.svg"))
    app.include_router(health.routes(partial(health.missing, engine)))
    return app


def _emergency(settings: Settings) -> tuple[Emergency, ...]:
    """Return whom to call by country; nobody when the house's file is wrong: the public part says so and refuses."""
    try:
        house = load_house(settings.config_dir, public_url=str(settings.public_url), host=settings.public_url.host)
    except RouterError:
        return ()
    english = Locale("en")
    return tuple(Emergency(one, named(one, english), number) for one, number in house.emergency.items())


def _console_bell(settings: Settings, engine: Engine) -> Bell | None:
    """Return what rings after staff did something; None without Redis: then the sweep of others does, seconds later."""
    if settings.redis_url is None:
        return None

    def pool_of(channel: str) -> str:
        return channels_in_force(engine).pool(channel)

    return Bell(settings.broker, engine, sweep_every_s=None, lease_s=settings.lease_s, pool_of=pool_of)


def _single_sign_on(settings: Settings) -> SingleSignOn | None:
    if settings.oidc_issuer is None or settings.oidc_client_id is None:
        return None
    secret = settings.oidc_client_secret
    from router.console.oidc import Provider  # noqa: PLC0415 - its libraries take 18 MB that most do without

    client = Client(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        redirect_uri=f"{str(settings.console_address).rstrip('/')}{singlesignon.BACK}",
        second_factor=frozenset(settings.oidc_second_factor),
        groups_claim=settings.oidc_groups_claim,
        ca=str(settings.oidc_ca) if settings.oidc_ca else None,
    )
    return SingleSignOn(Provider(client), settings.oidc_name, dict(settings.oidc_roles), dict(settings.oidc_teams))
