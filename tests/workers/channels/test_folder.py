"""The folder holds each referral once, whole, for its owner's eyes."""

import os
from errno import ENOSPC
from pathlib import Path
from typing import Any

import pytest

from router import clock
from router.channels import folder
from router.errors import TryLater
from router.model import Finding, LeasedReferral, Payload, Proof, Referral
from router.vocabulary import Notice, Scope
from workers.channels.base import Surroundings
from workers.channels.folder import FolderSender

PAYLOAD = Payload(b'{"a": 1}\n', "application/json")


def a_sender(state_dir: Path) -> FolderSender:
    return FolderSender(folder.Settings(path="out/desk"), Surroundings(state_dir, Scope.INTERNAL))


def send(state_dir: Path, payload: Payload = PAYLOAD, **given: Any) -> Proof:
    fields = Referral.model_validate({"reference": "CR-AAAA-BBBB-CCCC", **given})
    return a_sender(state_dir).send(LeasedReferral("0" * 32, "desk", fields, 1, 1, clock.now()), payload, deadline_s=1)


def test_writes_one_private_file_named_by_reference_and_revision(tmp_path: Path) -> None:
    proof = send(tmp_path)

    file = tmp_path / "out/desk/CR-AAAA-BBBB-CCCC.1.json"
    assert proof == Proof(file.name)
    assert file.read_bytes() == PAYLOAD.body
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_a_repeat_leaves_one_file_and_says_so(tmp_path: Path) -> None:
    send(tmp_path)

    assert send(tmp_path) == Proof("CR-AAAA-BBBB-CCCC.1.json", repeated=True)
    assert len(list((tmp_path / "out/desk").iterdir())) == 1


def test_a_later_revision_has_its_own_file(tmp_path: Path) -> None:
    send(tmp_path)
    send(tmp_path, Payload(b"{}", "application/json"), revision=2)

    assert sorted(file.name for file in (tmp_path / "out/desk").iterdir()) == [
        "CR-AAAA-BBBB-CCCC.1.json",
        "CR-AAAA-BBBB-CCCC.2.json",
    ]


def test_a_file_of_other_bytes_is_replaced_whole(tmp_path: Path) -> None:
    send(tmp_path, Payload(b"old", "application/json"))
    send(tmp_path)

    assert (tmp_path / "out/desk/CR-AAAA-BBBB-CCCC.1.json").read_bytes() == PAYLOAD.body


def test_a_withdrawal_takes_the_case_s_earlier_files_away_and_no_others(tmp_path: Path) -> None:
    for reference in ("CR-AAAA-BBBB-CCCC", "CR-0000-0000-0000"):
        for revision in (1, 2, 10):
            send(tmp_path, reference=reference, revision=revision)
    there = tmp_path / "out/desk"
    (there / "CR-AAAA-BBBB-CCCC.1.json.bak").write_text("somebody's own")
    for _ in range(2):
        send(tmp_path, revision=4, notice=Notice.RECALLED)

    assert sorted(file.name for file in there.iterdir() if file.name.startswith("CR-A")) == [
        "CR-AAAA-BBBB-CCCC.1.json.bak",
        "CR-AAAA-BBBB-CCCC.10.json",
        "CR-AAAA-BBBB-CCCC.4.json",
    ]
    assert len(list(there.iterdir())) == 6


def test_a_place_that_cannot_be_written_holds_the_referral(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")

    with pytest.raises(TryLater, match=r"^folder_unwritable$"):
        send(tmp_path)


def test_a_write_that_fails_leaves_no_part_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(ENOSPC, "no space left")

    # A full disk cannot be had without root.
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TryLater, match=r"^folder_unwritable$"):
        send(tmp_path)

    assert list((tmp_path / "out/desk").iterdir()) == []


def test_a_check_makes_the_folder_and_leaves_nothing_in_it(tmp_path: Path) -> None:
    assert a_sender(tmp_path).check(deadline_s=1) == ()

    assert list((tmp_path / "out/desk").iterdir()) == []
    assert (tmp_path / "out/desk").stat().st_mode & 0o777 == 0o700


def test_a_check_finds_a_place_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder should be")

    assert a_sender(tmp_path).check(deadline_s=1) == (Finding("folder_unwritable", "path"),)


def test_a_check_finds_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(ENOSPC, "no space left")

    # A full disk cannot be had without root.
    monkeypatch.setattr(os, "fsync", full)

    assert a_sender(tmp_path).check(deadline_s=1) == (Finding("folder_unwritable", "path"),)
    assert list((tmp_path / "out/desk").iterdir()) == []
