"""The public part: API, hooks, and the reporters' pages."""

from collections.abc import Callable
from functools import partial

from fastapi import FastAPI

from router.app.made import beside, files, lifespan_of, reading, web_part
from router.app.parts import Parts, public_parts
from router.app.reporters import reporters_pages
from router.intake import document, housekeeping
from router.intake.digests import LOOK_EVERY_S as DIGESTS_EVERY_S
from router.intake.digests import Digests
from router.intake.drills import LOOK_EVERY_S as DRILLS_EVERY_S
from router.intake.drills import Drills
from router.intake.flooding import LOOK_EVERY_S as FLOODS_EVERY_S
from router.intake.hooks import HooksApi
from router.intake.inforce import LOOK_EVERY_S, vocabulary
from router.intake.pager import LOOK_EVERY_S as PAGER_EVERY_S
from router.intake.routes import Api
from router.intake.secrets import Secrets
from router.intake.sources import SourcesApi
from router.reporter.following.guesses import LOOK_EVERY_S as GUESSES_EVERY_S
from router.reporter.guided.kept import FORGET_S as FORGET_KEPT_S
from router.reporter.house.pages import HousePages, house_files
from router.reporter.lost import lead_on
from router.settings import Settings
from router.store import cases
from router.store.cases import CaseStatus
from router.web import health


def public_app(settings: Settings) -> FastAPI:
    """Return the public part: API and reporters' pages.

    Raises Broken with the operator's next step, PolicyErrors at a first start with a bad policy,
    Unavailable when the database cannot be reached.
    """
    parts = public_parts(settings)
    in_force = parts.in_force
    running = lifespan_of(parts.engine, parts.recorder, parts.bell, *_chores(parts))
    app = web_part(settings.public_url.scheme, running, api_document=True)
    for api in _apis(parts):
        app.include_router(api.routes())
    for pages in reporters_pages(parts):
        app.include_router(pages)
    house = parts.house
    own = HousePages(house, public_url=str(settings.public_url)).routes()
    for routes in (own, house_files(house), files("report.js")):
        app.include_router(routes)
    lead_on(app, house)
    looks = (in_force, parts.sources, parts.pager, parts.floods, parts.guesses)
    degraded = partial(_all_of, *(part.degraded for part in looks))
    app.include_router(health.routes(partial(health.missing, parts.engine), degraded))
    app.openapi = document.writer(app, lambda: vocabulary(in_force()))  # type: ignore[method-assign]
    return app


def _apis(parts: Parts) -> tuple[Api, SourcesApi, HooksApi]:
    soon, signing, in_force = parts.settings.body_deadline_s, Secrets(), parts.in_force

    def status(reference: str, client: str) -> CaseStatus | None:
        query = partial(cases.status_for_client, outside=in_force().channels.outside)
        found: CaseStatus | None = reading(parts.engine, query, reference, client)
        return found

    return (
        Api(parts.door, parts.callers, status, body_deadline_s=soon),
        SourcesApi(parts.door, parts.callers, parts.sources, secret=signing.find, body_deadline_s=soon),
        HooksApi(parts.engine, lambda: in_force().channels, signing, ring=parts.bell.ring, body_deadline_s=soon),
    )


def _chores(parts: Parts) -> list[housekeeping.Chore]:
    engine, in_force, ring = parts.engine, parts.in_force, parts.bell.ring
    return beside(
        (in_force.refresh, LOOK_EVERY_S),
        (parts.sources.refresh, LOOK_EVERY_S),
        (parts.recipients.refresh, housekeeping.RECIPIENTS_S),
        (parts.custody.refresh, housekeeping.CUSTODY_S),
        (partial(housekeeping.forget, engine), housekeeping.FORGET_S),
        (Drills(engine, in_force, ring=ring).post_due, DRILLS_EVERY_S),
        (Digests(engine, in_force, ring=ring).post_due, DIGESTS_EVERY_S),
        (parts.pager.look, PAGER_EVERY_S),
        (parts.floods.look, FLOODS_EVERY_S),
        (parts.guesses.look, GUESSES_EVERY_S),
        (parts.shelf.forget, FORGET_KEPT_S),
    )


def _all_of(*looks: Callable[[], list[str]]) -> list[str]:
    return [code for look in looks for code in look()]
