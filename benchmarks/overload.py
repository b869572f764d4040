"""More to look at than the machine can: how old judged frames are, who is watched how much, by priority.

    python -m benchmarks.overload [--json] [--cameras 8] [--seconds 40] [--cost S] [--model NAME]

The daemon's own parts: cameras over RTSP with their children, examiner, shares, judges. In place of the
detectors stands one that takes a fixed time for each picture (it sleeps, so that decoding has the processors
to itself): so capacity is known, and 1x, 2x and 4x mean what they say. With --cost, it takes as long as that
for each picture, and cameras are sampled as fast as makes it so. With --model, a model of the store,
`objects` itself looks: what it takes for a picture is measured first, with nothing beside it, and cameras are
sampled as fast as that makes 1x, 2x and 4x; decoding then competes with it for the processors. The first
camera has priority 4, the second a quarter. Beside it the same without shares, where only newer pictures
replace older ones: the floor.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Verdict
from config.detectors import ObjectsSettings
from config.settings import StreamSettings
from daemon.load import Load
from daemon.models import store_of
from daemon.watch import Watch
from detectors.detection import Detection, Detector, DetectorCard, Kind
from detectors.device import choose_device
from detectors.examiner import Examiner
from detectors.objects.detector import ObjectDetector
from detectors.objects.finders import open_finder
from detectors.objects.view import View
from streams.camera import Camera
from streams.frame import Frame
from streams.stretch import Stretch
from tests.clips import write_clip
from tests.rtsp import RtspServer

FPS = 5.0
STALE_AFTER = 2.0  # seconds, as by default
SETTLE = 15.0  # seconds
WIDE = 640  # pixels of the pictures that a model looks at
LOOKS = 30  # by which it is measured what one takes
PRIORITIES = {0: 4.0, 1: 0.25}  # of the first cameras; of all others 1
CARD = DetectorCard("slow", "sleeps")


class Slow:
    """Takes its time for each picture, and finds nothing."""

    name, kind, width = "slow", Kind.QUALITY, 160

    def __init__(self, cost: float) -> None:
        self._cost = cost

    def examine(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        """Nothing is wrong with any of them."""
        time.sleep(self._cost * len(frames))
        return [[Detection(self.kind, "nothing", 0.0, 1.0, CARD)] for _ in frames]

    def forget(self, stream: str) -> None:
        """Remembers nothing."""

    def close(self) -> None:
        """Holds nothing."""


class Nobody:
    """Is told of nothing."""

    async def announce_all(
        self, stream: str, verdicts: Sequence[Verdict], at: object, frame: Frame | None
    ) -> None:
        """Nothing to tell."""


@dataclass
class Ages:
    """How old each judged frame was, by stream, seconds."""

    of: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note(self, frame: Frame) -> None:
        """Judged just now."""
        self.of[frame.stream].append(time.monotonic() - frame.captured)


@dataclass(frozen=True, slots=True)
class Demand:
    """Cameras that want so many times what there is time for."""

    times: float
    detector: Detector
    fps: float  # that each camera is sampled at
    width: int  # pixels of the pictures


async def trial(
    url: str, wanted: Demand, cameras: int, seconds: float, *, shared: bool, settle: float = SETTLE
) -> dict[str, Any]:
    """What becomes of it, with shares or without."""
    weights = {f"c{number}": PRIORITIES.get(number, 1.0) for number in range(cameras)}
    detector, fps = wanted.detector, wanted.fps
    ages, plan = Ages(), dict.fromkeys(weights, (detector.name,))
    load = Load(STALE_AFTER)
    async with Examiner(
        {detector.name: detector}, plan, STALE_AFTER, weights=weights if shared else {}
    ) as examiner:
        watches = {
            name: Watch(
                source=Camera(StreamSettings(name=name, url=url, clip_seconds=0), fps, wanted.width),
                examiner=examiner,
                judge=Judge(name, Rules()),
                gatekeeper=Nobody(),
                judged=ages.note,
                live=True,
                sample_fps=fps,
            )
            for name in weights
        }
        tasks = [asyncio.create_task(watch.run()) for watch in watches.values()]

        async def share_out() -> None:
            while True:
                if shared:
                    load.look(watches, examiner.efforts, weights, time.monotonic())
                await asyncio.sleep(1)

        sharing = asyncio.create_task(share_out())
        await asyncio.sleep(settle)
        ages.of.clear()
        before = {name: watch.source.counts.copy() for name, watch in watches.items()}
        rates: list[Mapping[str, float]] = []
        for _ in range(round(seconds)):
            await asyncio.sleep(1)
            rates.append(dict(load.shares.shares))
        judged = {name: len(ages.of[name]) / seconds for name in weights}
        lost = {
            what: sum(watch.source.counts[what] - before[name][what] for name, watch in watches.items())
            for what in ("dropped_shed", "dropped_replaced", "dropped_unfetched")
        }
        stale = sum(effort.dropped_stale for effort in examiner.efforts.values())
        for task in (sharing, *tasks):
            task.cancel()
        await asyncio.gather(sharing, *tasks, return_exceptions=True)
    all_ages = sorted(age for some in ages.of.values() for age in some)
    others = [judged[name] for name in list(weights)[2:]]
    swing = max(
        (max(r[name] for r in rates) / max(1e-9, min(r[name] for r in rates)) for name in weights if shared),
        default=1.0,
    )
    return {
        "asked for": f"{wanted.times:g}x",
        "shares": "yes" if shared else "no",
        "wanted/s": fps * cameras,
        "judged/s": sum(judged.values()),
        "age p50 ms": 1000 * statistics.median(all_ages),
        "age p95 ms": 1000 * all_ages[int(0.95 * len(all_ages))],
        "age max ms": 1000 * all_ages[-1],
        "priority 4": judged["c0"] / fps,
        "priority 1, least": min(others) / fps,
        "priority 1, most": max(others) / fps,
        "priority 0.25": judged["c1"] / fps,
        "left out early": lost["dropped_shed"],
        "replaced": lost["dropped_replaced"] + lost["dropped_unfetched"],
        "too old": stale,
        "swing of a share": swing,
        "room": load.shares.room if shared else 1.0,
    }


def demands(times: Sequence[float], cameras: int, cost: float | None = None) -> Iterator[Demand]:
    """For a detector that sleeps: for `cost` seconds, or as long as makes it so at FPS."""
    for each in times:
        takes = each / (cameras * FPS) if cost is None else cost
        yield Demand(each, Slow(takes), each / (cameras * takes), 160)


def real_demands(times: Sequence[float], cameras: int, model: str, state: Path) -> Iterator[Demand]:
    """For `objects` with that model."""
    settings = ObjectsSettings(model=model, denoise="never")  # the drawn scene is noisy: it would be restored
    finds = partial(open_finder, settings, store_of(None), state, choose_device("cpu"))
    views = {f"c{number}": View() for number in range(cameras)}
    detector = ObjectDetector(settings, finds, views, state)
    blank = np.zeros((WIDE * 9 // 16, WIDE, 3), np.uint8)
    shown = next(Stretch([blank], FPS).frames("c0"))
    detector.examine([shown])  # it opens the model
    began = time.monotonic()
    for _ in range(LOOKS):
        detector.examine([shown])
    each = (time.monotonic() - began) / LOOKS
    print(f"{model}: {1000 * each:.0f} ms a picture with nothing beside it", file=sys.stderr)
    for wanted in times:
        yield Demand(wanted, detector, wanted / (each * cameras), WIDE)


def main() -> None:
    """Prints a table, or with --json a list of objects."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--times", type=float, nargs="+", default=[0.7, 1, 2, 4])
    parser.add_argument("--without", action="store_true", help="also measure without shares")
    parser.add_argument("--cost", type=float, help="seconds that the sleeping detector takes for a picture")
    parser.add_argument("--model", help="of the store, for objects: real work in place of sleep")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        size = (WIDE, WIDE * 9 // 16) if asked.model else (160, 96)
        clip = write_clip(Path(folder) / "clip.h264", seconds=4, width=size[0], height=size[1])
        all_wanted = (
            real_demands(asked.times, asked.cameras, asked.model, Path(folder) / "state")
            if asked.model
            else demands(asked.times, asked.cameras, asked.cost)
        )
        with RtspServer({"/clip": clip}) as server:
            for wanted in all_wanted:
                for shared in (True, False) if asked.without else (True,):
                    run = trial(server.url("/clip"), wanted, asked.cameras, asked.seconds, shared=shared)
                    rows.append(asyncio.run(run))
    if asked.json:
        print(json.dumps(rows, indent=1))
        return
    for key in rows[0]:
        cells = [row[key] for row in rows]
        shown = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
        print(f"{key:20}" + "".join(f"{cell:>11}" for cell in shown))


if __name__ == "__main__":
    main()
