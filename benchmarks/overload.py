"""More to look at than the machine can: how old judged frames are, who is watched how much, by priority.

    python -m benchmarks.overload [--json] [--cameras 8] [--seconds 40]

The daemon's own parts: cameras over RTSP with their children, examiner, shares, judges. In place of the
detectors stands one that takes a fixed time for each picture (it sleeps, so that decoding has the processors
to itself): so capacity is known, and 1x, 2x and 4x mean what they say. The first camera has priority 4, the
second a quarter. Beside it the same without shares, where only newer pictures replace older ones: the floor.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Verdict
from config.settings import StreamSettings
from daemon.load import Load
from daemon.watch import Watch
from detectors.detection import Detection, DetectorCard, Kind
from detectors.examiner import Examiner
from streams.camera import Camera
from streams.frame import Frame
from tests.clips import write_clip
from tests.rtsp import RtspServer

FPS = 5.0
STALE_AFTER = 2.0  # seconds, as by default
SETTLE = 15.0  # seconds
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


async def trial(
    url: str, times: float, cameras: int, seconds: float, *, shared: bool, settle: float = SETTLE
) -> dict[str, Any]:
    """So many cameras, each at FPS, that want `times` what there is time for: so much a picture costs."""
    weights = {f"c{number}": PRIORITIES.get(number, 1.0) for number in range(cameras)}
    each = times / (cameras * FPS)
    ages, plan = Ages(), dict.fromkeys(weights, ("slow",))
    load = Load(STALE_AFTER)
    async with Examiner(
        {"slow": Slow(each)}, plan, STALE_AFTER, weights=weights if shared else {}
    ) as examiner:
        watches = {
            name: Watch(
                source=Camera(StreamSettings(name=name, url=url, clip_seconds=0), FPS, 160),
                examiner=examiner,
                judge=Judge(name, Rules()),
                gatekeeper=Nobody(),
                judged=ages.note,
                live=True,
                sample_fps=FPS,
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
        "asked for": f"{times:g}x",
        "shares": "yes" if shared else "no",
        "judged/s": sum(judged.values()),
        "age p50 ms": 1000 * statistics.median(all_ages),
        "age p95 ms": 1000 * all_ages[int(0.95 * len(all_ages))],
        "age max ms": 1000 * all_ages[-1],
        "priority 4": judged["c0"] / FPS,
        "priority 1, least": min(others) / FPS,
        "priority 1, most": max(others) / FPS,
        "priority 0.25": judged["c1"] / FPS,
        "left out early": lost["dropped_shed"],
        "replaced": lost["dropped_replaced"] + lost["dropped_unfetched"],
        "too old": stale,
        "swing of a share": swing,
        "room": load.shares.room if shared else 1.0,
    }


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
    wanted = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        clip = write_clip(Path(folder) / "clip.h264", seconds=4, width=160, height=96)
        with RtspServer({"/clip": clip}) as server:
            for times in wanted.times:
                for shared in (True, False) if wanted.without else (True,):
                    run = trial(server.url("/clip"), times, wanted.cameras, wanted.seconds, shared=shared)
                    rows.append(asyncio.run(run))
    if wanted.json:
        print(json.dumps(rows, indent=1))
        return
    for key in rows[0]:
        cells = [row[key] for row in rows]
        shown = [f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells]
        print(f"{key:20}" + "".join(f"{cell:>11}" for cell in shown))


if __name__ == "__main__":
    main()
