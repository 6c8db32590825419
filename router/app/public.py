"""The public part: API, hooks, and the reporters' pages."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from fastapi import FastAPI
from sqlalchemy import Engine

from router import secretfiles
from router.app.made import beside, files, lifespan_of, reading, web_part
from router.app.reporters import reporters_pages
from router.bell import Bell
from router.errors import RouterError
from router.intake import document, housekeeping, limits
from router.intake.callers import Callers
from router.intake.digests import LOOK_EVERY_S as DIGESTS_EVERY_S
from router.intake.digests import Digests
from router.intake.drills import LOOK_EVERY_S as DRILLS_EVERY_S
from router.intake.drills import Drills
from router.intake.flooding import LOOK_EVERY_S as FLOODS_EVERY_S
from router.intake.flooding import Floods
from router.intake.hooks import HooksApi
from router.intake.inforce import LOOK_EVERY_S, InForce, vocabulary
from router.intake.pager import LOOK_EVERY_S as PAGER_EVERY_S
from router.intake.pager import Pager
from router.intake.recorder import Recorder
from router.intake.routes import Api
from router.intake.secrets import Secrets
from router.intake.sources import SourcesApi
from router.intake.sourcesinforce import SourcesInForce
from router.intake.submit import Door
from router.reporter import receipts
from router.reporter.guesses import LOOK_EVERY_S as GUESSES_EVERY_S
from router.reporter.guesses import Guesses
from router.reporter.house import load_house
from router.reporter.housepages import HousePages, house_files
from router.reporter.kept import FORGET_S as FORGET_KEPT_S
from router.reporter.kept import Shelf
from router.reporter.lost import lead_on
from router.settings import Settings
from router.store import cases
from router.store.clients import active_clients
from router.store.engine import connect
from router.vocabulary import Login
from router.web import health


def public_app(settings: Settings) -> FastAPI:
    """Return the public part: API and reporters' pages.

    Raises Broken with the operator's next step, PolicyErrors at a first start with a bad policy,
    Unavailable when the database cannot be reached.
    """
    public_url = str(settings.public_url)
    house = load_house(settings.config_dir, public_url=public_url, host=settings.public_url.host)
    secrets = secretfiles.intake_secrets(settings.secrets_path)
    engine = connect(settings.dsn(Login.INTAKE), process="intake")
    recipients = housekeeping.Recipients(engine)
    bell, in_force = _followed(settings, engine, secrets, recipients)
    recorder = Recorder(engine, batch=settings.recorder_batch, after_commit=bell.ring)
    quotas = limits.Quotas()
    signing = Secrets()
    callers = Callers(partial(reading, engine, active_clients), address_secret=secrets.address)
    floods = Floods(
        quotas,
        engine,
        in_force,
        per_hour=settings.anonymous_per_hour,
        per_minute=settings.parked_above_per_minute,
        ring=bell.ring,
    )
    door = _door(
        settings, secrets, policy=in_force, recipients=recipients, recorder=recorder, quotas=quotas, flood=floods.flood
    )
    sources = SourcesInForce(settings.config_dir, settings.state_dir, engine, in_force, ring=bell.ring)
    guesses = Guesses(engine, quotas, most_an_hour=settings.wrong_receipts_per_hour)
    shelf = Shelf(engine, secrets.kept, https=settings.public_url.scheme == "https")
    pager = Pager(engine, in_force, ring=bell.ring)
    custody = housekeeping.Custody(engine)
    chores = beside(
        (in_force.refresh, LOOK_EVERY_S),
        (sources.refresh, LOOK_EVERY_S),
        (recipients.refresh, housekeeping.RECIPIENTS_S),
        (custody.refresh, housekeeping.CUSTODY_S),
        (partial(housekeeping.forget, engine), housekeeping.FORGET_S),
        (Drills(engine, in_force, ring=bell.ring).post_due, DRILLS_EVERY_S),
        (Digests(engine, in_force, ring=bell.ring).post_due, DIGESTS_EVERY_S),
        (pager.look, PAGER_EVERY_S),
        (floods.look, FLOODS_EVERY_S),
        (guesses.look, GUESSES_EVERY_S),
        (shelf.forget, FORGET_KEPT_S),
    )
    app = web_part(settings.public_url.scheme, lifespan_of(engine, recorder, bell, *chores), api_document=True)
    soon = settings.body_deadline_s
    for api in (
        Api(door, callers, partial(reading, engine, cases.status_for_client), body_deadline_s=soon),
        SourcesApi(door, callers, sources, secret=signing.find, body_deadline_s=soon),
        HooksApi(engine, lambda: in_force().channels, signing, ring=bell.ring, body_deadline_s=soon),
    ):
        app.include_router(api.routes())
    for pages in reporters_pages(
        settings,
        house,
        secrets,
        engine=engine,
        custodians=custody,
        in_force=in_force,
        sources=sources,
        door=door,
        callers=callers,
        guesses=guesses,
        shelf=shelf,
        quotas=quotas,
        ring=bell.ring,
    ):
        app.include_router(pages)
    for own in (HousePages(house, public_url=public_url).routes(), house_files(house), files("report.js")):
        app.include_router(own)
    lead_on(app, house)
    degraded = partial(_all_of, in_force.degraded, sources.degraded, pager.degraded, floods.degraded, guesses.degraded)
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


def _door(
    settings: Settings,
    secrets: secretfiles.IntakeSecrets,
    *,
    policy: InForce,
    recipients: housekeeping.Recipients,
    recorder: Recorder,
    quotas: limits.Quotas,
    flood: Callable[[str, datetime], str | None],
) -> Door:
    return Door(
        policy=policy,
        recipients=recipients,
        recorder=recorder,
        issue_receipt=partial(receipts.issue, secrets.receipt),
        idempotency_secret=secrets.idempotency,
        quotas=quotas,
        flood=flood,
        console_url=str(settings.console_address).rstrip("/"),
    )


def _all_of(*looks: Callable[[], list[str]]) -> list[str]:
    return [code for look in looks for code in look()]
