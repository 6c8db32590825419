"""A report taken down for somebody: by a link that works once, read back, and in the audit with who took it down."""

import re
from html import unescape
from io import StringIO
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, text
from starlette.testclient import TestClient

from router.console.behalf import end_links, forget_links, make_link
from router.errors import Forbidden
from router.reporter import words
from router.store.engine import transaction
from router.vocabulary import Login
from tests.conftest import Database
from tests.publicpart import KEY, Start, count, everything
from tests.router.reporter.test_pages import LEAST, Page, receipt_in

OTHER_KEY = "223e4567-e89b-42d3-a456-426614174000"
TOLD = {
    **LEAST,
    "narrative": "\r\nMARKED-7f3a <b>\r\n second line",
    "contact": "MARKED-7f3a contact",
    "urgency": "ongoing",
}


def link(console: Engine, handle: str = "first") -> str:
    """Return the secret of a new link."""
    return make_link(console, handle, public_url="http://public.test").address.partition("link=")[2]


def hidden(page: str) -> dict[str, Any]:
    """Return what a browser would send again from the page that is read back."""
    found = Page(page)
    carried = {name: str(given.get("value")) for name, given in found.fields.items() if given.get("type") == "hidden"}
    areas = re.findall(r'<textarea name="(\w+)" hidden[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    return {**carried, **{name: _typed(value) for name, value in areas}}


def _typed(value: str) -> str:
    """Return what a browser sends of a text area's source."""
    return unescape(value).replace("\r\n", "\n").replace("\n", "\r\n")


def taken(public: TestClient, secret: str, **changed: Any) -> Any:
    """Go through all of it; return the answer to the last step."""
    form = Page(public.get("/report/behalf", params={"link": secret}).text)
    key = str(form.fields["key"]["value"])
    read_back = public.post("/report/behalf", data={**TOLD, "key": key, "link": secret, "step": "read_back", **changed})
    assert read_back.status_code == 200, read_back.text
    return public.post("/report/behalf", data={**hidden(read_back.text), "step": "record", "confirmed": "yes"})


def audit(database: Database) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_dsn) as connection:
        query = (
            "select actor, action, object from audit where action in ('case_received', 'case_taken_down') order by id"
        )
        return connection.execute(query).fetchall()


def test_what_was_told_is_read_back_kept_and_in_the_audit_with_who_took_it_down(
    public: TestClient, console: Engine, database: Database
) -> None:
    answer = taken(public, link(console))

    [received, taken_down] = audit(database)
    assert answer.status_code == 201
    assert "Give this receipt to the person who reported" in answer.text
    assert (received[0], taken_down[0]) == ("reporter", "person:first")
    assert received[2] == taken_down[2]
    followed = public.post("/follow-up", data={"receipt": receipt_in(answer.text)})
    assert followed.status_code == 200
    with psycopg.connect(database.owner_dsn) as connection:
        assert connection.execute("select reference, used_at is not null from behalf_links").fetchall() == [
            (received[2], True)
        ]


def test_nothing_is_kept_before_the_reporter_confirmed_it(
    public: TestClient, console: Engine, database: Database
) -> None:
    secret = link(console)
    sent = {**TOLD, "key": KEY, "link": secret}

    read_back = public.post("/report/behalf", data={**sent, "step": "read_back"})
    unconfirmed = public.post("/report/behalf", data={**hidden(read_back.text), "step": "record"})
    changed = public.post("/report/behalf", data={**hidden(read_back.text), "step": "change"})

    assert (read_back.status_code, unconfirmed.status_code, changed.status_code) == (200, 422, 200)
    for page in (read_back, unconfirmed):
        assert "MARKED-7f3a &lt;b&gt;\r\n second line" in page.text.replace("\r\n", "\n").replace("\n", "\r\n")
        assert words.URGENCY["ongoing"] in page.text
        assert "<b>" not in page.text
    assert 'aria-invalid="true"' in unconfirmed.text
    assert "MARKED-7f3a contact" in changed.text
    assert '"ongoing" checked' in changed.text
    assert count(database, "cases") == 0
    assert public.get("/report/behalf", params={"link": secret}).status_code == 200


def test_a_link_works_once_and_a_second_click_gets_the_same_receipt(
    public: TestClient, console: Engine, database: Database
) -> None:
    secret = link(console)
    read_back = public.post("/report/behalf", data={**TOLD, "key": KEY, "link": secret, "step": "read_back"})
    sent = {**hidden(read_back.text), "step": "record", "confirmed": "yes"}

    first, again = (public.post("/report/behalf", data=sent) for _ in range(2))
    other = public.post("/report/behalf", data={**sent, "key": OTHER_KEY})

    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 403)
    assert receipt_in(first.text) == receipt_in(again.text)
    assert "MARKED-7f3a contact" in other.text, "no word is lost"
    assert Page(other.text).fields["link"]["type"] == "text"
    assert count(database, "cases") == 1
    assert [action for _actor, action, _object in audit(database)].count("case_taken_down") == 1


def test_another_link_may_be_pasted_whole_when_the_first_one_is_too_old(
    public: TestClient, console: Engine, database: Database
) -> None:
    old = link(console)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("update behalf_links set ends_at = now() - interval '1 s'")
    new = make_link(console, "first", public_url="http://public.test").address

    refused = public.post("/report/behalf", data={**TOLD, "key": KEY, "link": old, "step": "read_back"})
    went_on = public.post("/report/behalf", data={**TOLD, "key": KEY, "link": new, "step": "read_back"})

    assert (refused.status_code, went_on.status_code) == (403, 200)
    assert "MARKED-7f3a contact" in refused.text


