"""`floods list`, `let-go` and `close`, as somebody types them."""

import json

import pytest

from router.cli import main
from tests.router.cli.conftest import Run
from tests.router.console.deployments import Deployment
from tests.router.console.test_floods import FLOOD, OTHER, noted, park, states


@pytest.fixture
def run_floods(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `floods` with these words; return its status and what it printed."""

    def typed(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["concern-router", "floods", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return typed


def test_floods_are_listed_let_go_and_closed(deployment: Deployment, run_floods: Run) -> None:
    nothing = run_floods("list")
    going, closing = [park(deployment) for _ in range(2)], park(deployment, flood=OTHER)
    table, listed = run_floods("list"), run_floods("list", "--json")

    let_go = run_floods("let-go", FLOOD.lower(), "--as", "Ana")
    closed = run_floods("close", OTHER, "--as", "ana", "--reason", "one sender")
    again = run_floods("let-go", FLOOD, "--as", "ana")
    without = run_floods("close", OTHER, "--as", "ana", "--reason", "x")

    assert nothing == (0, "No concern waits because it came with very many others.\n", "")
    assert table[1].splitlines()[1:] == [f"{OTHER}  1      0", f"{FLOOD}  2      0"]
    assert json.loads(listed[1]) == [
        {"flood": OTHER, "count": 1, "ends": 0},
        {"flood": FLOOD, "count": 2, "ends": 0},
    ]
    assert let_go == (0, f"{FLOOD}: 2 let go\n", "")
    assert closed == (0, f"{OTHER}: 1 closed\n", "")
    assert (again[0], again[2].split(":")[1]) == (1, " not_parked")
    assert (without[0], without[2].split(":")[1]) == (1, " reason_malformed")
    assert [states(deployment, one) for one in (*going, closing)] == [["due"], ["due"], ["recalled"]]
    assert noted(deployment, "floods_listed")[0][2:] == ("ok", "count=0")
    assert noted(deployment, "flood_closed")[0][3].startswith("count=1 one sender login:")
