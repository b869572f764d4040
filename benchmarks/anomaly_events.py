"""Planted events on real fixed cameras: what the anomaly detector finds of them, beside simpler methods.

    python -m benchmarks.anomaly_events [--cameras ped2,vtest] [--kinds too_fast] [--seeds dev|test] [--json]

Events and disturbances are planted into stretches of footage that the detector has not learned from, and sent
through H.264 like all the footage. `dev` is for choosing, `test` for reporting: other seeds, other stretches.
Nothing is looped. What is made is kept in --cache, and made anew where the code that makes it has changed.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

import benchmarks.padim
import detectors.anomaly.baselines
import detectors.anomaly.features
from benchmarks.anomaly_tables import SHIPPED, show
from benchmarks.padim import Padim
from benchmarks.planted import (
    CAMERAS,
    QUALITY,
    SHARED,
    Camera,
    Clip,
    Numbers,
    Store,
    asking_of_planted,
    camera,
    clips,
    filmed,
    written_by,
)
from daemon.evaluate_events import Found, found, unless_anyway
from daemon.evaluate_trial import Trial, learned
from detectors.anomaly.baselines import Features, Mog2, all_of_features
from detectors.planting.events import EventKind
from detectors.planting.negatives import Nuisance
from detectors.roc import auc
from streams.recoding import decoded, encoded
from streams.stretch import Stretch

_Scored = tuple[NDArray[np.bool_], dict[str, Numbers]]  # where the event is, what each method scores
COMPARING = written_by(detectors.anomaly.baselines, detectors.anomaly.features)
PADIM = written_by(benchmarks.padim)


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
    parser = asking_of_planted(__doc__)
    parser.add_argument("--weights", type=Path, default=SHARED / "models" / "mobilenet_v2-b0353104.pth")
    parser.add_argument("--cameras", "--clips", default=",".join(CAMERAS))
    parser.add_argument("--kinds", default=",".join(every), help="of events and disturbances")
    parser.add_argument("--false-alarms-per-day", type=float, default=1.0)
    parser.add_argument("--no-baselines", action="store_true")
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
