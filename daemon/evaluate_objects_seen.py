"""Lets a finder look at damaged photos in each way, and keeps what it found, so that a run can go on."""

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from daemon.bar import Tell
from daemon.evaluate_footage import FootageError
from daemon.evaluate_objects_photos import Photo
from daemon.evaluate_objects_precision import Spotted
from daemon.evaluate_objects_ways import DAMAGES, Plan, Way
from detectors.denoising.estimate import estimate
from detectors.denoising.noise import Noise
from detectors.objects.found import ObjectFinder
from detectors.objects.sliced import SlicedFinder
from streams.frame import Frame

FILE: Final = "found.jsonl"


@dataclass(frozen=True, slots=True)
class Look:
    """What was found in one picture, and what it took."""

    found: tuple[Spotted, ...]
    restore_ms: float  # with the estimate of the noise
    find_ms: float


class Kept:
    """What was found before, by what was looked at and by whom: a file of a folder, a line for each look."""

    def __init__(self, folder: Path | None) -> None:
        """None: nothing is kept beyond this run. Raises FootageError."""
        self._file = folder / FILE if folder else None
        self._looks: dict[str, Look] = {}
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            lines = self._file.read_text("utf-8").split("\n")[:-1] if self._file.exists() else []
            self._file.write_text("".join(f"{line}\n" for line in lines), "utf-8")  # a line cut short goes
            for line in lines:
                told = json.loads(line)
                found = tuple(Spotted(one[0], one[1], tuple(one[2])) for one in told["found"])
                self._looks[told["key"]] = Look(found, told["restore_ms"], told["find_ms"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise FootageError(
                f"what was kept in {self._file} cannot be read or written ({error}): name another folder, "
                "or remove it"
            ) from error

    def get(self, key: str) -> Look | None:
        """None: not looked at yet."""
        return self._looks.get(key)

    def put(self, key: str, look: Look) -> None:
        """Raises FootageError where the disk is full."""
        self._looks[key] = look
        if self._file is None:
            return
        try:
            with self._file.open("a", encoding="utf-8") as file:
                told = asdict(look)
                told["found"] = [[one.label, round(one.confidence, 5), one.box] for one in look.found]
                file.write(json.dumps({"key": key, **told}) + "\n")
        except OSError as error:
            raise FootageError(f"{self._file} cannot be written: {error.strerror}") from error


async def look_at_all(
    photos: Sequence[Photo],
    damages: Sequence[str],
    plan: Plan,
    finder: ObjectFinder,
    kept: Kept,
    seed: int,
    tell: Tell,
) -> tuple[dict[tuple[str, str], list[Look]], dict[str, list[tuple[float, float]]]]:
    """By damage and way, a look at each photo; and by damage, what the gate is told, and in how many ms.

    Raises FootageError, DetectorError.
    """
    looks: dict[tuple[str, str], list[Look]] = {(harm, way): [] for harm in damages for way in plan.ways}
    gate: dict[str, list[tuple[float, float]]] = {harm: [] for harm in damages}
    for index, photo in enumerate(photos):
        picture = photo.read()
        for number, harm in enumerate(damages):
            tell(f"looking at {harm}", (index + number / len(damages)) / len(photos))
            await asyncio.sleep(0)  # a way out for Ctrl-C
            # Of each photo and damage its own, whatever else is asked for.
            chance = np.random.default_rng([seed, index, list(DAMAGES).index(harm)])
            harmed = np.ascontiguousarray(DAMAGES[harm](picture, chance))
            began = time.perf_counter()
            noise = estimate(harmed)
            estimate_ms = 1000 * (time.perf_counter() - began)
            if plan.noisy is not None:
                began = time.perf_counter()
                logit = plan.noisy(harmed)
                gate[harm].append((logit, 1000 * (time.perf_counter() - began)))
            digest = hashlib.sha256(harmed.tobytes()).digest()
            for name, way in plan.ways.items():
                who = f"{harmed.shape} {noise} {way} {finder.name} {finder.sha256}"
                key = hashlib.sha256(digest + who.encode()).hexdigest()
                look = kept.get(key)
                if look is None:
                    look = _look(harmed, noise, estimate_ms, way, finder)
                    kept.put(key, look)
                looks[harm, name].append(look)
    return looks, gate


def _look(
    picture: NDArray[np.uint8], noise: Noise, estimate_ms: float, way: Way, finder: ObjectFinder
) -> Look:
    began = time.perf_counter()
    restored = way(picture, noise)
    between = time.perf_counter()
    frame = Frame("photos", 0, restored, datetime.now(UTC), time.monotonic(), 0.0, live=False, fresh=True)
    asked = SlicedFinder(finder, "always") if way.sliced else finder
    found = asked.find([frame])[0]
    ended = time.perf_counter()
    height, width = picture.shape[:2]
    spotted = tuple(
        Spotted(
            one.label,
            one.confidence,
            (
                one.region.left * width,
                one.region.top * height,
                one.region.width * width,
                one.region.height * height,
            ),
        )
        for one in found
    )
    restore_ms = estimate_ms + 1000 * (between - began) if way.restorer else 0.0
    return Look(spotted, restore_ms, 1000 * (ended - between))
