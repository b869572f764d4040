"""How alike two pictures of one place are, cell by cell, and by how much the one is shifted."""

from dataclasses import dataclass

import cv2
import numpy as np

from detectors.quality.look import Cells, Floats, Look, cell_means, cell_statistics

TEXTURED = 3.0  # grey levels: a cell of the reference that deviates more can be known again
AT_REST = 0.7  # mean correlation with the last second
FADED = 0.35  # of the reference's deviation


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """A picture against the reference, by cells (rows, columns)."""

    correlation: Floats  # -1..1: blind to brightness and contrast, so to lamps and clouds
    deviation: Floats  # grey levels, of the picture
    reference: Floats  # grey levels, of the reference
    lifted: Floats  # grey levels, between their means

    def agreement(self, usual: Floats, steady: Cells) -> float:
        """Correlation of the steady cells as a share of what is usual, 0..1; 1 where there are none."""
        if not steady.any():
            return 1.0
        return float(np.clip(self.correlation[steady].sum() / usual[steady].sum(), 0, 1))

    def hidden(self, steady: Cells, faded: Cells) -> float:
        """Share of the steady cells, of which there are some, whose structure is gone from the picture.

        Where a camera looks elsewhere, structure that fades here appears there; behind a hand little does.
        """
        appeared = int(((self.deviation >= TEXTURED) & (FADED * self.deviation > self.reference)).sum())
        gone = int(faded.sum())
        return (gone if 2 * appeared < gone else max(0, gone - appeared)) / int(steady.sum())


def correlated(
    picture: Floats,
    statistics: tuple[Floats, Floats],
    reference: Floats,
    reference_statistics: tuple[Floats, Floats],
) -> Likeness:
    """Normalised cross-correlation in each cell of two (H, W) pictures, whose cells' statistics are known."""
    (mean, deviation), (other, usual) = statistics, reference_statistics
    together = cell_means(picture * reference, (mean.shape[0], mean.shape[1])) - mean * other
    return Likeness(together / np.maximum(deviation * usual, 1e-3), deviation, usual, np.abs(mean - other))


def enough(steady: Cells) -> bool:
    """Whether there are cells enough to know a place by."""
    return int(steady.sum()) >= max(1, steady.size // 8)


def at_rest(look: Look, recent: Floats) -> bool:
    """A lorry that fills the picture passes on; a camera that was turned then looks at the same."""
    statistics = (look.mean, look.deviation)
    like = correlated(look.small, statistics, recent, cell_statistics(recent, look.cells))
    textured = like.deviation >= TEXTURED
    return bool(textured.any() and like.correlation[textured].mean() >= AT_REST)


def best_shift(reference: Floats, picture: Floats, cells: tuple[int, int]) -> tuple[float, float, Floats]:
    """Pixels right and down by which `picture` lies off `reference`, and each cell's correlation once
    this is undone.

    Phase correlation: Kuglin and Hines, "The phase correlation image alignment method", 1975.
    """
    height, width = reference.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # OpenCV windows its arguments in place where they need no padding: hand it copies.
    (right, down), _ = cv2.phaseCorrelate(reference.copy(), picture.copy(), window)
    undo = np.array([[1, 0, -right], [0, 1, -down]], np.float32)
    undone = np.asarray(
        cv2.warpAffine(picture, undo, (width, height), borderMode=cv2.BORDER_REPLICATE), np.float32
    )
    like = correlated(undone, cell_statistics(undone, cells), reference, cell_statistics(reference, cells))
    return right, down, like.correlation
