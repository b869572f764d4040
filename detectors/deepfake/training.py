"""Trains one head on pairs of a real face and a fake one; the same data and seed, the same head."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from detectors.deepfake.compression import Compression
from detectors.deepfake.network import Head, contrastive_loss, folded
from detectors.deepfake.precision import quick
from detectors.deepfake.running import as_pictures
from detectors.deepfake.wear import Hardship, Wear
from detectors.diffusion.adamw import AdamW, one_cycle

BATCH: Final = 32
RATE: Final = 5e-4
NEW_RATE: Final = 1e-3  # of the layers that no backbone had
CONTRASTIVE: Final = 0.3  # its weight beside the cross entropy
DECAY: Final = 1e-2
WARM: Final = 0.15
NEW: Final = ("embed.", "decide.")  # those layers
AGAIN: Final = 12  # pictures of a batch are shown once more through another codec,
AGAIN_QUALITY: Final = (40, 96)  # of that quality,
ALIKE: Final = 0.5  # and the squared difference of the two logits weighs so much beside the cross entropy

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Lesson:
    """How a head is taught."""

    makers: Sequence[tuple[float, "Maker"]]  # of pairs, each with its share of them
    narrowest: float  # a face may be cut so much narrower: share of its picture
    hardship: Hardship
    together: bool  # both of a pair go through the same, so that only what is fake tells them apart
    steps: int
    contrastive: float = CONTRASTIVE


class Pair(NamedTuple):
    """A real picture and a fake one, of one size."""

    real: Picture
    fake: Picture


Maker = Callable[[Generator], Pair]


def train(lesson: Lesson, backbone: Mapping[str, Tensor], seed: int, done: Callable[[float], None]) -> Head:
    """A folded head; done(share) is called again and again."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    head = Head()
    head.begin_with(backbone)
    head.train().to(memory_format=torch.channels_last)
    new = [value for name, value in head.named_parameters() if name.startswith(NEW)]
    old = [value for name, value in head.named_parameters() if not name.startswith(NEW)]
    optimizers = ((AdamW(old, weight_decay=DECAY), RATE), (AdamW(new, weight_decay=DECAY), NEW_RATE))
    for step in range(lesson.steps):
        done(step / lesson.steps)
        pictures = _batch(lesson, chance)
        fake = torch.arange(BATCH) % 2 == 1
        which = chance.permutation(BATCH)[:AGAIN]
        again = [Compression.drawn(AGAIN_QUALITY, chance).of(pictures[index]) for index in which]
        with quick():
            told = head(as_pictures(pictures + again))
        logit, embedding = told.logit.float(), told.embedding.float()[:BATCH]
        loss = functional.binary_cross_entropy_with_logits(logit[:BATCH], fake.float())
        loss = loss + lesson.contrastive * contrastive_loss(embedding, fake)
        loss = loss + ALIKE * functional.mse_loss(logit[BATCH:], logit[torch.from_numpy(which)])
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer, rate in optimizers:
            optimizer.step(one_cycle(step, lesson.steps, rate, WARM))
    return folded(head.eval())


def _batch(lesson: Lesson, chance: Generator) -> list[Picture]:
    """BATCH pictures (SIDE, SIDE, 3), every second one fake."""
    shares = np.array([share for share, _ in lesson.makers])
    pictures: list[Picture] = []
    for _ in range(BATCH // 2):
        _, maker = lesson.makers[chance.choice(len(shares), p=shares / shares.sum())]
        pair = maker(chance)
        window = _window(lesson, len(pair.real), chance)
        wear = Wear.drawn(lesson.hardship, chance)
        other = wear if lesson.together else Wear.drawn(lesson.hardship, chance)
        pictures += [wear.of(pair.real[window]), other.of(pair.fake[window])]
    return pictures


def _window(lesson: Lesson, side: int, chance: Generator) -> tuple[slice, slice]:
    """A part of the picture, for faces are never cut the same twice."""
    kept = int(side * chance.uniform(lesson.narrowest, 1))
    top, left = (int(chance.integers(0, side - kept + 1)) for _ in range(2))
    return slice(top, top + kept), slice(left, left + kept)
