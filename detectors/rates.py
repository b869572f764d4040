"""How often something will happen, from how often it was seen: rates with honest intervals."""

import math

import numpy as np
from numpy.typing import NDArray

DAY = 86_400.0
PEAKS = 0.3  # of the blocks, from which the tail is taken
LEAST_BLOCKS = 30
LEAST_SCALE = 0.05  # of a score: no tail is steeper than that
TOGETHER = 15  # blocks that are drawn together: neighbours are not independent


def poisson_interval(count: int, exposure: float) -> tuple[float, float]:
    """95 % for the rate behind `count` events in so much exposure (Garwood, Biometrika 1936)."""

    def rate(target: float, at_most: int) -> float:
        low, high = 0.0, 10.0 + 4 * at_most + 10 * math.sqrt(at_most + 1)
        for _ in range(80):
            middle = (low + high) / 2
            terms = (
                math.exp(-middle + k * math.log(middle) - math.lgamma(k + 1)) for k in range(at_most + 1)
            )
            low, high = (middle, high) if sum(terms) > target else (low, middle)
        return (low + high) / 2

    lowest = rate(0.975, count - 1) if count else 0.0
    return lowest / exposure, rate(0.025, count) / exposure


def expected_a_day(
    maxima: NDArray[np.floating], threshold: float, block: float
) -> tuple[float, float, float] | None:
    """How many blocks of so many seconds a day will exceed a threshold, and 95 % by drawing blocks anew.

    `maxima` (N,) are the highest scores of normal blocks; beyond what was seen the tail is exponential in
    the score, as a surprise is by its meaning. None where there are too few blocks to say.
    """
    if len(maxima) < LEAST_BLOCKS:
        return None

    def rate(some: NDArray[np.floating]) -> float:
        start = float(np.quantile(some, 1 - PEAKS))
        over = some[some > start] - start
        if threshold <= start or not len(over):
            return float((some >= threshold).mean()) * DAY / block
        scale = max(float(over.mean()), LEAST_SCALE)
        return len(over) / len(some) * math.exp(-(threshold - start) / scale) * DAY / block

    chance = np.random.default_rng(0)
    runs = np.array_split(maxima, max(2, len(maxima) // TOGETHER))
    drawn = [
        rate(np.concatenate([runs[i] for i in chance.integers(0, len(runs), len(runs))])) for _ in range(500)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return rate(np.asarray(maxima)), float(low), float(high)
