"""The reporters' pages, joined to the rest of the public part."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import Engine
from starlette.requests import Request

from router.app.made import reading
from router.clock import now
from router.errors import Refused
from router.intake import guard, limits
from router.intake.callers import Callers
from router.intake.inforce import InForce, vocabulary
from router.intake.sourcesinforce import SourcesInForce
from router.intake.submit import Door
from router.reporter.agents import AgentPages, AgentsDesk
from router.reporter.behalf import BehalfDesk, BehalfPages
from router.reporter.choices import Choices, Kind
from router.reporter.following import FollowDesk, FollowPages
from router.reporter.guesses import Guesses
from router.reporter.guided import Guided, GuidedDesk
from router.reporter.guidedpages import GuidedPages
from router.reporter.house import House
from router.reporter.kept import Shelf
from router.reporter.letters import Letters
from router.reporter.onepage import ReportDesk, ReportPages
from router.reporter.seen import SeenPage
from router.reporter.sending import Sending
from router.secretfiles import IntakeSecrets
from router.settings import Settings
from router.sources.mapping import note_back_of
from router.store import behalf, byreceipt
from router.triage.policy import Policy
from router.vocabulary import Scope

BEGUN_PER_HOUR: Final = 3000
"""Guided reports from one network address: an office of 500 on its training day, each beginning six times. Whoever
comes later gets all questions on one page, which needs no room of ours."""
BEGUN_EVERYWHERE_PER_HOUR: Final = 60_000
"""From all addresses together: unsent answers take at most a few hundred megabytes of the database."""


def reporters_pages(
    settings: Settings,
    house: House,
    secrets: IntakeSecrets,
    *,
    engine: Engine,
    custodians: Callable[[], bool],
    in_force: InForce,
    sources: SourcesInForce,
    door: Door,
    callers: Callers,
    guesses: Guesses,
    shelf: Shelf,
    quotas: limits.Quotas,
    ring: Callable[[Iterable[str]], None],
) -> list[APIRouter]:
    """Return the routes of all pages."""
    soon = settings.body_deadline_s

    def choices() -> Choices:
        policy = in_force()
        kinds = tuple(Kind(kind.name, kind.label, kind.group) for kind in policy.taxonomy.values())
        return Choices(kinds, policy.sites, custodians=custodians())

    async def submit(sent: Mapping[str, Any], request: Request, key: str | None) -> bytes:
        return await door.submit(dict(sent), callers.person(request), key)

    async def hold_wrong(request: Request, since: float) -> None:
        await guesses.hold(callers.person(request).bucket, since)

    report = ReportDesk(choices=choices, submit=submit, body_deadline_s=soon)
    follow = FollowDesk(
        find=partial(reading, engine, byreceipt.find),
        written=partial(reading, engine, byreceipt.dialogue),
        outside=lambda: _outside(in_force()),
        letters=Letters(engine, in_force, ring=ring),
        submit=submit,
        categories=lambda: in_force().taxonomy.keys(),
        hold_wrong=hold_wrong,
        receipt_secret=secrets.receipt,
        body_deadline_s=soon,
    )
    one_page, pages = ReportPages(report, house), GuidedPages(choices)
    guided = _guided_desk(report, shelf, in_force=in_force, callers=callers, quotas=quotas)
    agents = _agents_desk(report, secrets.link, in_force=in_force, sources=sources, door=door, callers=callers)
    taken_down = _behalf_desk(report, engine=engine, in_force=in_force, door=door, callers=callers)
    return [
        one_page.routes(),
        Guided(guided, house, pages, one_page).routes(),
        Sending(report, shelf, house, pages).routes(),
        FollowPages(follow, house).routes(),
        AgentPages(agents, house).routes(),
        BehalfPages(taken_down, house).routes(),
        SeenPage(choices, house).routes(),
    ]


def _guided_desk(
    desk: ReportDesk, shelf: Shelf, *, in_force: InForce, callers: Callers, quotas: limits.Quotas
) -> GuidedDesk:
    def may_begin(request: Request) -> bool:
        network = f"begun {callers.person(request).bucket}"
        counted = ((network, BEGUN_PER_HOUR), ("begun everywhere", BEGUN_EVERYWHERE_PER_HOUR))
        return not any(quotas.wait_s(bucket, most=most, window_s=limits.HOUR_S) for bucket, most in counted)

    return GuidedDesk(
        shelf=shelf,
        faults=lambda sent: guard.faults(sent, vocabulary(in_force()), now=now()),
        may_begin=may_begin,
        body_deadline_s=desk.body_deadline_s,
    )


def _agents_desk(
    desk: ReportDesk,
    link_secret: bytes,
    *,
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


def _behalf_desk(desk: ReportDesk, *, engine: Engine, in_force: InForce, door: Door, callers: Callers) -> BehalfDesk:
    async def usable(digest: bytes) -> bool:
        return await asyncio.to_thread(reading, engine, behalf.ends_at, digest) is not None

    async def submit(sent: Mapping[str, Any], request: Request, key: str | None, digest: bytes) -> bytes:
        return await door.submit(dict(sent), callers.person(request), key, behalf=digest)

    def check(sent: Mapping[str, Any]) -> None:
        guard.admit(dict(sent), vocabulary(in_force()), now=now())

    return BehalfDesk(
        choices=desk.choices, usable=usable, check=check, submit=submit, body_deadline_s=desk.body_deadline_s
    )


def _outside(policy: Policy) -> Collection[str]:
    return {name for name, channel in policy.channels.channels.items() if channel.scope is Scope.EXTERNAL}
