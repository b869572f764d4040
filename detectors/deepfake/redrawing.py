"""Generated faces to train on without any generator: real ones, sent through an auto-encoder and back.

The hard negatives of DRCT (Chen et al., ICML 2024): nothing but the hand of the machine tells them from their
originals.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.deepfake.autoencoder import AutoEncoder
from detectors.deepfake.precision import quick
from detectors.deepfake.wear import resized

SIDES: Final = (96, 128, 160)  # px at which a face is drawn anew: about what a head looks at
SHARES: Final = (0.2, 0.5, 0.3)
AT_ONCE: Final = 8


def redrawn(
    pictures: NDArray[np.uint8], network: AutoEncoder, chance: Generator, done: Callable[[float], None]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Each of (N, S, S, 3) BGR drawn anew, and beside it as it was, made small and large again like it.

    done(share) is called again and again.
    """
    side = pictures.shape[1]
    drawn, originals = np.empty_like(pictures), np.empty_like(pictures)
    sides = chance.choice(SIDES, len(pictures), p=SHARES)
    finished = 0
    for size in SIDES:
        alike = np.flatnonzero(sides == size)
        for first in range(0, len(alike), AT_ONCE):
            some = alike[first : first + AT_ONCE]
            small = np.stack([resized(pictures[index], size) for index in some])
            for index, one, picture in zip(some, small, trip(small, network), strict=True):
                drawn[index], originals[index] = resized(picture, side), resized(one, side)
            finished += len(some)
            done(finished / len(pictures))
    return drawn, originals


def trip(pictures: NDArray[np.uint8], network: AutoEncoder) -> NDArray[np.uint8]:
    """Pictures (N, H, W, 3) BGR, sides multiples of 8, there and back."""
    values = torch.from_numpy(np.ascontiguousarray(pictures[..., ::-1])).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode(), quick():
        back = network.decode(network.encode(values)).float()
    told = (back.permute(0, 2, 3, 1) * 255).round().byte().numpy()[..., ::-1]
    return np.ascontiguousarray(told)
