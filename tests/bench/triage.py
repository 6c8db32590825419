"""What a decision costs: a policy of 40 routes and one of 10,000, without and with the explanation.

Times are medians over batches of concerns that differ in every field; loading is measured once for each policy.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

from router.model import Facts
from router.triage.decide import choose
from router.triage.policy import Policy, parse_policy
from router.vocabulary import EvidenceState, NoticedHow, Urgency, VerdictSource, WhereFound
from tests.policies import CHANNELS, POLICY, decided, shipped

CONCERNS = 400
BATCHES = 7
CATEGORIES = ("fraud", "other")


def measured() -> dict[str, Any]:
    """Return microseconds a decision and seconds to load, for the shipped policy, 40 and 10,000 routes."""
    concerns = _concerns(random.Random(7))
    return {
        "shipped": _speeds(shipped(), concerns),
        "routes_40": _of(40, concerns),
        "routes_10000": _of(10_000, concerns[:20]),
    }


def _of(routes: int, concerns: Sequence[Facts]) -> dict[str, float]:
    text = policy_of(routes)
    began = time.perf_counter()
    policy = parse_policy(text, CHANNELS)
    loaded = time.perf_counter() - began
    return {"load_s": round(loaded, 3), **_speeds(policy, concerns)}


def _speeds(policy: Policy, concerns: Sequence[Facts]) -> dict[str, float]:
    return {
        "choose_us": _median_us(lambda facts: choose(policy, facts, statutory=True), concerns),
        "decide_explained_us": _median_us(lambda facts: decided(policy, facts), concerns),
    }


def _median_us(act: Callable[[Facts], object], concerns: Sequence[Facts]) -> float:
    batches = []
    for _ in range(BATCHES):
        began = time.perf_counter()
        for facts in concerns:
            act(facts)
        batches.append(1e6 * (time.perf_counter() - began) / len(concerns))
    return round(statistics.median(batches), 1)


def policy_of(routes: int) -> str:
    """Return a policy with that many routes of five conditions each; almost nothing matches the early ones."""
    rng = random.Random(11)
    lines = [
        f"  - {{id: r{number}, when: {{category: {rng.choice(CATEGORIES)}, "
        f"where_found: [{', '.join(rng.sample([str(w) for w in WhereFound], 3))}], "
        f"noticed_how: {rng.choice(list(NoticedHow))}, urgency: {rng.choice(list(Urgency))}, "
        f"verdict_source: {rng.choice(list(VerdictSource))}}}, teams: legal, to: legal-desk}}"
        for number in range(routes - 1)
    ]
    lines.append("  - {id: rest, teams: legal, to: legal-desk}")
    head, _, rest = POLICY.partition("routes:\n")
    tail = rest[rest.index("fallback:") :]
    return f"{head}routes:\n" + "\n".join(lines) + f"\n{tail}"


def _concerns(rng: random.Random) -> list[Facts]:
    return [
        Facts(
            category=rng.choice(CATEGORIES),
            noticed_how=rng.choice(list(NoticedHow)),
            where_found=rng.choice(list(WhereFound)),
            urgency=tuple(rng.sample(list(Urgency), rng.randrange(3))),
            evidence_state=rng.choice(list(EvidenceState)),
            verdict_source=rng.choice(list(VerdictSource)),
            asset_tag=f"LT-{rng.randrange(10_000)}",
        )
        for _ in range(CONCERNS)
    ]
