"""A file is written whole or not at all."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from config.whole_file import write_whole


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@contextmanager
def calls_of_the_system() -> Iterator[list[str]]:
    """What is called in C meanwhile, by name."""
    seen: list[str] = []

    def note(_: FrameType, event: str, called: object) -> None:
        if event == "c_call":
            seen.append(getattr(called, "__name__", ""))

    sys.setprofile(note)
    try:
        yield seen
    finally:
        sys.setprofile(None)


def test_it_stands_in_place_of_the_old_one_with_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old, and longer than the new one")
    write_whole(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["a.json"]


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_it_returns(tmp_path: Path) -> None:
    with calls_of_the_system() as calls:
        write_whole(tmp_path / "a.json", b"new")
    assert [name for name in calls if name in {"write", "flush", "fsync", "replace"}] == [
        "write", "flush", "fsync", "replace", "fsync",
    ]  # fmt: skip


def test_where_it_cannot_be_written_the_old_one_stands_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.mkdir()
    (path / "old").touch()
    with pytest.raises(IsADirectoryError):
        write_whole(path, b"new")
    assert names(tmp_path) == ["a.json"]
    assert names(path) == ["old"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "a.json", b"new")


def test_what_a_crash_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / ".a.json.part").write_bytes(b"half")
    write_whole(tmp_path / "a.json", b"new")
    assert names(tmp_path) == ["a.json"]


def test_a_link_that_lies_in_wait_is_not_written_through(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / ".a.json.part").symlink_to(victim)
    write_whole(tmp_path / "a.json", b"new")
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / "a.json").read_bytes() == b"new"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root writes for somebody else")
def test_root_s_file_belongs_to_whom_its_folder_belongs(tmp_path: Path) -> None:
    os.chown(tmp_path, 1234, 1234)
    write_whole(tmp_path / "a.json", b"new")
    assert (tmp_path / "a.json").stat().st_uid == 1234
