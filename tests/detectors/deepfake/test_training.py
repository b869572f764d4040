"""How a head is taught: what is shown to it, and that one seed makes one head."""

import numpy as np
import pytest
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from detectors.deepfake import training
from detectors.deepfake.network import SIDE, Head, Told
from detectors.deepfake.training import AGAIN, BATCH, Lesson, Pair, train
from detectors.deepfake.wear import Hardship

UNTOUCHED = Hardship((1.0, 1.0), 0.0, 0.0, (0.1, 0.2), 0.0, 0.0, 0.0, 1.0, (40, 60))
SHOWN: list[Tensor] = []


class Watched(Head):
    """A head that begins with nothing, and keeps what it was shown."""

    def begin_with(self, tensors: object) -> None:
        """As it is."""

    def forward(self, pictures: Tensor) -> Told:
        SHOWN.append(pictures)
        return super().forward(pictures)


def pair(chance: Generator) -> Pair:
    """Grain about a grey of its own, a dark one and a light one."""

    def one(low: int) -> NDArray[np.uint8]:
        grey = chance.integers(low, low + 100)
        return np.clip(grey + chance.normal(0, 12, (SIDE, SIDE, 3)), 0, 255).astype(np.uint8)

    return Pair(one(10), one(140))


def test_it_is_shown_as_many_real_as_fake_pictures_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "Head", Watched)
    SHOWN.clear()
    train(Lesson([(1.0, pair)], 1.0, UNTOUCHED, True, 1), {}, 1, lambda _: None)
    light = SHOWN[0][:BATCH].mean(dim=(1, 2, 3))
    assert len(light) == BATCH
    assert (light[1::2] > light[::2]).all()


def test_some_are_shown_again_as_another_codec_leaves_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "Head", Watched)
    SHOWN.clear()
    train(Lesson([(1.0, pair)], 1.0, UNTOUCHED, True, 1), {}, 1, lambda _: None)
    first, again = SHOWN[0][:BATCH], SHOWN[0][BATCH:]
    assert len(again) == AGAIN
    apart = (again[:, None] - first[None]).abs().mean(dim=(2, 3, 4))  # (AGAIN, BATCH)
    nearest = apart.min(dim=1)
    assert len(set(nearest.indices.tolist())) == AGAIN, "each is another picture"
    assert (nearest.values > 0).sum() >= AGAIN - 1  # one may have gone through that very codec before
    assert (nearest.values < 0.5 * apart.median()).all()


def test_one_seed_makes_one_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "Head", Watched)
    heads = [train(Lesson([(1.0, pair)], 1.0, UNTOUCHED, True, 2), {}, 3, lambda _: None) for _ in range(2)]
    for one, other in zip(heads[0].parameters(), heads[1].parameters(), strict=True):
        assert torch.equal(one, other)
