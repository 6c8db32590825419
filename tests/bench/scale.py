"""How long the console takes among many cases: pages of the queue by filters as people set them, and a long case.

Fills two databases on one embedded PostgreSQL, asks each in turns, A B A B, as two reviewers do, through the whole
application: session, query, page, and the line of the audit committed to disk. Prints JSON; all is below var/scale.
"""

import argparse
import json
import platform
import shutil
import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import psutil
import psycopg
from psycopg import sql
from sqlalchemy import Engine, text

from router import secretfiles
from router.embedded.account import make_folder
from router.embedded.postgres import OWNER, SUPERUSER, EmbeddedPostgres
from router.store.engine import connect, transaction
from router.store.upgrade import upgrade
from router.vocabulary import Login
from tests.bench import scaledata
from tests.conftest import CHECKOUT, Database
from tests.router.console.deployments import Deployment
from tests.router.console.pages import Browser, an_office

STATE: Final = CHECKOUT / "var/scale"
WARM_UP: Final = 3
QUERIES: Final[Mapping[str, Mapping[str, str]]] = {
    "first page": {},
    "any state": {"state": "any"},
    "closed": {"state": "closed"},
    "critical": {"severity": "critical", "state": "open"},
    "category": {"category": "fraud"},
    "rare category": {"category": scaledata.RARE_CATEGORY},
    "site": {"site": "site_3"},
    "rare site": {"site": scaledata.RARE_SITE},
    "category and site": {"category": "fraud", "site": "site_3"},
    "rare category and site": {"category": scaledata.RARE_CATEGORY, "site": "site_3"},
    "team": {"team": "security"},
    "with nobody": {"claimed": "nobody", "state": "open"},
    "with anybody": {"claimed": "anybody"},
    "with me": {"claimed": "me"},
    "unread": {"unread": "1"},
    "overdue": {"overdue": "1"},
    "closed, unread, of a site": {"state": "closed", "unread": "1", "site": "site_1"},
    "a page deep inside": {},
    "search: reference": {},
    "search: asset tag": {},
    "search: hash": {},
    "search: nothing": {"q": "MARKED-7f3a"},
}
"""Each as the address has it; what depends on the data is added."""


@dataclass
class Site:
    """One database with its console."""

    cases: int
    browsers: Mapping[str, Browser]
    queries: Mapping[str, Mapping[str, str]]
    long_case: str
    filled_s: float
    took: dict[str, list[float]] = field(default_factory=dict)

    def ask(self, name: str, path: str, query: Mapping[str, str], *, count: bool) -> None:
        for browser in self.browsers.values():
            begun = perf_counter()
            answer = browser.get(path, **query)
            took = perf_counter() - begun
            assert answer.status_code == 200, (name, answer.status_code)
            if count:
                self.took.setdefault(name, []).append(took * 1000)

    def turn(self, *, count: bool = True) -> None:
        """Ask for everything once, as each person."""
        for name, query in self.queries.items():
            self.ask(name, "/console", query, count=count)
        self.ask("counts", "/console/counts", {}, count=count)
        self.ask("case page", f"/console/cases/{self.long_case}", {}, count=count)


@contextmanager
def a_site(server: EmbeddedPostgres, folder: Path, count: int) -> Iterator[Site]:
    """Yield a console over a new database with that many cases."""
    database = Database(server, f"cases_{count}")
    with psycopg.connect(server.address(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} owner {}").format(sql.Identifier(database.name), sql.Identifier(OWNER))
        )
    upgrade(database.owner_dsn, {login: login.value for login in Login})
    with ExitStack() as opened:
        owner = connect(database.owner_dsn, process="scale-owner", patient=True)
        intake, console = (connect(database.dsn(login), process="scale") for login in (Login.INTAKE, Login.CONSOLE))
        for engine in (owner, intake, console):
            opened.callback(engine.dispose)
        first, policy = scaledata.keys_and_policy(intake, console)
        begun = perf_counter()
        scaledata.fill(owner, policy, count)
        filled_s = perf_counter() - begun
        long_case = scaledata.long_case(intake, owner, policy)
        made = Deployment(intake, console, owner, {}, first.recovery_identity, "")
        folders = {"secrets_dir": folder / "secrets", "state_dir": folder, "config_dir": CHECKOUT / "config"}
        office = opened.enter_context(an_office(made, database, folders))
        browsers = {who: office.sign_in(who) for who in (scaledata.EVERYWHERE, scaledata.IN_ONE_TEAM)}
        yield Site(count, browsers, _queries(owner), long_case, filled_s)


