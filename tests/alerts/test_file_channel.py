"""Alerts in a file: whole lines, whatever happens to the file and the disk."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from alerts.channel import Message, PublishError
from alerts.file_channel import FileChannel
from alerts.outbox import Outbox
from tests.alerts.samples import put_many, renderer
from tests.alerts.test_delivery import deliver, running, until_delivered
from tests.real import absent, require


def messages(first: int, last: int, padding: int = 300) -> list[Message]:
    return [renderer(padding=padding)(number) for number in range(first, last + 1)]


def numbers(*paths: Path) -> list[int]:
    """The sequence numbers in the files; every line has to be whole."""
    lines = [line for path in paths for line in path.read_text().splitlines()]
    return [json.loads(line)["data"]["sequence"] for line in lines]


async def test_each_message_is_one_line_as_redis_has_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "alerts.jsonl"
    channel = FileChannel(path)
    batch = messages(1, 3)
    await channel.publish(batch)
    assert path.read_text() == "".join(message.body + "\n" for message in batch)
    await channel.publish(messages(4, 4))
    assert numbers(path) == [1, 2, 3, 4]
    await channel.close()
    await channel.publish(messages(5, 5))
    assert numbers(path) == [1, 2, 3, 4, 5]


async def test_a_large_file_becomes_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.touch(mode=0o604)
    path.chmod(0o604)
    channel = FileChannel(path, rotate_megabytes=0.001, keep=2)
    for number in range(1, 9):
        await channel.publish(messages(number, number))
    older = [tmp_path / f"alerts.jsonl.{number}" for number in (2, 1)]
    assert numbers(*older, path) == [3, 4, 5, 6, 7, 8]
    assert not (tmp_path / "alerts.jsonl.3").exists()
    assert path.stat().st_mode & 0o777 == 0o604, "who may read the old file may read the new one"
    assert older[0].stat().st_size <= 1_000


async def test_what_is_larger_than_a_whole_file_goes_into_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    channel = FileChannel(path, rotate_megabytes=0.001)
    await channel.publish(messages(1, 1, padding=5_000))
    await channel.publish(messages(2, 2, padding=5_000))
    assert numbers(tmp_path / "alerts.jsonl.1", path) == [1, 2]


async def test_a_file_that_was_moved_or_deleted_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    channel = FileChannel(path, rotate_megabytes=0)
    await channel.publish(messages(1, 1))
    path.rename(tmp_path / "moved")
    await channel.publish(messages(2, 2))
    assert (numbers(tmp_path / "moved"), numbers(path)) == ([1], [2])
    path.unlink()
    await channel.publish(messages(3, 3))
    assert numbers(path) == [3]


@pytest.mark.real("logrotate")
@pytest.mark.parametrize("how", ["create", "nocreate", "copytruncate"])
def test_logrotate_needs_no_signal(tmp_path: Path, how: str) -> None:
    logrotate = require("logrotate")
    path = tmp_path / "alerts.jsonl"
    rules = tmp_path / "rules"
    rules.write_text(f"{path} {{\n rotate 3\n {how}\n su root root\n}}\n")
    channel = FileChannel(path, rotate_megabytes=0)
    asyncio.run(channel.publish(messages(1, 2)))
    done = subprocess.run(
        [logrotate, "--force", "--state", tmp_path / "state", rules], capture_output=True, text=True
    )
    if os.getuid() != 0:
        absent("logrotate's 'su' is for root")
    assert done.returncode == 0, done.stderr
    asyncio.run(channel.publish(messages(3, 4)))
    assert (numbers(tmp_path / "alerts.jsonl.1"), numbers(path)) == ([1, 2], [3, 4])


def test_a_full_disk_keeps_alerts_waiting_and_leaves_no_half_line(tmp_path: Path) -> None:
    """A limit on file sizes makes write() end in the middle of a line, as a full disk does."""
    script = """
import asyncio, resource, signal, sys
from pathlib import Path
from alerts.channel import PublishError
from alerts.file_channel import FileChannel
from tests.alerts.test_file_channel import messages

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
async def main():
    channel = FileChannel(Path(sys.argv[1]))
    await channel.publish(messages(1, 2))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, resource.RLIM_INFINITY))
    for _ in range(2):
        try:
            await channel.publish(messages(3, 6))
        except PublishError as error:
            print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    print(Path(sys.argv[1]).read_text().count(chr(10)))
    await channel.publish(messages(3, 6))
asyncio.run(main())
"""
    path = tmp_path / "alerts.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    said = (
        f"{path} cannot be written (File too large): free some space there, "
        "or see that this user may write it\n"
    )
    assert (done.stdout, done.stderr) == (said + said + "2\n", "")
    assert numbers(path) == [1, 2, 3, 4, 5, 6]


async def test_half_a_line_of_a_crash_spoils_no_other(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"half": ')
    await FileChannel(path).publish(messages(1, 1))
    first, second = path.read_text().splitlines()
    assert first == '{"half": '
    assert json.loads(second)["data"]["sequence"] == 1


async def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    channel = FileChannel(tmp_path / "file" / "alerts.jsonl")
    with pytest.raises(PublishError, match=r"cannot be written .*: free some space there, or see that this"):
        await channel.publish(messages(1, 1))


async def test_through_the_outbox_everything_arrives_in_order(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    channel = FileChannel(path, rotate_megabytes=0.002, keep=100)
    async with Outbox(tmp_path / "outbox", ["file"]) as outbox:
        delivery = deliver(outbox, channel)
        async with running(delivery):
            for turn in range(5):
                await put_many(outbox, 20)
                if path.exists():
                    shutil.move(path, tmp_path / f"away{turn}")
            await until_delivered(delivery)
    await channel.close()
    found = [*tmp_path.glob("alerts.jsonl*"), *tmp_path.glob("away*")]  # noqa: ASYNC240
    assert sorted(set(numbers(*found))) == list(range(1, 101))


def one_for_each_file_in(folder: Path) -> list[int]:
    files = list(folder.iterdir())
    assert len(files) > 1
    return [folder.stat().st_ino] * len(files)


async def test_a_new_name_is_on_disk_before_the_message_counts_as_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    really = os.fsync

    def noting(file: int) -> None:
        synced.append(os.fstat(file).st_ino)
        really(file)

    monkeypatch.setattr(os, "fsync", noting)
    channel = FileChannel(tmp_path / "alerts.jsonl", rotate_megabytes=0.001)
    for number in range(1, 6):
        await channel.publish(messages(number, number))
    assert synced == one_for_each_file_in(tmp_path), "not one for each message"
