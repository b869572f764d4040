"""How well scores tell abnormal from normal: areas, error rates, and how far to trust them."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Flags = NDArray[np.bool_]


def auc(scores: Scores, abnormal: Flags) -> float:
    """The chance that an abnormal one of the scores (N,) lies above a normal one; nan if one is missing."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    many, few = int(abnormal.sum()), int((~abnormal).sum())
    if not many or not few:
        return float("nan")
    return float((ranks[abnormal].sum() - many * (many + 1) / 2) / (many * few))


def eer(scores: Scores, abnormal: Flags) -> float:
    """The share of errors of either kind where both are as frequent; nan where one kind is missing."""
    if abnormal.all() or not abnormal.any():
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of those that score the same
    caught = np.cumsum(abnormal[order])[last] / abnormal.sum()
    false = np.cumsum(~abnormal[order])[last] / (~abnormal).sum()
    best = int(np.argmin(np.abs(false - (1 - caught))))
    return float((false[best] + 1 - caught[best]) / 2)


def caught_at(scores: Scores, abnormal: Flags, false: float) -> float:
    """The share of abnormal ones above a threshold that the share `false` of the normal ones exceeds."""
    return float((scores[abnormal] > np.quantile(scores[~abnormal], 1 - false)).mean())


def interval(
    measure: Callable[[Scores, Flags], float],
    scores: Sequence[Scores],
    abnormal: Sequence[Flags],
    draws: int = 300,
) -> tuple[float, float]:
    """95 % of what `measure` gives when clips are drawn anew with replacement (percentile bootstrap)."""
    chance = np.random.default_rng(0)
    seen = []
    for _ in range(draws):
        picked = chance.integers(0, len(scores), len(scores))
        flags = np.concatenate([abnormal[i] for i in picked])
        if flags.any() and not flags.all():
            seen.append(measure(np.concatenate([scores[i] for i in picked]), flags))
    if not seen:
        return float("nan"), float("nan")
    low, high = np.quantile(seen, [0.025, 0.975])
    return float(low), float(high)
