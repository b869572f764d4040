"""How unusual each cell is, and where in the picture that is.

A cell's features are compared with what the denoiser expects at several noise levels: where the density of
normal cells is low, the denoiser pulls hard (the score of the smoothed density, Vincent 2011). For strong
noise the pull on all features counts, for weak noise the strongest of those on each kind of them. No noise is
added, so the same frames score the same.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from detectors.anomaly.features import CELL, NAMES, Cells, Floats, Small
from detectors.detection import Region
from detectors.diffusion.edm import Denoiser

LEVELS = (1.0, 2.0, 3.0)  # sigma in whitened features: shows what is a little unusual in everything
FINE = (0.1, 0.25, 0.5)  # shows what is very unusual in one thing, but follows each walker's own ways:
FINE_SHARE = 1 / 3  # so it counts for so much of a cell's score
GROUPS = (  # what a cell can be unusual in
    ("sideways", "updown", "speed"),
    ("disorder",),
    ("quick", "arriving"),
    ("cover", "extent", "bulk"),
    ("contrast", "brightness", "blue", "red"),
    ("edges_upright", "edges_level", "edges_falling", "edges_rising"),
)
DEVIATIONS = 3.0  # that a cell is away from normal ones which scores 1, were these Gaussian
RARE = 0.3  # rarity, on its scale, from where on a place counts as much as the looks of what is there
EDGE = 4  # cells at the border where no place counts as rare: of what enters, now this and now that shows
MEMORY = 0.15  # seconds over which maps are averaged
BOXES = 5
PARTS = tuple([NAMES.index(name) for name in group] for group in GROUPS)


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """What one camera's cells usually hold."""

    mean: Floats  # (F,)
    whiten: Floats  # (F, F): (values - mean) @ whiten has unit covariance
    denoiser: Denoiser  # of whitened features, given the place
    rarity: Floats  # (rows, cols) 0..1: 1 where nothing was ever seen
    places: Floats  # (rows, cols) how restless each place is, 1 or more

    def strangeness(self, cells: Cells) -> Floats:
        """(N,) raw scores: how odd cells are, for less where the scene is restless."""
        return self.oddness(cells) / self.places[cells.rows, cells.cols]

    def oddness(self, cells: Cells) -> Floats:
        """(N,) how odd cells look, for more where hardly anything was ever seen."""
        if not len(cells.rows):
            return np.empty(0, np.float32)
        return self.odd_looks(cells) * (1 + self.rareness(cells) ** 2)

    def odd_looks(self, cells: Cells) -> Floats:
        """(N,) how unlike normal cells they look, wherever they are."""
        white, levels = self.white(cells), (*LEVELS, *FINE)
        clean = self._denoise(white, self._where(cells), levels).view(len(levels), *white.shape)
        pulls = ((clean - white) / torch.tensor(levels)[:, None, None]).numpy()  # (levels, N, F)
        together = np.linalg.norm(pulls[: len(LEVELS)], axis=2) / _gaussian(LEVELS)[:, None]
        moved = pulls[len(LEVELS) :] @ np.linalg.inv(self.whiten) / self.spread  # the features, in deviations
        apart = [np.linalg.norm(moved[..., part], axis=2).mean(axis=0) for part in PARTS]
        strongest = np.max(apart, axis=0) / _gaussian(FINE).mean()
        odd: Floats = (1 - FINE_SHARE) * together.mean(axis=0) + FINE_SHARE * strongest
        return odd

    def rareness(self, cells: Cells) -> Floats:
        """(N,) how rarely anything is there at all, in units of RARE."""
        height, width = self.rarity.shape
        rows, cols = cells.rows, cells.cols
        inner = np.minimum.reduce([rows, height - 1 - rows, cols, width - 1 - cols]) >= EDGE
        rare: Floats = inner * self.rarity[rows, cols] * cells.values[:, NAMES.index("cover")] / RARE
        return rare

    @property
    def spread(self) -> Floats:
        """(F,) the standard deviation of each feature among normal cells."""
        spread: Floats = np.linalg.norm(np.linalg.inv(self.whiten), axis=0)
        return spread

    def expected(self, cells: Cells, sigma: float = LEVELS[0]) -> Floats:
        """(N, F) the features that would be usual in these cells instead, as far as `sigma` looks."""
        return self.features(self._denoise(self.white(cells), self._where(cells), (sigma,)))

    def white(self, cells: Cells) -> torch.Tensor:
        """(N, F) whitened features."""
        return torch.from_numpy((cells.values - self.mean) @ self.whiten)

    def features(self, white: torch.Tensor) -> Floats:
        """(N, F) of whitened ones: the way back."""
        return np.linalg.solve(self.whiten.T, white.numpy().T).T + self.mean

    def _where(self, cells: Cells) -> torch.Tensor:
        return torch.from_numpy(place(cells.rows, cells.cols, self.places.shape))

    def _denoise(self, white: torch.Tensor, where: torch.Tensor, levels: tuple[float, ...]) -> torch.Tensor:
        """(levels * N, F): one pass for all noise levels."""
        sigma = torch.tensor(levels).repeat_interleave(len(white))
        with torch.inference_mode():
            clean: torch.Tensor = self.denoiser(
                white.repeat(len(levels), 1), sigma, where.repeat(len(levels), 1)
            )
        return clean


