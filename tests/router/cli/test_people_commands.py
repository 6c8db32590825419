"""`people` makes accounts, changes what people may do, and shows a secret once."""

import io
import json
from collections.abc import Callable

import pytest

from router.cli import main
from router.console.signin import passwords
from router.store.accounts import find
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.router.console.deployments import Deployment

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*arguments: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "people", *arguments])
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{given}\n"))
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        status = ended.value.code
        return (status if isinstance(status, int) else 0), printed.out, printed.err

    return ran


def signs_in(deployment: Deployment, handle: str, password: str) -> bool:
    with transaction(deployment.console) as connection:
        account = find(connection, handle)
    return account is not None and account.must_change and passwords.fits(account.password, password)


def audited(deployment: Deployment, action: str) -> list[tuple[str, str, str]]:
    query = "select object, outcome, detail from audit where action = :action and actor like 'login:%' order by id"
    return deployment.rows(query, action=action)


def test_a_new_person_gets_a_passphrase_and_a_password(deployment: Deployment, run: Run) -> None:
    given = deployment.passphrases["ana"]

    status, out, _ = run("add", "Ben", "--team", "legal", "--as", "ana", "--passphrase-stdin", "--json", given=given)

    made = json.loads(out)
    assert (status, made["handle"], made["teams"]) == (0, "Ben", ["legal"])
    assert signs_in(deployment, "ben", made["password"])
    assert made["password"] != made["passphrase"]


def test_a_person_who_is_not_added_gets_no_account(deployment: Deployment, run: Run) -> None:
    status, _, _ = run("add", "ben", "--team", "legal", "--as", "ana", "--passphrase-stdin", given="wrong")

    assert status == 1
    assert deployment.rows("select handle from accounts") == []


def test_an_auditor_without_a_team_gets_an_account_and_no_key(deployment: Deployment, run: Run) -> None:
    status, out, _ = run("add", "Olga", "--role", "auditor", "--role", "approver", "--json")

    made = json.loads(out)
    assert (status, made["teams"], made["passphrase"]) == (0, [], None)
    assert signs_in(deployment, "olga", made["password"])
    assert deployment.rows("select role from people_roles where handle = 'olga' order by role") == [
        ("approver",),
        ("auditor",),
    ]
    assert deployment.rows("select key_id from member_keys where handle = 'olga'") == []
    assert audited(deployment, "person_added") == [("person:olga", "ok", "+approver +auditor")]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("olga", "--role", "reviewer", "--role", "auditor"), "reviewer_without_team"),
        (("olga",), "no_role"),
        (("SVEN", "--role", "auditor"), "person_exists"),
        (("o l g a", "--role", "auditor"), "handle_malformed"),
    ],
)
def test_who_cannot_be_made_without_a_team_is_told_why(
    deployment: Deployment, run: Run, arguments: tuple[str, ...], code: str
) -> None:
    before = deployment.rows("select handle from people")

    status, out, err = run("add", *arguments)

    assert (status, out) == (1, "")
    assert code in err
    assert deployment.rows("select handle from people") == before
    assert deployment.rows("select handle from accounts") == []
    assert [outcome for _, outcome, _ in audited(deployment, "person_added")] == [f"refused_{code}"]


def test_nobody_is_made_before_the_first_holder_of_keys(
    database: Database, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))

    status, _, err = run("add", "olga", "--role", "auditor")

    assert (status, "nobody_yet" in err, "keys init" in err) == (1, True, True)


def test_somebody_of_a_team_may_begin_with_more_roles(deployment: Deployment, run: Run) -> None:
    team = ("--team", "legal", "--as", "ana", "--passphrase-stdin")

    status, _, _ = run("add", "ben", *team, "--role", "approver", given=deployment.passphrases["ana"])

    assert status == 0
    assert deployment.rows("select role from people_roles where handle = 'ben' order by role") == [
        ("approver",),
        ("reviewer",),
    ]
    assert audited(deployment, "roles_changed") == [("person:ben", "ok", "+approver")]


def test_a_forgotten_password_is_replaced_by_one_that_is_shown_once(deployment: Deployment, run: Run) -> None:
    _, out, _ = run("password", "sven", "--json")

    assert signs_in(deployment, "sven", json.loads(out)["password"])
    assert audited(deployment, "password_reset") == [("person:sven", "ok", "")]


def test_roles_are_given_and_taken(deployment: Deployment, run: Run) -> None:
    run("roles", "sven", "--give", "approver", "--give", "auditor", "--take", "reviewer")

    _, out, _ = run("list", "--json")
    listed = {person["handle"]: person for person in json.loads(out)}
    assert listed["sven"]["roles"] == ["approver", "auditor"]
    assert listed["sven"]["teams"] == ["security"]
    assert audited(deployment, "roles_changed") == [("person:sven", "ok", "+approver +auditor -reviewer")]


def test_the_last_administrator_is_not_taken_away(deployment: Deployment, run: Run) -> None:
    taken = run("roles", "ana", "--take", "administrator")
    disabled = run("disable", "ana")

    assert (taken[0], disabled[0]) == (1, 1)
    assert "last_administrator" in taken[2]
    assert audited(deployment, "roles_changed") == [("person:ana", "refused_last_administrator", "-administrator")]


def test_somebody_is_disabled_and_enabled(deployment: Deployment, run: Run) -> None:
    run("password", "sven")

    run("disable", "sven")
    with transaction(deployment.console) as connection:
        gone = find(connection, "sven")
    run("enable", "sven")
    with transaction(deployment.console) as connection:
        back = find(connection, "sven")

    assert gone is None
    assert back is not None


def test_a_subject_belongs_to_one_person(deployment: Deployment, run: Run) -> None:
    options = ("--issuer", "https://id.example.org", "--subject", "sub-1")

    first, second = run("link", "sven", *options), run("link", "lena", *options)

    assert (first[0], second[0]) == (0, 1)
    assert "subject_of_another" in second[2]
    assert deployment.rows("select handle, subject from accounts") == [("sven", "sub-1")]


def test_nobody_is_made_by_a_mistyped_handle(deployment: Deployment, run: Run) -> None:
    ends = [run(command, "nobody-of-us") for command in ("password", "disable", "enable", "unlink")]

    assert [(status, "unknown_person" in err) for status, _, err in ends] == [(1, True)] * 4
    assert deployment.rows("select handle from accounts") == []
