"""What the public part is made of: one of each, which its API, its pages and its chores share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import Engine

from router.app.made import reading
from router.bell import Bell
from router.errors import RouterError
from router.intake import housekeeping, limits
from router.intake.callers import Callers
from router.intake.flooding import Floods
from router.intake.inforce import InForce
from router.intake.pager import Pager
from router.intake.recorder import Recorder
from router.intake.sourcesinforce import SourcesInForce
from router.intake.submit import Door
from router.reporter import receipts
from router.reporter.following.guesses import Guesses
from router.reporter.guided.kept import Shelf
from router.reporter.house.house import House, load_house
from router.secretfiles import IntakeSecrets, intake_secrets
from router.settings import Settings
from router.store.clients import active_clients
from router.store.engine import connect
from router.vocabulary import Login


@dataclass(frozen=True, slots=True, repr=False)
class Parts:
    """One of each."""

    settings: Settings
    house: House
    secrets: IntakeSecrets
    engine: Engine
    recipients: housekeeping.Recipients
    bell: Bell
    in_force: InForce
    recorder: Recorder
    quotas: limits.Quotas
    callers: Callers
    floods: Floods
    door: Door
    sources: SourcesInForce
    guesses: Guesses
    shelf: Shelf
    pager: Pager
    custody: housekeeping.Custody


def public_parts(settings: Settings) -> Parts:
    """Make the parts; nothing of them runs yet. Raises Broken, PolicyErrors, Unavailable."""
    house = load_house(settings.config_dir, public_url=str(settings.public_url), host=settings.public_url.host)
    secrets = intake_secrets(settings.secrets_path)
    engine = connect(settings.dsn(Login.INTAKE), process="intake")
    recipients = housekeeping.Recipients(engine)
    bell, in_force = _followed(settings, engine, secrets, recipients)
    recorder = Recorder(engine, batch=settings.recorder_batch, after_commit=bell.ring)
    quotas = limits.Quotas()
    floods = Floods(
        quotas,
        engine,
        in_force,
        per_hour=settings.anonymous_per_hour,
        per_minute=settings.parked_above_per_minute,
        ring=bell.ring,
    )
    return Parts(
        settings=settings,
        house=house,
        secrets=secrets,
        engine=engine,
        recipients=recipients,
        bell=bell,
        in_force=in_force,
        recorder=recorder,
        quotas=quotas,
        callers=Callers(partial(reading, engine, active_clients), address_secret=secrets.address),
        floods=floods,
        door=_door(settings, secrets, in_force, recipients, recorder, quotas=quotas, flood=floods.flood),
        sources=SourcesInForce(settings.config_dir, settings.state_dir, engine, in_force, ring=bell.ring),
        guesses=Guesses(engine, quotas, most_an_hour=settings.wrong_receipts_per_hour),
        shelf=Shelf(engine, secrets.kept, https=settings.public_url.scheme == "https"),
        pager=Pager(engine, in_force, ring=bell.ring),
        custody=housekeeping.Custody(engine),
    )


def _followed(
    settings: Settings, engine: Engine, secrets: IntakeSecrets, recipients: housekeeping.Recipients
) -> tuple[Bell, InForce]:
    """Return the bell and the policy in force, each of which needs the other; raises what `public_parts` raises."""

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
    secrets: IntakeSecrets,
    policy: InForce,
    recipients: housekeeping.Recipients,
    recorder: Recorder,
    *,
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
