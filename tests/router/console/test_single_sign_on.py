"""Single sign-on, with a provider that keeps to the rules, and with one that does not."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from joserfc.jwk import RSAKey

from router import secretfiles
from router.console import accounts, oidc
from router.console.signin.cookie import Cookie
from router.console.signin.slowing import BY_ADDRESS
from router.store.engine import transaction
from router.store.progress import Access, access
from router.vocabulary import Role
from tests.conftest import CHECKOUT, Database
from tests.loopback import Answer
from tests.router.console.deployments import Deployment
from tests.router.console.issuers import CLIENT_ID, CLIENT_SECRET, CODE, Issuer
from tests.router.console.pages import Browser, Office, an_office
from tests.router.console.persons import enrolled, signed_in


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as made:
        yield made


@pytest.fixture
def office(deployment: Deployment, database: Database, tmp_path: Path, issuer: Issuer) -> Iterator[Office]:
    secretfiles.make(tmp_path / "secrets")
    settings = {
        "secrets_dir": tmp_path / "secrets",
        "state_dir": tmp_path,
        "config_dir": CHECKOUT / "config",
        "oidc_issuer": issuer.url,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_roles": "reviewing=reviewer,watching=auditor,running=administrator",
        "oidc_teams": "it=security,law=legal",
    }
    with an_office(deployment, database, settings) as made:
        accounts.link(deployment.console, "sven", issuer.url, issuer.subject, by="login:test")
        yield made


@dataclass
class Question:
    """One sign-in that a browser began."""

    office: Office
    issuer: Issuer
    cookie: str
    query: dict[str, str]

    def answered(self, *, cookie: str | None = None, **changed: str | None) -> httpx2.Response:
        """Come back from the provider, the console's own cookie left at home as browsers do."""
        given = {"code": CODE, "state": self.query["state"], "iss": self.issuer.url, **changed}
        answer = self.office.client.get(
            "/console/sign-in/single/back",
            params={name: value for name, value in given.items() if value is not None},
            headers={"cookie": f"console-single={self.cookie if cookie is None else cookie}"},
            follow_redirects=False,
        )
        self.office.client.cookies.clear()
        return answer


def ask(office: Office, issuer: Issuer, to: str = "") -> Question:
    answer = office.client.get("/console/sign-in/single", params={"next": to}, follow_redirects=False)
    office.client.cookies.clear()
    assert answer.headers["location"].startswith(f"{issuer.url}/auth?")
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    issuer.asked(query)
    found = re.search(r"console-single=([^;]*);", answer.headers["set-cookie"])
    assert found
    return Question(office, issuer, found[1], query)


def browser_of(office: Office, answer: httpx2.Response) -> Browser | None:
    given = [re.search(r"^console=([A-Za-z0-9_-]{43})", line) for line in answer.headers.get_list("set-cookie")]
    found = next((cookie for cookie in given if cookie), None)
    return Browser(office.client, Cookie(found[1])) if found else None


def refusals(office: Office) -> list[str]:
    return [line[3] for line in office.audit() if line[:3] == ("nobody", "sign_in_failed", "unknown")]


def sessions(office: Office) -> int:
    return int(office.deployment.rows("select count(*) from console_sessions")[0][0])


def roles(office: Office, handle: str = "sven") -> set[str]:
    return {role for (role,) in office.deployment.rows("select role from people_roles where handle = :h", h=handle)}


def test_a_linked_person_with_a_second_factor_over_there_is_signed_in(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"groups": ["reviewing"]}
    answer = ask(office, issuer, "/console/account?tab=a&b=c").answered()

    browser = browser_of(office, answer)
    assert browser is not None
    assert signed_in(browser)
    assert 'content="0; url=/console/account?tab=a&amp;b=c"' in answer.text
    assert ("person:sven", "signed_in", "person:sven", "ok", "oidc") in office.audit()


def test_the_cookies_are_as_narrow_as_they_can_be(office: Office, issuer: Issuer) -> None:
    there = office.client.get("/console/sign-in/single", follow_redirects=False).headers["set-cookie"]
    office.client.cookies.clear()
    back = ask(office, issuer).answered().headers.get_list("set-cookie")

    assert {"HttpOnly", "SameSite=lax", "Max-Age=600", "Path=/"} <= set(there.split("; "))
    session = next(line for line in back if line.startswith("console="))
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(session.split("; "))
    assert any(line.startswith('console-single="";') and "Max-Age=0" in line for line in back)


