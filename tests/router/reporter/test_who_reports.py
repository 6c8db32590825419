"""Reporters choose how far they are known, are told what that means here, and get a receipt that they can keep."""

import re

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from router.intake.housekeeping import Custody
from router.reporter import words
from router.store.engine import transaction
from router.store.roles import give_roles
from router.vocabulary import Identity, Login, Role
from tests.conftest import Database
from tests.makers import login
from tests.publicpart import count
from tests.router.reporter.test_behalf import hidden, link
from tests.router.reporter.test_pages import LEAST, Page, receipt_in

ARABIC = str.maketrans("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")


def test_a_choice_that_says_two_things_is_asked_again_and_keeps_what_was_typed(
    public: TestClient, database: Database
) -> None:
    nameless = public.post("/report", data={**LEAST, "identity": "named"})
    named = public.post("/report", data={**LEAST, "identity": "anonymous", "contact": "MARKED-7f3a"})
    unknown = public.post("/report", data={**LEAST, "identity": "MARKED-7f3a"})

    assert (nameless.status_code, named.status_code, unknown.status_code) == (422, 422, 422)
    assert "Please write how we can reach you, or choose to stay anonymous." in nameless.text
    assert re.search(r'id="identity-named"[^>]* checked', nameless.text)
    assert Page(nameless.text).fields["contact"]["aria-invalid"] == "true"
    assert "You chose to stay anonymous. Please empty this line" in named.text
    assert Page(named.text).fields["contact"]["value"] == "MARKED-7f3a"
    assert "MARKED-7f3a" not in unknown.text
    assert count(database, "cases") == 0


def test_what_is_taken_down_for_somebody_says_how_far_they_are_known(public: TestClient, console: Engine) -> None:
    told = {**LEAST, "identity": "named", "contact": "MARKED-7f3a", "link": link(console), "step": "read_back"}
    read_back = public.post("/report/behalf", data=told)
    kept = public.post("/report/behalf", data={**hidden(read_back.text), "step": "record", "confirmed": "yes"})

    assert "<dt>Do you want to say who you are?</dt>" in read_back.text
    assert "Yes, openly" in read_back.text
    assert kept.status_code == 201


def test_confidence_is_promised_only_as_far_as_somebody_keeps_it(
    public: TestClient, database: Database, console: Engine
) -> None:
    kept_apart = words.IDENTITY_HINTS[Identity.CONFIDENTIAL]
    with login(database, Login.INTAKE) as intake:
        custody = Custody(intake)
        custody.refresh()
        before = custody()
        with transaction(console) as connection:
            give_roles(connection, "first", [Role.CUSTODIAN], by="test")
        custody.refresh()
        there = custody()
    page = public.get("/who-sees-what").text

    assert (before, there) == (False, True)
    assert words.identity_hints(custodians=True)[Identity.CONFIDENTIAL] == kept_apart
    assert words.NOT_KEPT_APART in page
    assert kept_apart not in page
    assert "We do not keep the network address (IP address) of your device" in page
    assert "What we cannot hide" in page


def test_the_receipt_is_shown_to_be_written_down_and_the_title_says_nothing(public: TestClient) -> None:
    answer = public.post("/report", data={**LEAST, "narrative": "MARKED-7f3a"})
    receipt = receipt_in(answer.text)

    assert "<title>Done - " in answer.text
    assert re.findall(r"<li><bdi dir=\"ltr\">(.*?)</bdi></li>", answer.text) == [
        " ".join(group) for group in receipt.split("-")
    ]
    assert re.search(r'<button type="button"[^>]* data-copy="receipt"[^>]* hidden>', answer.text)
    assert '<form method="post" action="/en/report/done"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert receipt not in repr(answer.headers)
    assert "MARKED" not in answer.text


@pytest.mark.parametrize("accept", ["en", "ar"])
def test_a_receipt_is_read_as_it_was_meant(public: TestClient, accept: str) -> None:
    receipt = receipt_in(public.post("/report", data=LEAST).text)
    ways = [
        receipt.lower().replace("-", " "),
        receipt.replace("0", "o").replace("1", "l"),
        receipt.replace("-", ""),
        receipt.translate(ARABIC),
        "\u200e" + receipt.replace("-", " \u2013 ") + "\u200f\r\n",
        receipt.replace("-", "."),
    ]

    answers = [public.post("/follow-up", data={"receipt": way}, headers={"Accept-Language": accept}) for way in ways]

    assert [answer.status_code for answer in answers] == [200] * len(ways)
