"""What a detector makes of events planted into footage: found or not, where, and under what name."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from daemon.evaluate_trial import Trial
from detectors.detection import Region
from detectors.planting.events import TRUTH, EventKind

LATE = 1.0  # seconds after the event in which an alert still belongs to it
Box = tuple[float, float, float, float]  # left, top, right, bottom, shares of the picture


@dataclass(frozen=True, slots=True)
class Found:
    """One event's outcome. The shares that follow from it count events."""

    kind: EventKind
    opened: bool  # an alert during the event, or right after it
    delay: float  # seconds from the event's first picture, nan where none opened
    overlap: float  # intersection over union of the alert's strongest box and the event, nan likewise
    named: str  # by the alert, empty likewise
    before: int  # alerts that opened before the event began: false ones
    anyway: bool = (
        False  # one opens at that time without the event, too: it proves nothing, and does not count
    )

    @property
    def named_right(self) -> bool:
        return self.named in TRUTH[self.kind]


def found(
    kind: EventKind, present: NDArray[np.bool_], boxes: NDArray[np.float64], rate: float, trial: Trial
) -> Found:
    """Compares a trial with the truth: `present` (N,), `boxes` (N, 4) as Box, any where not present."""
    first, last = np.flatnonzero(present)[[0, -1]]
    before = sum(number < first for number, _ in trial.opened)
    for number, verdict in trial.opened:
        if first <= number <= last + LATE * rate:
            shown = np.flatnonzero(present[: number + 1])[-1]
            overlap = iou(verdict.regions[0], tuple(boxes[shown])) if verdict.regions else 0.0
            return Found(kind, True, float(number - first) / rate, overlap, verdict.label, before)
    return Found(kind, False, float("nan"), float("nan"), "", before)


def unless_anyway(outcome: Found, present: NDArray[np.bool_], rate: float, plain: Trial) -> Found:
    """The outcome, not found where `plain`, a trial of the same stretch without the event, alerts as well."""
    first, last = np.flatnonzero(present)[[0, -1]]
    if not any(first <= number <= last + LATE * rate for number, _ in plain.opened):
        return outcome
    nothing = float("nan")
    return replace(outcome, opened=False, delay=nothing, overlap=nothing, named="", anyway=True)


def truth_boxes(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(N, 4) the box around each mask of (N, H, W); zeros around nothing."""
    boxes = np.zeros((len(masks), 4))
    height, width = masks.shape[1:]
    for number, mask in enumerate(masks):
        rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if len(rows):
            boxes[number] = cols[0] / width, rows[0] / height, (cols[-1] + 1) / width, (rows[-1] + 1) / height
    return boxes


def iou(region: Region, box: tuple[float, ...]) -> float:
    """Intersection over union, 0..1."""
    left, top, right, bottom = box
    across = min(region.left + region.width, right) - max(region.left, left)
    down = min(region.top + region.height, bottom) - max(region.top, top)
    both = max(0.0, across) * max(0.0, down)
    every = region.width * region.height + (right - left) * (bottom - top) - both
    return both / every if every > 0 else 0.0
