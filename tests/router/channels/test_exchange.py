"""What leaves as JSON is what the schema says, and docs/exchange.md says the same."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from router.channels import exchange, folder, webhook
from router.marking import Tlp
from router.model import Referral
from router.vocabulary import Notice

DOCS = Path(__file__).parents[3] / "docs"
TOLD = (DOCS / "exchange.md").read_text()
VALID = Draft202012Validator(exchange.schema(), format_checker=FormatChecker())
FULL: dict[str, Any] = {
    "category": "csam_suspected",
    "severity": "critical",
    "noticed_how": "endpoint_hash_match",
    "where_found": "removable_usb",
    "site": "plant",
    "occurred_at": datetime(2026, 11, 20, 8, 15, 3, 5, timezone(timedelta(hours=1))),
    "noticed_at": datetime(2026, 11, 23, 8, 15, tzinfo=UTC),
    "received_at": datetime(2026, 11, 25, 6, 2, 11, 408213, UTC),
    "urgency": ("child_in_immediate_danger", "live_now"),
    "evidence_state": "device_isolated",
    "country": "SE",
    "jurisdiction": "US-TX",
    "involves": ("legal",),
    "verdict_source": "hash_list",
    "source_ticket": "ITSM#4711",
    "asset_tag": "LT-0042",
    "hashes": ({"algorithm": "sha1", "value": "0" * 40},),
    "url": "https://example.org/a",
    "subject_handle": "CORP\\some.one",
    "claim_by": datetime(2026, 11, 25, 7, tzinfo=UTC),
    "decide_by": datetime(2026, 11, 26, 7, tzinfo=UTC),
    "acknowledge_by": datetime(2026, 12, 2, 7, tzinfo=UTC),
    "feedback_by": datetime(2027, 2, 25, 7, tzinfo=UTC),
    "link": "https://concerns.example.org/console/cases/CR-0123-4567-89AB",
}
"""Everything that a channel may carry, once."""
REFERENCE = "CR-0123-4567-89AB"
FOLDER = folder.Settings(path="a")
WEBHOOK = webhook.Settings(url="https://example.org/hook", secret="env:HOOK")


def referral(**fields: Any) -> Referral:
    return Referral.model_validate({"reference": REFERENCE, "tlp": Tlp.RED, **fields})


def problems(document: Any) -> list[str]:
    return [error.message for error in VALID.iter_errors(document)]


def test_the_maker_of_these_tests_knows_every_field() -> None:
    assert set(FULL) == set(Referral.model_fields) - {"reference", "revision", "notice", "awaited", "about", "tlp"}


@settings(max_examples=150)
@given(st.sets(st.sampled_from(sorted(FULL))), st.sampled_from(list(Tlp)), st.integers(1, 40))
def test_every_document_that_leaves_is_valid_and_has_the_fields_it_was_given(
    names: set[str], tlp: Tlp, revision: int
) -> None:
    marked = referral(tlp=tlp, revision=revision, **{name: FULL[name] for name in names})

    document = orjson.loads(folder.render(FOLDER, marked, key="k").body)
    assert problems(document) == []
    assert set(document) == {"schema", "tlp", "reference", "revision", *names}
    assert (document["schema"], document["tlp"]) == ("concern-router/referral/1", tlp.value)
    assert orjson.loads(webhook.render(WEBHOOK, marked, key="k").body)["data"] == document


@pytest.mark.parametrize("notice", [Notice.RECALLED, Notice.CLOSED, Notice.CORRECTED])
def test_what_is_said_later_is_valid_too(notice: Notice) -> None:
    document = exchange.document(referral(revision=2, notice=notice))

    assert problems(document) == []
    assert list(document) == ["schema", "tlp", "reference", "revision", "notice"]


@pytest.mark.parametrize(
    "more",
    [
        {"narrative": "MARKED-7f3a"},
        {"tlp": "TLP:WHITE"},
        {"notice": "drill"},
        {"revision": 0},
        {"category": None},
        {"schema": "concern-router/referral/2"},
        {"url": "javascript:1"},
    ],
)
def test_the_schema_takes_nothing_else(more: dict[str, Any]) -> None:
    assert problems({**exchange.document(referral(category="fraud")), **more})


def test_what_stays_inside_names_no_schema() -> None:
    document = exchange.document(referral(tlp=None, category="fraud"))

    assert document == {"reference": REFERENCE, "revision": 1, "category": "fraud"}


def rows(after: str) -> dict[str, str]:
    """Return the first two cells of the table behind a heading."""
    table = TOLD.split(f"## {after}\n", 1)[1].split("\n## ", 1)[0]
    return dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", table, re.MULTILINE))


def test_the_document_tells_of_every_field_and_no_other() -> None:
    schema = exchange.schema()
    envelope, fields = rows("The envelope"), rows("The fields")

    assert [*envelope, *fields] == list(schema["properties"])
    assert {name for name, there in envelope.items() if there == "always"} == set(schema["required"])
    assert f"`{exchange.SCHEMA}`" in TOLD
    assert schema["properties"]["schema"]["const"] == exchange.SCHEMA
    assert all(f"| `{tlp.value}` |" in TOLD for tlp in Tlp)
    notices = schema["properties"]["notice"]["enum"]
    assert all(f"`{notice}`" in TOLD for notice in notices)
    assert set(notices) == set(get_args(get_args(exchange.Envelope.model_fields["notice"].annotation)[0]))


def test_the_example_in_the_document_is_valid() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", TOLD, re.DOTALL)

    assert problems(json.loads(example)) == []


def test_the_schema_beside_the_document_is_the_one_that_counts() -> None:
    written = json.loads((DOCS / "exchange.schema.json").read_text())

    assert written == exchange.schema(), "concern-router deliveries schema > docs/exchange.schema.json; or version 2?"
