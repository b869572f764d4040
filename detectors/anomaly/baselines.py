"""What simpler methods make of the same footage: a score for each picture, learned from the same ones."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.anomaly.features import NAMES, Background, Cells, Observer, Recent, Small, empty_scene, shrink
from detectors.anomaly.score import Map
from streams.stretch import Stretch

Scores = NDArray[np.float64]
BELIEF = 20  # cells by which a place's own mean weighs as much as that of all places
SCENES = 150  # pictures for the median


class Features:
    """The same foreground, features, smoothing and maximum as the detector's; only a cell's score differs."""

    def __init__(self, learn_from: Sequence[Stretch]) -> None:
        small = [shrink(picture) for stretch in learn_from for picture in stretch.pictures]
        chosen = [small[i] for i in np.unique(np.linspace(0, len(small) - 1, SCENES).astype(int))]
        self._background: Background = empty_scene(
            np.stack([one.grey for one in chosen]), np.stack([one.colour for one in chosen])
        )
        cells = [one for stretch in learn_from for _, one in self.described(stretch)]
        self.shape = self._background.colour.shape[:2]
        values = np.concatenate([one.values for one in cells]).astype(np.float64)
        self._mean = values.mean(axis=0)
        spread = values.var(axis=0)
        self._precision = np.linalg.inv(np.cov(values.T) + np.diag(spread * 0.02 + 1e-6))
        total, square, count = (np.zeros((*self.shape, len(NAMES))) for _ in range(3))
        speeds, seen = np.zeros(self.shape[0]), np.zeros(self.shape[0])
        for one in cells:
            np.add.at(total, (one.rows, one.cols), one.values)
            np.add.at(square, (one.rows, one.cols), one.values.astype(np.float64) ** 2)
            np.add.at(count, (one.rows, one.cols), 1)
            np.add.at(speeds, one.rows, one.values[:, NAMES.index("speed")])
            np.add.at(seen, one.rows, 1)
        self._own_mean = (total + BELIEF * self._mean) / (count + BELIEF)
        second = (square + BELIEF * (spread + self._mean**2)) / (count + BELIEF)
        self._own_spread = np.maximum(second - self._own_mean**2, 1e-9)
        # How fast things are by row, as perspective has it: a line, drawn towards the mean of all.
        overall = speeds.sum() / max(seen.sum(), 1)
        by_row = (speeds + RESTING * overall) / (seen + RESTING)
        line = np.polynomial.Polynomial.fit(np.arange(len(by_row)), by_row, 1, w=np.sqrt(seen + 1))
        self._usual_speed = np.maximum(line(np.arange(len(by_row))), 0.3 * overall + 1e-6)

    def described(self, stretch: Stretch) -> Iterator[tuple[int, Cells]]:
        """(picture, cells) wherever something compares."""
        observer, recent = Observer(self._background), Recent()
        for index, picture in enumerate(stretch.pictures):
            small: Small = shrink(picture)
            pair = recent.past(small, index / stretch.rate)
            if pair is not None:
                yield index, observer.describe(small, *pair)
                observer.follow(small, 1 / stretch.rate)

    def pooled(self, one: Cells) -> Scores:
        apart = one.values - self._mean
        squares: Scores = np.einsum("ni,ij,nj->n", apart, self._precision, apart)
        return np.sqrt(np.maximum(squares, 0))

    def per_cell(self, one: Cells) -> Scores:
        apart = one.values - self._own_mean[one.rows, one.cols]
        squares: Scores = (apart**2 / self._own_spread[one.rows, one.cols]).sum(axis=1)
        return np.sqrt(squares)

    def speed(self, one: Cells) -> Scores:
        fast: Scores = one.values[:, NAMES.index("speed")] / self._usual_speed[one.rows]
        return fast


RESTING = 50  # cells by which a row's own speed weighs as much as that of all rows


def all_of_features(learned: Features, stretch: Stretch) -> dict[str, Scores]:
    """Speed and both Mahalanobis distances in one pass."""
    ways: dict[str, Callable[[Cells], Scores]] = {
        "speed": learned.speed,
        "mahalanobis": learned.pooled,
        "mahalanobis_cell": learned.per_cell,
    }
    maps = {name: Map(learned.shape) for name in ways}
    scores = {name: np.zeros(len(stretch.pictures)) for name in ways}
    for index, cells in learned.described(stretch):
        for name, way in ways.items():
            now = maps[name].add(cells, way(cells).astype(np.float32), 1 / stretch.rate)
            scores[name][index] = now.max()
    return scores


class Mog2:
    """The share of the picture that MOG2 (Zivkovic, ICPR 2004) takes for foreground."""

    def __init__(self, learn_from: Sequence[Stretch]) -> None:
        self._model = cv2.createBackgroundSubtractorMOG2(detectShadows=False)
        for stretch in learn_from:
            for picture in stretch.pictures:
                self._model.apply(shrink(picture).grey)

    def score(self, stretch: Stretch) -> Scores:
        """(N,) 0..1."""
        greys = (shrink(picture).grey for picture in stretch.pictures)
        return np.array([(self._model.apply(grey, learningRate=0) > 0).mean() for grey in greys])
