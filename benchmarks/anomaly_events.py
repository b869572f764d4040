"""Planted events on real fixed cameras: what the anomaly detector finds of them, beside simpler methods.

    python -m benchmarks.anomaly_events [--cameras ped2,vtest] [--kinds too_fast] [--seeds dev|test] [--json]

Events and disturbances are planted into stretches of footage that the detector has not learned from, and sent
through H.264 like all the footage. `dev` is for choosing, `test` for reporting: other seeds, other stretches.
Nothing is looped. What is made is kept in --cache, and made anew where the code that makes it has changed.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

import benchmarks.padim
import detectors.anomaly.baselines
import detectors.anomaly.features
import detectors.planting.events
import detectors.planting.negatives
import detectors.planting.paint
import detectors.planting.scene
import detectors.planting.standing
import detectors.planting.walking
import streams.recoding
from benchmarks.anomaly_tables import SHIPPED, show
from benchmarks.padim import Padim
from daemon.evaluate_events import Found, found, truth_boxes, unless_anyway
from daemon.evaluate_trial import Trial, learned
from detectors.anomaly.baselines import Features, Mog2, all_of_features
from detectors.planting.events import EventKind, clip_length, plant
from detectors.planting.negatives import COMPRESSED, Nuisance, disturbed
from detectors.planting.scene import observe
from detectors.roc import auc
from streams.recoding import decoded, encoded
from streams.stretch import Stretch

WIDEST = 480  # px
QUALITY = 24  # x264's CRF of all footage
SEEDS = {"dev": (0, 1, 2), "test": (100, 101, 102, 103, 104)}
CAMERAS = ("ped2", "vtest", "cars", "bottles")
Picture = NDArray[np.uint8]
Numbers = NDArray[np.float64]
_Scored = tuple[NDArray[np.bool_], dict[str, Numbers]]  # where the event is, what each method scores


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


def _written_by(*modules: Any) -> str:
    """A hash of the modules' source."""
    return hashlib.sha256(b"".join(Path(module.__file__).read_bytes() for module in modules)).hexdigest()[:12]


PLANTING = _written_by(
    detectors.planting.scene,
    detectors.planting.paint,
    detectors.planting.walking,
    detectors.planting.standing,
    detectors.planting.events,
    detectors.planting.negatives,
    streams.recoding,
)
COMPARING = _written_by(detectors.anomaly.baselines, detectors.anomaly.features)
PADIM = _written_by(benchmarks.padim)


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


class Others:
    """The baselines' scores, kept; a baseline learns only where something is missing."""

    def __init__(self, learn_from: list[Stretch], name: str, weights: Path, store: Store) -> None:
        self._learn_from, self._name, self._weights, self._store = learn_from, name, weights, store
        self._learned: dict[str, Any] = {}

    def score(self, clip: Clip) -> dict[str, Numbers]:
        """Each baseline's (N,)."""
        features = self._store.arrays(
            f"features {COMPARING} {clip.key}", lambda: all_of_features(self._of("features"), clip.stretch)
        )
        mog2 = self._store.arrays(
            f"mog2 {COMPARING} {clip.key}", lambda: {"mog2": self._of("mog2").score(clip.stretch)}
        )
        padim = self._store.arrays(
            f"padim {PADIM} {clip.key}", lambda: {"padim": self._of("padim").score(clip.stretch)}
        )
        return {**(features or {}), **(mog2 or {}), **(padim or {})}

    def _of(self, name: str) -> Any:
        if name not in self._learned:
            makers: dict[str, Callable[[], Any]] = {
                "features": lambda: Features(self._learn_from),
                "mog2": lambda: Mog2(self._learn_from),
                "padim": lambda: Padim(self._learn_from, self._weights),
            }
            self._learned[name] = makers[name]()
        return self._learned[name]


