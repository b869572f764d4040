"""The camera server as a client sees it: it goes round for ever, and another reel breaks nothing."""

import asyncio
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from daemon.demo.children import DemoError, camera
from daemon.demo.reels import half_reel, put_on_air, write_reel
from tests.daemon.demo.small_stage import SmallStage

STAGE = SmallStage()


@pytest.fixture
def reels(tmp_path: Path) -> Path:
    for name, pictures in (("0", STAGE.normal(0)), ("1", STAGE.normal(1)), ("red", STAGE.intruder())):
        list(write_reel(tmp_path / f"{name}.mp4", pictures, STAGE.rate))
    for half in (0, 1):
        put_on_air(tmp_path / f"{half}.mp4", half_reel(tmp_path, half))
    return tmp_path


def watch(url: str, frames: int, after_first: Path, folder: Path) -> list[tuple[float | None, str]]:
    """Decodes so many frames of one connection: (time, colour); swaps half 0 on the way."""
    seen: list[tuple[float | None, str]] = []
    options = {"rtsp_transport": "tcp", "probesize": "2048"}
    with av.open(url, options=options, timeout=(5, 5)) as container:
        for frame in container.decode(video=0):
            picture = frame.to_ndarray(format="bgr24").astype(int)
            _, green, red = picture[5, 5]
            seen.append((frame.time, "red" if red > green else "green"))
            if len(seen) == 3:
                put_on_air(after_first, half_reel(folder, 0))
            if len(seen) == frames:
                return seen
    return seen


async def test_it_loops_and_another_reel_comes_without_a_break(reels: Path) -> None:
    async with camera(reels, STAGE.half_seconds, reels / "camera.log") as eye:
        watching = asyncio.create_task(asyncio.to_thread(watch, eye.url, 72, reels / "red.mp4", reels))
        async with asyncio.timeout(20):
            await eye.begins(1)
            assert eye.half == 1
            began = await eye.begins(0)
            assert eye.half == 0
            assert await eye.begins(1) - began == pytest.approx(STAGE.half_seconds, abs=0.4)
            seen = await watching
    assert len(seen) == 72, "one connection lasted"
    times = [time for time, _ in seen if time is not None]  # the first has none
    steps = np.diff(times)
    assert steps.min() > 0.04 and steps.max() < 0.2, "timestamps go on over every seam"
    assert steps.size >= 69
    colours = "".join("R" if colour == "red" else "g" for _, colour in seen)
    assert "g" * 12 + "R" * 12 + "g" * 12 in colours, colours
    assert not (reels / "camera.log").read_text()


async def test_it_ends_when_nobody_holds_its_stdin(reels: Path) -> None:
    async with camera(reels, STAGE.half_seconds, reels / "camera.log") as eye:
        process = psutil.Process(eye.child.process.pid)
        stdin = eye.child.process.stdin
        assert stdin is not None
        stdin.close()
        async with asyncio.timeout(5):
            assert "the demo's camera ended by itself (exit code 0" in str(await eye.child.lost())
        assert not process.is_running()


async def test_a_camera_that_cannot_start_says_why(tmp_path: Path) -> None:
    """Its reels are missing."""
    with pytest.raises(DemoError, match="the demo's camera ended by itself"):
        async with camera(tmp_path, STAGE.half_seconds, tmp_path / "camera.log"):
            pass
