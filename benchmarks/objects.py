"""Does the denoiser help a real detector, on photos, more than classical filters do: tables, and bars.

    FRAMEWARDEN_MODELS=MODELS .venv/bin/python -m benchmarks.objects COCO --model NAME [--keep FOLDER]

What `framewarden evaluate objects` measures, on all photos, and whether it is what was set out to be reached.
Non-local means takes half a second a photo: it is asked where noise is the matter. With --keep a run that was
broken off goes on where it was.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from daemon.evaluate_objects import FLOOR, finder_of, measure
from daemon.evaluate_objects_photos import photos_of, shrunk
from daemon.evaluate_objects_seen import Kept
from daemon.evaluate_objects_tables import tables_of
from daemon.evaluate_objects_ways import ALWAYS, CLASSICAL, DAMAGES, GATED, SLICED, USUAL, WAYS, Way, plan_of
from daemon.evaluate_out import show
from detectors.denoising.estimate import estimate

NOISY: Final = ("sigma 25", "sigma 50", "low light", "camera")  # where non-local means is asked, too
SMALL: Final = (1, 2, 3)  # times so many photos in a frame, for slices
FRAME: Final = (384, 640)  # height and width
TIMES: Final = 15


@dataclass(frozen=True, slots=True)
class Bar:
    """What was to be reached, and what was."""

    name: str
    reached: float
    wanted: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Also where it is just reached."""
        return self.reached <= self.wanted if self.at_most else self.reached >= self.wanted

    def __str__(self) -> str:
        sign = "at most" if self.at_most else "at least"
        verdict = "met" if self.met else "MISSED"
        return f"{verdict:6} {self.name}: {self.reached:+.1f}, wanted {sign} {self.wanted:+.1f}"


def bars(damages: dict[str, Any]) -> Iterator[Bar]:
    """Of the figures of `measure`; what was not measured has no bar."""
    for harm, gain, low in (("sigma 25", 8, 5), ("sigma 50", 11, 8)):
        if one := damages.get(harm, {}).get(GATED):
            yield Bar(f"{harm}, gated against none", one["gain"], gain)
            yield Bar(f"{harm}, gated against none, lower end", one["gain_interval"][0], low)
    for harm in ("low light", "camera"):
        one = damages.get(harm, {}).get(GATED, {})
        if "over_classical" in one:
            yield Bar(f"{harm}, gated against the best classical", one["over_classical"], 2)
            yield Bar(f"{harm}, the same, lower end", one["over_classical_interval"][0], 0)
    for harm, ways in damages.items():
        if "over_classical" in ways.get(GATED, {}):
            low = ways[GATED]["over_classical_interval"][0]
            yield Bar(f"{harm}, gated nowhere worse than classical, lower end", low, -1)
    for harm, most in (("clean", 0.2), ("jpeg 10", 0.3), ("crf 35", 0.3), ("crf 42", 0.3)):
        if one := damages.get(harm, {}).get(GATED):
            yield Bar(f"{harm}, gated against none", one["gain"], -most)


def seconds(ways: Mapping[str, Way]) -> Iterator[Bar]:
    """How long a frame takes here."""
    chance = np.random.default_rng(0)
    frame = np.asarray(chance.integers(60, 190, (*FRAME, 3)), np.uint8)
    noise = estimate(frame)
    yield Bar("ms to estimate the noise of a frame", _median(lambda: estimate(frame)), 8, at_most=True)
    if always := ways.get(ALWAYS):
        yield Bar("ms to restore a frame", _median(lambda: always(frame, noise)), 45, at_most=True)


def _median(work: Any) -> float:
    spent = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        spent.append(1000 * (time.perf_counter() - began))
    return float(np.median(spent))


async def main(data: Path, model: str, keep: Path | None, photos: int | None) -> int:
    """Prints all; 1 where a bar is missed."""
    cv2.setNumThreads(1)
    some, finder, kept = photos_of(data, photos), finder_of(None, model), Kept(keep)
    print(f"least confidence {FLOOR}", flush=True)
    figures: dict[str, Any] = {}
    for harm in DAMAGES:
        quick = [way for way in WAYS if way in USUAL or (harm in NOISY and way in CLASSICAL)]
        result = await measure(some, [harm], plan_of(quick), finder, kept, lambda _what, _share: None)
        figures |= result["damages"]
        show(result, tables_of(result), as_json=False)
    for across in SMALL:
        frames = shrunk(some, across)
        result = await measure(frames, ["clean"], plan_of([SLICED]), finder, kept, lambda _what, _share: None)
        print(f"\nsmall objects: {across} x {across} photos in a frame")
        show(result, tables_of(result), as_json=False)
    told = [*bars(figures), *seconds(plan_of(USUAL).ways)]
    print(*told, sep="\n")
    return int(not all(bar.met for bar in told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="a folder with instances_*.json and photos")
    parser.add_argument("--model", required=True, help="in the model store")
    parser.add_argument("--keep", type=Path, help="a folder for what was found")
    parser.add_argument("--photos", type=int, help="only the first so many")
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.data, given.model, given.keep, given.photos)))
