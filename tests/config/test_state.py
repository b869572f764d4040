"""Where the state folder is."""

from pathlib import Path

import pytest

from config.settings import ServiceSettings, Settings, StreamSettings
from config.state import state_folder


def some(state_dir: str | None) -> Settings:
    service = ServiceSettings(state_dir=Path(state_dir) if state_dir else None)
    return Settings(streams=(StreamSettings(name="gate", url="a.mp4"),), service=service)


def test_the_setting_comes_first_then_systemd_then_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    systemd = {"STATE_DIRECTORY": "/var/lib/framewarden:/var/lib/other"}
    assert state_folder(some("/srv/state"), systemd) == Path("/srv/state")
    assert state_folder(some(None), systemd) == Path("/var/lib/framewarden")
    assert state_folder(None, systemd) == Path("/var/lib/framewarden")
    monkeypatch.setenv("XDG_STATE_HOME", "/home/ann/.state")
    assert state_folder(some(None), {}) == Path("/home/ann/.state/framewarden")


def test_the_setting_may_start_at_home_or_be_relative(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.chdir(tmp_path)
    assert state_folder(some("~/fw"), {}) == Path("/home/ann/fw")
    assert state_folder(some("fw"), {}) == tmp_path / "fw"
