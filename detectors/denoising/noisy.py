"""Whether a picture is worth restoring: a small network over what its flattest places hold.

Taught on photos that were damaged by noise or made of coarse blocks, and on photos that were not damaged, or
only compressed as usual, which it must leave alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn import functional

from detectors.denoising import damage
from detectors.denoising.camera import Camera
from detectors.denoising.flatness import FEATURES, Floats, flatness
from detectors.denoising.noise import Picture

HIDDEN: Final = 16
STEPS: Final = 800
RATE: Final = 1e-2
DECAY: Final = 2e-2
TIMES: Final = 2  # that each photo is shown, each time at another size
LEAST_WHITE, MOST_WHITE = 10.0, 75.0  # grey levels of white noise worth removing
LITTLE_WHITE: Final = 5.0  # and of white noise that is not
LEAST_PHOTONS, MOST_PHOTONS = 6.0, 120.0
DIM: Final = 300.0  # electrons of white below which a camera's noise is worth removing
COARSE_JPEG: Final = (5, 15)  # quality of pictures whose blocks are worth smoothing,
USUAL_JPEG: Final = (30, 95)  # and of others
CODEC: Final = (24, 36)
USUAL_CODEC: Final = (26, 37)  # of H.264 alone that is to be left as it is,
COARSE_CODEC: Final = (40, 46)  # and of H.264 whose blocks are worth smoothing
NAMES: Final = ("mean", "spread", "first", "first_bias", "second", "second_bias")


@dataclass(frozen=True, slots=True, eq=False)
class Noisy:
    """The network's numbers: two layers behind a standardisation."""

    mean: Floats  # (FEATURES,)
    spread: Floats  # (FEATURES,)
    first: Floats  # (HIDDEN, FEATURES)
    first_bias: Floats  # (HIDDEN,)
    second: Floats  # (1, HIDDEN)
    second_bias: Floats  # (1,)

    def logit(self, picture: Picture) -> float:
        """How likely it is noisy, as log odds: above 0 more likely than not."""
        inner = np.tanh(self.first @ ((flatness(picture) - self.mean) / self.spread) + self.first_bias)
        return float((self.second @ inner + self.second_bias)[0])


def tensors_of(noisy: Noisy) -> dict[str, Tensor]:
    """By name, for a file of weights."""
    return {name: torch.from_numpy(np.ascontiguousarray(getattr(noisy, name))) for name in NAMES}


def noisy_from(tensors: Mapping[str, Tensor]) -> Noisy:
    """Back from a file. Raises KeyError where one is missing."""
    return Noisy(**{name: tensors[name].numpy() for name in NAMES})


def learn(photos: Sequence[Picture], seed: int) -> Noisy:
    """The same photos and seed give the same numbers."""
    chance = np.random.default_rng(seed)
    told, noisy = [], []
    for photo in photos:
        for _ in range(TIMES):
            for picture, is_noisy in _examples(_resized(photo, chance), chance):
                told.append(flatness(picture))
                noisy.append(float(is_noisy))
    features, wanted = np.array(told, np.float32), torch.tensor(noisy)
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(FEATURES, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 1))
    weight = torch.where(wanted == 0, 1.0, float((wanted == 0).sum() / (wanted == 1).sum()))
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    given = torch.from_numpy((features - mean) / spread)
    for _ in range(STEPS):
        loss = functional.binary_cross_entropy_with_logits(network(given)[:, 0], wanted, weight=weight)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    layers = [part.detach().numpy() for part in network.parameters()]
    return Noisy(mean, spread.astype(np.float32), *layers)


def _examples(photo: Picture, chance: Generator) -> list[tuple[Picture, bool]]:
    """Pictures, and whether each is noisy."""
    clean = [
        photo,
        damage.jpeg(photo, int(chance.integers(*USUAL_JPEG))),
        damage.h264([photo], int(chance.integers(*USUAL_CODEC))),
        damage.white(photo, chance.uniform(0, LITTLE_WHITE), chance),
    ]
    photons = float(np.exp(chance.uniform(np.log(LEAST_PHOTONS), np.log(MOST_PHOTONS))))
    noisy = [
        damage.white(photo, chance.uniform(LEAST_WHITE, MOST_WHITE), chance),
        damage.low_light(photo, chance, photons),
        damage.jpeg(photo, int(chance.integers(*COARSE_JPEG))),
        damage.h264([photo], int(chance.integers(*COARSE_CODEC))),
    ]
    one, other = Camera.drawn(chance), Camera.drawn(chance)
    if one.electrons < DIM:
        noisy.append(one.film(photo, chance))
    if other.electrons < DIM:
        noisy.append(damage.h264([other.film(photo, chance)], int(chance.integers(*CODEC))))
    return [(each, False) for each in clean] + [(each, True) for each in noisy]


def _resized(photo: Picture, chance: Generator) -> Picture:
    """At another size, and now and then as a camera sharpens."""
    times = chance.uniform(0.6, 1.6)
    how = cv2.INTER_AREA if times < 1 else cv2.INTER_CUBIC
    seen = cv2.resize(photo, None, fx=times, fy=times, interpolation=how)
    if chance.random() < 0.3:
        seen = cv2.addWeighted(seen, 1.7, cv2.GaussianBlur(seen, (0, 0), 1), -0.7, 0)
    return np.asarray(seen, np.uint8)
