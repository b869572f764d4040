"""The end of the daemon while a disk hangs: within 5 seconds, said in words, and nothing is lost."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from alerts.outbox import Outbox
from daemon.stopping import put_down
from tests.alerts.samples import put_many
from tests.daemon.daemon_process import Daemon, eventually

CONFIG = """
streams: [{{name: gate, url: 'rtsp://127.0.0.1:1/x', detectors: [quality]}}]
alerts: {{channels: [{{kind: log}}, {{kind: file, path: '{path}'}}]}}
"""


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[Path]:
    """A file that takes no byte, and never says so: a full pipe, as a network disk that is away."""
    path = tmp_path / "alerts.jsonl"
    os.mkfifo(path)
    full = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    for size in (4096, 1):
        with suppress(BlockingIOError):
            while os.write(full, bytes(size)):
                pass
    yield path
    os.close(full)


async def test_a_file_on_a_disk_that_hangs_holds_up_no_stop(tmp_path: Path, hanging: Path) -> None:
    async with Outbox(tmp_path / "state" / "outbox.sqlite", ["log", "file"]) as outbox:
        await put_many(outbox, 3)
    with Daemon(tmp_path, CONFIG.format(path=hanging)) as daemon:
        eventually("it watches", lambda: "is ready" in daemon.log)
        eventually(
            "the file hangs", lambda: (page := daemon.health()) and page["channels"]["file"]["waiting"]
        )
        assert daemon.stop() < 5
        assert "messages stay in the outbox for 'file' until the next start" in daemon.log
        assert "Channel 'file' did not end within 0.7 s and is left as it is: does a disk hang?" in daemon.log
        assert "Traceback" not in daemon.log


async def test_a_part_that_hangs_is_left_and_what_goes_wrong_in_one_is_raised() -> None:
    began = time.monotonic()
    await put_down("It", lambda: asyncio.sleep(60), 0.05)
    assert time.monotonic() - began < 5

    async def late() -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        await put_down("It", late)


def test_a_thread_that_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    script = """
import asyncio, time
from daemon.stopping import end_within
async def main():
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)
    end_within(0.5)
asyncio.run(main())
"""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert time.monotonic() - began < 20
    assert done.returncode == 1
    assert done.stderr.startswith("not ended after 0.5 s, so we leave as we are; still there: ")
    assert "asyncio_0" in done.stderr
