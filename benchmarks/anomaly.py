"""The anomaly detector's bars on UCSD Ped2 (Mahadevan et al., CVPR 2010), and false alarms on four cameras.

    python -m benchmarks.anomaly [--data DATA] [--every 2] [--json]

Learns from the normal clips and is tested on the labelled ones, causally, not normalised by test clip;
in brackets 95 % by drawing clips anew. Then each camera learns from the beginning of its normal footage and
watches the rest, through the judge, with a budget of one false alarm a day. The planted events are in
benchmarks/anomaly_events.py.
"""

import argparse
import asyncio
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.padim import Padim
from daemon.evaluate_footage import recordings, stretch
from daemon.evaluate_labelled import WIDEST, measure, read
from daemon.evaluate_trial import learned
from streams.stretch import Stretch

COLD_START = 900  # frames
LEARNED_SHARE = 0.6  # of a camera's footage in time, the rest is watched


def tell(what: str, share: float) -> None:
    print(f"\r{what} {share:.0%}      ", end="", file=sys.stderr)


def padim(weights: Path, cost: dict[str, float]) -> Callable[[Sequence[Stretch]], Any]:
    """PaDiM as one more baseline, and anomalib's where it is installed; `cost` gets their frames a second."""

    def learn(train: Sequence[Stretch]) -> Callable[[Stretch], dict[str, NDArray[np.float64]]]:
        models: dict[str, Any] = {"padim": Padim(train, weights)}
        if importlib.util.find_spec("anomalib"):
            from benchmarks.anomalib_padim import AnomalibPadim

            models["anomalib_padim"] = AnomalibPadim(train, weights)
        frames, seconds = 0, dict.fromkeys(models, 0.0)

        def score(one: Stretch) -> dict[str, NDArray[np.float64]]:
            nonlocal frames
            frames += len(one.pictures)
            scores = {}
            for name, model in models.items():
                began = time.thread_time()
                scores[name] = model.score(one)
                seconds[name] += time.thread_time() - began
                cost[f"{name}_frames_per_second"] = frames / seconds[name]
            return scores

        return score

    return learn


def cold_start(train: Sequence[Stretch]) -> dict[str, float]:
    """What learning from the first 900 frames costs."""
    some, left = [], COLD_START
    for one in train:
        some.append(Stretch(one.pictures[:left], one.rate))
        left -= len(some[-1].pictures)
        if left < 2:
            break
    with tempfile.TemporaryDirectory() as state:
        examinee = learned(some, 1.0, Path(state))
        examinee.close()
    return {"frames": COLD_START - left, "core_seconds": examinee.learn_seconds}


def unseen(stretches: Sequence[Stretch], budget: float) -> dict[str, float]:
    """Alerts on a camera's later footage after learning from its earlier footage."""
    total = sum(len(one.pictures) for one in stretches)
    learn, watch, seen = [], [], 0
    for one in stretches:
        cut = min(len(one.pictures), max(0, round(LEARNED_SHARE * total) - seen))
        if cut > 1:
            learn.append(Stretch(one.pictures[:cut], one.rate))
        if len(one.pictures) - cut > 1:
            watch.append(Stretch(one.pictures[cut:], one.rate))
        seen += len(one.pictures)
    with tempfile.TemporaryDirectory() as state:
        examinee = learned(learn, budget, Path(state))
        trials = [examinee.watch(one.frames("unseen")) for one in watch]
        examinee.close()
    return {
        "learned_seconds": sum(one.seconds for one in learn),
        "watched_seconds": sum(one.seconds for one in watch),
        "alerts": sum(len(trial.opened) for trial in trials),
        "alarming_seconds": sum(trial.alarming_seconds for trial in trials),
        "highest": max(float(np.nanmax(trial.array())) for trial in trials),
        "threshold": trials[0].threshold,
    }


