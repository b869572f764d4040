"""Generated faces to train on without any generator: real ones, sent through an auto-encoder and back.

The hard negatives of DRCT (Chen et al., ICML 2024): nothing but the hand of the machine tells them from their
originals. Some latents are shaken or smoothed on the way, as a sampler leaves them.
"""

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from detectors.deepfake.autoencoder import AutoEncoder
from detectors.deepfake.wear import resized

SIDES: Final = (128, 192, 256, 320, 416)  # px at which a face is drawn anew: generators draw large,
SHARES: Final = (0.15, 0.25, 0.3, 0.2, 0.1)  # and what they draw is made smaller
SHAKEN: Final = 0.25  # share of the latents
SMOOTHED: Final = 0.25
AT_ONCE: Final = 4


def redrawn(
    pictures: NDArray[np.uint8], network: AutoEncoder, chance: Generator, done: Callable[[float], None]
) -> NDArray[np.uint8]:
    """Each of (N, S, S, 3) BGR drawn anew, (N, S, S, 3); done(share) is called again and again."""
    side = pictures.shape[1]
    drawn = np.empty_like(pictures)
    sides = chance.choice(SIDES, len(pictures), p=SHARES)
    finished = 0
    for size in SIDES:
        alike = np.flatnonzero(sides == size)
        for first in range(0, len(alike), AT_ONCE):
            some = alike[first : first + AT_ONCE]
            grown = np.stack([_grown(pictures[index], size) for index in some])
            for index, picture in zip(some, _trip(grown, network, chance), strict=True):
                drawn[index] = resized(picture, side)
            finished += len(some)
            done(finished / len(pictures))
    return drawn


def _grown(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    way = cv2.INTER_AREA if size < len(picture) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=way), np.uint8)


def _trip(pictures: NDArray[np.uint8], network: AutoEncoder, chance: Generator) -> NDArray[np.uint8]:
    values = torch.from_numpy(np.ascontiguousarray(pictures[..., ::-1])).permute(0, 3, 1, 2).float() / 255
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        latents = network.encode(values).float()
        latents = torch.stack([_disturbed(one, chance) for one in latents])
        back = network.decode(latents).float()
    told = (back.permute(0, 2, 3, 1) * 255).round().byte().numpy()[..., ::-1]
    return np.ascontiguousarray(told)


def _disturbed(latent: Tensor, chance: Generator) -> Tensor:
    """One latent (C, h, w), mostly as it is."""
    kind = chance.random()
    if kind < SHAKEN:
        noise = torch.from_numpy(chance.standard_normal(latent.shape, np.float32))
        return latent + latent.std() * float(chance.uniform(0.05, 0.25)) * noise
    if kind < SHAKEN + SMOOTHED:
        share = float(chance.uniform(0.2, 0.6))
        smooth = functional.avg_pool2d(latent[None], 3, 1, 1, count_include_pad=False)[0]
        return latent * (1 - share) + share * smooth
    return latent
