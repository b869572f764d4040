"""Trains one head on pairs of a real face and a fake one, worn alike; same data and seed, same head."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from detectors.deepfake.model import as_pictures
from detectors.deepfake.network import Head, contrastive_loss, folded
from detectors.deepfake.wear import Wear
from detectors.diffusion.adamw import AdamW, one_cycle

BATCH: Final = 32
RATE: Final = 5e-4
NEW_RATE: Final = 1e-3  # of the layers that no backbone had
CONTRASTIVE: Final = 0.3  # its weight beside the cross entropy
DECAY: Final = 1e-2
WARM: Final = 0.15
SCALE: Final = 0.75  # a face may be cut so much narrower
NEW: Final = ("embed.", "decide.")  # those layers

Picture = NDArray[np.uint8]


class Pair(NamedTuple):
    """A real picture and a fake one, of one size."""

    real: Picture
    fake: Picture


Maker = Callable[[Generator], Pair]


def train(
    makers: Sequence[tuple[float, Maker]],
    backbone: Mapping[str, Tensor],
    steps: int,
    seed: int,
    done: Callable[[float], None],
) -> Head:
    """A folded head. `makers` make the pairs, each its share; done(share) is called again and again."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    head = Head()
    head.begin_with(backbone)
    head.train().to(memory_format=torch.channels_last)
    new = [value for name, value in head.named_parameters() if name.startswith(NEW)]
    old = [value for name, value in head.named_parameters() if not name.startswith(NEW)]
    optimizers = ((AdamW(old, weight_decay=DECAY), RATE), (AdamW(new, weight_decay=DECAY), NEW_RATE))
    shares = np.array([share for share, _ in makers])
    for step in range(steps):
        done(step / steps)
        pictures, fake = _batch([maker for _, maker in makers], shares / shares.sum(), chance)
        with torch.autocast("cpu", torch.bfloat16):
            told = head(pictures)
        loss = functional.binary_cross_entropy_with_logits(told.logit.float(), fake.float())
        loss = loss + CONTRASTIVE * contrastive_loss(told.embedding.float(), fake)
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer, rate in optimizers:
            optimizer.step(one_cycle(step, steps, rate, WARM))
    return folded(head.eval())


def _batch(makers: Sequence[Maker], shares: NDArray[np.float64], chance: Generator) -> tuple[Tensor, Tensor]:
    """BATCH pictures (BATCH, 3, SIDE, SIDE), every second one fake, and which of them are."""
    pictures: list[Picture] = []
    for _ in range(BATCH // 2):
        pair = makers[chance.choice(len(makers), p=shares)](chance)
        worn, window = Wear.drawn(chance), _window(len(pair.real), chance)
        pictures += [worn.of(each[window]) for each in pair]
    return as_pictures(pictures), torch.arange(BATCH) % 2 == 1


def _window(side: int, chance: Generator) -> tuple[slice, slice]:
    """A part of the picture, for faces are never cut the same twice."""
    kept = int(side * chance.uniform(SCALE, 1))
    top, left = (int(chance.integers(0, side - kept + 1)) for _ in range(2))
    return slice(top, top + kept), slice(left, left + kept)
