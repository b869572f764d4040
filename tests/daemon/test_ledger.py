"""What is known of files outlives the daemon, and damage on disk."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from daemon.ledger import Ledger, LedgerError
from streams.inbox import Sign

SIGN = Sign(5, 1_700_000_000_000_000_000, 42)
ODD = "a\udcff\nb.mp4"  # a name is bytes


def names(folder: Path) -> list[str]:
    """Of all that lies there."""
    return [each.name for each in folder.iterdir()]


async def test_what_was_judged_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state" / "uploads.sqlite"
    first = Ledger(path)
    assert await first.find("uploads", "aa") is None
    await first.note("uploads", "aa", {"verdict": "fine", "file": {"name": ODD}})
    await first.place("uploads", ODD, SIGN, "aa")
    await first.close()
    second = Ledger(path)
    found = await second.find("uploads", "aa")
    assert found and found.facts == {"verdict": "fine", "file": {"name": ODD}}
    assert await second.find("others", "aa") is None, "another stream has other detectors"
    assert await second.places("uploads") == {ODD: SIGN}
    await second.leave("uploads", frozenset({ODD}))
    assert await second.places("uploads") == {}
    await second.close()


async def test_what_is_old_is_forgotten_and_what_still_lies_there_stays_known(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "uploads.sqlite")
    for number in range(50):
        await ledger.note("uploads", f"{number:02d}", {"id": f"{number:02d}"})
    await ledger.place("uploads", "a.mp4", SIGN, "01")
    assert await ledger.sweep(3600) == []
    await asyncio.sleep(0.01)
    assert {each.facts["id"] for each in await ledger.sweep(0)} == {f"{number:02d}" for number in range(50)}
    assert await ledger.find("uploads", "01") is None
    assert await ledger.places("uploads") == {"a.mp4": SIGN}
    await ledger.close()


async def test_a_damaged_ledger_is_moved_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "uploads.sqlite"
    path.write_bytes(b"no database" * 500)
    ledger = Ledger(path)
    await ledger.note("uploads", "aa", {"verdict": "fine"})
    assert await ledger.find("uploads", "aa")
    await ledger.close()
    assert sum("uploads.sqlite.damaged-" in name for name in names(tmp_path)) == 1
    assert "files that lie in folders are judged again" in caplog.text


async def test_a_disk_that_refuses_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    ledger = Ledger(tmp_path / "state" / "uploads.sqlite")
    with pytest.raises(LedgerError, match=r"uploads wait\. Free space on that disk"):
        await ledger.places("uploads")
    await ledger.close()


async def test_a_ledger_of_tomorrow_is_left_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "uploads.sqlite")
    await ledger.places("uploads")
    await ledger.close()
    with sqlite3.connect(tmp_path / "uploads.sqlite") as file:
        file.execute("PRAGMA user_version = 99")
    file.close()
    ledger = Ledger(tmp_path / "uploads.sqlite")
    with pytest.raises(LedgerError, match="newer framewarden"):
        await ledger.places("uploads")
    await ledger.close()
    assert not any("damaged" in name for name in names(tmp_path))
