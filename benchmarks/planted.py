"""Footage of four real fixed cameras, cut in time, with events and disturbances planted into it.

What is learned from and what is judged are apart. All of it goes through H.264, and what is made is kept: see
Store.
"""

import argparse
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

import detectors.planting.events
import detectors.planting.negatives
import detectors.planting.paint
import detectors.planting.scene
import detectors.planting.standing
import detectors.planting.walking
import streams.recoding
from daemon.evaluate_events import truth_boxes
from detectors.planting.events import EventKind, clip_length, plant
from detectors.planting.negatives import COMPRESSED, Nuisance, disturbed
from detectors.planting.scene import observe
from streams.recoding import decoded, encoded
from streams.stretch import Stretch

WIDEST = 480  # px
QUALITY = 24  # x264's CRF of all footage
SEEDS = {"dev": (0, 1, 2), "test": (100, 101, 102, 103, 104)}
CAMERAS = ("ped2", "vtest", "cars", "bottles")
SHARED = Path(os.environ.get("FRAMEWARDEN_SHARED", "shared"))
Picture = NDArray[np.uint8]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One camera's footage, cut in time."""

    name: str
    learn: list[Stretch]
    judged: list[Stretch]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A stretch to judge, and the truth about it."""

    key: str  # names its content
    kind: str  # an EventKind, a Nuisance, or 'plain'
    stretch: Stretch
    present: NDArray[np.bool_]  # (N,)
    boxes: Numbers  # (N, 4)
    host: Stretch | None = None  # the same stretch without the event, not yet filmed


def asking(description: str | None) -> argparse.ArgumentParser:
    """For what every benchmark on this footage is asked."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=SHARED / "data", help="folder with ucsd_ped2 and videos")
    parser.add_argument("--json", action="store_true")
    return parser


def asking_of_planted(description: str | None) -> argparse.ArgumentParser:
    """The same, where what is planted is kept."""
    parser = asking(description)
    parser.add_argument("--seeds", choices=list(SEEDS), default="dev")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "framewarden-planted")
    return parser


def camera(name: str, data: Path, seeds: str) -> Camera:
    """The judged stretches of both sets of seeds are apart from each other, and from what is learned from."""
    if name == "ped2":  # 16 clips: 10 to learn from, 3 for each set of seeds
        clips = [_read(path, 1) for path in sorted((data / "ucsd_ped2" / "train").glob("*.mp4"))]
        return Camera(name, clips[:10], clips[10:13] if seeds == "dev" else clips[13:])
    # Too short for three parts: each set learns from all but the part it judges, and a second around it.
    places = {
        "vtest": ("vtest.mp4", 1, {"dev": (320, 480), "test": (480, 640)}),  # 79 s: learns 61, judges 16
        "cars": (
            "car-detection.mp4",
            1,
            {"dev": (126, 251), "test": (251, 377)},
        ),  # 30 s: learns 19, judges 10
        "bottles": ("bottle-detection.mp4", 3, {"dev": (130, 260), "test": (260, 397)}),  # 40 s: 25, 13
    }
    if name not in places:
        sys.exit(f"no camera is called {name}; there are {', '.join(CAMERAS)}")
    file, every, parts = places[name]
    whole = _read(data / "videos" / file, every)
    (first, end), gap = parts[seeds], round(whole.rate)
    learn = [_part(whole, 0, first - gap), _part(whole, end + gap, len(whole.pictures))]
    return Camera(name, [one for one in learn if one.pictures], [_part(whole, first, end)])


def _part(whole: Stretch, first: int, end: int) -> Stretch:
    return Stretch(whole.pictures[first:end], whole.rate)


def _read(path: Path, every: int) -> Stretch:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        rate = float(stream.average_rate or 25) / every
        pictures = []
        for number, picture in enumerate(container.decode(stream)):
            if number % every == 0:
                width = min(WIDEST, picture.width) // 2 * 2
                height = round(picture.height * width / picture.width / 2) * 2
                bgr: Picture = picture.to_ndarray(format="bgr24", width=width, height=height)  # type: ignore[assignment]
                pictures.append(bgr)
    return Stretch(pictures, rate)


