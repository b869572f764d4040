"""How well other people's diffusion models draw a face anew: numbers for a head that learns what they mean.

A round trip through an auto-encoder, compared at several scales and through our own trunk (AEROBLADE, Ricker
et al., CVPR 2024; DIRE, Wang et al., ICCV 2023), and the error of one step of a U-Net in latent space (LaRE,
Luo et al., CVPR 2024). Blur, size and codec move such numbers more than fakes do, and either way: each
distance is told beside the picture's own detail, and a head has to be calibrated on real faces.
"""

from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from detectors.deepfake.network import Head
from detectors.deepfake.running import as_pictures
from detectors.deepfake.wear import Picture, resized
from detectors.device import Device
from detectors.diffusion.folders import NoiseGuesser

SIDE: Final = 256  # px: four latents of a Stable Diffusion to each of the trunk's coarsest cells
SCALES: Final = (1, 2, 4)  # times smaller
BLOCKS: Final = 8  # rows and columns, of which the worst tells of what is only partly drawn
DEPTHS: Final = (1, 3, 6, 10)  # blocks of the trunk
SHARES: Final = (0.05, 0.2, 0.4)  # of the way to pure noise
DRAWS: Final = 2  # of noise
SEED: Final = 11
LEAST: Final = 1e-5
_BATCH: Final = 4

Numbers = NDArray[np.float32]  # (N, F)


class AutoEncoder(Protocol):
    """Pictures (N, 3, SIDE, SIDE) in 0..1 to latents and back."""

    def encode(self, pictures: Tensor) -> Tensor: ...

    def decode(self, latents: Tensor) -> Tensor: ...


class Reconstruction:
    """Crops to numbers; frozen, and used from one thread."""

    side = SIDE

    def __init__(
        self, autoencoder: AutoEncoder, guesser: NoiseGuesser | None, trunk: Head, device: Device = "cpu"
    ) -> None:
        """`trunk`: any head of the shipped model, whose maps stand in for those of LPIPS."""
        self._autoencoder = autoencoder
        self._guesser = guesser
        self._trunk = trunk
        self._device = torch.device(device)
        self.features = self.describe([np.zeros((SIDE, SIDE, 3), np.uint8)]).shape[1]

    def describe(self, crops: Sequence[Picture]) -> Numbers:
        """(N, features) of square crops (S, S, 3) BGR of any size."""
        if not crops:
            return np.zeros((0, self.features), np.float32)
        found = []
        for first in range(0, len(crops), _BATCH):
            pictures = self._pictures(crops[first : first + _BATCH])
            with torch.inference_mode():
                latents = self._autoencoder.encode(pictures)
                told = [self._distances(pictures, self._autoencoder.decode(latents))]
                if self._guesser is not None:
                    told.append(_errors(self._guesser, latents))
            found.append(torch.cat(told, dim=1).float().cpu().numpy())
        return np.concatenate(found)

    def redraw(self, crops: Sequence[Picture]) -> list[Picture]:
        """The crops after their round trip, of the size they came in: fakes to learn from."""
        drawn = []
        for first in range(0, len(crops), _BATCH):
            some = crops[first : first + _BATCH]
            with torch.inference_mode():
                back = self._autoencoder.decode(self._autoencoder.encode(self._pictures(some)))
            told = (back.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).cpu().numpy()[..., ::-1]
            drawn += [
                resized(np.ascontiguousarray(one), len(crop)) for one, crop in zip(told, some, strict=True)
            ]
        return drawn

    def _pictures(self, crops: Sequence[Picture]) -> Tensor:
        return as_pictures([resized(crop, SIDE) for crop in crops]).to(self._device)

    def _distances(self, pictures: Tensor, drawn: Tensor) -> Tensor:
        told = []
        for scale in SCALES:
            own, back = (functional.avg_pool2d(each, scale) for each in (pictures, drawn))
            away = (own - back).abs().mean(dim=1, keepdim=True)  # (N, 1, h, w)
            coarse = functional.interpolate(functional.avg_pool2d(own, 2), scale_factor=2, mode="bilinear")
            detail = (own - coarse).abs().mean(dim=(1, 2, 3))
            mean = away.mean(dim=(1, 2, 3))
            worst = functional.adaptive_avg_pool2d(away, BLOCKS).flatten(1).amax(dim=1)
            told += [_log(mean), _log(worst), _log(mean) - _log(detail)]
        for own, back in zip(self._maps(pictures), self._maps(drawn), strict=True):
            told.append(_log((own - back).square().sum(dim=1).mean(dim=(1, 2))))
        return torch.stack(told, dim=1)

    def _maps(self, pictures: Tensor) -> list[Tensor]:
        """(N, C, h, w) each, of length 1 at each place."""
        trunk = self._trunk
        maps = functional.relu6(trunk.stem((pictures - trunk.mean) / trunk.spread))
        told = []
        for number, block in enumerate(trunk.blocks):
            maps = block(maps)
            if number in DEPTHS:
                told.append(functional.normalize(maps, dim=1))
        return told


def _errors(guesser: NoiseGuesser, latents: Tensor) -> Tensor:
    """How far the U-Net errs and how unevenly, at each of SHARES; the noise is always the same."""
    generator = torch.Generator().manual_seed(SEED)
    noises = torch.randn((DRAWS, 1, *latents.shape[1:]), generator=generator).to(latents.device)
    told = []
    for share in SHARES:
        away = torch.stack([guesser.error(latents, noise.expand_as(latents), share) for noise in noises])
        mean = away.mean(dim=0)  # (N, h, w)
        told += [_log(mean.mean(dim=(1, 2))), _log(mean.std(dim=(1, 2)))]
    return torch.stack(told, dim=1)


def _log(values: Tensor) -> Tensor:
    return values.clamp(min=LEAST).log()
