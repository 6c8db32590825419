"""A described system beyond what every desk's tests show: accounts, pages, what an answer does not say, and moves."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import orjson
import pytest

from router import clock
from router.channels import rest
from router.errors import NOT_SEEN, Declined, TryLater
from router.model import Finding, Proof
from router.vocabulary import Proven
from tests.loopback import Answer, Loopback, Received
from tests.standins import freshservice, glpi, redmine, thehive, zammad
from tests.standins.shelf import recipe
from tests.workers.channels.tickets.desks import FIRST, RECALL, REFERENCE, REMINDER, leased
from tests.workers.rooms import SURROUNDINGS
from workers.channels.rest import RestSender
from workers.channels.rest.calls import TOO_MANY, RestCalls
from workers.channels.rest.tickets import is_ours, titled
from workers.channels.transport import Transport


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "FRESHSERVICE_KEY": freshservice.KEY,
        "GLPI_CLIENT_SECRET": glpi.CLIENT_SECRET,
        "GLPI_PASSWORD": glpi.PASSWORD,
        "REDMINE_KEY": redmine.KEY,
        "THEHIVE_KEY": thehive.KEY,
        "ZAMMAD_TOKEN": zammad.TOKEN,
    }.items():
        monkeypatch.setenv(name, value)


def sender(name: str, there: Any, **more: Any) -> RestSender:
    return RestSender(rest.Settings.model_validate(recipe(name, there, **more)), SURROUNDINGS)


def send(name: str, there: Any, referral: Any = FIRST, **more: Any) -> Proof:
    settings = rest.Settings.model_validate(recipe(name, there))
    payload = rest.render(settings, referral, key="k")
    return RestSender(settings, SURROUNDINGS).send(leased(referral, **more), payload, deadline_s=10)


def with_calls(name: str, there: Any, change: Callable[[dict[str, Any]], None]) -> RestSender:
    """Return a sender by the recipe, after `change` to what it says."""
    said = recipe(name, there)
    change(said)
    return RestSender(rest.Settings.model_validate(said), SURROUNDINGS)


# Accounts.


class Asked(Loopback):
    """Answers logins with a token, and everything else with the same."""

    answers = b"[]"

    def reply(self, request: Received) -> Answer:
        if request.path.startswith("/login"):
            return Answer(200, b'{"session": {"token": "MARKED-7f3a"}, "expires_in": 3600, "access_token": "abc"}')
        return Answer(200, self.answers)


@pytest.fixture
def asked() -> Iterator[Asked]:
    with Asked() as server:
        yield server


def headers_of(asked: Asked, auth: dict[str, Any], count: int = 1) -> list[Received]:
    made = sender("zammad", asked, auth=auth)
    for _ in range(count):
        assert made.changed(clock.now(), deadline_s=5) == []
    return asked.everything


def test_basic_sends_name_and_password_or_a_key_as_the_name(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s3")
    headers_of(asked, {"basic": {"user": "us", "password": "env:A_SECRET"}})
    headers_of(asked, {"basic": {"user_secret": "env:A_SECRET"}})

    sent = [request.headers["authorization"] for request in asked.everything]
    assert sent == [f"Basic {b64encode(said).decode()}" for said in (b"us:s3", b"s3:X")]


def test_a_session_is_opened_once_and_goes_along_with_every_call(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s3")
    header = {"secret": "env:A_SECRET"}
    session = {
        "path": "/login",
        "headers": {"Authorization": {**header, "before": "user_token "}},
        "token": "/session/token",
        "header": "Session-Token",
    }
    login, *calls = headers_of(asked, {"session": session, "headers": {"App-Token": header}}, count=2)

    assert (login.headers["authorization"], login.headers["app-token"]) == ("user_token s3", "s3")
    assert [(call.headers["session-token"], call.headers["app-token"]) for call in calls] == [("MARKED-7f3a", "s3")] * 2


def test_client_credentials_are_posted_as_a_form(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s3")
    grant = {"path": "/login", "grant": "client_credentials", "client_id": "us", "client_secret": "env:A_SECRET"}
    login, call = headers_of(asked, {"oauth2": grant})

    assert login.body == b"grant_type=client_credentials&client_id=us&client_secret=s3"
    assert call.headers["authorization"] == "Bearer abc"


def test_a_token_that_runs_out_early_is_asked_for_anew_and_nothing_is_made_twice() -> None:
    with glpi.StandInGlpi() as there:
        settings = rest.Settings.model_validate(recipe("glpi", there))
        made = RestSender(settings, SURROUNDINGS)
        payload = rest.render(settings, FIRST, key="k")
        made.send(leased(FIRST), payload, deadline_s=10)
        there.expire()
        again = made.send(leased(FIRST), payload, deadline_s=10)

        assert again.repeated
        assert len(there.there()) == 1


def test_a_refused_token_says_nothing_of_what_was_answered(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "s3")
    asked.answer_always(Answer(400, b'{"error": "MARKED-7f3a"}'))
    grant = {"path": "/login", "grant": "client_credentials", "client_id": "us", "client_secret": "env:A_SECRET"}
    made = sender("zammad", asked, auth={"oauth2": grant})

    assert made.check(deadline_s=5) == (Finding("not_authorised", "auth"),)
    with pytest.raises(TryLater) as refused:
        made.look(leased(remote_id="1"), deadline_s=5)
    assert (refused.value.args, refused.value.ambiguous) == (("not_authorised",), False)


@pytest.mark.parametrize("body", [b"no json", b"{}", b'{"access_token": ""}', b'{"access_token": "a\\nb"}', b"[]"])
def test_a_log_in_that_says_no_token_leaves_nothing_in_doubt(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setenv("A_SECRET", "s3")
    asked.answers = body
    grant = {"path": "/token", "grant": "client_credentials", "client_id": "us", "client_secret": "env:A_SECRET"}
    with pytest.raises(TryLater) as later:
        sender("zammad", asked, auth={"oauth2": grant}).changed(clock.now(), deadline_s=5)

    assert (later.value.code, later.value.ambiguous) == ("odd_reply", False)


# Lists.


class Paged(Loopback):
    """A system that cannot search: 7 tickets, 3 a page."""

    def reply(self, request: Received) -> Answer:
        page = int(request.path.partition("page=")[2])
        return Answer(200, orjson.dumps({"items": list(range(7))[(page - 1) * 3 : page * 3]}))


def listed(there: Loopback, most: int) -> list[Any]:
    find = {"path": "/all", "list": "/items", "pages": {"name": "page", "size": 3, "most": most}}
    said = recipe("zammad", there)
    said["calls"]["find"] = find
    settings = rest.Settings.model_validate(said)
    calls = RestCalls(settings, Transport(settings, SURROUNDINGS.scope))
    return calls.listed(settings.calls.find, monotonic() + 5)


def test_a_list_in_parts_is_read_to_its_end() -> None:
    with Paged() as there:
        assert listed(there, most=10) == [0, 1, 2, 3, 4, 5, 6]


def test_a_list_that_goes_on_is_no_proof_that_a_ticket_is_not_there() -> None:
    with Paged() as there, pytest.raises(TryLater, match=TOO_MANY):
        listed(there, most=2)


@pytest.mark.parametrize("body", [b'{"tickets": null}', b"{}", b'"x"', b"[]", b"no json", b'{"tickets": {"a": 1}}'])
def test_a_list_that_is_none_is_no_empty_list(body: bytes) -> None:
    with Asked() as there:
        there.answers = body
        with pytest.raises(TryLater, match="odd_reply"):
            send("freshservice", there)
        assert [request.method for request in there.everything] == ["GET"]


# What answers say and do not say.


def test_a_search_by_post_leaves_nothing_in_doubt() -> None:
    with thehive.StandInTheHive() as there:
        there.answer_next(Answer(503))
        with pytest.raises(TryLater) as later:
            send("thehive", there)

        assert (later.value.code, later.value.ambiguous) == ("http_503", False)


def test_a_no_that_may_mean_that_it_is_there_is_looked_at_again() -> None:
    """TheHive refuses a second alert of one reference with 400, and its search need not show the first yet."""
    with thehive.StandInTheHive() as there:
        there.search_lag = 1
        send("thehive", there)
        with pytest.raises(TryLater) as later:
            send("thehive", there)
        proof = send("thehive", there)

        assert (later.value.code, later.value.ambiguous) == (NOT_SEEN, True)
        assert (proof.repeated, len(there.there())) == (True, 1)


class Nameless(zammad.StandInZammad):
    """Says of a new ticket that it is there, and not which it is."""

    def act(self, request: Received) -> Answer:
        answer = super().act(request)
        return Answer(201, b"{}") if request.method == "POST" else answer


def test_a_create_that_names_no_id_is_in_doubt() -> None:
    with Nameless() as there:
        with pytest.raises(TryLater) as later:
            send("zammad", there)

        assert (later.value.code, later.value.ambiguous) == ("odd_reply", True)


@pytest.mark.parametrize("number", ["../../admin", "1/../2", "..", ".", "a b", "", None, True, 1.5, {"id": 1}])
def test_what_is_no_id_is_never_part_of_an_address(number: Any) -> None:
    with Asked() as there:
        there.answers = orjson.dumps({"tickets": [{"id": number}]})
        with pytest.raises(TryLater, match="odd_reply"):
            send("freshservice", there)
        assert all("/filter" in request.path for request in there.everything)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CR-A t, notice 2", True),
        ("<p>CR-A t, notice 2<br>more</p>", True),
        ("CR-A t, notice 20", False),
        ("CR-A t", False),
        (None, False),
        (7, False),
    ],
)
def test_a_note_has_a_title_when_nothing_goes_on_with_it(text: Any, *, found: bool) -> None:
    assert titled(text, "CR-A t, notice 2") is found


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (f"{REFERENCE} second ticket", True),
        (f"<p>{REFERENCE} second ticket</p>", True),
        (f"see {REFERENCE}", False),
        ("", False),
    ],
)
def test_a_note_is_ours_when_it_begins_as_ours_do(text: str, *, ours: bool) -> None:
    assert is_ours(text) is ours


def test_what_staff_wrote_in_a_second_ticket_keeps_it_open_where_nobody_says_who_wrote() -> None:
    with glpi.StandInGlpi() as there:
        proof = send("glpi", there)
        second = there.copy(str(proof.remote_id))
        there.really(second)["followups"].append({"content": "on it", "is_private": True})
        seen = sender("glpi", there).look(leased(remote_id=proof.remote_id), deadline_s=10)

        assert (seen.closed, seen.left) == ((), (second,))


def test_an_answer_shows_in_no_error() -> None:
    with Asked() as there:
        there.answer_always(Answer(422, b'{"error": "MARKED-7f3a"}'))
        with pytest.raises(Declined) as refused:
            send("zammad", there)

        assert "MARKED" not in repr(refused.value) + repr(refused.value.__context__)


# Checks.


def test_a_search_that_ignores_what_it_is_asked_is_found_before_the_first_ticket() -> None:
    with zammad.StandInZammad() as there:
        send("zammad", there)
        there.show_all = True

        assert sender("zammad", there).check(deadline_s=5) == (Finding("no_filter", "reference"),)


def test_what_a_description_expects_and_is_not_there_is_named() -> None:
    with freshservice.StandInFreshservice() as there:
        there.drop_field("category")
        found = sender("freshservice", there, desk=8).check(deadline_s=5)

        assert found == (Finding("queue_missing", "8"), Finding("field_missing", "concern_category"))


def test_a_call_that_the_system_does_not_know_is_named() -> None:
    def elsewhere(said: dict[str, Any]) -> None:
        said["calls"]["find"]["path"] = "/api/v9/tickets/search"

    with zammad.StandInZammad() as there:
        found = with_calls("zammad", there, elsewhere).check(deadline_s=5)
        there.broken.clear()

        assert found == (Finding("call_refused", "find"),)


# Moves, and what else a description may say.


def moves(said: dict[str, Any]) -> None:
    move = {"method": "PUT", "path": "/issues/{id}.json", "body": {"issue": {"project_id": "elsewhere"}}}
    said["calls"]["put_away"] = {**move, "shows": {"at": "/project/name", "is": "Elsewhere"}}
    said["calls"]["set_apart"] = said["calls"]["put_away"]


def test_a_withdrawn_ticket_goes_where_few_see_it() -> None:
    with redmine.StandInRedmine() as there:
        proof = send("redmine", there)
        made = with_calls("redmine", there, moves)
        said = recipe("redmine", there)
        payload = rest.render(rest.Settings.model_validate(said), RECALL, key="k")
        gone = made.send(leased(RECALL), payload, deadline_s=10)

        assert (gone.remote_id, gone.proven) == (proof.remote_id, Proven.VISIBLE)
        (issue,) = there.issues
        assert (issue["project"]["name"], issue["status"]["is_closed"]) == ("Elsewhere", True)
        assert issue["description"] == "Withdrawn."


def test_a_ticket_that_staff_moved_is_still_the_one_made_here() -> None:
    with redmine.StandInRedmine() as there:
        proof = send("redmine", there)
        there.move(str(proof.remote_id))
        reminded = send("redmine", there, REMINDER)

        assert reminded.remote_id == proof.remote_id
        assert len(there.there()) == 1


def test_a_ticket_that_others_can_read_is_no_success() -> None:
    with redmine.StandInRedmine() as there:
        there.permissions.discard("set_issues_private")
        with pytest.raises(Declined, match="field_dropped"):
            send("redmine", there)


@pytest.mark.parametrize(
    ("name", "stand_in"),
    [
        ("freshservice", freshservice.StandInFreshservice),
        ("glpi", glpi.StandInGlpi),
        ("redmine", redmine.StandInRedmine),
        ("thehive", thehive.StandInTheHive),
    ],
)
def test_what_changed_is_named_since_a_moment(name: str, stand_in: Callable[[], Any]) -> None:
    with stand_in() as there:
        proof = send(name, there)
        made = sender(name, there)
        long_ago, some_day = datetime(2026, 11, 22, tzinfo=UTC), clock.now() + timedelta(days=3650)

        assert list(made.changed(long_ago, deadline_s=5)) == [proof.remote_id]
        assert list(made.changed(some_day, deadline_s=5)) == []
        assert there.broken == []


def test_more_changes_than_are_read_keep_nobody_from_hearing_of_the_first(asked: Asked) -> None:
    asked.answers = orjson.dumps({"tickets": [{"id": number, "status": 2} for number in range(100)]})
    with freshservice.StandInFreshservice() as there:
        made = sender("freshservice", there)
        there.reply = asked.reply  # type: ignore[method-assign]
        named = made.changed(clock.now(), deadline_s=5)

    assert set(named) == {str(number) for number in range(100)}
