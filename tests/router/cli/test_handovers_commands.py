"""`handovers list` and `record`, as somebody types them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.bodies.together import joined
from router.cli import main
from router.vocabulary import Login
from tests.conftest import Database
from tests.handing import BODIES, CHANNELS_IN_HAND
from tests.router.cli.conftest import Run
from tests.router.console.approvers import Border, a_border
from tests.router.console.test_handovers import in_hand


@pytest.fixture
def border(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Border]:
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))
    with a_border(database, tmp_path, channels=joined(CHANNELS_IN_HAND, BODIES)) as made:
        yield made


@pytest.fixture
def run_handovers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `handovers` with these words; return its status and what it printed."""

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "handovers", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return typed


def test_what_waits_is_listed_without_a_field_and_recorded_by_a_reviewer_alone(
    border: Border, run_handovers: Run
) -> None:
    nothing = run_handovers("list")
    draft = in_hand(border)
    table, listed = run_handovers("list"), run_handovers("list", "--json")
    record = ("record", draft.reference.lower(), "police", "--their-reference", "K-12/26", "--as")

    stranger = run_handovers(*record, "lena", "--to", "se-police")
    nobody = run_handovers(*record, "sven", "--to", "gb-hotline")
    done = run_handovers(*record, "sven", "--to", "se-police")
    again = run_handovers(*record, "sven", "--to", "se-police")

    assert nothing == (0, "Nothing waits to be handed over.\n", "")
    assert table[1].splitlines()[1].split()[:4] == [draft.reference, "police", "1", "critical"]
    [row] = json.loads(listed[1])
    assert (row["reference"], row["channel"], row["severity"]) == (draft.reference, "police", "critical")
    assert "MARKED-7f3a" not in table[1] + listed[1]
    assert [(one[0], one[2].split(":")[1]) for one in (stranger, nobody, again)] == [
        *((1, " not_a_member"), (1, " body_unknown"), (1, " handover_recorded"))
    ]
    assert done == (0, f"{draft.reference}: handed over to se-police, recorded\n", "")
    assert border.state_of(draft)[:2] == ("sent", "handed_over")
    assert border.deployment.rows(
        "select actor, outcome from audit where action = 'handover_recorded' and outcome = 'ok'"
    ) == [("person:sven", "ok")]
