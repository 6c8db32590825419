"""`preserved list`, as somebody types it: what is kept and until when, and nothing of what is sealed."""

import json

import pytest

from router.cli import main
from router.model import Payload
from router.preserving import RECEIPT, Kept, preserve
from router.store.engine import transaction
from tests.router.cli.conftest import Run
from tests.router.console.deployments import Deployment


@pytest.fixture
def run_preserved(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `preserved` with these words; return its status and what it printed."""

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "preserved", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return typed


def test_copies_are_listed_without_what_is_sealed(deployment: Deployment, run_preserved: Run) -> None:
    nothing = run_preserved("list")
    reference = deployment.file("grave").reference
    [(referral,)] = deployment.rows(
        "select id from referrals where reference = :of and channel = 'police'", of=reference
    )
    receipt = Payload(b"MARKED-02ce", "text/xml")
    with transaction(deployment.console) as connection:
        preserve(connection, [Kept(referral, reference, "police", 1, 0, RECEIPT, receipt)], by="person:ana")

    table, listed = run_preserved("list"), run_preserved("list", "--json")

    assert nothing == (0, "Nothing has left with a receipt.\n", "")
    assert table[1].splitlines()[1].split()[:3] == [reference, "police:1", "receipt"]
    assert table[1].splitlines()[1].endswith("not said yet  -")
    [one] = json.loads(listed[1])
    assert (one["reference"], one["part"], one["keep_until"], one["held"]) == (reference, "receipt", None, False)
    assert "MARKED" not in table[1] + listed[1]
    counts = [(0,), (1,), (1,)]
    assert (
        deployment.rows("select substr(detail, 7)::int from audit where action = 'outside_kept_listed' order by id")
        == counts
    )
