"""A folder that files come into: what is whole is handed over once, and nothing else ever."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from streams import incoming, quarantine
from streams.digest import ChangedError, check, sha256_of
from streams.inbox import Arrival, Inbox, Sign, sign_of
from streams.incoming import Incoming, NoRoomError, plain_name

REST = 0.4


class Kept:
    """What was handed over before."""

    def __init__(self) -> None:
        self.signs: dict[str, Sign] = {}

    async def __call__(self) -> Mapping[str, Sign]:
        return dict(self.signs)

    def note(self, arrivals: list[Arrival]) -> list[str]:
        self.signs |= {each.path.name: each.sign for each in arrivals}
        return [each.path.name for each in arrivals]


async def handed_over(inbox: Inbox, known: Kept, seconds: float) -> list[str]:
    """All names within so many seconds."""
    names: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                names += known.note(await inbox.whole(known))
    except TimeoutError:
        return names


async def test_a_file_that_goes_on_growing_is_not_whole(tmp_path: Path) -> None:
    known = Kept()
    async with Inbox(tmp_path, REST) as inbox:
        with (tmp_path / "growing.mp4").open("wb", buffering=0) as file:
            for _ in range(10):
                file.write(b"x")
                assert await handed_over(inbox, known, 0.15) == []
        assert await handed_over(inbox, known, 3) == ["growing.mp4"], "and once only, when it rests"
        with (tmp_path / "growing.mp4").open("ab") as file:
            file.write(b"more")
        assert await handed_over(inbox, known, 3) == ["growing.mp4"], "it is another file now"


async def test_a_file_that_was_moved_into_the_folder_is_seen(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "a.mp4").write_bytes(b"a")
    known = Kept()
    async with Inbox(tmp_path / "in", REST, poll=60) as inbox:
        assert await handed_over(inbox, known, 0.5) == []
        (tmp_path / "a.mp4").rename(tmp_path / "in" / "a.mp4")
        assert await handed_over(inbox, known, 4) == ["a.mp4"], "without waiting for the next look"


async def test_links_hidden_files_folders_and_unfinished_ones_are_left_alone(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    (tmp_path / "secret").write_text("secret")
    (inside / "link.mp4").symlink_to(tmp_path / "secret")
    (inside / "folder.mp4").mkdir()
    os.mkfifo(inside / "pipe.mp4")
    for name in (".hidden.mp4", "a.mp4.part", "b.crdownload", "c.mp4~"):
        (inside / name).write_text("x")
    (inside / "good\n\udcff.mp4").write_text("x")
    async with Inbox(inside, 0.1) as inbox:
        assert await handed_over(inbox, Kept(), 2) == ["good\n\udcff.mp4"]


async def test_a_folder_that_is_not_there_is_said_and_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, known = tmp_path / "later", Kept()
    async with Inbox(folder, 0.1, poll=0.2) as inbox:
        assert await handed_over(inbox, known, 0.6) == []
        assert "No such file or directory" in inbox.problem
        folder.mkdir()
        (folder / "a.mp4").write_text("x")
        assert await handed_over(inbox, known, 2) == ["a.mp4"]
    assert inbox.problem == ""
    assert sum("cannot be read" in each for each in caplog.messages) == 1, "said once"


async def test_what_is_gone_is_told_so_that_it_can_be_forgotten(tmp_path: Path) -> None:
    known = Kept()
    async with Inbox(tmp_path, 0.1, poll=0.2) as inbox:
        (tmp_path / "a.mp4").write_text("x")
        assert await handed_over(inbox, known, 1) == ["a.mp4"]
        (tmp_path / "a.mp4").unlink()
        assert await handed_over(inbox, known, 1) == []
        assert inbox.gone == {"a.mp4"}


def test_a_digest_is_of_one_plain_file_that_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    sign = sign_of(path.stat())
    assert sha256_of(path, sign) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    path.write_bytes(b"abcd")
    with pytest.raises(ChangedError):
        sha256_of(path, sign)
    with pytest.raises(ChangedError):
        check(path, sign)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        sha256_of(tmp_path / "link")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ChangedError):  # and it does not hang
        sha256_of(tmp_path / "pipe")


# ---- quarantine


def test_a_file_in_quarantine_has_its_reason_beside_it(tmp_path: Path) -> None:
    for content in ("one", "two"):
        (tmp_path / "a.mp4").write_text(content)
        quarantine.move(tmp_path / "a.mp4", "It is no video.", "f" * 64)
    inside = tmp_path / "quarantine"
    names = ["a-2.mp4", "a-2.mp4.reason.txt", "a.mp4", "a.mp4.reason.txt"]
    assert sorted(each.name for each in inside.iterdir()) == names, "nothing's place is taken"
    assert (inside / "a.mp4").read_text() == "one"
    assert (inside / "a.mp4.reason.txt").read_text().startswith("It is no video.\n")
    assert not (tmp_path / "a.mp4").exists()


def test_nothing_leads_out_of_quarantine(tmp_path: Path) -> None:
    """Who may write into the folder may also have made the quarantine, or what stands in it."""
    inbox, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    inbox.mkdir()
    elsewhere.mkdir()
    (inbox / "quarantine").symlink_to(elsewhere)
    (inbox / "a.mp4").write_text("x")
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        quarantine.move(inbox / "a.mp4", "why", "")
    assert (inbox / "a.mp4").exists() and not list(elsewhere.iterdir())
    (inbox / "quarantine").unlink()
    (inbox / "quarantine").mkdir()
    (inbox / "quarantine" / "a.mp4.reason.txt").symlink_to(elsewhere / "reason")
    quarantine.move(inbox / "a.mp4", "why", "")
    assert not list(elsewhere.iterdir())


def test_a_name_as_long_as_there_can_be_fits_into_quarantine(tmp_path: Path) -> None:
    path = tmp_path / ("\N{LATIN SMALL LETTER E WITH ACUTE}" * 125 + ".mp4")
    path.write_text("x")
    where = quarantine.move(path, "why", "")
    assert where.exists() and where.with_name(f"{where.name}.reason.txt").exists()


# ---- on the way in


def test_what_comes_has_no_name_until_it_is_whole(tmp_path: Path) -> None:
    with Incoming(tmp_path, 0) as file:
        file.write(b"ab")
        assert [each.name.startswith(".upload-") for each in tmp_path.iterdir()] == [True]
        file.write(b"c")
        assert file.keep("a.mp4") == tmp_path / "a.mp4"
        assert file.keep("a.mp4") == tmp_path / "a-2.mp4"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a-2.mp4", "a.mp4"]
    assert file.sha256 == sha256_of(tmp_path / "a.mp4")


def test_what_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoRoomError), Incoming(tmp_path, keep_free=1e18) as file:
        file.write(b"a")
    assert not list(tmp_path.iterdir())
    (tmp_path / ".upload-0123.part").write_text("of a process that was killed")
    (tmp_path / ".hidden").write_text("somebody else's")
    incoming.clear(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [".hidden"]


@pytest.mark.parametrize("name", ["", ".", "..", ".a.mp4", "a/b.mp4", "..\\a.mp4", "a\nb", "a\0b", "x" * 201])
def test_a_name_that_could_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is "):
        plain_name(name)