class Store:
    """Files that are made once for each content of the code that makes them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def arrays(
        self, key: str, make: Callable[[], dict[str, NDArray[Any]] | None]
    ) -> dict[str, NDArray[Any]] | None:
        """What `make` gives, kept; None is kept, too."""
        path = self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.npz"
        if not path.exists():
            made = make()
            beside = path.with_suffix(f".{os.getpid()}")
            with beside.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **(made or {}))
            beside.replace(path)
        with np.load(path) as kept:
            return dict(kept) or None


def written_by(*modules: Any) -> str:
    """A hash of the modules' source, for the keys of a Store."""
    return hashlib.sha256(b"".join(Path(module.__file__).read_bytes() for module in modules)).hexdigest()[:12]


PLANTING = written_by(
    detectors.planting.scene,
    detectors.planting.paint,
    detectors.planting.walking,
    detectors.planting.standing,
    detectors.planting.events,
    detectors.planting.negatives,
    streams.recoding,
)


def _filmed(stretch: Stretch, quality: int = QUALITY) -> NDArray[np.uint8]:
    return np.frombuffer(encoded(stretch.pictures, stretch.rate, quality), np.uint8)


def filmed(raw: Camera, seeds: str, store: Store) -> list[Stretch]:
    """The footage to learn from, through H.264."""
    out = []
    for number, stretch in enumerate(raw.learn):
        key = f"{PLANTING} learn {raw.name} {number} {seeds}"
        kept = store.arrays(key, lambda one=stretch: {"movie": _filmed(one)})  # type: ignore[misc]
        out.append(Stretch(decoded(kept["movie"].tobytes()), stretch.rate))  # type: ignore[index]
    return out


def clips(raw: Camera, kinds: Sequence[str], seeds: str, store: Store) -> Iterator[Clip]:
    """Everything to judge."""
    rate = raw.learn[0].rate
    scenes: list[Any] = []

    def scene() -> Any:  # only where something has to be planted
        if not scenes:
            scenes.append(observe([picture for one in raw.learn for picture in one.pictures], rate))
        return scenes[0]

    def host(kind: EventKind, seed: int) -> Stretch:
        chance = np.random.default_rng([seed, 7, *kind.encode()])
        one = raw.judged[int(chance.integers(len(raw.judged)))]
        first = int(chance.integers(len(one.pictures) - clip_length(rate) + 1))
        return _part(one, first, first + clip_length(rate))

    def event(kind: EventKind, seed: int) -> dict[str, NDArray[Any]] | None:
        planted = plant(kind, scene(), host(kind, seed).pictures, rate, seed)
        if planted is None:
            return None
        movie = _filmed(Stretch(planted.pictures, rate))
        return {"movie": movie, "present": planted.present, "boxes": truth_boxes(planted.masks)}

    def disturbance(nuisance: Nuisance | None, number: int) -> dict[str, NDArray[Any]]:
        one = raw.judged[number]
        if nuisance is None:
            return {"movie": _filmed(one)}
        pictures = disturbed(nuisance, one.pictures, rate, SEEDS[seeds][0] + number)
        return {
            "movie": _filmed(
                Stretch(pictures, rate), COMPRESSED if nuisance is Nuisance.COMPRESSION else QUALITY
            )
        }

    for kind in EventKind:
        for seed in SEEDS[seeds] if kind in kinds else ():
            key = f"{PLANTING} {raw.name} {kind} {seed} {seeds}"
            kept = store.arrays(key, lambda k=kind, s=seed: event(k, s))  # type: ignore[misc]
            if kept:
                stretch = Stretch(decoded(kept["movie"].tobytes()), rate)
                yield Clip(key, kind, stretch, kept["present"], kept["boxes"], host(kind, seed))
    for nuisance in (None, *Nuisance):
        name = nuisance or "plain"
        if nuisance and nuisance not in kinds:
            continue
        for number in range(len(raw.judged)):
            key = f"{PLANTING} {raw.name} {name} {number} {seeds}"
            kept = store.arrays(key, lambda n=nuisance, i=number: disturbance(n, i))  # type: ignore[misc]
            stretch = Stretch(decoded(kept["movie"].tobytes()), rate)  # type: ignore[index]
            yield Clip(
                key,
                name,
                stretch,
                np.zeros(len(stretch.pictures), bool),
                np.zeros((len(stretch.pictures), 4)),
            )
