"""The dialogue at /follow-up: what staff write the holder of the receipt reads, and what they write only the team does.

One public part for all of it: each test files its own report.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.app import public_app
from router.console import dialogue
from router.console.acting import IN_CONSOLE, By
from router.console.attempt import attempted
from router.console.opening import identify, open_case
from router.embedded.postgres import SUPERUSER, EmbeddedPostgres
from router.operating.firststart import begin
from router.reporter.following.letters import MOST_A_DAY
from router.settings import Settings
from router.store import messages
from router.store.engine import transaction
from router.vocabulary import Login, MessageKind
from tests.configs import shipped
from tests.conftest import Database, a_database
from tests.makers import login
from tests.publicpart import NOBODY_LISTENS
from tests.router.reporter.test_pages import LEAST, Page, receipt_in

WORDS = "MARKED-7f3a words\n\n  文字 <script>alert(1)</script>"
MATERIAL = f"MARKED-7f3a data:image/png;base64,{'QUJD' * 40}"


@dataclass
class Office:
    """A public part, and the reviewer who answers."""

    public: TestClient
    console: Engine
    database: Database
    passphrase: str

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.database.owner_dsn) as connection:
            return connection.execute(query, values).fetchall()

    def run(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.database.owner_dsn) as connection:
            connection.execute(statement, values)

    def report(self) -> tuple[str, str]:
        """Send a report; return the case's reference and the receipt."""
        receipt = receipt_in(self.public.post("/report", data=LEAST).text)
        [(reference,)] = self.rows("select reference from cases order by received_at desc limit 1")
        return str(reference), receipt

    def say(self, reference: str, words: str, kind: MessageKind = MessageKind.QUESTION) -> None:
        with transaction(self.console) as connection:
            last = messages.standing(connection, reference).last
        dialogue.send(self.console, By(reference, "first", IN_CONSOLE), kind=kind, text=words, after=last)

    def read(self, reference: str) -> list[tuple[str, str | None]]:
        attempt = attempted(self.console, dialogue.OPENED, kind="person", handle="first", reference=reference)
        found = dialogue.opened(attempt, identify(attempt, "first", self.passphrase))
        return [(one.stored.kind.value, one.text) for one in found]

    def let_in(self, *, whether: bool) -> None:
        """Let the database take connections, or end all that there are and take none."""
        name = sql.Identifier(self.database.name)
        server = self.database.server.address(SUPERUSER, "postgres")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("alter database {} with allow_connections = {}").format(name, whether))
            if not whether:
                ended = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
                connection.execute(ended, (self.database.name,))

    def follow(self, receipt: str, place: str = "", **typed: str | list[str]) -> tuple[int, str]:
        answer = self.public.post(f"/follow-up{place}", data={"receipt": receipt, **typed})
        return answer.status_code, answer.text


