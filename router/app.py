"""Composition root of the web processes: makes the parts from the settings and joins them.

The public part takes concerns in and cannot read what it took; the console part is another
process, with another login.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

from fastapi import APIRouter, FastAPI
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from router import secretfiles
from router.audit.checkpointfile import CheckpointFile
from router.bell import Bell, channels_in_force
from router.clock import now
from router.console import pages as console
from router.console.auditing import Witness
from router.console.cannedtexts import CannedTexts
from router.console.pages import singlesignon
from router.console.pages.ask import Desk as ConsoleDesk
from router.console.pages.ask import Limits
from router.console.pages.frame import Frame
from router.console.policies import Policies
from router.console.signin.carried import Client
from router.console.signin.single import SingleSignOn
from router.errors import Refused, RouterError
from router.intake import document, guard, housekeeping, limits
from router.intake.callers import Callers
from router.intake.digests import LOOK_EVERY_S as DIGESTS_EVERY_S
from router.intake.digests import Digests
from router.intake.drills import LOOK_EVERY_S as DRILLS_EVERY_S
from router.intake.drills import Drills
from router.intake.hooks import HooksApi
from router.intake.inforce import LOOK_EVERY_S, InForce, vocabulary
from router.intake.pager import LOOK_EVERY_S as PAGER_EVERY_S
from router.intake.pager import Pager
from router.intake.recorder import Recorder
from router.intake.routes import PREFIX, Api
from router.intake.secrets import Secrets
from router.intake.sources import SourcesApi
from router.intake.sourcesinforce import SourcesInForce
from router.intake.submit import Door
from router.reporter import receipts
from router.reporter.agents import AgentPages, AgentsDesk
from router.reporter.behalf import BehalfDesk, BehalfPages
from router.reporter.pages import Choices, Desk, Kind, Pages
from router.settings import Settings
from router.sources.mapping import note_back_of
from router.store import behalf, cases, messages
from router.store.clients import active_clients
from router.store.engine import connect, transaction
from router.triage.policy import Policy
from router.vocabulary import Login
from router.web import edge, health

VERSION: Final = "1"
_STATIC: Final = Path(__file__).parent / "web/static"
_MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Part(Protocol):
    """What runs beside the requests, in threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, in bounded time."""


Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def public_app(settings: Settings) -> FastAPI:
    """Return the public part: API and reporters' pages.

    Raises Broken with the operator's next step, PolicyErrors at a first start with a bad policy,
    Unavailable when the database cannot be reached.
    """
    secrets = secretfiles.intake_secrets(settings.secrets_path)
    engine = connect(settings.dsn(Login.INTAKE), process="intake")
    recipients = housekeeping.Recipients(engine)
    bell, in_force = _followed(settings, engine, secrets, recipients)
    recorder = Recorder(engine, batch=settings.recorder_batch, after_commit=bell.ring)
    quotas = limits.Quotas()
    signing = Secrets()
    callers = Callers(partial(_read, engine, active_clients), address_secret=secrets.address)
    door = _door(settings, secrets, policy=in_force, recipients=recipients, recorder=recorder, quotas=quotas)
    sources = SourcesInForce(settings.config_dir, settings.state_dir, engine, in_force, ring=bell.ring)
    pager = Pager(engine, in_force, ring=bell.ring)
    chores = _chores(
        (in_force.refresh, LOOK_EVERY_S),
        (sources.refresh, LOOK_EVERY_S),
        (recipients.refresh, housekeeping.RECIPIENTS_S),
        (partial(housekeeping.forget, engine), housekeeping.FORGET_S),
        (Drills(engine, in_force, ring=bell.ring).post_due, DRILLS_EVERY_S),
        (Digests(engine, in_force, ring=bell.ring).post_due, DIGESTS_EVERY_S),
        (pager.look, PAGER_EVERY_S),
    )
    app = _app(settings.public_url.scheme, _running(engine, recorder, bell, *chores), api_document=True)
    soon = settings.body_deadline_s
    for api in (
        Api(door, callers, partial(_read, engine, cases.status_for_client), body_deadline_s=soon),
        SourcesApi(door, callers, sources, secret=signing.find, body_deadline_s=soon),
        HooksApi(engine, lambda: in_force().channels, signing, ring=bell.ring, body_deadline_s=soon),
    ):
        app.include_router(api.routes())
    desk = _desk(
        settings,
        choices=lambda: _choices(in_force()),
        door=door,
        callers=callers,
        quotas=quotas,
        engine=engine,
        receipt_secret=secrets.receipt,
    )
    app.include_router(Pages(desk).routes())
    agents = _agents_desk(
        desk, link_secret=secrets.link, in_force=in_force, sources=sources, door=door, callers=callers
    )
    app.include_router(AgentPages(agents).routes())
    taken_down = _behalf_desk(desk, engine=engine, in_force=in_force, door=door, callers=callers)
    app.include_router(BehalfPages(taken_down).routes())
    degraded = partial(_all_of, in_force.degraded, sources.degraded, pager.degraded)
    app.include_router(health.routes(partial(health.missing, engine), degraded))
    app.openapi = document.writer(app, lambda: vocabulary(in_force()))  # type: ignore[method-assign]
    return app


def _followed(
    settings: Settings, engine: Engine, secrets: secretfiles.IntakeSecrets, recipients: housekeeping.Recipients
) -> tuple[Bell, InForce]:
    """Return the bell and the policy in force, each of which needs the other; raises what `public_app` raises."""

    def pool_of(channel: str) -> str:
        return in_force().channels.pool(channel)

    bell = Bell(
        settings.broker,
        engine,
        sweep_every_s=settings.sweep_every_s,
        lease_s=settings.lease_s,
        pool_of=pool_of,
    )
    try:
        recipients.refresh()
        in_force = InForce(
            settings.config_dir, engine, handle_key=secrets.handle, key_owners=recipients, ring=bell.ring
        )
    except RouterError:
        engine.dispose()
        raise
    return bell, in_force


def console_app(settings: Settings) -> FastAPI:
    """Return the console part; raises Broken with the operator's next step."""
    secret = secretfiles.console_secret(settings.secrets_path)
    engine = connect(settings.dsn(Login.CONSOLE), process="console")
    bell = _console_bell(settings, engine)
    desk = ConsoleDesk(
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
    )
    chores = _chores(*console.chores(desk))
    running = _running(engine, *([bell] if bell else []), *chores)
    app = _app(settings.console_address.scheme, running, api_document=False, scripts=True)
    app.include_router(Frame(desk).routes(console.PAGES))
    app.include_router(_files("console.css", "console.js", "icon.svg"))
    app.include_router(health.routes(partial(health.missing, engine)))
    return app


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


