"""The one gate: what passes is split, what does not is named without being shown."""

from datetime import UTC, datetime
from typing import Any

import pytest

from router.errors import Fault, Refused
from router.intake.guard import Admitted, Vocabulary, admit
from router.vocabulary import Identity, NoticedHow, Urgency, WhereFound

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
VOCABULARY = Vocabulary(frozenset({"harassment"}), frozenset({"head_office"}))
LEAST = {"category": "harassment", "noticed_how": "told_by_someone"}


def admitted(**more: Any) -> Admitted:
    return admit({**LEAST, **more}, VOCABULARY, now=NOW)


def refused(sent: object) -> Refused:
    with pytest.raises(Refused) as error:
        admit(sent, VOCABULARY, now=NOW)
    return error.value


def test_splits_what_may_travel_from_what_never_does() -> None:
    concern = admitted(
        where_found="laptop",
        site="head_office",
        occurred_at="2026-11-20T10:00:00+01:00",
        urgency=["ongoing"],
        hashes=[{"algorithm": "md5", "value": "D41D8CD98F00B204E9800998ECF8427E"}],
        narrative="MARKED-7f3a\r\n ü \u2028",
        contact="MARKED-contact",
    )

    assert concern.facts.noticed_how is NoticedHow.TOLD_BY_SOMEONE
    assert concern.facts.where_found is WhereFound.LAPTOP
    assert concern.facts.urgency == (Urgency.ONGOING,)
    assert concern.facts.occurred_at == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert concern.facts.hashes[0].value == "d41d8cd98f00b204e9800998ecf8427e"
    assert concern.content.narrative == "MARKED-7f3a\r\n ü \u2028"
    assert concern.content.contact == "MARKED-contact"
    assert "MARKED" not in concern.facts.model_dump_json() + repr(concern)


@pytest.mark.parametrize(
    ("sent", "identity"),
    [
        ({}, Identity.ANONYMOUS),
        ({"identity": "anonymous", "contact": ""}, Identity.ANONYMOUS),
        ({"contact": "MARKED"}, Identity.CONFIDENTIAL),
        ({"identity": "confidential", "contact": "MARKED"}, Identity.CONFIDENTIAL),
        ({"identity": "named", "contact": "MARKED"}, Identity.NAMED),
    ],
)
def test_who_says_how_to_be_reached_is_named_only_by_their_own_word(sent: dict[str, Any], identity: Identity) -> None:
    concern = admitted(narrative="n", **sent)

    assert concern.content.identity is identity
    assert "identity" not in concern.facts.model_dump_json()


def test_the_same_concern_is_the_same_however_it_was_written() -> None:
    backwards = dict(reversed({**LEAST, "narrative": "a", "urgency": ["ongoing"]}.items()))

    assert admitted(narrative="a", urgency=["ongoing"]).canonical == admit(backwards, VOCABULARY, now=NOW).canonical
    assert admitted(narrative="a").canonical != admitted(narrative="b").canonical