@pytest.mark.parametrize("secret", ["", "MARKED", "a" * 43, "a" * 44, "'; --", "%00", "\u00fc"])
def test_a_made_up_link_opens_nothing_and_files_nothing(public: TestClient, database: Database, secret: str) -> None:
    shown = public.get("/report/behalf", params={"link": secret})
    filed = public.post(
        "/report/behalf", data={**TOLD, "key": KEY, "link": secret, "step": "record", "confirmed": "yes"}
    )

    assert shown.status_code == 403
    assert "<textarea" not in shown.text
    assert filed.status_code == 403
    assert count(database, "cases") == 0


@pytest.mark.parametrize(
    "gone",
    [
        "update people set disabled_at = now()",
        "delete from people_roles where role = 'reviewer'",
    ],
)
def test_the_link_of_somebody_who_may_not_any_more_is_dead(
    public: TestClient, console: Engine, database: Database, gone: str
) -> None:
    secret = link(console)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(gone)

    assert public.get("/report/behalf", params={"link": secret}).status_code == 403


def test_what_is_wrong_is_named_as_on_the_page_for_everybody(
    public: TestClient, console: Engine, database: Database
) -> None:
    sent = {"category": "", "noticed_how": "told_by_someone", "asset_tag": "a/b", "narrative": "MARKED-7f3a kept"}

    answer = public.post("/report/behalf", data={**sent, "key": KEY, "link": link(console), "step": "read_back"})

    page = Page(answer.text)
    assert answer.status_code == 422
    assert 'href="#asset_tag"' in answer.text
    assert 'href="#category"' in answer.text
    assert "MARKED-7f3a kept" in answer.text
    assert page.pointed_at <= set(page.ids)
    assert set(page.unlabelled) <= page.labelled
    assert count(database, "cases") == 0


def test_material_is_refused_and_given_back_to_nobody(public: TestClient, console: Engine, database: Database) -> None:
    sent = {**TOLD, "narrative": "data:image/png;base64,MARKED7f3aMARKED7f3a", "key": KEY, "link": link(console)}

    for step in ("read_back", "record"):
        answer = public.post("/report/behalf", data={**sent, "step": step, "confirmed": "yes"})
        assert answer.status_code == 422
        assert "MARKED7f3a" not in answer.text

    assert count(database, "cases") == 0


def test_another_sites_page_uses_no_link_up(public: TestClient, console: Engine, database: Database) -> None:
    secret = link(console)
    sent = {**TOLD, "key": KEY, "link": secret, "step": "record", "confirmed": "yes"}

    refused = public.post("/report/behalf", data=sent, headers={"Sec-Fetch-Site": "cross-site"})

    assert refused.status_code == 403
    assert count(database, "cases") == 0
    assert public.get("/report/behalf", params={"link": secret}).status_code == 200


def test_a_link_is_kept_as_a_digest_and_ends_by_hand_by_number_and_by_time(
    public: TestClient, console: Engine, database: Database
) -> None:
    secrets = [link(console) for _ in range(3)]
    with pytest.raises(Forbidden, match="links_unused"):
        link(console)
    with psycopg.connect(database.owner_dsn) as connection:
        stored = str(connection.execute("select l::text from behalf_links l").fetchall())
    end_links(console, "first")

    assert not any(secret in stored or secret.encode().hex() in stored for secret in secrets)
    assert {public.get("/report/behalf", params={"link": secret}).status_code for secret in secrets} == {403}
    link(console)
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute("update behalf_links set ends_at = now() - interval '25 h'")
    forget_links(console)
    assert count(database, "behalf_links") == 0


def test_one_dead_link_in_a_batch_takes_no_other_report_with_it(
    start: Start, console: Engine, database: Database
) -> None:
    public = start()
    dead = {**TOLD, "key": KEY, "link": "a" * 43, "step": "record", "confirmed": "yes"}

    answers = [
        public.post("/report", data=LEAST),
        public.post("/report/behalf", data=dead),
        taken(public, link(console)),
    ]

    assert [answer.status_code for answer in answers] == [201, 403, 201]
    assert count(database, "cases") == 2


@pytest.mark.usefixtures("settings")
def test_the_public_part_reads_and_writes_no_link_but_by_its_secret(database: Database, console: Engine) -> None:
    link(console)

    with psycopg.connect(database.dsn(Login.INTAKE)) as connection:
        for statement in ("select * from behalf_links", "update behalf_links set used_at = null"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
            connection.rollback()
    with pytest.raises(Exception, match="42501"), transaction(console) as other:
        other.execute(text("select use_behalf_link('x', 'y')"))


def test_no_word_of_it_is_logged_or_stored_in_clear(
    public: TestClient, console: Engine, database: Database, logged: StringIO
) -> None:
    secret = link(console)
    taken(public, secret)
    public.post("/report/behalf", data={**TOLD, "key": KEY, "link": secret, "step": "record", "confirmed": "yes"})

    stored = everything(database)
    for kept in (logged.getvalue().encode(), stored):
        assert b"MARKED" not in kept
        assert secret.encode() not in kept
    assert b"MARKED".hex().encode() not in stored
