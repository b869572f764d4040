"""What a face can be told a fake by without looking at it closely: colours and sharpness, weighed linearly.

Where such a score tells two sets apart, they differ in light or codec, and any detector's figure on them owes
something to that.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.deepfake.crop import Crop

BLOCKS: Final = 4  # rows and columns
FEATURES: Final = 6 + BLOCKS * BLOCKS
PULL: Final = 1.0  # towards no weight at all, as much as one picture of a standard deviation's error
STEPS: Final = 25  # of Newton's method; ten are enough

Floats = NDArray[np.float64]


def described(crop: Crop) -> Floats:
    """(FEATURES,) of a crop with what is around it: colours, and the log sharpness of blocks."""
    colours = np.asarray(crop.around, np.float64).reshape(-1, 3)
    bend = cv2.Laplacian(cv2.cvtColor(crop.around, cv2.COLOR_BGR2GRAY), cv2.CV_64F)
    rows = [
        float(np.log(block.var() + 1))
        for row in np.array_split(bend, BLOCKS)
        for block in np.array_split(row, BLOCKS, axis=1)
    ]
    return np.concatenate([colours.mean(axis=0), colours.std(axis=0), rows])


class Linear:
    """Logistic regression of features (N, F) with labels (N,), where both kinds weigh the same."""

    def __init__(self, features: Floats, fake: NDArray[np.bool_]) -> None:
        self._mean, self._spread = features.mean(axis=0), features.std(axis=0) + 1e-9
        inputs = self._inputs(features)
        weigh = np.where(fake, 0.5 / max(1, fake.sum()), 0.5 / max(1, (~fake).sum())) * len(fake)
        pull = np.diag([PULL] * features.shape[1] + [1e-6])  # none on the constant
        self._weights = np.zeros(inputs.shape[1])
        for _ in range(STEPS):
            share = 1 / (1 + np.exp(-np.clip(inputs @ self._weights, -30, 30)))
            slope = inputs.T @ (weigh * (share - fake)) + pull @ self._weights
            bend = (inputs * (weigh * share * (1 - share))[:, None]).T @ inputs + pull
            self._weights = self._weights - np.linalg.solve(bend, slope)

    def score(self, features: Floats) -> Floats:
        """(N,) above 0: rather fake."""
        return np.asarray(self._inputs(features) @ self._weights)

    def _inputs(self, features: Floats) -> Floats:
        return np.column_stack([(features - self._mean) / self._spread, np.ones(len(features))])


def cross_validated(features: Sequence[Floats], fake: Sequence[bool], folds: int = 4) -> list[Floats] | None:
    """Scores of clips, each (n, F), by weights that were learned from other clips.

    None where either kind has fewer clips than `folds`.
    """
    own = {False: 0, True: 0}
    fold = []
    for one in fake:  # each kind in turn: every fold has both
        fold.append(own[one] % folds)
        own[one] += 1
    if min(own.values()) < folds:
        return None
    scores = [np.zeros(0)] * len(features)
    for number in range(folds):
        learn = [at for at, it in enumerate(fold) if it != number]
        flags = np.concatenate([np.full(len(features[at]), fake[at]) for at in learn])
        linear = Linear(np.concatenate([features[at] for at in learn]), flags)
        for at, it in enumerate(fold):
            if it == number:
                scores[at] = linear.score(features[at])
    return scores