def test_the_question_has_pkce_state_and_nonce_of_its_own(office: Office, issuer: Issuer) -> None:
    one, two = ask(office, issuer).query, ask(office, issuer).query

    assert (one["response_type"], one["code_challenge_method"], one["scope"]) == ("code", "S256", "openid profile")
    assert one["redirect_uri"] == "http://127.0.0.1:8001/console/sign-in/single/back"
    for name in ("state", "nonce", "code_challenge"):
        assert len({one["state"], one["nonce"], one["code_challenge"], one[name]}) == 3
        assert one[name] != two[name]


@pytest.mark.parametrize("claims", [{"amr": ["pwd"]}, {"amr": None}, {"amr": None, "acr": "urn:password"}])
def test_without_a_second_factor_over_there_ours_is_asked_for(
    office: Office, issuer: Issuer, claims: dict[str, object]
) -> None:
    enrolled(office)
    issuer.claims = claims
    answer = ask(office, issuer, "/console/account").answered()

    browser = browser_of(office, answer)
    assert browser is not None
    assert browser.get("/console/account").headers["location"] == "/console/sign-in/code"
    assert 'url=/console/sign-in/code?next=%2Fconsole%2Faccount"' in answer.text


def test_without_any_second_factor_one_is_set_up_first(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"amr": ["pwd"]}
    browser = browser_of(office, ask(office, issuer).answered())

    assert browser is not None
    assert browser.get("/console/account").headers["location"] == "/console/sign-in/enrol"
    assert "authenticator app" in browser.get("/console/sign-in/enrol").text


def test_somebody_who_is_not_linked_does_not_get_in(office: Office, issuer: Issuer) -> None:
    issuer.subject = "MARKED-7f3a-sub"
    answer = ask(office, issuer).answered()

    assert "/console/sign-in?mistake=unknown_subject" in answer.text
    assert (answer.status_code, sessions(office)) == (403, 0)
    assert refusals(office) == ["refused_unknown_subject"]
    assert "MARKED" not in str(office.audit())


def test_a_disabled_person_does_not_get_in(office: Office, issuer: Issuer) -> None:
    accounts.disable(office.deployment.console, "sven", by="login:test")

    ask(office, issuer).answered()

    assert sessions(office) == 0


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


def test_groups_say_what_somebody_may_do_and_it_follows_them(office: Office, issuer: Issuer) -> None:
    issuer.claims = {"groups": ["watching", "something-else"]}
    ask(office, issuer).answered()
    first = roles(office)
    issuer.claims = {"groups": "reviewing"}
    ask(office, issuer).answered()

    assert (first, roles(office)) == ({"auditor"}, {"reviewer"})
    changes = [line[4] for line in office.audit() if line[:2] == ("single_sign_on", "roles_changed")]
    assert changes == ["+auditor -reviewer", "+reviewer -auditor"]


def test_the_last_administrator_stays_one_whatever_groups_say(office: Office, issuer: Issuer) -> None:
    accounts.change_roles(office.deployment.console, "sven", give=[Role.ADMINISTRATOR], take=[], by="login:test")
    accounts.change_roles(office.deployment.console, "ana", give=[], take=[Role.ADMINISTRATOR], by="login:test")
    issuer.claims = {"groups": ["watching"]}

    ask(office, issuer).answered()

    assert roles(office) == {"administrator", "auditor"}


def test_whoever_left_a_teams_group_may_not_use_its_key_until_they_are_back(office: Office, issuer: Issuer) -> None:
    reference = office.deployment.file("other").reference

    def may_read() -> bool:
        with transaction(office.deployment.console) as connection:
            return access(connection, reference, "sven") is Access.READER

    before = may_read()
    issuer.claims = {"groups": ["reviewing", "law"]}
    ask(office, issuer).answered()
    left = may_read()
    issuer.claims = {"groups": ["reviewing", "it"]}
    ask(office, issuer).answered()

    assert (before, left, may_read()) == (True, False, True)
    noted = [(line[1], line[4]) for line in office.audit() if line[0] == "single_sign_on" and "team" in line[1]]
    assert noted == [("team_suspended", "team:security"), ("team_restored", "team:security")]


def test_without_a_provider_there_is_no_such_page(deployment: Deployment, database: Database, tmp_path: Path) -> None:
    secretfiles.make(tmp_path / "secrets")
    folders = {"secrets_dir": tmp_path / "secrets", "state_dir": tmp_path, "config_dir": CHECKOUT / "config"}
    with an_office(deployment, database, folders) as office:
        there = office.client.get("/console/sign-in/single", follow_redirects=False)
        page = office.client.get("/console/sign-in").text

    assert there.status_code == 404
    assert "/console/sign-in/single" not in page