@pytest.fixture(scope="module")
def office(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    root = tmp_path_factory.mktemp("followed")
    said: list[str] = []
    with a_database(postgres) as database:
        config = shipped(root / "config")
        begin(
            database.dsn(Login.CONSOLE),
            secrets_dir=root / "secrets",
            config_dir=config,
            reviewer="first",
            say=said.append,
        )
        settings = Settings(
            database_url_intake=SecretStr(database.dsn(Login.INTAKE)),
            redis_url=SecretStr(NOBODY_LISTENS),
            state_dir=root,
            config_dir=config,
        )
        passphrase = next(found[1] for line in said if (found := re.search(r"passphrase +(\S+)", line)))
        with TestClient(public_app(settings)) as public, login(database, Login.CONSOLE) as console:
            yield Office(public, console, database, passphrase)


def messages_of(page: str) -> list[str]:
    return re.findall(r'<article class="(own|team)"', page)


def test_a_question_an_answer_more_facts_and_the_closing_status(office: Office) -> None:
    reference, receipt = office.report()
    status, first = office.follow(receipt)
    assert (status, messages_of(first)) == (200, [])
    assert "The people in charge are being told now." in first
    assert reference not in first

    office.say(reference, WORDS)
    _, asked = office.follow(receipt)
    assert "MARKED-7f3a words\n\n  文字 &lt;script&gt;" in asked
    assert ">Answer the team</h2>" in asked
    assert "The team has asked you something." in asked
    assert "first" not in asked.lower().replace("your first report", "")

    key = str(Page(asked).fields["key"]["value"])
    for _click in range(2):
        status, answered = office.follow(receipt, "/write", message="MARKED-7f3a answer", kind="answer", key=key)
        assert status == 200
        assert "We have kept what you wrote." in answered
    office.follow(receipt, "/write", message="MARKED-7f3a more", kind="addition", key=key)

    assert office.read(reference) == [
        ("question", WORDS),
        ("answer", "MARKED-7f3a answer"),
        ("addition", "MARKED-7f3a more"),
    ]
    office.run(
        "update cases set state = 'closed', closed_at = now(), outcome = 'acted' where reference = %s", reference
    )
    _, last = office.follow(receipt)
    assert messages_of(last) == ["own", "own", "team"]
    assert "MARKED-7f3a answer" not in last
    assert "the case is closed" in last
    assert 'action="/en/follow-up/withdraw"' not in last


def test_another_receipt_and_a_wrong_one_read_and_write_nothing_of_it(office: Office) -> None:
    reference, mine = office.report()
    other, strangers = office.report()
    office.say(reference, WORDS)

    pages = {receipt: office.follow(receipt) for receipt in (strangers, "", "MARKED", "0000-0000-0000-0000-0000-0000")}
    writes = [office.follow("0000-0000-0000-0000-0000-0000", place, message=WORDS) for place in ("/write",)]

    assert [status for status, _page in pages.values()] == [200, 404, 404, 404]
    assert not any("MARKED-7f3a words" in page for _status, page in [*pages.values(), *writes])
    assert [status for status, _page in writes] == [404]
    assert "MARKED-7f3a words" in office.follow(mine)[1]
    office.follow(strangers, "/write", message=WORDS)
    assert len(office.read(reference)) == 1
    assert [kind for kind, _text in office.read(other)] == ["addition"]


def test_a_message_that_somebody_changed_says_so_and_hides_no_other(office: Office) -> None:
    reference, receipt = office.report()
    office.say(reference, "MARKED-7f3a one")
    office.say(reference, "MARKED-7f3a two")
    office.run(
        "update sealed_messages set for_receipt = for_receipt || '\\x00'"
        " where id = (select min(id) from sealed_messages where reference = %s)",
        reference,
    )

    _, page = office.follow(receipt)

    assert "MARKED-7f3a two" in page
    assert "MARKED-7f3a one" not in page
    assert "cannot be shown" in page


def test_what_is_wrong_with_a_text_is_said_beside_it_and_the_rest_is_kept(office: Office) -> None:
    reference, receipt = office.report()
    cases = office.rows("select count(*) from cases")
    for place, field in (("/write", "message"), ("/harm", "narrative"), ("/withdraw", "reason")):
        status, material = office.follow(receipt, place, **{field: MATERIAL})
        assert status == 422
        assert "MARKED-7f3a" not in material
        assert "Leave it where it is." in material
        status, long = office.follow(receipt, place, **{field: "MARKED-7f3a " * 400})
        assert status == 422
        assert f'href="#{field}"' in long
        assert "MARKED-7f3a" in long
        page = Page(long)
        assert page.fields[field]["aria-invalid"] == "true"
        assert page.pointed_at <= set(page.ids)
        assert set(page.unlabelled) <= page.labelled
        assert "<title>Error: Follow up - " in long
    status, empty = office.follow(receipt, "/write", message=" ")
    assert (status, "Please write something." in empty) == (422, True)
    assert office.read(reference) == []
    assert office.rows("select count(*) from cases") == cases


def test_words_beyond_the_most_in_a_day_come_back_with_what_to_do(office: Office) -> None:
    reference, receipt = office.report()
    office.run(
        "insert into sealed_messages (reference, from_staff, kind, suite, for_case)"
        " select reference, false, 'addition', suite, '' from cases, generate_series(1, %s) where reference = %s",
        *(MOST_A_DAY, reference),
    )

    status, page = office.follow(receipt, "/write", message="MARKED-7f3a too many")

    assert status == 409
    assert "MARKED-7f3a too many</textarea>" in page
    assert "You have written very often" in page


def test_harm_becomes_a_case_of_its_own_and_the_first_team_hears_nothing(office: Office) -> None:
    reference, receipt = office.report()
    before = office.rows("select version, reporter_wrote_at from cases where reference = %s", reference)
    key = str(Page(office.follow(receipt)[1]).fields["key"]["value"])
    typed: dict[str, str | list[str]] = {"narrative": "MARKED-7f3a harm", "involves": ["legal"], "key": key}

    answers = [office.follow(receipt, "/harm", **typed) for _click in range(2)]

    assert [status for status, _page in answers] == [201, 201]
    [own] = {receipt_in(page) for _status, page in answers}
    assert own != receipt
    [(harm, route, involves)] = office.rows(
        "select reference, route, facts ->> 'involves' from cases where category = 'retaliation'"
        " order by received_at desc limit 1"
    )
    assert (route, involves) == ("retaliation", '["legal"]')
    told = office.rows("select distinct channel from referrals where reference = %s and state = 'due'", harm)
    assert ("legal-desk",) not in told
    assert told
    content = open_case(
        office.console, reference=str(harm), handle="first", passphrase=office.passphrase, reason="a test"
    )
    assert content.narrative == f"About the earlier report {reference}:\n\nMARKED-7f3a harm"
    assert office.rows("select version, reporter_wrote_at from cases where reference = %s", reference) == before
    assert office.rows(
        "select count(*) from referrals where reference = %s and notice = 'reporter_wrote'", reference
    ) == [(0,)]
    assert office.rows("select count(*) from audit where object = %s and detail like '%%' || %s", reference, harm) == [
        (0,)
    ]
    assert office.follow(own)[0] == 200


def test_whoever_tells_of_harm_is_told_that_the_first_team_may_read_it_unless_it_is_ticked(office: Office) -> None:
    fraud = {"category": "fraud", "noticed_how": "told_by_someone"}
    receipt = receipt_in(office.public.post("/report", data=fraud).text)
    [(first,)] = office.rows("select reference from cases order by received_at desc limit 1")

    _, page = office.follow(receipt)
    office.follow(receipt, "/harm", narrative="MARKED-7f3a harm")

    [(harm,)] = office.rows("select reference from cases order by received_at desc limit 1")
    told = "select distinct reference from referrals where channel = 'legal-desk' and reference in (%s, %s)"
    assert len(office.rows(told, first, harm)) == 2
    assert "Some of them may have your first report, too: tick who must not be told." in page
    assert "Other people deal with it" not in page


def test_one_asks_once_to_withdraw_and_sees_that_it_was_asked(office: Office) -> None:
    reference, receipt = office.report()

    status, page = office.follow(receipt, "/withdraw", reason="")
    _, again = office.follow(receipt, "/withdraw", reason="MARKED-7f3a why")

    assert status == 200
    for shown in (page, again):
        assert shown.count("You asked to withdraw your report") == 2
        assert "/follow-up/withdraw" not in shown
    assert office.read(reference) == [("withdrawal", "")]


def test_while_the_database_is_away_what_was_typed_stays(office: Office) -> None:
    _reference, receipt = office.report()
    office.let_in(whether=False)
    try:
        status, page = office.follow(receipt, "/write", message="MARKED-7f3a kept")
    finally:
        office.let_in(whether=True)
        office.console.dispose()

    assert status == 503
    assert "MARKED-7f3a kept</textarea>" in page
    assert f'value="{receipt}"' in page
    # Each connection that is gone is found out by one request.
    again = [office.follow(receipt, "/write", message="MARKED-7f3a kept")[0] for _click in range(5)]
    assert again[-1] == 200


def test_the_receipt_is_in_no_address_and_a_form_sent_by_another_site_keeps_nothing(office: Office) -> None:
    reference, receipt = office.report()
    _, page = office.follow(receipt)

    assert receipt not in re.sub(r'<input type="hidden" name="receipt" value="[^"]*">', "", page)
    assert set(re.findall(r'<form method="(\w+)"', page)) == {"post"}
    answer = office.public.post(
        "/follow-up/write",
        data={"receipt": receipt, "message": WORDS},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403
    assert "MARKED-7f3a words" in answer.text
    assert office.read(reference) == []
    back = office.public.get("/follow-up/write", follow_redirects=False)
    assert (back.status_code, back.headers["location"]) == (303, "/en/follow-up")
