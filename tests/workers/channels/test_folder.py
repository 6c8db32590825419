"""The folder holds each referral once, whole, for its owner's eyes."""

import os
from errno import ENOSPC
from pathlib import Path

import pytest

from router import clock
from router.channels import folder
from router.errors import TryLater
from router.model import LeasedReferral, Payload, Proof, Referral
from workers.channels.folder import FolderSender

PAYLOAD = Payload(b'{"a": 1}\n', "application/json")


def a_leased(revision: int = 1) -> LeasedReferral:
    fields = Referral(reference="CR-AAAA-BBBB-CCCC", revision=revision)
    return LeasedReferral("0" * 32, "desk", fields, 1, 1, clock.now())


def send(state_dir: Path, payload: Payload = PAYLOAD, *, revision: int = 1) -> Proof:
    sender = FolderSender(folder.Settings(path="out/desk"), state_dir=state_dir)
    return sender.send(a_leased(revision), payload, deadline_s=1)


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
