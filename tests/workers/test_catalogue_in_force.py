"""A channels file that became wrong does not stop a worker that is started with it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from router.errors import Broken
from router.settings import Settings
from tests.workers.rooms import channels_text
from workers.app import _catalogue


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "channels.yaml").write_text(channels_text(tmp_path, desk="http://127.0.0.1:9"))
    return Settings(redis_url=SecretStr("redis://127.0.0.1:1/0"), config_dir=tmp_path, state_dir=tmp_path / "state")


def test_the_last_good_channels_stay_in_force(settings: Settings) -> None:
    _catalogue(settings)
    (settings.config_dir / "channels.yaml").write_text("desk: [")

    assert set(_catalogue(settings).channels) == {"desk", "file"}


def test_a_mended_file_is_taken_up(settings: Settings) -> None:
    _catalogue(settings)
    (settings.config_dir / "channels.yaml").write_text("desk: [")
    _catalogue(settings)
    (settings.config_dir / "channels.yaml").write_text(channels_text(settings.config_dir, hr="http://127.0.0.1:9"))

    assert set(_catalogue(settings).channels) == {"hr", "file"}


def test_only_a_very_first_start_refuses(settings: Settings) -> None:
    (settings.config_dir / "channels.yaml").write_text("desk: [")

    with pytest.raises(Broken):
        _catalogue(settings)


def test_a_disk_that_takes_nothing_stops_no_delivery(settings: Settings) -> None:
    settings.state_dir.mkdir()
    (settings.state_dir / "run").write_text("in the way, as a full disk is")

    assert set(_catalogue(settings).channels) == {"desk", "file"}
