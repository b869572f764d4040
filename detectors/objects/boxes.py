"""Boxes: what a network's answer says, each object once."""

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.objects.network import Answer

OVERLAP = 0.7  # of two boxes' union: above it they are of one object, as ultralytics has it
MOST = 300  # objects in a picture


def read(
    answer: NDArray[np.float32], kind: Answer, labels: int, width: int, height: int, floor: float
) -> NDArray[np.float32]:
    """(N, 6): left, top, right, bottom in pixels of the width x height that was shown, confidence, label.

    The surest first, none below `floor`, at most MOST.
    """
    if kind is Answer.GRID:
        return _of_grid(answer, labels, floor)
    if kind is Answer.SHARES_OF_EACH:
        best = answer[:, 4 : 4 + labels].argmax(1)
        sure = np.take_along_axis(answer[:, 4:], best[:, None], axis=1)
        answer = np.concatenate([answer[:, :4], sure, best[:, None]], axis=1, dtype=np.float32)
    found = answer[answer[:, 4] >= floor, :6]
    found = found[np.argsort(-found[:, 4], kind="stable")][:MOST]
    if kind is Answer.ENDED:
        return found
    scale = np.array([width, height, width, height], np.float32)
    return np.concatenate([_corners(found[:, :4] * scale), found[:, 4:]], axis=1)


def _of_grid(answer: NDArray[np.float32], labels: int, floor: float) -> NDArray[np.float32]:
    """Non-maximum suppression among boxes of the same label."""
    told = answer[4 : 4 + labels]
    kept = np.flatnonzero(told.max(0) >= floor)
    if not len(kept):
        return np.zeros((0, 6), np.float32)
    told = told[:, kept]
    best = told.argmax(0)
    sure = told[best, np.arange(len(kept))]
    corners = _corners(answer[:4, kept].T)
    sized = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
    chosen = np.asarray(
        cv2.dnn.NMSBoxesBatched(sized.tolist(), sure.tolist(), best.tolist(), floor, OVERLAP), np.intp
    ).reshape(-1)
    chosen = chosen[np.argsort(-sure[chosen], kind="stable")][:MOST]
    return np.concatenate([corners[chosen], sure[chosen, None], best[chosen, None]], axis=1, dtype=np.float32)


def _corners(centred: NDArray[np.float32]) -> NDArray[np.float32]:
    """Centre and size to left, top, right and bottom."""
    half = centred[:, 2:] / 2
    return np.concatenate([centred[:, :2] - half, centred[:, :2] + half], axis=1)
