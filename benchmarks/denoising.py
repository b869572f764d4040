"""The denoiser on its own: PSNR on Kodak24 beside published figures, what it costs, and when its gate opens.

    python -m benchmarks.denoising [PHOTOS] [--weights FILE] [--train TRAIN_PHOTOS] [--json]

PHOTOS are clean and were not learned from (kodak24). White Gaussian noise is neither rounded nor cut off, as
in the papers, and its strength is either told or estimated from the picture. The gate is asked about photos
of --train (bsds500/val), none of which it has seen either. One thread.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch
from numpy.random import Generator, default_rng
from torch.utils.flop_counter import FlopCounterMode

from daemon.evaluate_objects_ways import DAMAGES
from detectors.denoising import damage
from detectors.denoising.classical import Bilateral, NonLocalMeans, Stabilised
from detectors.denoising.estimate import estimate
from detectors.denoising.gate import OPENS
from detectors.denoising.model import SHIPPED, DenoiserModel
from detectors.denoising.network import Denoising
from detectors.denoising.noise import Noise, Picture, Restorer
from detectors.device import limit_threads, limit_torch_threads

SIGMAS: Final = (15, 25, 50)
# Colour Kodak24 as printed by Zhang et al., Plug-and-Play Image Restoration with Deep Denoiser Prior, TPAMI
# 2021. Theirs are the whole photos (768x512), not crops.
PUBLISHED: Final[Mapping[str, tuple[float, ...]]] = {
    "CBM3D": (34.28, 31.68, 28.46),
    "DnCNN": (34.60, 32.14, 28.95),
    "FFDNet": (34.63, 32.13, 28.98),
    "DRUNet": (35.31, 32.89, 29.86),
}
FRAME: Final = (384, 640)
TIMES: Final = 10


def psnr(one: Any, other: Any) -> float:
    """Of values in 0..1, dB."""
    return float(-10 * np.log10(np.mean((np.clip(one, 0, 1) - other) ** 2)))


def photos(folder: Path) -> list[Picture]:
    found = [cv2.imread(str(path)) for path in sorted(folder.iterdir()) if path.suffix in (".png", ".jpg")]
    return [np.asarray(one, np.uint8) for one in found if one is not None]


def white(pictures: Sequence[Picture], model: DenoiserModel) -> dict[str, list[float]]:
    """PSNR by way, one for each of SIGMAS."""
    rows: dict[str, list[float]] = {
        "noisy": [], "bilateral": [], "non-local means": [], "denoiser, told": [], "denoiser, estimated": [],
    }  # fmt: skip
    for sigma in SIGMAS:
        found: dict[str, list[float]] = {name: [] for name in rows}
        for number, clean in enumerate(pictures):
            noisy = damage.white_unclipped(clean, sigma, default_rng((number, sigma))) / np.float32(255)
            seen = np.asarray(np.clip(np.rint(255 * noisy), 0, 255), np.uint8)
            truth, told = clean / np.float32(255), Noise(sigma / 255)
            found["noisy"].append(psnr(noisy, truth))
            for name, classical in (("bilateral", Bilateral()), ("non-local means", NonLocalMeans())):
                found[name].append(psnr(classical.restore(seen, told) / np.float32(255), truth))
            found["denoiser, told"].append(psnr(model.restore_values(noisy, told), truth))
            found["denoiser, estimated"].append(psnr(model.restore_values(noisy, estimate(seen)), truth))
        for name, values in found.items():
            rows[name].append(float(np.mean(values)))
    return rows


def damaged(pictures: Sequence[Picture], model: DenoiserModel) -> dict[str, dict[str, float]]:
    """Mean PSNR by damage and way, all by what is estimated of the noise."""
    ways: Mapping[str, Restorer] = {
        "bilateral": Bilateral(), "bilateral+vst": Stabilised(Bilateral()), "denoiser": model,
    }  # fmt: skip
    rows: dict[str, dict[str, float]] = {}
    for name in ("low light", "camera", "jpeg 10", "crf 35", "clean"):
        found: dict[str, list[float]] = {way: [] for way in ("none", *ways)}
        for number, clean in enumerate(pictures):
            seen = DAMAGES[name](clean, default_rng(number))
            truth, noise = clean / np.float32(255), estimate(seen)
            found["none"].append(min(99.0, psnr(seen / np.float32(255), truth + 1e-9)))
            for way, restorer in ways.items():
                found[way].append(psnr(restorer.restore(seen, noise) / np.float32(255), truth))
        rows[name] = {way: float(np.mean(values)) for way, values in found.items()}
    return rows


def gate(pictures: Sequence[Picture], model: DenoiserModel) -> dict[str, float]:
    """The share of photos that it would have restored, by what was done to them."""

    def opens(harm: Callable[[Picture, Generator], Picture]) -> float:
        seen = [model.noisy.logit(harm(one, default_rng(number))) for number, one in enumerate(pictures)]
        return float(np.mean([logit >= OPENS for logit in seen]))

    return {name: opens(harm) for name, harm in DAMAGES.items()}


def cost(model: DenoiserModel) -> dict[str, float]:
    """Milliseconds for one 640x384 frame, the best of several, and what is computed for it."""
    frame = np.random.default_rng(0).integers(0, 255, (*FRAME, 3)).astype(np.uint8)
    noise = Noise(25 / 255)
    works: dict[str, Callable[[], Any]] = {
        "denoiser": lambda: model.restore(frame, noise),
        "estimate": lambda: estimate(frame),
        "gate": lambda: model.noisy.logit(frame),
        "bilateral": lambda: Bilateral().restore(frame, noise),
    }
    told = {}
    for name, work in works.items():
        work()
        spent = []
        for _ in range(TIMES):
            began = time.perf_counter()
            work()
            spent.append(time.perf_counter() - began)
        told[f"{name} ms"] = 1000 * min(spent)
    return told | {"denoiser giga multiply-adds": multiply_adds() / 1e9}


def multiply_adds() -> float:
    """Multiply-adds of one frame, as torch counts them."""
    network = Denoising().eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(torch.zeros(1, 3, *FRAME), torch.zeros(1, 3))
    return float(counter.get_total_flops() / 2)


def main() -> None:
    """Prints tables, or with --json one JSON object."""
    data = Path(os.environ.get("FRAMEWARDEN_SHARED", "shared")) / "data"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, nargs="?", default=data / "kodak24")
    parser.add_argument("--train", type=Path, default=data / "bsds500" / "val", help="photos for the gate")
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    limit_threads()
    limit_torch_threads()
    torch.manual_seed(0)
    model = DenoiserModel(asked.weights)
    result = {
        "cost": cost(model),
        "white": white(photos(asked.photos), model),
        "published": PUBLISHED,
        "damaged": damaged(photos(asked.photos), model),
        "gate": gate(photos(asked.train), model),
    }
    print(json.dumps(result) if asked.json else _words(result))


def _words(result: dict[str, Any]) -> str:
    lines = ["PSNR, dB, at sigma " + " / ".join(map(str, SIGMAS))]
    lines += [
        f"  {name:22}" + "  ".join(f"{each:5.2f}" for each in row) for name, row in result["white"].items()
    ]
    lines += [f"  {name:22}" + "  ".join(f"{each:5.2f}" for each in row) for name, row in PUBLISHED.items()]
    lines += ["PSNR, dB, by estimated noise"]
    for name, row in result["damaged"].items():
        lines.append(f"  {name:12}" + "  ".join(f"{way} {value:5.2f}" for way, value in row.items()))
    lines += ["share of photos that the gate restores"]
    lines += [f"  {name:12}{share:6.3f}" for name, share in result["gate"].items()]
    lines += ["cost of a 640x384 frame, one thread"]
    lines += [f"  {name:30}{value:8.2f}" for name, value in result["cost"].items()]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
