"""Many ask for the next case at once: nobody gets what somebody else has, and nothing is left over."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from router.console.handingout import take_next
from router.store import queue
from router.store.engine import transaction
from tests.router.console.deployments import Deployment


def test_eight_at_once_get_thirty_cases_and_none_twice(deployment: Deployment) -> None:
    filed = {deployment.file("fraud" if number % 2 else "other").reference for number in range(30)}

    def work(handle: str) -> list[str]:
        mine = []
        while reference := take_next(deployment.console, handle=handle, login="", lasts_s=60):
            mine.append(reference)
        return mine

    with ThreadPoolExecutor(8) as people:
        given = [one for mine in people.map(work, ["ana", "sven"] * 4) for one in mine]

    assert Counter(given) == Counter(dict.fromkeys(filed, 1))


def test_a_case_that_somebody_is_just_taking_is_passed_over_and_not_waited_for(deployment: Deployment) -> None:
    grave, low = (deployment.file(category).reference for category in ("grave", "other"))

    with transaction(deployment.console) as first, transaction(deployment.console) as second:
        given = [queue.most_urgent(first, "ana"), queue.most_urgent(second, "sven")]

    assert given == [grave, low]
