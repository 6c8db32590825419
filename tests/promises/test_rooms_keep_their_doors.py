"""The import contracts hold, and each breaks when a bad import is planted."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
FORBIDDEN_IN_WORKERS = (
    "fastapi",
    "router.console",
    "router.intake",
    "router.reporter",
    "router.secretfiles",
    "router.triage",
    "router.vault",
    "uvicorn",
)


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for package in ("router", "workers"):
        shutil.copytree(CHECKOUT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def test_all_contracts_hold(tree: Path) -> None:
    done = lint(tree)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "planted", "broken"),
    [
        ("router/model.py", "import router.settings", "Imports run one way"),
        ("router/store/cases.py", "import router.vault.seal", "Imports run one way"),
        ("router/bell.py", "import workers.retry", "Workers stand on the router"),
        ("router/intake/submit.py", "import requests", "The router does not speak to the outside"),
        ("workers/deliver.py", "import requests", "Only one module speaks to the outside"),
        ("workers/channels/rt/tickets.py", "import urllib3", "Only two modules open lines"),
        ("workers/channels/webhook.py", "import smtplib", "Only one kind of channel speaks to mail servers"),
        ("router/channels/mail.py", "import smtplib", "The router does not speak to the outside"),
        ("router/intake/recorder.py", "import celery", "Only the bell knows Celery"),
        ("workers/deliver.py", "import router.vault.unseal", "A worker cannot open content"),
        ("workers/sweep.py", "import router.triage.decide", "A worker cannot open content"),
        ("workers/channels/webhook.py", "import router.store.referrals", "A channel sees a referral"),
        ("router/channels/rt.py", "import sqlalchemy", "A channel sees a referral"),
        ("router/intake/submit.py", "import router.vault.unseal", "Only the reviewer's opening act"),
        ("router/cli/cases.py", "import router.vault.unseal", "Only the reviewer's opening act"),
        ("router/console/opening.py", "import router.vault.receipt", "Only the reporter's side"),
        ("router/triage/decide.py", "import sqlalchemy", "Deciding, rendering and sealing are pure"),
        ("router/vault/seal.py", "import router.store.keys", "Imports run one way"),
        ("router/intake/submit.py", "import router.settings", "Settings are read at the edge"),
        ("workers/channels/webhook.py", "import workers.channels.folder", "Kinds do not know each other"),
        ("router/channels/webhook.py", "import router.channels.rt", "Kinds do not know each other"),
    ],
)
def test_a_planted_import_breaks_its_contract(tree: Path, file: str, planted: str, broken: str) -> None:
    with (tree / file).open("a") as source:
        source.write(f"\n{planted}\n")

    done = lint(tree)

    assert done.returncode != 0
    assert any(broken in line and "BROKEN" in line for line in done.stdout.splitlines()), done.stdout


def test_a_worker_process_has_none_of_the_forbidden_modules() -> None:
    """Contracts are static; this asks a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", "import sys, workers.app, workers.deliver, workers.sweep; print(*sys.modules)"],
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())

    assert "workers.deliver" in loaded
    assert sorted(loaded & set(FORBIDDEN_IN_WORKERS)) == []
