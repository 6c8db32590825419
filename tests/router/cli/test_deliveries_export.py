"""`deliveries export` prints what people let leave, with the fields of its channel, and notes who asked."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.channels import exchange
from router.cli import main
from router.vocabulary import Login
from tests.conftest import Database
from tests.router.console.approvers import POLICE, Border, a_border
from tests.router.console.deployments import CHANNELS

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def border(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Border]:
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    with a_border(database, tmp_path) as made:
        yield made


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    def type_it(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "deliveries", *words])
        capsys.readouterr()  # what a worker logs
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return type_it


def audited(border: Border) -> list[tuple[str, str, str]]:
    query = "select object, outcome, detail from audit where action = 'referral_exported' order by id"
    return border.deployment.rows(query)


def test_prints_what_two_approved_and_nothing_else_of_the_case(border: Border, typed: Typed) -> None:
    draft, other = border.file(urgency=["ongoing"]), border.file()
    for one in (draft, other):
        border.approve(one, "tom")
        border.approve(one, "una")
    [left] = border.deployment.rows("select fields from referrals where id = :id", id=draft.id)

    status, out, err = typed("export", draft.reference, other.reference.lower(), "--channel", "police")

    assert (status, err) == (0, "")
    wanted = {"schema": exchange.SCHEMA, "tlp": "TLP:AMBER+STRICT", "revision": 1, "category": "grave"}
    assert json.loads(out) == [{**wanted, "reference": one.reference} for one in (draft, other)]
    assert left[0]["tlp"] == "TLP:AMBER+STRICT"
    assert audited(border) == [(one.reference, "ok", "police:1") for one in (draft, other)]


def test_prints_the_very_document_that_the_folder_outside_got(border: Border, typed: Typed) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.approve(draft, "una")
    [written] = border.send().values()

    assert json.loads(typed("export", draft.reference)[1]) == [json.loads(written)]


def test_what_nobody_approved_is_not_handed_out(border: Border, typed: Typed) -> None:
    draft = border.file()
    border.approve(draft, "tom")

    for words in ((draft.reference,), (draft.reference, "--channel", "security-desk"), ("CR-0000-0000-0000",)):
        status, out, err = typed("export", *words)
        assert (status, out) == (1, "")
        assert err.startswith("concern-router: ")
    border.refuse(draft, "una")
    assert typed("export", draft.reference)[0] == 1
    assert {outcome for _, outcome, _ in audited(border)} == {"refused_nothing_left"}


def test_what_was_drafted_before_markings_and_with_a_longer_list_is_marked_and_narrowed(
    border: Border, typed: Typed
) -> None:
    draft = border.file()
    border.approve(draft, "tom")
    border.approve(draft, "una")
    border.send()
    change = """update referrals set fields = fields - 'tlp' || '{"severity": "critical"}' where id = :id"""
    border.deployment.run(change, id=draft.id)
    border.put_in_force(CHANNELS.replace(POLICE, POLICE.replace("[category]", "[category, url]")))

    [document] = json.loads(typed("export", draft.reference)[1])
    assert document["tlp"] == "TLP:AMBER+STRICT"
    assert "severity" not in document


def test_prints_the_schema(typed: Typed) -> None:
    assert json.loads(typed("schema")[1]) == exchange.schema()
