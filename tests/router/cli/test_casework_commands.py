"""`cases hand-over`, `hold` and `recuse`, as somebody types them."""

from collections.abc import Callable, Iterator

import pytest

from router.cli import main
from router.vocabulary import Login
from tests.conftest import Database
from tests.router.console.deployments import Deployment, a_deployment

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def deployment(database: Database) -> Iterator[Deployment]:
    with a_deployment(database) as made:
        yield made


@pytest.fixture
def run(database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.setenv("CONCERN_ROUTER_DATABASE_URL_CONSOLE", database.dsn(Login.CONSOLE))

    def typed(*words: str) -> tuple[int, str, str]:
        """Run `cases` with these words; return its status and what it printed."""
        monkeypatch.setattr("sys.argv", ["concern-router", "cases", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return typed


def test_a_case_is_handed_over_held_and_left(deployment: Deployment, run: Run) -> None:
    reference = deployment.file("fraud").reference
    run("claim", reference, "--as", "sven")

    for said, words in (
        ("handed over to lena", ("hand-over", reference, "--to", "Lena", "--as", "sven")),
        ("on legal hold", ("hold", reference, "--reason", "court asked", "--as", "sven")),
        ("no longer on legal hold", ("hold", reference, "--lift", "--reason", "court is done", "--as", "sven")),
        ("lena has stepped out", ("recuse", reference, "--reason", "a friend of mine", "--as", "lena")),
    ):
        assert run(*words) == (0, f"{reference}: {said}\n", ""), words

    assert deployment.rows("select claimed_by, held_by from cases") == [(None, None)]
    assert deployment.rows("select handle from recusals") == [("lena",)]


def test_what_is_refused_names_its_code_and_ends_the_command(deployment: Deployment, run: Run) -> None:
    reference = deployment.file("other").reference
    run("claim", reference, "--as", "sven")

    status, _, said = run("hand-over", reference, "--to", "lena", "--as", "sven")

    assert (status, said) == (1, "concern-router: not_a_colleague\n")
    assert deployment.rows("select claimed_by from cases") == [("sven",)]
