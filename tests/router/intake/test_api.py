"""The API as clients and people use it, on a real database and with no Redis at all."""

import time
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.store.answers import forget_answers
from router.store.clients import revoke_client
from router.store.engine import connect, transaction
from router.web.refusals import STATUS
from tests.conftest import Database
from tests.publicpart import KEY, LEAST, Start, bearer, count, new_client

CONCERNS = "/api/v1/concerns"
BATCH = "/api/v1/concerns/batch"
SOURCE = "/api/v1/sources/{source}"
HOOK = "/api/v1/hooks/{channel}"


def code(answer: Any) -> str:
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code == STATUS[problem["code"]]
    return str(problem["code"])


def test_a_person_gets_a_receipt_and_the_statutory_dates(public: TestClient, database: Database) -> None:
    answer = public.post(CONCERNS, json=LEAST)

    assert answer.status_code == 201
    assert set(answer.json()) == {"reference", "acknowledge_by", "feedback_by", "receipt"}
    assert answer.json()["acknowledge_by"].endswith("Z")
    assert count(database, "cases") == 1
    assert count(database, "referrals") >= 1


def test_a_client_gets_neither(public: TestClient, token: str) -> None:
    answer = public.post(CONCERNS, json=LEAST, headers=bearer(token))

    assert answer.status_code == 201
    assert answer.json() == {"reference": answer.json()["reference"], "acknowledge_by": None, "feedback_by": None}


def test_the_same_key_and_body_get_the_same_answer_once(public: TestClient, database: Database) -> None:
    headers = {"Idempotency-Key": KEY, "Content-Type": "application/json"}
    first = public.post(CONCERNS, content=b'{"category":"harassment","noticed_how":"told_by_someone"}', headers=headers)
    again = public.post(
        CONCERNS, content=b'{ "noticed_how": "told_by_someone", "category": "harassment" }', headers=headers
    )

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert count(database, "cases") == 1


def test_the_same_key_with_another_body_is_a_conflict(public: TestClient, database: Database) -> None:
    public.post(CONCERNS, json=LEAST, headers={"Idempotency-Key": KEY})
    other = public.post(CONCERNS, json={**LEAST, "narrative": "other"}, headers={"Idempotency-Key": KEY})

    assert code(other) == "idempotency_key_reused"
    assert count(database, "cases") == 1


def test_a_clients_keys_are_its_own(public: TestClient, console: Engine, database: Database) -> None:
    one, two = new_client(console, "one"), new_client(console, "two")
    references = {
        public.post(CONCERNS, json=LEAST, headers=bearer(token, **{"Idempotency-Key": "1"})).json()["reference"]
        for token in (one, two, one, two)
    }

    assert len(references) == 2
    assert count(database, "cases") == 2


def test_a_key_is_new_again_after_its_day(public: TestClient, database: Database) -> None:
    first = public.post(CONCERNS, json=LEAST, headers={"Idempotency-Key": KEY}).json()
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("update idempotency set stored_at = stored_at - interval '25 hours'")
    engine = connect(database.owner_dsn, process="test")
    with transaction(engine) as owner:
        assert forget_answers(owner, older_than_h=24) == 1
    engine.dispose()

    assert public.post(CONCERNS, json=LEAST, headers={"Idempotency-Key": KEY}).json() != first


def test_two_keys_are_refused(public: TestClient) -> None:
    answer = public.post(CONCERNS, json=LEAST, headers=[("Idempotency-Key", KEY), ("Idempotency-Key", KEY)])

    assert code(answer) == "idempotency_key_malformed"


@pytest.mark.parametrize(
    "authorization",
    ["Bearer crt_" + "a" * 43, "Bearer x", "Basic YTpi", "Bearer", "crt_" + "a" * 43, "", "Bearer crt_é"],
)
def test_a_wrong_token_is_refused_and_never_a_person(
    public: TestClient, database: Database, token: str, authorization: str
) -> None:
    assert token
    answer = public.post(CONCERNS, json=LEAST, headers=[(b"Authorization", authorization.encode())])

    assert code(answer) == "token_refused"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert count(database, "cases") == 0