FAULTY = [
    ({"category": "MARKED"}, "category", "unknown_category"),
    ({"category": 7}, "category", "wrong_type"),
    ({"noticed_how": "MARKED"}, "noticed_how", "unknown_value"),
    ({"site": "MARKED"}, "site", "unknown_site"),
    ({"country": "LUX"}, "country", "malformed"),
    ({"country": "QQ"}, "country", "unknown_value"),
    ({"MARKED": 1}, "unknown", "unknown_field"),
    ({"urgency": "ongoing"}, "urgency", "wrong_type"),
    ({"urgency": ["ongoing", "ongoing"]}, "urgency", "duplicate_item"),
    ({"urgency": ["ongoing"] * 7}, "urgency", "too_many"),
    ({"involves": ["MARKED"]}, "involves", "unknown_value"),
    ({"narrative": "MARKED " * 700}, "narrative", "too_long"),
    ({"narrative": ["MARKED"]}, "narrative", "wrong_type"),
    ({"narrative": "data:image/png;base64,AAAA"}, "narrative", "data_uri"),
    ({"contact": "A" * 200}, "contact", "encoded_run"),
    ({"identity": "MARKED"}, "identity", "unknown_value"),
    ({"identity": "named"}, "contact", "contact_missing"),
    ({"identity": "confidential", "contact": " "}, "contact", "contact_missing"),
    ({"identity": "anonymous", "contact": "MARKED"}, "contact", "contact_though_anonymous"),
    ({"asset_tag": "MARKED 1"}, "asset_tag", "malformed"),
    ({"asset_tag": "a0" * 32}, "asset_tag", "encoded_run"),
    ({"subject_handle": "a b"}, "subject_handle", "malformed"),
    ({"source_ticket": "../x"}, "source_ticket", "malformed"),
    ({"occurred_at": "2026-11-20T10:00:00"}, "occurred_at", "time_without_zone"),
    ({"occurred_at": "2026-11-20"}, "occurred_at", "malformed"),
    ({"occurred_at": "1763632800"}, "occurred_at", "malformed"),
    ({"occurred_at": 1763632800}, "occurred_at", "wrong_type"),
    ({"occurred_at": "2026-13-40T10:00:00Z"}, "occurred_at", "malformed"),
    ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at", "malformed"),
    ({"noticed_at": "2026-11-20T12:05:01Z"}, "noticed_at", "time_in_future"),
    ({"hashes": [{"algorithm": "sha1", "value": "0" * 64}]}, "hashes", "hash_length"),
    ({"hashes": [{"algorithm": "sha512", "value": "0" * 128}]}, "hashes", "unknown_value"),
    ({"hashes": [{"algorithm": "PhotoDNA", "value": "0" * 64}]}, "hashes", "perceptual_hash"),
    ({"hashes": [{"algorithm": "p-hash", "value": "0" * 16}]}, "hashes", "perceptual_hash"),
    ({"hashes": [{"algorithm": "pdq", "value": "0" * 64}]}, "hashes", "perceptual_hash"),
    ({"hashes": [{"algorithm": "md5", "value": "0" * 32}] * 2}, "hashes", "duplicate_item"),
    ({"hashes": [{"algorithm": "md5", "value": "MARKED"}]}, "hashes", "malformed"),
    ({"url": "javascript:alert(1)"}, "url", "url_refused"),
    ({"url": "https://user:MARKED@example.org/"}, "url", "url_credentials"),
    ({"url": "https://example.org\\@example.com/"}, "url", "url_credentials"),
    ({"url": "https:///nowhere"}, "url", "url_refused"),
    ({"url": "https://example.org/a b"}, "url", "url_refused"),
    ({"url": "https://example.org/\n"}, "url", "url_refused"),
    ({"url": "https://[::1"}, "url", "url_refused"),
    ({"url": "https://example.org:99999/"}, "url", "url_refused"),
    ({"url": "ftp://example.org/"}, "url", "url_refused"),
    ({"url": "https://example.org/" + "a" * 2083}, "url", "too_long"),
]


@pytest.mark.parametrize(("wrong", "field", "code"), FAULTY)
def test_names_the_field_and_the_fault(wrong: dict[str, Any], field: str, code: str) -> None:
    error = refused({**LEAST, **wrong})

    assert Fault(field, code) in error.faults
    assert error.code == code
    assert "MARKED" not in repr(error.faults) + str(error)


@pytest.mark.parametrize("sent", [None, [], "x", 1, [LEAST]])
def test_a_concern_is_an_object(sent: object) -> None:
    assert refused(sent).faults == (Fault("unknown", "wrong_type"),)


def test_missing_fields_are_named() -> None:
    assert refused({}).faults == (Fault("category", "missing"), Fault("noticed_how", "missing"))


@pytest.mark.parametrize(
    "sent",
    [
        {**LEAST, "attachment": "data:image/png;base64,AAAA"},
        {**LEAST, "attachment": {"deep": [["data:image/png;base64,AAAA"]]}},
        {**LEAST, "data:image/png;base64,AAAA": 1},
        {**LEAST, "narrative": "data:image/png;base64," + "A" * 60_000},
        {**LEAST, "hashes": [{"algorithm": "md5", "value": "0" * 32, "preview": "data:image/png;base64,AAAA"}]},
    ],
)
def test_material_leads_over_every_other_fault(sent: object) -> None:
    assert refused(sent).code == "data_uri"


def test_ten_thousand_unknown_members_are_one_fault() -> None:
    assert refused({**LEAST, **{f"MARKED{n}": n for n in range(10_000)}}).faults == (Fault("unknown", "unknown_field"),)


@pytest.mark.parametrize(
    "wrong", [{}, {"narrative": ""}, {"contact": None}, {"occurred_at": "2026-11-20t11:04:59.123456789z"}]
)
def test_absent_empty_and_null_are_the_same_and_small_clock_skew_passes(wrong: dict[str, Any]) -> None:
    assert admitted(**wrong).content.narrative is None


@pytest.mark.parametrize("path", ["b-", "b"])
@pytest.mark.parametrize("scheme", ["http://", "HTTPS://"])
def test_an_address_has_at_most_2083_characters(scheme: str, path: str) -> None:
    address = scheme + "a.example/" + path * 2083

    assert len(admitted(url=address[:2083]).facts.url or "") == 2083
    with pytest.raises(Refused, match="too_long"):
        admitted(url=address[:2084])
