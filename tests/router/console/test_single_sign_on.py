"""Single sign-on with a provider that does not keep to the rules, or somebody in between: nobody gets in by it."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import httpx2
import pytest
from joserfc.jwk import RSAKey

from router.console import oidc
from router.console.signin.slowing import BY_ADDRESS
from tests.conftest import Database
from tests.loopback import Answer
from tests.router.console.deployments import Deployment
from tests.router.console.issuers import CLIENT_ID, Issuer
from tests.router.console.pages import Office
from tests.router.console.singlesignon import Question, a_linked_office, ask, browser_of, refusals, sessions


@pytest.fixture
def office(deployment: Deployment, database: Database, tmp_path: Path, issuer: Issuer) -> Iterator[Office]:
    with a_linked_office(deployment, database, tmp_path, issuer) as made:
        yield made


def test_the_question_has_pkce_state_and_nonce_of_its_own(office: Office, issuer: Issuer) -> None:
    one, two = ask(office, issuer).query, ask(office, issuer).query

    assert (one["response_type"], one["code_challenge_method"], one["scope"]) == ("code", "S256", "openid profile")
    assert one["redirect_uri"] == "http://127.0.0.1:8001/console/sign-in/single/back"
    for name in ("state", "nonce", "code_challenge"):
        assert len({one["state"], one["nonce"], one["code_challenge"], one[name]}) == 3
        assert one[name] != two[name]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda one, _: one.answered(cookie=""),
        lambda one, two: one.answered(cookie=two.cookie),
        lambda one, two: one.answered(state=two.query["state"]),
        lambda one, _: one.answered(state=None),
        lambda one, _: one.answered(state=""),
        lambda one, _: one.answered(cookie="x" * 43),
    ],
    ids=["no cookie", "another browser's", "another's state", "no state", "empty", "made up"],
)
def test_an_answer_to_a_question_that_this_browser_did_not_ask_is_refused(
    office: Office, issuer: Issuer, spoil: Callable[[Question, Question], httpx2.Response]
) -> None:
    one, two = ask(office, issuer), ask(office, issuer)

    answer = spoil(one, two)

    assert (answer.status_code, refusals(office), sessions(office)) == (403, ["refused_oidc_state"], 0)
    assert issuer.count("/token") == 0
    assert browser_of(office, answer) is None


@pytest.mark.parametrize("iss", ["https://other.example.org", "", None, "ISSUER/"])
def test_an_answer_of_another_issuer_is_refused_before_its_code_is_shown_to_ours(
    office: Office, issuer: Issuer, iss: str | None
) -> None:
    ask(office, issuer).answered(iss=iss.replace("ISSUER", issuer.url) if iss else iss)

    assert (refusals(office), sessions(office), issuer.count("/token")) == (["refused_oidc_issuer"], 0, 0)


def test_an_issuer_that_does_not_promise_to_name_itself_need_not(office: Office, issuer: Issuer) -> None:
    issuer.document = {"authorization_response_iss_parameter_supported": None}

    assert ask(office, issuer).answered(iss=None).status_code == 200


def test_an_issuer_whose_document_names_another_is_not_believed(office: Office, issuer: Issuer) -> None:
    issuer.document = {"issuer": "https://other.example.org"}

    answer = office.client.get("/console/sign-in/single", follow_redirects=False)

    assert (answer.status_code, refusals(office)) == (403, ["refused_oidc_issuer"])


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("address", ["http://198.51.100.7/x", "file:///etc/passwd", "javascript:alert(1)", "", None])
def test_an_issuer_that_leads_to_an_unsafe_place_is_not_followed(
    office: Office, issuer: Issuer, name: str, address: str | None
) -> None:
    issuer.document = {name: address}

    answer = office.client.get("/console/sign-in/single", follow_redirects=False)

    assert (answer.status_code, refusals(office)) == (403, ["refused_oidc_foreign_address"])


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://other.example.org"},
        {"iss": ["ISSUER"]},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another-client"]},
        {"aud": [CLIENT_ID, "another-client"], "azp": "another-client"},
        {"aud": None},
        {"exp": 1_600_000_000},
        {"exp": None},
        {"iat": 4_000_000_000},
        {"sub": None},
        {"sub": ""},
        {"sub": ["sub-7f3a"]},
        {"sub": "x" * 256},
    ],
    ids=str,
)
def test_a_token_that_does_not_hold_lets_nobody_in(office: Office, issuer: Issuer, claims: dict[str, object]) -> None:
    issuer.claims = {name: [issuer.url] if value == ["ISSUER"] else value for name, value in claims.items()}

    ask(office, issuer).answered()

    assert (refusals(office), sessions(office)) == (["refused_oidc_token"], 0)


def none_at_all(issuer: Issuer) -> None:
    issuer.header = {"alg": "none"}


def public_key(issuer: Issuer) -> None:
    issuer.header, issuer.signing = {"alg": "HS256", "kid": "one"}, issuer.key.as_pem(private=False)


def foreign_key(issuer: Issuer) -> None:
    issuer.signing = RSAKey.generate_key(2048, {"kid": "one"})


def own_key_in_the_header(issuer: Issuer) -> None:
    issuer.signing = RSAKey.generate_key(2048, {"kid": "one"})
    issuer.header = {"alg": "RS256", "kid": "one", "jwk": issuer.signing.as_dict(private=False)}


def unknown_key(issuer: Issuer) -> None:
    issuer.header = {"alg": "RS256", "kid": "two"}


@pytest.mark.parametrize("forge", [none_at_all, public_key, foreign_key, own_key_in_the_header, unknown_key])
def test_a_token_that_the_issuer_did_not_sign_lets_nobody_in(
    office: Office, issuer: Issuer, forge: Callable[[Issuer], None]
) -> None:
    forge(issuer)

    ask(office, issuer).answered()

    assert (refusals(office), sessions(office)) == (["refused_oidc_token"], 0)


def test_the_issuers_new_key_is_looked_up(office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oidc, "KEYS_AGAIN_S", 0)
    assert ask(office, issuer).answered().status_code == 200

    issuer.key = issuer.signing = RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})
    issuer.header = {"alg": "RS256", "kid": "two"}

    assert ask(office, issuer).answered().status_code == 200


def test_an_error_of_the_issuer_is_told_without_its_words(office: Office, issuer: Issuer) -> None:
    question = ask(office, issuer)
    answer = question.answered(code=None, error="access_denied", error_description="MARKED-7f3a description")

    assert refusals(office) == ["refused_oidc_refused"]
    assert "MARKED" not in answer.text + str(answer.headers) + str(office.audit())


def test_a_code_that_the_issuer_does_not_take_lets_nobody_in(
    office: Office, issuer: Issuer, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = ask(office, issuer).answered(code="MARKED-7f3a-other")

    assert (refusals(office), sessions(office)) == (["refused_oidc_no_answer"], 0)
    printed = capfd.readouterr()
    assert "MARKED" not in answer.text + str(office.audit()) + printed.out + printed.err


@pytest.mark.parametrize(
    "told",
    [
        Answer(302, headers={"Location": "http://127.0.0.1:9/elsewhere"}),
        Answer(200, b"x" * (oidc.REPLY_CAP + 1)),
        Answer(200, b"not json"),
        Answer(200, b"[]"),
        Answer(500),
        Answer(200, hang_s=30),
        Answer(cut=True),
    ],
    ids=["redirect", "too long", "no json", "no object", "failed", "silent", "cut"],
)
def test_an_issuer_that_answers_badly_costs_bounded_time(
    office: Office, issuer: Issuer, told: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "CALL_S", 1)
    question = ask(office, issuer)
    issuer.answer_next(told)
    if told.body in {b"x" * (oidc.REPLY_CAP + 1), b"not json", b"[]"}:
        monkeypatch.setattr(issuer, "reply", lambda _: told)

    answer = question.answered()

    assert answer.status_code == 403
    assert refusals(office)[0] in {"refused_oidc_no_answer", "refused_oidc_token"}
    assert sessions(office) == 0


@pytest.mark.parametrize(
    "body",
    [
        *(b"null", b"[]", b'"x"', b"3", b"[" * 100_000, b"\xff\xfe", b'{"id_token": 3}', b'{"id_token": "a.b.c"}'),
        *(b'{"error": ["x"]}', b'{"error": {"a": 1}, "error_description": 7}'),
        *(b'{"expires_in": "x", "access_token": "a"}', b'{"expires_at": "x", "access_token": "a"}'),
    ],
)
def test_an_odd_reply_to_a_code_lets_nobody_in_and_breaks_nothing(
    office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    question, reply = ask(office, issuer), issuer.reply
    monkeypatch.setattr(issuer, "reply", lambda it: Answer(200, body) if it.path == "/token" else reply(it))

    answer = question.answered()

    assert (answer.status_code, sessions(office)) == (403, 0)
    assert refusals(office) in (["refused_oidc_no_answer"], ["refused_oidc_token"])


@pytest.mark.parametrize("odd", [{"kty": "RSA"}, {"kty": ["RSA"]}, {"kty": "EC", "crv": "new", "x": "a", "y": "b"}, {}])
def test_a_key_that_we_cannot_use_does_not_hide_the_others(
    office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, odd: dict[str, object]
) -> None:
    reply = issuer.reply
    keys = json.dumps({"keys": [{"kid": "odd", **odd}, issuer.key.as_dict(private=False)]}).encode()
    monkeypatch.setattr(issuer, "reply", lambda it: Answer(200, keys) if it.path == "/keys" else reply(it))

    assert ask(office, issuer).answered().status_code == 200


def test_an_issuer_that_is_silent_does_not_keep_the_console_busy(
    office: Office, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oidc, "CALL_S", 1)
    for _ in range(20):
        issuer.answer_next(Answer(200, hang_s=30))
    began = monotonic()

    with ThreadPoolExecutor(12) as together:
        asked = [together.submit(office.client.get, "/console/sign-in/single") for _ in range(24)]
    told = {answer.result().status_code for answer in asked}

    assert told == {403}
    assert issuer.count("/.well-known/openid-configuration") <= oidc.AT_ONCE
    assert monotonic() - began < 20  # each for itself would take a second in one of a few threads: generous


def test_whoever_is_not_signed_in_cannot_fill_the_audit(office: Office) -> None:
    for _ in range(BY_ADDRESS.free + 20):
        office.client.get("/console/sign-in/single/back", params={"state": "made up"})
        office.client.post("/console/sign-in", data={"handle": "sven"})
        office.client.cookies.clear()

    assert len(office.audit()) <= BY_ADDRESS.free + 10


@pytest.mark.parametrize(
    "to", ["//example.org/", "https://example.org", "/console/../x", "/console\r\nSet-Cookie: a=b"]
)
def test_single_sign_on_leads_to_no_other_place(office: Office, issuer: Issuer, to: str) -> None:
    issuer.claims = {"groups": ["reviewing"]}
    answer = ask(office, issuer, to).answered()

    assert 'content="0; url=/console"' in answer.text