def _app(scheme: str, running: Lifespan, *, api_document: bool, scripts: bool = False) -> FastAPI:
    app = FastAPI(
        title=document.TITLE,
        version=VERSION,
        openapi_url=f"{PREFIX}/openapi.json" if api_document else None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
    )
    edge.answer_errors(app)
    app.add_middleware(edge.Edge, https=scheme == "https", scripts=scripts)
    app.include_router(_files("style.css"))
    return app


def _files(*names: str) -> APIRouter:
    """Return the routes of our own style sheets and scripts, read once."""
    made = APIRouter(include_in_schema=False)
    for name in names:
        content, media_type = (_STATIC / name).read_bytes(), _MEDIA_TYPES[Path(name).suffix]

        async def file(_request: Request, content: bytes = content, media_type: str = media_type) -> Response:
            return Response(content, media_type=media_type)

        made.add_route(f"/static/{name}", file, methods=edge.READ)
    return made


def _running(engine: Engine, *parts: Part) -> Lifespan:
    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        for part in parts:
            part.start()
        try:
            yield
        finally:
            for part in parts:
                await asyncio.to_thread(part.stop)
            engine.dispose()

    return running


def _door(
    settings: Settings,
    secrets: secretfiles.IntakeSecrets,
    *,
    policy: InForce,
    recipients: housekeeping.Recipients,
    recorder: Recorder,
    quotas: limits.Quotas,
) -> Door:
    return Door(
        policy=policy,
        recipients=recipients,
        recorder=recorder,
        issue_receipt=partial(receipts.issue, secrets.receipt),
        idempotency_secret=secrets.idempotency,
        quotas=quotas,
        anonymous_per_hour=settings.anonymous_per_hour,
        console_url=str(settings.console_address).rstrip("/"),
    )


