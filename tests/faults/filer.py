"""Files concerns as a client does that loses nothing: what got no 201 is sent again, with its own key."""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.faults.farside import BOTH

PAUSE_S = 0.1
GIVE_UP_S = 120.0
ANSWER_S = 10.0


class Filer:
    """One client, and what it was told."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.accepted: dict[str, str] = {}
        """The category of each reference for which there was a 201."""
        self.answers: Counter[str] = Counter()
        """Statuses, and `none` for what got no answer."""
        self.slowest_s = 0.0
        """Of the 201s."""

    def file(self, count: int = 1, category: str = BOTH, *, at_once: int = 4) -> list[str]:
        """File `count` concerns, each until it is accepted; return their references."""
        with ThreadPoolExecutor(at_once) as threads:
            return list(threads.map(lambda _: self._one(category), range(count)))

    @contextmanager
    def filing(self, category: str = BOTH, *, at_once: int = 2, pause_s: float = 0.05) -> Iterator[None]:
        """Keep filing until the block ends; what was begun is then accepted."""
        ended = threading.Event()
        failed: list[BaseException] = []

        def keep_filing() -> None:
            try:
                while not ended.wait(pause_s):
                    self._one(category)
            except BaseException as error:  # noqa: BLE001 - told to the test below
                failed.append(error)

        threads = [threading.Thread(target=keep_filing) for _ in range(at_once)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        assert not failed, failed

    def burst(self, count: int, category: str) -> None:
        """File `count` concerns by the batch endpoint, as an agent does that was offline for a week."""
        for begin in range(0, count, 500):
            items = [self._concern(category) | {"key": str(uuid.uuid4())} for _ in range(min(500, count - begin))]
            for item, answer in zip(items, self._batch(items), strict=True):
                assert answer["status"] == httpx2.codes.CREATED, answer
                self.accepted[answer["body"]["reference"]] = str(item["category"])

    def _batch(self, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ends = time.monotonic() + GIVE_UP_S
        while True:
            address = f"{self._url}/api/v1/concerns/batch"
            try:
                answer = httpx2.post(address, json={"concerns": items}, headers=self._headers, timeout=60)
                self.answers[str(answer.status_code)] += 1
                if answer.is_success and all(a["status"] == httpx2.codes.CREATED for a in answer.json()["answers"]):
                    answers: list[dict[str, Any]] = answer.json()["answers"]
                    return answers
            except httpx2.TransportError:
                self.answers["none"] += 1
            assert time.monotonic() < ends, self.answers
            time.sleep(PAUSE_S)

    def _one(self, category: str) -> str:
        key, ends = str(uuid.uuid4()), time.monotonic() + GIVE_UP_S
        while (reference := self._try(category, key)) is None:
            assert time.monotonic() < ends, self.answers
            time.sleep(PAUSE_S)
        self.accepted[reference] = category
        return reference

    def _try(self, category: str, key: str) -> str | None:
        began = time.monotonic()
        try:
            answer = httpx2.post(
                f"{self._url}/api/v1/concerns",
                json=self._concern(category),
                headers={**self._headers, "Idempotency-Key": key},
                timeout=ANSWER_S,
            )
        except httpx2.TransportError:
            self.answers["none"] += 1
            return None
        self.answers[str(answer.status_code)] += 1
        if answer.status_code != httpx2.codes.CREATED:
            assert answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE, answer.text
            return None
        self.slowest_s = max(self.slowest_s, time.monotonic() - began)
        return str(answer.json()["reference"])

    @staticmethod
    def _concern(category: str) -> dict[str, Any]:
        return {"category": category, "noticed_how": "network_filter", "narrative": "MARKED-7f3a"}
