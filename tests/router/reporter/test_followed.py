"""What staff write, the holder of the receipt reads at /follow-up: words as they were written, and nobody else's."""

import psycopg
import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.store import messages
from router.store.engine import transaction
from router.vault.seal import seal_message
from router.vocabulary import MessageKind
from tests.conftest import Database
from tests.router.reporter.test_pages import LEAST, receipt_in


def write(console: Engine, database: Database, words: str, *, newest: bool = True) -> str:
    """Write to the reporter of the newest case, or the oldest; return its reference."""
    order = "desc" if newest else "asc"
    with psycopg.connect(database.owner_dsn) as connection:
        row = connection.execute(f"select reference from cases order by received_at {order}").fetchone()  # noqa: S608 - ours
    assert row
    reference = str(row[0])
    with transaction(console) as connection:
        keys = messages.case_keys(connection, reference)
        assert keys
        assert keys.receipt
        messages.add_from_staff(
            connection,
            reference,
            kind=MessageKind.QUESTION,
            by="first",
            for_case=seal_message(reference, words, keys.suite, keys.public),
            for_receipt=seal_message(reference, words, keys.suite, keys.receipt).blob,
        )
    return reference


def followed(public: TestClient, receipt: str) -> str:
    answer = public.post("/follow-up", data={"receipt": receipt})
    assert answer.status_code == 200
    return answer.text


def test_the_newest_message_stands_first_as_it_was_written_and_without_a_name(
    public: TestClient, console: Engine, database: Database
) -> None:
    receipt = receipt_in(public.post("/report", data=LEAST).text)
    write(console, database, "MARKED-7f3a one <script>alert(1)</script>")
    write(console, database, "MARKED-7f3a two\n\n  文字")

    page = followed(public, receipt)

    assert page.index("MARKED-7f3a two\n\n  文字") < page.index("MARKED-7f3a one &lt;script&gt;")
    assert "<script>" not in page
    assert "first" not in page


def test_another_receipt_reads_none_of_it(public: TestClient, console: Engine, database: Database) -> None:
    mine = receipt_in(public.post("/report", data=LEAST).text)
    other = receipt_in(public.post("/report", data=LEAST).text)
    write(console, database, "MARKED-7f3a", newest=False)

    assert "MARKED-7f3a" in followed(public, mine)
    assert "MARKED-7f3a" not in followed(public, other)
    assert "What we wrote to you" not in followed(public, other)


@pytest.mark.parametrize("receipt", ["", "MARKED", "0000-0000-0000-0000-0000-0000"])
def test_a_wrong_receipt_reads_nothing(public: TestClient, console: Engine, database: Database, receipt: str) -> None:
    public.post("/report", data=LEAST)
    write(console, database, "MARKED-7f3a")

    assert "MARKED-7f3a" not in public.post("/follow-up", data={"receipt": receipt}).text


def test_a_message_that_somebody_changed_says_so_and_hides_no_other(
    public: TestClient, console: Engine, database: Database
) -> None:
    receipt = receipt_in(public.post("/report", data=LEAST).text)
    write(console, database, "MARKED-7f3a one")
    write(console, database, "MARKED-7f3a two")
    with psycopg.connect(database.owner_dsn) as connection:
        connection.execute(
            "update sealed_messages set for_receipt = for_receipt || '\\x00'"
            " where id = (select min(id) from sealed_messages)"
        )

    page = followed(public, receipt)

    assert "MARKED-7f3a two" in page
    assert "MARKED-7f3a one" not in page
    assert "cannot be shown" in page
