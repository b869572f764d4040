"""The life of a normal on real cameras: lessons, trials and alarms, and what a lesson costs the judging.

    python -m benchmarks.life DATA/videos/car-detection.mp4 [--minutes 18]

The clip goes round and round as a camera's picture, with a little noise so that no two rounds are alike,
and is judged as fast as it goes; while a further lesson is under way, pictures come at twenty a second.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.detectors import AnomalySettings
from daemon.evaluate_footage import frames
from detectors.anomaly.detector import AnomalyDetector
from detectors.anomaly.footage import FILE as FOOTAGE
from streams.frame import Frame

FPS = 5
NOISE = 2  # grey levels
PACE = 1 / 20  # seconds between pictures during a further lesson
WIDEST = 640


async def clip(path: Path) -> list[NDArray[np.uint8]]:
    """The clip's pictures at FPS."""
    return [frame.picture.copy() async for frame, _ in frames(path, FPS, WIDEST)]


def main() -> None:
    """Prints what became of the camera."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--minutes", type=float, default=18)
    asked = parser.parse_args()
    pictures, chance = asyncio.run(clip(asked.recording)), np.random.default_rng(0)
    began = datetime.now(UTC)
    said, alarming = Counter[str](), 0
    spent: dict[bool, list[float]] = {
        False: [],
        True: [],
    }  # seconds a picture, by whether a lesson is under way
    with tempfile.TemporaryDirectory() as folder:
        detector = AnomalyDetector(AnomalySettings(), Path(folder))
        for number in range(int(asked.minutes * 60 * FPS)):
            shown = pictures[number % len(pictures)].astype(np.int16)
            shown += chance.integers(-NOISE, NOISE + 1, shown.shape, np.int16)
            life = detector.lives.get("camera")
            live = bool(life and life.lessons and life.learning)
            at = number / FPS
            frame = Frame(
                stream="camera",
                number=number,
                picture=np.clip(shown, 0, 255).astype(np.uint8),
                captured_at=began + timedelta(seconds=at),
                captured=at,
                position=at,
                live=live,
                fresh=number == 0,
            )
            while True:
                start = time.perf_counter()
                (answer,) = detector.examine([frame])
                took = time.perf_counter() - start
                if answer is not None:
                    break
                time.sleep(0.01)
            if life and life.lessons:
                spent[live].append(1000 * took)
            said[str(answer[0].doubt or "judged")] += 1
            alarming += answer[0].alarming
            if live:
                time.sleep(max(0.0, PACE - took))
        print(f"{asked.minutes:g} minutes of {asked.recording.name}: {dict(said)}, alarming {alarming}")
        print(f"lessons {detector.lives['camera'].lessons}, events {dict(detector.counts)}")
        for learning, times in spent.items():
            if times:
                median, late = np.percentile(times, [50, 95])
                when = "during a lesson" if learning else "otherwise"
                print(f"judging {when}: {len(times)} pictures, median {median:.1f} ms, 95 % {late:.1f} ms")
        detector.close()
        files = [path for path in Path(folder).rglob("*") if path.is_file()]
        kept = sum(path.stat().st_size for path in files if path.name != FOOTAGE)
        print(f"on disk: {kept / 1e6:.2f} MB and footage")


if __name__ == "__main__":
    main()
