"""Restores pictures as a diffusion model knows them: partly noised, and denoised in few steps.

Wyatt et al., AnoDDPM, CVPR workshops 2022. What the model has never seen goes with the noise and does not
come back. The noise is always the same, so the same picture is restored in the same way.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from detectors.device import Device
from detectors.diffusion.folders import AutoEncoder, Diffusion, NoiseGuesser
from detectors.diffusion.pixels import PixelDiffusion, Pixels, open_any

SHARE: Final = 0.2  # of the way to pure noise: less hides little, more loses what is normal
STEPS: Final = 2  # on the way back
SIDE: Final = 256  # px of the longer side, for an auto-encoder alone
LATENTS: Final = 8  # rows and columns of latents are multiples of it, as U-Nets halve them three times
SEED: Final = 13


@dataclass(frozen=True, slots=True, eq=False)
class Restorer:
    """One of the three kinds of folder."""

    space: AutoEncoder | Pixels
    guesser: NoiseGuesser | None  # None: a round trip through the auto-encoder is all
    side: int | None = None  # px of the longer side, where the picture keeps its shape,
    square: tuple[int, int] | None = None  # or the height and width that it is stretched to
    step: int = 1  # px: sides are multiples of it

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that a picture must be brought to."""
        if self.square:
            return self.square
        scale = (self.side or SIDE) / max(height, width)
        return (
            max(self.step, round(scale * height / self.step) * self.step),
            max(self.step, round(scale * width / self.step) * self.step),
        )

    @torch.inference_mode()
    def restored(self, pictures: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) in 0..1, of that size, as they come back."""
        values = self.space.encode(pictures)
        if self.guesser is None:
            return self.space.decode(values)
        chance = torch.Generator().manual_seed(SEED)
        noise = torch.randn((1, *values.shape[1:]), generator=chance).to(values.device).expand_as(values)
        bound = 1.0 if isinstance(self.space, Pixels) else math.inf
        return self.space.decode(self.guesser.restored(values, noise, SHARE, STEPS, bound))


def open_restorer(folder: Path, device: Device = "cpu") -> Restorer:
    """Reads a folder that lies on this machine. Raises DetectorError, and says what is wanted."""
    match open_any(folder, device):
        case PixelDiffusion(pixels, guesser, size):
            return Restorer(pixels, guesser, square=size)
        case Diffusion(autoencoder, None):
            return Restorer(autoencoder, None, SIDE, step=autoencoder.step)
        case Diffusion(autoencoder, guesser, side):
            wide = side * autoencoder.step if side else 2 * SIDE
            return Restorer(autoencoder, guesser, wide, step=LATENTS * autoencoder.step)
