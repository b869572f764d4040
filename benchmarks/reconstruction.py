"""The reconstruction tier on the nearest thing to an inspection camera that is here: bottles on a table.

    python -m benchmarks.reconstruction [--seeds dev|test] [--train-seconds 600] [--every 2] [--json]

Trains a small U-Net of diffusers on the footage to learn from, as a user would on pictures of the product,
for so many seconds of one core; then plants events (benchmarks/anomaly_events.py) and scores the same clips
by what it restores, by a backbone, by the method that ships and by PaDiM.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from numpy.typing import NDArray

from benchmarks.anomaly_events import event_figures
from benchmarks.anomaly_tables import SHIPPED
from benchmarks.padim import Padim
from benchmarks.planted import SHARED, asking_of_planted, camera, clips, filmed
from benchmarks.planted import Store as Kept
from daemon.evaluate_trial import learned
from detectors.anomaly.method import Method
from detectors.anomaly.tier import backbone_method, reconstruction_method
from detectors.device import limit_threads, limit_torch_threads
from detectors.planting.events import EventKind
from detectors.store import Store, store_folders
from streams.stretch import Stretch

KINDS = ("left_behind", "removed", "unusual_texture", "flicker", "partial_cover")
SIDE = 64  # px that the U-Net draws
WIDTHS = (16, 32, 48, 64)  # channels
BATCH = 4
RATE = 2e-3
NOISED = 500  # of 1000 steps: restoring never begins further on
LIGHT = 0.05  # of brightness that training changes: lamps do, too
FORGETS = 0.02  # of the averaged weights, each step
RECONSTRUCTION = "product-unet"
Scores = NDArray[np.float64]


def trained(learn_from: Sequence[Stretch], folder: Path, seconds: float) -> tuple[int, float]:
    """A U-Net of these pictures in `folder`; how many steps it took, and the last loss."""
    small = [
        cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)[..., ::-1]
        for one in learn_from
        for picture in one.pictures
    ]
    data = torch.from_numpy(np.stack(small).copy()).permute(0, 3, 1, 2) / 127.5 - 1
    torch.manual_seed(1)
    levels = len(WIDTHS)
    network = UNet2DModel(
        sample_size=SIDE,
        layers_per_block=1,
        block_out_channels=WIDTHS,
        norm_num_groups=8,
        down_block_types=("DownBlock2D",) * levels,
        up_block_types=("UpBlock2D",) * levels,
    )
    noise = DDPMScheduler()
    optimizer = torch.optim.AdamW(network.parameters(), RATE)
    chance = torch.Generator().manual_seed(1)
    averaged = {name: value.clone() for name, value in network.state_dict().items()}
    began, steps, loss = time.process_time(), 0, float("nan")
    while (share := (time.process_time() - began) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1.0, steps / 50) * max(0.02, 1 - share)
        some = data[torch.randint(len(data), (BATCH,), generator=chance)]
        some = (some + LIGHT * torch.randn(BATCH, 3, 1, 1, generator=chance)).clamp(-1, 1)
        added = torch.randn(some.shape, generator=chance)
        step = torch.randint(0, NOISED, (BATCH,), generator=chance)
        error = (network(noise.add_noise(some, added, step), step).sample - added).square().mean()
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
        with torch.no_grad():
            for name, value in network.state_dict().items():
                averaged[name].lerp_(value, FORGETS)
        now = float(error.detach())
        loss = now if steps == 0 else 0.98 * loss + 0.02 * now
        steps += 1
    network.load_state_dict(averaged)
    DDPMPipeline(network, noise).save_pretrained(folder)
    return steps, loss


def thinned(stretch: Stretch, every: int) -> Stretch:
    return Stretch(list(stretch.pictures[::every]), stretch.rate / every)


def measured(asked: argparse.Namespace) -> dict[str, Any]:
    kept = Kept(asked.cache)
    raw = camera(asked.camera, asked.data, asked.seeds)
    learn_from = [thinned(one, asked.every) for one in filmed(raw, asked.seeds, kept)]
    with tempfile.TemporaryDirectory() as folder:
        models = Path(folder) / "models"
        began = time.process_time()
        steps, loss = trained(learn_from, models / RECONSTRUCTION, asked.train_seconds)
        result: dict[str, Any] = {
            "train_steps": steps, "train_loss": loss, "train_seconds": time.process_time() - began
        }  # fmt: skip
        print(f"trained: {steps} steps, loss {loss:.4f}", file=sys.stderr)
        packages = Store(store_folders(asked.models, Path(folder)))
        methods: dict[str, Method | None] = {
            SHIPPED: None,
            "backbone": backbone_method("efficientnet_lite0", packages),
            "reconstruction": reconstruction_method(RECONSTRUCTION, Store([models])),
        }
        scored: dict[str, list[tuple[str, NDArray[np.bool_], Scores]]] = {}
        for name, method in methods.items():
            scored[name], result[name] = _watched(name, method, learn_from, raw, asked, kept)
        padim = Padim(learn_from, asked.models / "mobilenet_v2-b0353104.pth")
        scored["padim"], result["padim"] = _each(raw, asked, kept, padim.score), {}
    result["events"] = _areas(scored)
    return result


def _watched(
    name: str,
    method: Method | None,
    learn_from: list[Stretch],
    raw: Any,
    asked: argparse.Namespace,
    kept: Kept,
) -> tuple[list[tuple[str, NDArray[np.bool_], Scores]], dict[str, float]]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as state:
        examinee = learned(learn_from, 1.0, Path(state), method)
        spent = pictures = 0.0

        def score(stretch: Stretch) -> Scores:
            nonlocal spent, pictures
            trial = examinee.watch(stretch.frames(name))
            spent, pictures = spent + trial.core_seconds, pictures + len(trial.scores)
            return trial.array()

        scores = _each(raw, asked, kept, score)
        figures = {
            "learn_seconds": examinee.learn_seconds,
            "ms_a_picture": 1000 * spent / pictures,
            "highest_plain": max(float(np.nanmax(said)) for kind, _, said in scores if kind == "plain"),
            "state_bytes": examinee.state_bytes,
        }
        examinee.close()
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return scores, figures


def _each(
    raw: Any, asked: argparse.Namespace, kept: Kept, score: Callable[[Stretch], Scores]
) -> list[tuple[str, NDArray[np.bool_], Scores]]:
    return [
        (clip.kind, clip.present[:: asked.every], score(thinned(clip.stretch, asked.every)))
        for clip in clips(raw, asked.kinds.split(","), asked.seeds, kept)
    ]


def _areas(
    scored: dict[str, list[tuple[str, NDArray[np.bool_], Scores]]],
) -> dict[str, dict[str, float]]:
    """{kind: {method: frame AUC}}, as the planted events' tables have it."""
    together = [
        (first[0], first[1], {name: one[2] for name, one in zip(scored, same, strict=True)})
        for same in zip(*scored.values(), strict=True)
        for first in [same[0]]
    ]
    plain = [(present, said) for kind, present, said in together if kind == "plain"]
    areas = {}
    for kind in EventKind:
        if own := [(present, said) for each, present, said in together if each == kind]:
            areas[str(kind)] = event_figures(own, plain, [])["frame_auc"]
    return areas