async def cameras(data: Path) -> dict[str, list[Stretch]]:
    """Four cameras' normal footage, about ten pictures a second."""
    ped2 = [await stretch(path, 1, WIDEST) for path in recordings(data / "ucsd_ped2" / "train")]
    found = {"ped2": ped2}
    for name, every in (("vtest", 1), ("car-detection", 1), ("bottle-detection", 3)):
        found[name] = [await stretch(data / "videos" / f"{name}.mp4", every, WIDEST)]
    return found


async def measured(asked: argparse.Namespace) -> dict[str, Any]:
    data = await read(asked.data / "ucsd_ped2", asked.every, tell)
    cost: dict[str, float] = {}
    others = padim(asked.weights, cost) if asked.weights.exists() else None
    result = measure(data, asked.false_alarms_per_day, tell, others) | cost
    result["cold_start"] = cold_start(data.train)
    result["unseen"] = {}
    for name, stretches in (await cameras(asked.data)).items():
        tell(f"unseen footage of {name}", 0)
        result["unseen"][name] = unseen(stretches, asked.false_alarms_per_day)
    return result


def main() -> None:
    shared = Path(os.environ.get("FRAMEWARDEN_SHARED", "shared"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=shared / "data", help="with ucsd_ped2 and videos")
    parser.add_argument("--weights", type=Path, default=shared / "models" / "mobilenet_v2-b0353104.pth")
    parser.add_argument("--every", type=int, default=1, help="look at every so many pictures")
    parser.add_argument("--false-alarms-per-day", type=float, default=1.0)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    result = asyncio.run(measured(asked))
    if asked.json:
        print(json.dumps(result))
    else:
        show(result)


def show(result: dict[str, Any]) -> None:
    print("\r" + " " * 40)
    rows = {"shipped": result, **result["baselines_all"]}
    print(f"{'':18}{'frame AUC':>26}{'EER':>26}   caught at 5 % of normal frames")
    for name, figures in rows.items():
        area, error = (
            f"{figures[key]:.3f} ({low:.3f}-{high:.3f})"
            for key in ("frame_auc", "frame_eer")
            for low, high in [figures[f"{key}_interval"]]
        )
        print(f"{name:18}{area:>26}{error:>26}{figures['caught_at_5_percent']:>10.3f}")
    print(
        f"\nthreshold from training footage {result['threshold_from_training']:.2f}: "
        f"{result['caught_at_threshold_from_training']:.3f} of abnormal frames "
        f"at {result['false_at_threshold_from_training']:.3f} of normal ones"
        f"\nthreshold of the budget {result['threshold']:.2f}: {result['caught_at_threshold']:.3f} "
        f"at {result['false_at_threshold']:.3f}"
        f"\nalerts: {result['events_alerted']} of {result['events']} events, "
        f"{result['false_alerts']} false ones in {60 * result['normal_hours']:.1f} normal minutes"
        f"\npixel AUC {result['pixel_auc']:.3f}, RBDC {result['rbdc']:.3f}, TBDC {result['tbdc']:.3f}; "
        f"frame AUC normalised by clip {result['frame_auc_clip_normalised']:.3f}"
        f"\nlearned from {result['learn_frames']} frames in {result['learn_seconds']:.1f} s of one core, "
        f"from {result['cold_start']['frames']} in {result['cold_start']['core_seconds']:.1f} s; "
        f"{result['frames_per_second_one_core']:.0f} frames a second, "
        f"PaDiM {result.get('padim_frames_per_second', float('nan')):.0f}, "
        f"anomalib's {result.get('anomalib_padim_frames_per_second', float('nan')):.0f}; "
        f"{result['state_bytes'] / 1e6:.2f} MB of state\n\nfootage never seen, all of it normal:"
    )
    for name, one in result["unseen"].items():
        print(
            f"  {name:18}learned {one['learned_seconds']:.0f} s, watched {one['watched_seconds']:.0f} s: "
            f"{one['alerts']:.0f} alerts, {one['alarming_seconds']:.1f} s alarming, "
            f"highest {one['highest']:.1f} of {one['threshold']:.1f}"
        )


if __name__ == "__main__":
    main()