def test_two_tokens_are_refused(public: TestClient, token: str) -> None:
    answer = public.post(CONCERNS, json=LEAST, headers=[("Authorization", f"Bearer {token}")] * 2)

    assert code(answer) == "token_refused"


def test_a_client_added_a_moment_ago_is_known_and_a_revoked_one_soon_is_not(
    public: TestClient, console: Engine
) -> None:
    public.post(CONCERNS, json=LEAST, headers=bearer(new_client(console, "earlier")))
    later = new_client(console, "later")
    assert public.post(CONCERNS, json=LEAST, headers=bearer(later)).status_code == 201

    with transaction(console) as connection:
        assert revoke_client(connection, "later")
    deadline = time.monotonic() + 20
    while public.post(CONCERNS, json=LEAST, headers=bearer(later)).status_code != 401:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_client_sees_its_own_concern_and_nobody_elses(public: TestClient, console: Engine) -> None:
    one, two = new_client(console, "one"), new_client(console, "two")
    reference = public.post(CONCERNS, json=LEAST, headers=bearer(one)).json()["reference"]
    anonymous = public.post(CONCERNS, json=LEAST).json()["reference"]

    own = public.get(f"{CONCERNS}/{reference}", headers=bearer(one))

    assert own.json()["state"] == "open"
    assert own.json()["reference"] == reference
    assert own.json()["referrals"]
    for path, headers in (
        (reference, bearer(two)),
        (anonymous, bearer(one)),
        ("CR-0000-0000-0000", bearer(one)),
        ("MARKED", bearer(one)),
    ):
        assert code(public.get(f"{CONCERNS}/{path}", headers=headers)) == "not_found"
    assert code(public.get(f"{CONCERNS}/{reference}")) == "client_required"


def test_a_batch_is_answered_per_item_in_order(public: TestClient, token: str, database: Database) -> None:
    items = [
        {**LEAST, "key": "1"},
        {"key": "2"},
        {**LEAST, "key": "1"},
        {**LEAST, "key": "1", "narrative": "other"},
        "MARKED",
        {**LEAST, "key": 7},
        {**LEAST, "key": "3", "narrative": "data:image/png;base64,AAAA"},
        LEAST,
    ]
    answer = public.post(BATCH, json={"concerns": items}, headers=bearer(token))

    answers = answer.json()["answers"]
    assert answer.status_code == 200
    assert [item["status"] for item in answers] == [201, 422, 201, 409, 422, 400, 422, 201]
    assert answers[0]["body"] == answers[2]["body"]
    assert [item["body"].get("code") for item in answers] == [
        None,
        "missing",
        None,
        "idempotency_key_reused",
        "wrong_type",
        "idempotency_key_malformed",
        "data_uri",
        None,
    ]
    assert "MARKED" not in answer.text
    assert count(database, "cases") == 2


def test_five_hundred_items_fit_and_one_more_does_not(public: TestClient, token: str, database: Database) -> None:
    items = [{**LEAST, "key": str(number)} for number in range(501)]

    answers = public.post(BATCH, json={"concerns": items[:500]}, headers=bearer(token)).json()["answers"]

    assert {item["status"] for item in answers} == {201}
    assert len({item["body"]["reference"] for item in answers}) == count(database, "cases") == 500
    assert code(public.post(BATCH, json={"concerns": items}, headers=bearer(token))) == "invalid_concern"


@pytest.mark.parametrize(
    "sent", [{}, [], {"concerns": []}, {"concerns": {}}, {"concerns": [LEAST], "MARKED": 1}, "MARKED"]
)
def test_a_malformed_batch_is_refused_whole(public: TestClient, token: str, sent: object) -> None:
    answer = public.post(BATCH, json=sent, headers=bearer(token))

    assert code(answer) == "invalid_concern"
    assert "MARKED" not in answer.text