def show(result: dict[str, Any]) -> None:
    methods = list(next(iter(result["events"].values())))
    print(f"{'frame AUC':20}" + "".join(f"{name:>16}" for name in methods))
    for kind, areas in result["events"].items():
        print(f"{kind:20}" + "".join(f"{areas[name]:>16.3f}" for name in methods))
    means = {name: np.mean([areas[name] for areas in result["events"].values()]) for name in methods}
    print(f"{'mean':20}" + "".join(f"{means[name]:>16.3f}" for name in methods))
    for words, key in (
        ("highest, plain", "highest_plain"), ("ms a picture", "ms_a_picture"), ("s to learn", "learn_seconds")
    ):  # fmt: skip
        told = (result[name].get(key, float("nan")) for name in methods)
        print(f"{words:20}" + "".join(f"{number:>16.1f}" for number in told))
    print(
        f"U-Net: {result['train_steps']} steps in {result['train_seconds']:.0f} s of one core, loss "
        f"{result['train_loss']:.4f}"
    )


def main() -> None:
    parser = asking_of_planted(__doc__)
    parser.add_argument("--models", type=Path, default=SHARED / "models")
    parser.add_argument("--camera", default="bottles")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--every", type=int, default=2, help="look at every so many pictures")
    parser.add_argument("--train-seconds", type=float, default=600, help="of one core, for the U-Net")
    asked = parser.parse_args()
    limit_threads()
    limit_torch_threads()
    result = measured(asked)
    if asked.json:
        print(json.dumps(result, default=float))
    else:
        show(result)


if __name__ == "__main__":
    main()