def _desk(
    settings: Settings,
    *,
    choices: Callable[[], Choices],
    door: Door,
    callers: Callers,
    quotas: limits.Quotas,
    engine: Engine,
    receipt_secret: bytes,
) -> Desk:
    async def submit(sent: Mapping[str, Any], request: Request, key: str | None) -> bytes:
        return await door.submit(dict(sent), callers.person(request), key)

    def wait_for_guess_s(request: Request) -> int:
        bucket = f"receipt {callers.person(request).bucket}"
        most = settings.wrong_receipts_per_hour
        return quotas.wait_s(bucket, most=most, window_s=limits.HOUR_S)

    return Desk(
        choices=choices,
        submit=submit,
        find=partial(_read, engine, cases.status_for_receipt),
        written=partial(_read, engine, messages.for_receipt),
        wait_for_guess_s=wait_for_guess_s,
        receipt_secret=receipt_secret,
        body_deadline_s=settings.body_deadline_s,
    )


def _agents_desk(
    desk: Desk,
    *,
    link_secret: bytes,
    in_force: InForce,
    sources: SourcesInForce,
    door: Door,
    callers: Callers,
) -> AgentsDesk:
    async def submit(sent: Mapping[str, Any], client: str, key: str | None) -> bytes:
        caller = await callers.named(client)
        if caller is None:
            raise Refused("link_refused")
        note_back = note_back_of(sources(), client, str(sent.get("source_ticket", "")))
        return await door.submit(dict(sent), caller, key, note_back=note_back)

    async def known(client: str) -> bool:
        return await callers.named(client) is not None

    return AgentsDesk(
        choices=desk.choices,
        known=known,
        submit=submit,
        faults=lambda sent: guard.faults(sent, vocabulary(in_force()), now=now()),
        link_secret=link_secret,
        body_deadline_s=desk.body_deadline_s,
    )


def _behalf_desk(desk: Desk, *, engine: Engine, in_force: InForce, door: Door, callers: Callers) -> BehalfDesk:
    async def usable(digest: bytes) -> bool:
        return await asyncio.to_thread(_read, engine, behalf.ends_at, digest) is not None

    async def submit(sent: Mapping[str, Any], request: Request, key: str | None, digest: bytes) -> bytes:
        return await door.submit(dict(sent), callers.person(request), key, behalf=digest)

    def check(sent: Mapping[str, Any]) -> None:
        guard.admit(dict(sent), vocabulary(in_force()), now=now())

    return BehalfDesk(
        choices=desk.choices, usable=usable, check=check, submit=submit, body_deadline_s=desk.body_deadline_s
    )


def _chores(*acts: tuple[Callable[[], None], float]) -> list[housekeeping.Chore]:
    return [housekeeping.Chore(act, seconds=seconds) for act, seconds in acts]


def _all_of(*looks: Callable[[], list[str]]) -> list[str]:
    return [code for look in looks for code in look()]


def _choices(policy: Policy) -> Choices:
    kinds = tuple(Kind(kind.name, kind.label, kind.group) for kind in policy.taxonomy.values())
    return Choices(kinds, policy.sites)


def _read(engine: Engine, query: Callable[..., Any], *arguments: Any) -> Any:
    with transaction(engine) as connection:
        return query(connection, *arguments)