def measured(
    raw: Camera, kinds: Sequence[str], seeds: str, budget: float, weights: Path | None, store: Store
) -> dict[str, Any]:
    """Everything that one camera tells."""
    learn_from = filmed(raw, seeds, store)
    others = Others(learn_from, raw.name, weights, store) if weights else None
    with tempfile.TemporaryDirectory() as state:
        examinee = learned(learn_from, budget, Path(state))
        result: dict[str, Any] = {
            "learn_footage_seconds": sum(one.seconds for one in learn_from),
            "learn_seconds": examinee.learn_seconds,
            "state_bytes": examinee.state_bytes,
        }
        scores: dict[str, list[_Scored]] = {}
        outcomes: dict[str, list[Found]] = {}
        calm: dict[str, dict[str, float]] = {}
        spent = count = 0.0
        for clip in clips(raw, kinds, seeds, store):
            trial: Trial = examinee.watch(clip.stretch.frames(clip.kind))
            spent, count = spent + trial.core_seconds, count + len(trial.scores)
            by_method = {SHIPPED: trial.array(), **(others.score(clip) if others else {})}
            scores.setdefault(clip.kind, []).append((clip.present, by_method))
            result["threshold"] = trial.threshold
            if clip.present.any():
                outcome = found(EventKind(clip.kind), clip.present, clip.boxes, clip.stretch.rate, trial)
                if outcome.opened and clip.host:
                    without = decoded(encoded(clip.host.pictures, clip.host.rate, QUALITY))
                    plain = examinee.watch(Stretch(without, clip.host.rate).frames("plain"))
                    outcome = unless_anyway(outcome, clip.present, clip.host.rate, plain)
                outcomes.setdefault(clip.kind, []).append(outcome)
            else:
                seen = calm.setdefault(
                    clip.kind, {"seconds": 0.0, "alerts": 0, "highest": 0.0, "alarming": 0.0}
                )
                seen["seconds"] += clip.stretch.seconds
                seen["alerts"] += len(trial.opened)
                seen["highest"] = max(seen["highest"], float(np.nanmax(trial.array())))
                seen["alarming"] += trial.alarming_seconds
        examinee.close()
    result["frames_per_second"] = count / spent
    result["calm"] = calm
    result["events"] = {
        kind: event_figures(scores[kind], scores["plain"], outcomes[kind]) for kind in outcomes
    }
    return result


def event_figures(
    own: list[_Scored],
    plain: list[_Scored],
    outcomes: list[Found],
) -> dict[str, Any]:
    """Abnormal are the pictures that show the event; normal is plain footage, and what comes before it."""
    areas = {}
    for method in own[0][1]:
        parts, flags = [], []
        for present, by_method in [*own, *plain]:
            # What it cannot tell of is not caught where an event is, and left out elsewhere.
            usable = np.isfinite(by_method[SHIPPED]) | present
            if present.any():
                usable &= present | (np.arange(len(usable)) < int(np.argmax(present)))
            parts.append(np.nan_to_num(by_method[method][usable]))
            flags.append(present[usable])
        areas[method] = auc(np.concatenate(parts), np.concatenate(flags))
    alerted = [one for one in outcomes if one.opened]
    return {
        "frame_auc": areas,
        "events": len(outcomes),
        "opened": len(alerted),
        "box_right": sum(one.overlap > 0.2 for one in alerted),
        "named_right": sum(one.named_right for one in alerted),
        "named": sorted({one.named for one in alerted}),
        "delay": float(np.median([one.delay for one in alerted])) if alerted else None,
        "false_before": sum(one.before for one in outcomes),
        "anyway": sum(one.anyway for one in outcomes),
    }


def main() -> None:
    every = [*EventKind, *Nuisance]
    shared = Path(os.environ.get("FRAMEWARDEN_SHARED", "shared"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=shared / "data", help="folder with ucsd_ped2 and videos")
    parser.add_argument("--weights", type=Path, default=shared / "models" / "mobilenet_v2-b0353104.pth")
    parser.add_argument("--cameras", "--clips", default=",".join(CAMERAS))
    parser.add_argument("--kinds", default=",".join(every), help="of events and disturbances")
    parser.add_argument("--seeds", choices=list(SEEDS), default="dev")
    parser.add_argument("--false-alarms-per-day", type=float, default=1.0)
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "framewarden-planted")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    store = Store(asked.cache)
    weights = None if asked.no_baselines else asked.weights
    if weights and not weights.exists():
        sys.exit(
            f"{weights} is missing; name the weights of mobilenet_v2 with --weights, or use --no-baselines"
        )
    result = {}
    for name in asked.cameras.split(","):
        began = time.monotonic()
        raw = camera(name, asked.data, asked.seeds)
        result[name] = measured(
            raw, asked.kinds.split(","), asked.seeds, asked.false_alarms_per_day, weights, store
        )
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    if asked.json:
        print(json.dumps(result, default=float))
    else:
        show(result)


if __name__ == "__main__":
    main()
