"""The backbone tier on UCSD Ped2 (Mahadevan et al., CVPR 2010), beside PaDiM on the same maps.

    python -m benchmarks.backbone [--backbone efficientnet_lite0] [--data DATA] [--every 2] [--json]

Learns from the normal clips and is tested on the labelled ones, causally, not normalised by test clip; in
brackets 95 % by drawing clips anew. PaDiM (Defard et al., ICPR 2021) has a Gaussian for each place of the
same maps, the Mahalanobis distance one for all places; both get the detector's
smoothing, and their time includes the backbone.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.anomaly import tell
from daemon.evaluate_labelled import measure, read
from detectors.anomaly.backbone import KEPT
from detectors.anomaly.maps_method import MapsMethod
from detectors.anomaly.maps_score import Smoothed
from detectors.anomaly.tier import backbone_method
from detectors.device import limit_threads, limit_torch_threads
from detectors.store import Store, store_folders
from streams.stretch import Stretch

SHRINKAGE = 0.01  # of PaDiM's covariances
LEARNED = 600  # pictures at most, as many as the detector's
Maps = NDArray[np.float32]


class Gaussians:
    """Learns when it is called; then a score for each picture of a stretch."""

    def __init__(self, method: MapsMethod, cost: dict[str, float]) -> None:
        self._method, self._cost = method, cost
        self._seconds, self._frames = {"padim": 0.0, "mahalanobis": 0.0}, 0

    def __call__(self, train: Sequence[Stretch]) -> "Gaussians":
        pictures = [picture for one in train for picture in one.pictures]
        some = pictures[:: -(-len(pictures) // LEARNED)]
        seen = np.stack([self._maps(picture) for picture in some])
        self._mean = seen.mean(axis=0)
        apart = (seen - self._mean).reshape(len(seen), -1, KEPT)
        spread = np.einsum("npi,npj->pij", apart, apart) / len(seen) + SHRINKAGE * np.eye(KEPT)
        self._own = np.linalg.cholesky(np.linalg.inv(spread)).astype(np.float32)
        pooled = np.cov(apart.reshape(-1, KEPT).T) + SHRINKAGE * np.eye(KEPT)
        self._pooled = np.linalg.cholesky(np.linalg.inv(pooled)).astype(np.float32)
        return self

    def score(self, stretch: Stretch) -> dict[str, NDArray[np.float64]]:
        scores = {}
        self._frames += len(stretch.pictures)
        for name in self._seconds:
            smoothed, found = Smoothed(), []
            began = time.thread_time()
            for picture in stretch.pictures:
                distances = self._distances(self._maps(picture) - self._mean, name)
                found.append(float(smoothed.add(distances, 1 / stretch.rate).max()))
            self._seconds[name] += time.thread_time() - began
            self._cost[f"{name}_frames_per_second"] = self._frames / self._seconds[name]
            scores[name] = np.array(found)
        return scores

    def _maps(self, picture: NDArray[np.uint8]) -> Maps:
        return self._method.view(picture).values.astype(np.float32)

    def _distances(self, apart: Maps, name: str) -> Maps:
        flat = apart.reshape(-1, 1, KEPT)
        white = flat @ self._own if name == "padim" else flat @ self._pooled
        distances: Maps = np.linalg.norm(white, axis=-1).reshape(apart.shape[:2]).astype(np.float32)
        return distances


def main() -> None:
    shared = Path(os.environ.get("FRAMEWARDEN_SHARED", "shared"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--data", type=Path, default=shared / "data" / "ucsd_ped2")
    parser.add_argument("--models", type=Path, default=shared / "models")
    parser.add_argument("--every", type=int, default=1, help="look at every so many pictures")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    limit_threads()
    limit_torch_threads()
    method = backbone_method(asked.backbone, Store(store_folders(asked.models, Path.cwd())))
    method.view(np.zeros((240, 320, 3), np.uint8))  # reads the weights, which is not to be timed
    cost: dict[str, float] = {}
    others = Gaussians(method, cost)
    data = asyncio.run(read(asked.data, asked.every, tell))
    result = measure(data, 1.0, tell, lambda train: others(train).score, method) | cost
    if asked.json:
        print(json.dumps(result))
    else:
        show(asked.backbone, result)


def show(name: str, result: dict[str, Any]) -> None:
    print("\r" + " " * 40, file=sys.stderr)
    rows = {name: result} | {
        each: result["baselines_all"][each]
        for each in ("padim", "mahalanobis")
        if each in result["baselines"]
    }
    print(f"{'':20}{'frame AUC':>22}{'EER':>22}   caught at 5 %   frames a second")
    for each, figures in rows.items():
        area, error = (
            f"{figures[key]:.3f} ({low:.3f}-{high:.3f})"
            for key in ("frame_auc", "frame_eer")
            for low, high in [figures[f"{key}_interval"]]
        )
        speed = result["frames_per_second_one_core" if each == name else f"{each}_frames_per_second"]
        print(f"{each:20}{area:>22}{error:>22}{figures['caught_at_5_percent']:>12.3f}{speed:>14.0f}")
    print(
        f"threshold of the budget {result['threshold']:.2f}: {result['caught_at_threshold']:.3f} of abnormal "
        f"frames at {result['false_at_threshold']:.3f} of normal ones; that of 5 % of "
        f"training frames: {result['caught_at_threshold_from_training']:.3f} at "
        f"{result['false_at_threshold_from_training']:.3f}\n"
        f"learned from {result['learn_frames']} frames in {result['learn_seconds']:.1f} s of one core, "
        "with the backbone; "
        f"{result['state_bytes'] / 1e6:.2f} MB of state"
    )


if __name__ == "__main__":
    main()
