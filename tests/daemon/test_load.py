"""Where there is more to look at than can be, cameras keep less, by priority; that is said, and undone."""

import asyncio
import logging
from pathlib import Path

import pytest

from alerts.judge import Judge
from alerts.rules import Rules
from benchmarks.overload import demands, trial
from config.settings import StreamSettings
from daemon.load import Load
from daemon.watch import Watch
from detectors.examiner import Effort
from streams.camera import Camera
from tests.clips import write_clip
from tests.daemon.test_watch import FakeAnnouncer, FakeExaminer
from tests.rtsp import RtspServer

FPS = 5.0


def watched(name: str) -> Watch:
    """A camera that is counted as if it were connected; nothing is opened."""
    source = Camera(StreamSettings(name=name, url="rtsp://gate.example/1"), FPS, 64)
    source.state = "online"
    judge = Judge(name, Rules())
    return Watch(source, FakeExaminer(0.0), judge, FakeAnnouncer(), lambda _: None, live=True, sample_fps=FPS)


def run(load: Load, watches: dict[str, Watch], cost: float, began: int, seconds: int) -> None:
    """Each camera shows what it keeps, and each picture costs so much."""
    weights = {"vault": 3.0}
    efforts = {name: Effort() for name in watches}
    for name, watch in watches.items():
        efforts[name].frames = watch.frames
    for second in range(began, began + seconds):
        for name, watch in watches.items():
            kept = round(FPS * load.shares.shares.get(name, 1.0))
            watch.source.counts["sampled"] += kept
            watch.source.counts["dropped_shed"] += round(FPS) - kept
            watch.frames += kept
            efforts[name].frames += kept
            efforts[name].seconds += kept * cost
        load.look(watches, efforts, weights, float(second))


def test_cameras_keep_less_by_priority_and_all_again_when_there_is_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    load = Load(stale_after=2)
    watches = {name: watched(name) for name in ("vault", "yard", "roof")}
    run(load, watches, cost=0.1, began=0, seconds=40)
    shares = dict(load.shares.shares)
    assert shares["vault"] == 1.0
    assert 0.25 < shares["yard"] < 0.5 and 0.25 < shares["roof"] < 0.5
    assert set(load.lowered) == {"yard", "roof"}
    assert (
        caplog.text.count("pictures a second are looked at: there is more to do than this machine can") == 2
    )
    assert load.attention["vault"].share == pytest.approx(1)
    assert load.attention["yard"].share < 0.7
    run(load, watches, cost=0.02, began=40, seconds=80)
    assert load.shares.shares == dict.fromkeys(watches, 1.0)
    assert load.lowered == {}
    assert "yard: all its pictures are looked at again" in caplog.text
    del watches["yard"]
    run(load, watches, cost=0.02, began=120, seconds=2)
    assert set(load.attention) == {"vault", "roof"}


@pytest.mark.real("GStreamer RTSP server")
async def test_real_cameras_before_a_slow_detector_are_seen_in_time_and_none_starves(tmp_path: Path) -> None:
    """benchmarks/overload.py in small: three times as much as there is time for."""
    clip = write_clip(tmp_path / "clip.h264", seconds=4, width=160, height=96)
    (wanted,) = demands([3], cameras=4)
    with RtspServer({"/clip": clip}) as server:
        async with asyncio.timeout(60):
            row = await trial(server.url("/clip"), wanted, cameras=4, seconds=8, shared=True, settle=8)
    assert row["age p95 ms"] < 2000, "what is older is not judged"
    assert row["left out early"] > 0
    assert row["priority 1, least"] > 0.05 and row["priority 0.25"] > 0
    assert row["priority 4"] > row["priority 1, most"] > row["priority 0.25"]
