"""Promise 7: a policy that cannot be applied still reaches the fallback team, and the operator hears of it."""

from collections import Counter
from io import StringIO

import psycopg
import pytest
from httpx2 import codes
from starlette.testclient import TestClient

from router.triage import decide
from tests.conftest import Database
from tests.publicpart import logged, public, settings, start

__all__ = ["logged", "public", "settings", "start"]  # fixtures


def broken(*_: object, **__: object) -> None:
    raise RuntimeError("MARKED-7f3a")


def states(database: Database) -> Counter[str]:
    with psycopg.connect(database.owner_dsn) as connection:
        return Counter(state for (state,) in connection.execute("select state from referrals"))


def test_a_broken_decision_is_accepted_told_to_the_fallback_and_logged(
    public: TestClient, database: Database, logged: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Patched, because a policy that loaded has no known way to fail."""
    monkeypatch.setattr(decide, "choose", broken)

    answer = public.post("/api/v1/concerns", json={"category": "fraud", "noticed_how": "told_by_someone"})

    assert answer.status_code == codes.CREATED
    assert states(database)["due"] == 1
    line = next(line for line in logged.getvalue().splitlines() if "policy_failed" in line)
    assert answer.json()["reference"] in line
    assert "MARKED-7f3a" not in logged.getvalue()