def _queries(owner: Engine) -> dict[str, Mapping[str, str]]:
    """Return the queries with what depends on the data."""
    deep = """
        select rank, place, reference from case_queue where rank = 3 order by 2
        offset (select count(*) / 9 from case_queue) limit 1"""
    one = """
        select reference, facts ->> 'asset_tag' as tag, facts #>> '{hashes,0,value}' as hash
        from cases where facts ? 'hashes' limit 1"""
    with transaction(owner) as connection:
        place = connection.execute(text(deep)).one()
        found = connection.execute(text(one)).one()
    more = {
        "a page deep inside": {"after": "~".join(map(str, place))},
        "search: reference": {"q": found.reference},
        "search: asset tag": {"q": found.tag},
        "search: hash": {"q": found.hash},
    }
    return {name: {**query, **more.get(name, {})} for name, query in QUERIES.items()}


def figures(took: list[float]) -> dict[str, float]:
    """Return median, 99th percentile and longest, in milliseconds."""
    ordered = sorted(took)
    at = min(len(ordered) - 1, round(0.99 * len(ordered)))
    return {"p50_ms": round(statistics.median(ordered), 2), "p99_ms": round(ordered[at], 2), "n": len(ordered)}


def summed_up(sites: list[Site]) -> dict[str, Any]:
    """Return the figures of each site, and how the last compares to the first."""
    small, big = sites[0], sites[-1]
    queue = [name for name in small.took if name not in {"counts", "case page"}]
    every = {site.cases: [one for name in queue for one in site.took[name]] for site in sites}
    return {
        "queue": {str(count): figures(took) for count, took in every.items()},
        "ratio_p50": round(statistics.median(every[big.cases]) / statistics.median(every[small.cases]), 2),
        "ratio_p99": round(figures(every[big.cases])["p99_ms"] / figures(every[small.cases])["p99_ms"], 2),
        "pages": {name: {str(site.cases): figures(site.took[name]) for site in sites} for name in small.took},
        "filled_s": {str(site.cases): round(site.filled_s, 1) for site in sites},
    }


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__.splitlines()[0])
    asked.add_argument("--cases", type=int, nargs="+", default=[18_400, 1_840_000], help="of each database")
    asked.add_argument("--turns", type=int, default=25, help="how often each page is asked for, by each person")
    given = asked.parse_args()
    shutil.rmtree(STATE, ignore_errors=True)
    make_folder(STATE, 0o711)
    secretfiles.make(STATE / "secrets")
    server = EmbeddedPostgres(STATE)
    server.start()
    try:
        with ExitStack() as opened:
            sites = []
            for count in given.cases:
                sites.append(opened.enter_context(a_site(server, STATE, count)))
                sys.stderr.write(f"{count} cases after {sites[-1].filled_s:.0f} s\n")
            for turn in range(-WARM_UP, given.turns):
                for site in sites:
                    site.turn(count=turn >= 0)
            result = {
                "machine": {"cores": psutil.cpu_count(), "python": platform.python_version()},
                "conditions": vars(given),
                **summed_up(sites),
            }
    finally:
        server.stop()
    (STATE / "scale.json").write_text(json.dumps(result, indent=1))
    shutil.rmtree(STATE / "postgres", ignore_errors=True)
    sys.stdout.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
