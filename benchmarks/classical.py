"""With which figures the classical filters do best, by PSNR on training photos: what classical.py holds.

    .venv/bin/python -m benchmarks.classical PHOTOS [--photos 12]

Each of them is given the noise that was drawn, or, behind a camera, the mean one of all photos.
"""

import argparse
import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from detectors.denoising import damage
from detectors.denoising.camera import Camera
from detectors.denoising.classical import Bilateral, NonLocalMeans, Stabilised
from detectors.denoising.estimate import estimate
from detectors.denoising.noise import Noise, Picture, Restorer

PHOTONS, READ = damage.DARK_PHOTONS, damage.DARK_READ
DAMAGES: dict[str, tuple[Callable[[Picture, Generator], Picture], Noise | None]] = {
    "sigma 25": (lambda one, rng: damage.white(one, 25, rng), Noise(25 / 255)),
    "sigma 50": (lambda one, rng: damage.white(one, 50, rng), Noise(50 / 255)),
    "low light": (lambda one, rng: damage.low_light(one, rng), Noise(READ / PHOTONS, 1 / PHOTONS)),
    "camera": (lambda one, rng: damage.h264([Camera().film(one, rng) for _ in range(3)], 30), None),
}


def candidates(slow: bool) -> list[Restorer]:
    """What is tried."""
    fast: list[Restorer] = [
        Bilateral(diameter=diameter, likeness=likeness, reach=reach)
        for diameter, likeness, reach in itertools.product((9, 11), (3.0, 4.0, 5.0), (2.0, 3.0, 4.0))
    ]
    non_local: list[Restorer] = [
        NonLocalMeans(strength=strength, patch=patch, search=search)
        for strength, patch, search in itertools.product((0.4, 0.6, 0.8, 1.0), (3, 5, 7), (15,))
    ]
    return non_local if slow else fast


def psnr(one: Picture, other: Picture) -> float:
    """In decibel."""
    return float(-10 * np.log10(np.mean((one.astype(np.float64) - other) ** 2) / 255**2 + 1e-12))


def main(folder: Path, photos: int) -> None:
    """Prints the best five of each kind for each damage, and the mean over all damages."""
    cv2.setNumThreads(1)
    names = sorted(folder.glob("*.jpg"))
    chosen = names[:: max(1, len(names) // photos)][:photos]
    clean = [np.asarray(cv2.imread(str(name)), np.uint8) for name in chosen]
    for slow in (False, True):
        sums: dict[Restorer, list[float]] = {}
        for name, (harm, noise) in DAMAGES.items():
            harmed = [harm(one, np.random.default_rng([0, n])) for n, one in enumerate(clean)]
            told = [noise or estimate(one) for one in harmed]
            for plain in candidates(slow):
                both: list[Restorer] = [plain, Stabilised(plain)]
                for one in both if name in ("low light", "camera") else both[:1]:
                    values = [
                        psnr(one.restore(noisy, by), right)
                        for noisy, by, right in zip(harmed, told, clean, strict=True)
                    ]
                    sums.setdefault(one, []).append(float(np.mean(values)))
            _best(name, {one: values[-1] for one, values in sums.items()}, 4)
        _best("mean", {one: float(np.mean(values)) for one, values in sums.items() if len(values) > 2}, 4)


def _best(name: str, values: dict[Restorer, float], many: int) -> None:
    for one, value in sorted(values.items(), key=lambda pair: -pair[1])[:many]:
        print(f"{name:10} {value:6.2f} dB  {one}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos_folder", type=Path, metavar="PHOTOS")
    parser.add_argument("--photos", type=int, default=12)
    given = parser.parse_args()
    main(given.photos_folder, given.photos)
