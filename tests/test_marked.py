"""The search that the promise tests trust finds what it is looking for."""

import base64
import gzip
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.marked import Search

MARKER = "MÄRKED-7f3a-twelve"


@pytest.mark.parametrize(
    "hidden",
    [
        MARKER.encode(),
        MARKER.encode().hex().encode(),
        MARKER.encode("utf-16-le"),
        MARKER.encode("latin-1"),
        quote(MARKER).encode(),
        b"M\\u00c4RKED-7f3a-twelve",
        *(base64.b64encode(b"x" * n + MARKER.encode() + b"y" * 5) for n in range(4)),
        gzip.compress(b"so " + MARKER.encode(), mtime=0),
        gzip.compress(base64.b64encode(MARKER.encode()), mtime=0),
    ],
)
def test_finds_a_marker_in_each_disguise(hidden: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"before" + hidden + b"after")

    assert list(Search([MARKER]).in_folder(tmp_path))


def test_finds_a_marker_in_a_file_name(tmp_path: Path) -> None:
    (tmp_path / f"{MARKER}.json").touch()

    assert list(Search([MARKER]).in_folder(tmp_path))


def test_finds_nothing_where_nothing_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"MARKED-7f3" + b"\x1f\x8b\x08 not gzip" + b"a-twelve")

    assert not list(Search([MARKER]).in_folder(tmp_path))
