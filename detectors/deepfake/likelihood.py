"""From how fake single crops of one face look to how likely the face is fake: a sequential likelihood ratio.

Crops of one clip are alike, so a hundred of them prove little more than a few. What the scores of real faces
do is therefore told by two variances, between clips and within one, and the ratio is that of two such clips
(a random effect of the clip; Searle et al., Variance Components, 1992). A likelihood ratio that is looked at
again and again exceeds 1 / alpha for a real face with a chance of at most alpha (Ville 1939; Wald, Sequential
Analysis, 1945).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clips:
    """How the scores of real faces spread, and where those of fakes lie; scores have no unit."""

    real: float  # the mean of clips of real faces
    fake: float  # the mean of clips of fakes
    between: float  # variance between clips of real faces
    within: float  # variance of crops within a clip

    def log_ratio(self, mean: float, crops: int) -> float:
        """In nats, above 0: rather fake. `mean` of the scores of so many crops of one face."""
        variance = self.between + self.within / crops
        return (self.fake - self.real) * (mean - (self.real + self.fake) / 2) / variance

    @classmethod
    def of(cls, real: Sequence[Floats], fake: Sequence[Floats]) -> Self:
        """Learned from the scores of clips, one array each."""
        means = np.array([clip.mean() for clip in real])
        inner = [clip for clip in real if len(clip) > 1]
        free = sum(len(clip) - 1 for clip in inner)
        within = sum(((clip - clip.mean()) ** 2).sum() for clip in inner) / free if free else 0.0
        drawn = np.mean([1 / len(clip) for clip in real])  # how much of it the spread of means contains
        between = max(float(means.var(ddof=1)) - float(within) * float(drawn), float(within) / 10, 1e-6)
        return cls(
            real=float(means.mean()),
            fake=float(np.mean([clip.mean() for clip in fake])),
            between=between,
            within=float(within),
        )


def chance(log_ratio: float) -> float:
    """0..1: how likely it is fake, where half of what is looked at is."""
    return 1 / (1 + math.exp(-max(-700.0, min(700.0, log_ratio))))
