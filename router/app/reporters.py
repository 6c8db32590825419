"""The reporters' pages, joined to the rest of the public part."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request

from router.app.made import reading
from router.app.parts import Parts
from router.clock import now
from router.errors import Fault, Refused
from router.intake import guard, limits
from router.intake.inforce import vocabulary
from router.reporter.agents import AgentPages, AgentsDesk
from router.reporter.behalf import BehalfDesk, BehalfPages
from router.reporter.choices import Choices, Kind
from router.reporter.following.letters import Letters
from router.reporter.following.pages import FollowDesk, FollowPages
from router.reporter.guided.asking import Guided, GuidedDesk
from router.reporter.guided.pages import GuidedPages
from router.reporter.guided.sending import Sending
from router.reporter.onepage import ReportDesk, ReportPages
from router.reporter.seen import SeenPage
from router.sources.mapping import note_back_of
from router.store import behalf, byreceipt

BEGUN_PER_HOUR: Final = 3000
"""Guided reports from one network address: an office of 500 on its training day, each beginning six times. Whoever
comes later gets all questions on one page, which needs no room of ours."""
BEGUN_EVERYWHERE_PER_HOUR: Final = 60_000
"""From all addresses together. How much room their answers take is looked at as well, see `Shelf.full`."""


def reporters_pages(parts: Parts) -> list[APIRouter]:
    """Return the routes of all pages."""
    house, choices = parts.house, partial(_choices, parts)
    report = ReportDesk(choices=choices, submit=partial(_submit, parts), body_deadline_s=parts.settings.body_deadline_s)
    one_page, pages = ReportPages(report, house), GuidedPages(choices)
    return [
        one_page.routes(),
        Guided(_guided_desk(parts), house, pages, one_page).routes(),
        Sending(report, parts.shelf, house, pages).routes(),
        FollowPages(_follow_desk(parts), house).routes(),
        AgentPages(_agents_desk(parts), house).routes(),
        BehalfPages(_behalf_desk(parts), house).routes(),
        SeenPage(choices, house).routes(),
    ]


def _choices(parts: Parts) -> Choices:
    policy = parts.in_force()
    kinds = tuple(Kind(kind.name, kind.label, kind.group) for kind in policy.taxonomy.values())
    return Choices(kinds, policy.sites, custodians=parts.custody())


async def _submit(parts: Parts, sent: Mapping[str, Any], request: Request, key: str | None) -> bytes:
    return await parts.door.submit(dict(sent), parts.callers.person(request), key)


def _faults(parts: Parts, sent: Mapping[str, Any]) -> tuple[Fault, ...]:
    return guard.faults(sent, vocabulary(parts.in_force()), now=now())


def _follow_desk(parts: Parts) -> FollowDesk:
    async def hold_wrong(request: Request, since: float) -> None:
        await parts.guesses.hold(parts.callers.person(request).bucket, since)

    in_force = parts.in_force
    return FollowDesk(
        find=partial(reading, parts.engine, byreceipt.find),
        written=partial(reading, parts.engine, byreceipt.dialogue),
        outside=lambda: in_force().channels.outside,
        letters=Letters(parts.engine, in_force, ring=parts.bell.ring),
        submit=partial(_submit, parts),
        categories=lambda: in_force().taxonomy,
        hold_wrong=hold_wrong,
        receipt_secret=parts.secrets.receipt,
        body_deadline_s=parts.settings.body_deadline_s,
    )


def _guided_desk(parts: Parts) -> GuidedDesk:
    def may_begin(request: Request) -> bool:
        network = f"begun {parts.callers.person(request).bucket}"
        counted = ((network, BEGUN_PER_HOUR), ("begun everywhere", BEGUN_EVERYWHERE_PER_HOUR))
        if parts.shelf.full:
            return False
        return not any(parts.quotas.wait_s(bucket, most=most, window_s=limits.HOUR_S) for bucket, most in counted)

    return GuidedDesk(
        shelf=parts.shelf,
        faults=partial(_faults, parts),
        may_begin=may_begin,
        body_deadline_s=parts.settings.body_deadline_s,
    )


def _agents_desk(parts: Parts) -> AgentsDesk:
    async def submit(sent: Mapping[str, Any], client: str, key: str | None) -> bytes:
        caller = await parts.callers.named(client)
        if caller is None:
            raise Refused("link_refused")
        note_back = note_back_of(parts.sources(), client, str(sent.get("source_ticket", "")))
        return await parts.door.submit(dict(sent), caller, key, note_back=note_back)

    async def known(client: str) -> bool:
        return await parts.callers.named(client) is not None

    return AgentsDesk(
        choices=partial(_choices, parts),
        known=known,
        submit=submit,
        faults=partial(_faults, parts),
        link_secret=parts.secrets.link,
        body_deadline_s=parts.settings.body_deadline_s,
    )


def _behalf_desk(parts: Parts) -> BehalfDesk:
    async def usable(digest: bytes) -> bool:
        return await asyncio.to_thread(reading, parts.engine, behalf.ends_at, digest) is not None

    async def submit(sent: Mapping[str, Any], request: Request, key: str | None, digest: bytes) -> bytes:
        return await parts.door.submit(dict(sent), parts.callers.person(request), key, behalf=digest)

    def check(sent: Mapping[str, Any]) -> None:
        guard.admit(dict(sent), vocabulary(parts.in_force()), now=now())

    return BehalfDesk(
        choices=partial(_choices, parts),
        usable=usable,
        check=check,
        submit=submit,
        body_deadline_s=parts.settings.body_deadline_s,
    )
