"""Promise 6 over the real path: what `policy explain` shows of a concern is what the door decides and what is kept.

Concerns go in through the public part; what the database then holds is compared with the decision made anew here,
and with the bytes that a worker would make of it.
"""

from typing import Any

import psycopg
import pytest
from httpx2 import codes
from psycopg.rows import dict_row

from router.model import Deadlines, Decision, Facts, PlannedReferral, Referral, plain
from router.settings import Settings
from router.store.posting import referral_id
from router.triage.decide import decide
from router.triage.examples import FILE, Example, read_examples
from router.triage.explain import as_json
from router.triage.file import ReportedBy
from router.triage.policy import Policy, load_policy
from tests.conftest import Database
from tests.publicpart import Start, bearer, console, settings, start, token

__all__ = ["console", "settings", "start", "token"]  # fixtures


def sent(example: Example) -> dict[str, Any]:
    """Return the body of the example's concern; without times, which for us may lie in the future."""
    return example.facts.model_dump(
        mode="json", exclude_defaults=True, exclude_none=True, exclude={"occurred_at", "noticed_at"}
    )


def kept(database: Database, reference: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the case and its referrals as the database holds them."""
    with psycopg.connect(database.owner_dsn, row_factory=dict_row) as connection:
        case = connection.execute("select * from cases where reference = %s", [reference]).fetchone()
        order = "select * from referrals where reference = %s order by channel, revision"
        rows = connection.execute(order, [reference]).fetchall()
    assert case
    return case, rows


def key_of(planned: PlannedReferral) -> str:
    return referral_id(planned.fields.reference, planned.channel, planned.fields.revision)


def assert_kept_as_shown(policy: Policy, decision: Decision, case: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    shown = as_json(policy, decision, key_of)
    assert (case["policy"], case["route"]) == (shown["policy"], shown["route"])
    assert {**shown, **case["decision"]} == shown
    assert Deadlines(**{name: case[name] for name in Deadlines.model_fields}) == decision.deadlines
    assert len(rows) == len(decision.referrals)
    both = zip(decision.referrals, shown["referrals"], strict=True)
    in_order = sorted(both, key=lambda pair: (pair[0].channel, pair[0].fields.revision))
    for row, (planned, said) in zip(rows, in_order, strict=True):
        assert_sent_as_shown(policy, planned, said, row)


def assert_sent_as_shown(policy: Policy, planned: PlannedReferral, said: dict[str, Any], row: dict[str, Any]) -> None:
    stored = Referral.model_validate(row["fields"])
    assert stored == planned.fields
    assert row["fields"] == said["fields"] == plain(planned.fields)
    for name in ("channel", "kind", "state", "awaited", "instead_of"):
        assert row[name] == getattr(planned, name), name
    assert (row["revision"], row["notice"]) == (planned.fields.revision, planned.fields.notice)
    assert planned.due_at in (None, row["due_at"])
    channel = policy.channels.channels[row["channel"]]
    assert said["lacks"] == list(channel.lacks(stored))
    if said["lacks"]:  # nobody can approve it as it is
        assert said["payload"] is None
    else:
        assert channel.render(stored, key=row["id"]).body.decode() == said["payload"]


@pytest.mark.parametrize("folder", ["", "us", "uk"])
def test_what_is_shown_is_decided_kept_and_sent(
    start: Start, settings: Settings, database: Database, token: str, folder: str
) -> None:
    config = settings.config_dir / folder
    policy = load_policy(config)
    public = start(config_dir=config)
    for _, example in read_examples((config / FILE).read_text(), policy):
        person = example.reported_by is ReportedBy.PERSON
        answer = public.post("/api/v1/concerns", json=sent(example), headers={} if person else bearer(token))
        assert answer.status_code == codes.CREATED, (example.name, answer.text)
        case, rows = kept(database, answer.json()["reference"])

        decision = decide(
            policy,
            Facts.model_validate(sent(example)),
            reference=case["reference"],
            received_at=case["received_at"],
            statutory=person,
            console_url=str(settings.console_address),
        )

        assert_kept_as_shown(policy, decision, case, rows)
