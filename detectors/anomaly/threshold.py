"""From a budget of false alarms to a threshold: how rare a block of footage with such a score is.

Peaks over threshold: Pickands, Statistical Inference Using Extreme Order Statistics, 1975. The estimate
extrapolates from minutes to days, so it leans to the safe side: the tail never counts as bounded, and its
scale carries a margin for the few peaks it was seen by.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 2.0  # seconds of footage that count as one chance for a false alarm
LIMIT = 12.0  # no score is as high,
TELLING = 10.0  # one block in 10^10: from here on a score says what is rarer, and no longer by how much
SHAPE_BELIEVED = (
    0.05  # the tail's shape as long as few peaks say otherwise: a little heavier than exponential
)
SHAPE_PEAKS = 20  # as many peaks weigh as much as that belief
SHAPE_MOST = 0.4
SCALE_FLOOR = 0.15  # of where the tail starts: no camera is more regular than that,
SCALE_BLOCKS = 60  # and the fewer blocks were seen of it, the less it is believed: with so many, half
ODD = 30.0  # times the median of squared scores from which a block is outlandish
LEFT_OUT = 0.15  # of all blocks may be left out as unusual
START_FLOOR = 0.1  # squared raw score: less is nothing that a person would see
_ROOM = LIMIT - TELLING


@dataclass(frozen=True, slots=True)
class Tail:
    """How often a block's highest raw score exceeds a level; modelled in squares, like a Gaussian."""

    start: float  # squared raw score from where the tail is modelled
    share: float  # of the blocks that exceed it
    scale: float
    shape: float
    blocks: int  # that were seen

    def surprise(self, raw: float) -> float:
        """-log10 of the share of blocks that exceed a raw score; beyond TELLING less, and below LIMIT."""
        energy = raw * raw
        if energy <= self.start:
            return -math.log10(1 - (1 - self.share) * energy / self.start)
        beyond = math.log1p(self.shape * (energy - self.start) / self.scale) / self.shape
        rare = beyond / math.log(10) - math.log10(self.share)
        return rare if rare <= TELLING else LIMIT - _ROOM * _ROOM / (_ROOM + rare - TELLING)

    def raw(self, surprise: float) -> float:
        """The raw score of such a surprise; without end where none is as high."""
        if surprise >= LIMIT:
            return math.inf
        if surprise > TELLING:
            surprise = TELLING + _ROOM * _ROOM / (LIMIT - surprise) - _ROOM
        least = -math.log10(self.share)
        if surprise <= least:
            return math.sqrt(self.start * (1 - 10**-surprise) / (1 - self.share))
        beyond = math.expm1(min(600, self.shape * (surprise - least) * math.log(10))) / self.shape
        return math.sqrt(self.start + self.scale * beyond)


def fit_tail(maxima: NDArray[np.floating]) -> Tail:
    """The tail of the highest raw scores (N,) of N >= 1 normal blocks that nothing was learned from."""
    ordered = np.sort(np.asarray(maxima, np.float64) ** 2)
    count = max(1, min(len(ordered) - 1, max(5, round(0.3 * len(ordered)))))
    start = max(float(ordered[-count - 1] if len(ordered) > count else ordered[0]), START_FLOOR)
    excess = np.maximum(ordered[-count:] - start, 0)
    mean, variance = float(excess.mean()), float(excess.var())
    seen = 0.5 * (1 - mean * mean / variance) if variance > 0 else 0.0  # by moments (Hosking and Wallis 1987)
    shape = (count * seen + SHAPE_PEAKS * SHAPE_BELIEVED) / (count + SHAPE_PEAKS)
    shape = min(max(shape, 0.02, SHAPE_BELIEVED * (1 - count / 200)), SHAPE_MOST)
    scale = mean * (1 - shape) * (1 + 1 / math.sqrt(count))
    scale = max(scale, SCALE_FLOOR * start * (1 + SCALE_BLOCKS / len(ordered)))
    share = min(0.9, (count + 1) / (len(ordered) + 2))
    return Tail(start, share, scale, shape, len(ordered))


def threshold_for(false_alarms_per_day: float) -> float:
    """The surprise that as many blocks a day exceed."""
    return -math.log10(min(0.5, false_alarms_per_day * BLOCK / 86_400))


def typical(maxima: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which blocks (N,) look like the others. Where too many do not, it is the camera that is like that."""
    energy = np.asarray(maxima, np.float64) ** 2
    odd: NDArray[np.bool_] = energy > ODD * max(float(np.median(energy)), START_FLOOR)
    return ~odd if odd.mean() <= LEFT_OUT else np.ones(len(energy), bool)
