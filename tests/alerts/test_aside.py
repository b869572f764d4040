"""Work that blocks holds up neither the event loop nor the end of the process."""

import asyncio
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from alerts.aside import Aside


async def test_results_and_errors_come_back() -> None:
    aside = Aside("test")
    assert await aside.run(lambda: 6 * 7) == 42
    assert await aside.run(lambda: threading.current_thread().name) == "test"
    with pytest.raises(ZeroDivisionError):
        await aside.run(lambda: 1 // 0)


async def test_what_was_given_up_is_waited_for_before_the_next_begins() -> None:
    aside = Aside("test")
    gate = threading.Event()
    done: list[str] = []

    def slow() -> None:
        assert gate.wait(5)
        done.append("slow")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await aside.run(slow)
    second = asyncio.create_task(aside.run(lambda: done.append("second")))
    await asyncio.sleep(0.05)
    assert done == []
    gate.set()
    await second
    assert done == ["slow", "second"]


async def test_nobody_is_told_of_what_nobody_waits_for(caplog: pytest.LogCaptureFixture) -> None:
    aside = Aside("test")
    gate = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await aside.run(lambda: 1 // int(gate.wait(5) and 0))
    gate.set()
    assert await aside.run(lambda: "next") == "next"
    assert caplog.text == ""


def test_what_hangs_does_not_hold_up_the_end_of_the_process() -> None:
    script = """
import asyncio, time
from alerts.aside import Aside
async def main():
    async with asyncio.timeout(0.1):
        await Aside("test").run(lambda: time.sleep(60))
try:
    asyncio.run(main())
except TimeoutError:
    print("given up")
"""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    assert (done.stdout, done.stderr) == ("given up\n", "")
    assert time.monotonic() - began < 20
