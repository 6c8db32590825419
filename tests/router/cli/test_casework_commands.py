"""`cases hand-over`, `hold` and `recuse`, as somebody types them."""

from tests.router.cli.conftest import Run
from tests.router.console.deployments import Deployment


def test_a_case_is_handed_over_held_and_left(deployment: Deployment, run_cases: Run) -> None:
    reference = deployment.file("fraud").reference
    run_cases("claim", reference, "--as", "sven")

    for said, words in (
        ("handed over to lena", ("hand-over", reference, "--to", "Lena", "--as", "sven")),
        ("on legal hold", ("hold", reference, "--reason", "court asked", "--as", "sven")),
        ("no longer on legal hold", ("hold", reference, "--lift", "--reason", "court is done", "--as", "sven")),
        ("lena has stepped out", ("recuse", reference, "--reason", "a friend of mine", "--as", "lena")),
    ):
        assert run_cases(*words) == (0, f"{reference}: {said}\n", ""), words

    assert deployment.rows("select claimed_by, held_by from cases") == [(None, None)]
    assert deployment.rows("select handle from recusals") == [("lena",)]


def test_what_is_refused_names_its_code_and_ends_the_command(deployment: Deployment, run_cases: Run) -> None:
    reference = deployment.file("other").reference
    run_cases("claim", reference, "--as", "sven")

    status, _, said = run_cases("hand-over", reference, "--to", "lena", "--as", "sven")

    assert (status, said) == (1, "concern-router: not_a_colleague\n")
    assert deployment.rows("select claimed_by from cases") == [("sven",)]
