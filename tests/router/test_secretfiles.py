"""The deployment's secrets: made once, whole, for their owner only, and never replaced."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from pathlib import Path

import pytest

from router import secretfiles
from router.errors import Broken

FILES = ("audit.key", "audit.pub", "console.key", "intake.key")
READS: dict[str, Callable[[Path], object]] = {
    "intake.key": secretfiles.intake_secrets,
    "audit.key": secretfiles.audit_signing_key,
    "console.key": secretfiles.console_secret,
}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_making_twice_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    secretfiles.make(folder)
    before = contents(folder)

    secretfiles.make(folder)

    assert contents(folder) == before
    assert sorted(before) == sorted(FILES)


def test_two_that_start_at_once_agree(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(secretfiles.make, folder) for _ in range(8)]:
            done.result()

    assert sorted(contents(folder)) == sorted(FILES)
    signed = secretfiles.audit_signing_key(folder).sign(b"x")
    secretfiles.audit_public_key(folder).verify(signed, b"x")


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    secretfiles.make(folder)

    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())


def test_each_purpose_has_a_key_of_its_own_and_none_shows(tmp_path: Path) -> None:
    secretfiles.make(tmp_path / "secrets")

    found = secretfiles.intake_secrets(tmp_path / "secrets")

    assert len(set(astuple(found))) == 6
    assert all(len(key) == 32 for key in astuple(found))
    assert repr(found) == "IntakeSecrets()"
    assert secretfiles.intake_secrets(tmp_path / "secrets") == found


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda path: path.unlink(), "secret_missing"),
        (lambda path: path.chmod(0o604), "secret_open_to_others"),
        (lambda path: path.write_bytes(b"MARKED-7f3a"), "secret_malformed"),
        (lambda path: path.write_bytes(b""), "secret_malformed"),
        (lambda path: path.write_bytes(b"QUFB\n"), "secret_malformed"),
        (lambda path: (path.unlink(), path.mkdir(mode=0o700)), "secret_unreadable"),
    ],
    ids=["gone", "open", "not base64", "empty", "short", "a folder"],
)
@pytest.mark.parametrize("name", READS)
def test_a_spoilt_secret_is_refused_and_not_repeated(tmp_path: Path, name: str, spoil: object, code: str) -> None:
    secretfiles.make(tmp_path / "secrets")
    assert callable(spoil)
    spoil(tmp_path / "secrets" / name)
    read = READS[name]

    with pytest.raises(Broken) as refused:
        read(tmp_path / "secrets")

    assert refused.value.code == code
    assert "MARKED" not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@pytest.mark.parametrize("name", ["audit", "intake"])
def test_a_lost_key_is_not_quietly_replaced(tmp_path: Path, name: str) -> None:
    secretfiles.make(tmp_path)
    (tmp_path / f"{name}.key").unlink()

    with pytest.raises(Broken, match=f"{name}_key_lost"):
        secretfiles.make(tmp_path)
    assert not (tmp_path / f"{name}.key").exists()


def test_the_public_key_may_be_read_by_all(tmp_path: Path) -> None:
    secretfiles.make(tmp_path / "secrets")
    path = tmp_path / "secrets" / "audit.pub"
    path.chmod(0o644)

    assert secretfiles.read_public_key(path)