def test_a_batch_needs_a_client_and_keys_of_its_own(public: TestClient, token: str) -> None:
    assert code(public.post(BATCH, json={"concerns": [LEAST]})) == "client_required"
    headers = bearer(token, **{"Idempotency-Key": KEY})
    assert code(public.post(BATCH, json={"concerns": [LEAST]}, headers=headers)) == "idempotency_key_per_item"


def test_a_client_over_its_quota_is_told_when_to_come_back(public: TestClient, console: Engine) -> None:
    headers = bearer(new_client(console, "busy", per_minute=3))
    answers = [public.post(CONCERNS, json=LEAST, headers=headers) for _ in range(4)]
    batch = public.post(BATCH, json={"concerns": [LEAST]}, headers=headers)

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429]
    assert 1 <= int(answers[3].headers["retry-after"]) <= 60
    assert batch.json()["answers"][0]["status"] == 429


def test_refused_concerns_make_no_flood(start: Start, database: Database) -> None:
    public = start(anonymous_per_hour=1)
    for _ in range(3):
        public.post(CONCERNS, json={})

    assert public.post(CONCERNS, json=LEAST).status_code == 201
    assert count(database, "flood_links") == 0


def test_with_the_database_away_senders_are_told_to_come_back(public: TestClient, database: Database) -> None:
    with psycopg.connect(database.superuser_dsn, autocommit=True) as connection:
        connection.execute("alter role intake nologin")
        try:
            connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'intake'")
            answer = public.post(CONCERNS, json=LEAST)
            ready = public.get("/readyz")
        finally:
            connection.execute("alter role intake login")

    assert code(answer) == "unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert ready.status_code == 503
    assert public.post(CONCERNS, json=LEAST).status_code == 201
    assert count(database, "cases") == 1


def test_the_document_describes_exactly_these_operations(public: TestClient) -> None:
    document = public.get("/api/v1/openapi.json").json()

    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == {
        (CONCERNS, "post"),
        (BATCH, "post"),
        (f"{CONCERNS}/{{reference}}", "get"),
        (SOURCE, "post"),
        (HOOK, "post"),
    }
    assert set(document["components"]["schemas"]["ConcernIn"]["required"]) == {"category", "noticed_how"}
    assert "docs" not in {path.strip("/") for path in document["paths"]}
    assert [public.get(path).status_code for path in ("/docs", "/redoc")] == [404, 404]


def test_the_document_names_the_problems_that_an_operation_can_have_and_no_others(public: TestClient) -> None:
    paths = public.get("/api/v1/openapi.json").json()["paths"]
    answers = {path: set(operation["responses"]) for path, of in paths.items() for operation in of.values()}
    always = {"400", "401", "408", "431", "500", "503"}

    assert answers == {
        CONCERNS: always | {"201", "409", "413", "415", "422", "429"},
        BATCH: always | {"200", "413", "415", "422", "429"},
        f"{CONCERNS}/{{reference}}": always | {"200", "404"},
        SOURCE: always | {"201", "404", "409", "413", "415", "422", "429"},
        HOOK: always | {"204", "404", "409", "413", "415", "422", "429"},
    }
    described = {status: answer["description"] for status, answer in paths[CONCERNS]["post"]["responses"].items()}
    assert "data_uri" in described["422"]
    assert "not_a_form" not in described["400"]


def test_every_answer_carries_the_security_headers(start: Start) -> None:
    public = start()
    answers = [
        public.get(path) for path in ("/report", "/follow-up", "/healthz", "/readyz", "/nowhere", "/static/style.css")
    ] + [public.post(CONCERNS, json=LEAST), public.put(CONCERNS), public.post("/report")]

    for answer in answers:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers


def test_an_unforeseen_error_is_a_silent_500(public: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("MARKED")

    # Patched: there is no known way to make our own code fail.
    monkeypatch.setattr("router.intake.strictjson.loads", broken)
    answer = public.post(CONCERNS, json=LEAST)

    assert code(answer) == "internal_error"
    assert "MARKED" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