def _gaussian(levels: tuple[float, ...]) -> Floats:
    """(levels,) the pull on a cell that scores 1."""
    sigma = np.array(levels, np.float32)
    return DEVIATIONS * sigma / (1 + sigma * sigma)


def rarity(all_cells: Sequence[Cells], shape: tuple[int, ...]) -> Floats:
    """(rows, cols) how rarely something was seen there in so many pictures, 0..1 on a logarithmic scale."""
    visits = np.zeros(shape, np.float32)
    for cells in all_cells:
        visits[cells.rows, cells.cols] += 1
    visits = cv2.blur(visits, (3, 3), borderType=cv2.BORDER_REPLICATE)  # type: ignore[assignment]
    pictures = len(all_cells) + 1
    rare: Floats = np.log(pictures / (visits + 1)) / np.log(pictures)
    return rare.astype(np.float32)


def place(rows: NDArray[np.intp], cols: NDArray[np.intp], shape: tuple[int, ...]) -> Floats:
    """(N, 4) where cells lie, as the denoiser is told: coarse, so that it cannot learn places by heart."""
    down = 2 * rows / max(shape[0] - 1, 1) - 1
    across = 2 * cols / max(shape[1] - 1, 1) - 1
    return np.stack([down, across, down * down, across * across], axis=1).astype(np.float32)


class Map:
    """Raw scores over the picture, averaged over neighbours and over the last moments."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._now = np.zeros(shape, np.float32)
        self._fresh = True

    def forget(self) -> None:
        """The next picture stands alone."""
        self._fresh = True

    def add(self, cells: Cells, raw: Floats, seconds: float) -> Floats:
        """(rows, cols) after one more picture, `seconds` after the one before."""
        grid = np.zeros(self._now.shape, np.float32)
        grid[cells.rows, cells.cols] = raw
        grid = cv2.blur(grid, (3, 3))  # type: ignore[assignment]
        share = 1.0 if self._fresh else 1 - math.exp(-seconds / MEMORY)
        self._now = self._now + np.float32(share) * (grid - self._now)
        self._fresh = False
        return self._now


def strongest(scores: Floats, level: float) -> NDArray[np.bool_]:
    """(rows, cols) the place about the highest score, as far as scores reach a level."""
    _, marks = cv2.connectedComponents((scores >= level).astype(np.uint8))
    there: NDArray[np.bool_] = marks == marks.flat[int(scores.argmax())]
    return there


def boxes(scores: Floats, level: float, shown: Small) -> tuple[Region, ...]:
    """Where (rows, cols) scores reach a level, the highest first."""
    count, marks, stats, _ = cv2.connectedComponentsWithStats((scores >= level).astype(np.uint8))
    order = sorted(range(1, count), key=lambda mark: -float(scores[marks == mark].max()))
    found = []
    for left, top, width, height, _ in stats[order[:BOXES]]:
        # A cell gathers from the cell before it, too, and the map has been averaged over neighbours.
        edges = np.array([left - 0.5, top - 0.5, left + width - 0.5, top + height - 0.5]) * CELL
        edges = np.clip(edges / [shown.width, shown.height, shown.width, shown.height], 0, 1)
        found.append(Region(*map(float, (edges[0], edges[1], edges[2] - edges[0], edges[3] - edges[1]))))
    return tuple(found)
