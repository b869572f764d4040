"""`framewarden train denoiser`: makes the weights that stand before object detectors, from photos."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from rich.console import Console

from daemon.bar import told
from daemon.evaluate_footage import FootageError
from detectors.denoising.model import save
from detectors.denoising.noise import Picture
from detectors.denoising.noisy import learn
from detectors.denoising.training import PATCH, Tell, train
from detectors.device import limit_threads, limit_torch_threads

DONE: Final = 0
FEW: Final = 20  # photos
SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


async def train_denoiser(folders: Sequence[Path], out: Path, steps: int, seed: int) -> int:
    """Writes the weights to `out`; beside it lies what an interrupted training goes on from.

    Raises FootageError.
    """
    photos = await asyncio.to_thread(read, folders)
    await told(lambda tell: make(photos, out, steps, seed, tell))
    say = Console(highlight=False, soft_wrap=True)
    say.print(f"{out}: learned from {len(photos)} photos in {steps} steps", markup=False)
    say.print("see how good it is: python -m benchmarks.denoising PHOTOS --weights " + str(out), markup=False)
    return DONE


def make(photos: Sequence[Picture], out: Path, steps: int, seed: int, tell: Tell) -> None:
    """The network, and when it is asked, from the same photos."""
    limit_threads()
    limit_torch_threads()
    network = train(photos, steps, seed, out.with_suffix(".training"), tell)
    tell("learning what is noisy", 1.0)
    save(out, network, learn(photos, seed))


def read(folders: Sequence[Path]) -> list[Picture]:
    """All photos in folders and the folders in them, by their paths. Raises FootageError."""
    within = (path for folder in folders for path in folder.rglob("*"))
    found = sorted(path for path in within if path.suffix.lower() in SUFFIXES)
    pictures = [cv2.imread(str(path), cv2.IMREAD_COLOR) for path in found]
    photos = [
        np.asarray(one, np.uint8) for one in pictures if one is not None and min(one.shape[:2]) >= 2 * PATCH
    ]
    if len(photos) < FEW:
        where = ", ".join(map(str, folders))
        raise FootageError(
            f"there are {len(photos)} photos of {2 * PATCH} px and more in {where}: {FEW} are the least, and "
            "some hundreds are better"
        )
    return photos
