"""Shaken: the whole picture goes to and fro.

Compared with the reference, and not with the picture before, whatever moves in the scene.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt
from detectors.quality.finding import Finding
from detectors.quality.look import Look
from detectors.quality.view import View

RESTLESS = 0.9  # of the usual likeness to the reference: a picture that has more lies where it should
SWING = 0.0035  # of the picture's width, by which it goes on from look to look
LASTS = 3.0  # seconds in which looks are taken together
LOOKS = 4  # at least
FOUND = 0.6  # mean correlation of the steady cells once a shift is undone, or it is none
BETTER = 0.05  # by so much more than without


class Tremor:
    """Against the reference of the View, and only where a picture is unlike it: quiet costs nothing."""

    def __init__(self, sensitivity: float) -> None:
        self._threshold = SWING / sensitivity
        self._places: deque[tuple[float, float, float]] = (
            deque()
        )  # (seconds, right, down) as shares of the width
        self._now = 0.0  # seconds

    def examine(self, look: Look, gap: float, fresh: bool, view: View) -> Finding:
        """Judges a picture that the view has just examined, seen `gap` seconds after the last."""
        self._now += gap
        if fresh:
            self._places.clear()
        if not view.known:
            return Finding(0.0, self._threshold, "too little steady structure is known here", Doubt.TOO_PLAIN)
        place = self._place(look, view)
        if place is not None:
            self._places.append((self._now, *place))
        while self._places and self._places[0][0] < self._now - LASTS:
            self._places.popleft()
        swing = to_and_fro(np.array([each[1:] for each in self._places]).reshape(-1, 2))
        return Finding(swing, self._threshold, f"the picture goes to and fro by {swing:.1%} of its width")

    def _place(self, look: Look, view: View) -> tuple[float, float] | None:
        """How far the picture lies off the reference, as shares of its width; None where nobody can tell."""
        if view.agreement() >= RESTLESS:
            return 0.0, 0.0
        right, down, before, after = view.undone(look)
        if after < before + BETTER:
            return (0.0, 0.0) if before >= FOUND else None
        width = look.small.shape[1]
        return (right / width, down / width) if after >= FOUND else None


def to_and_fro(places: NDArray[np.float64]) -> float:
    """Median step between (n, 2) places, apart from where they lead to.

    A knock is one step, and a turn goes one way; a tremor comes back, again and again.
    """
    if len(places) < LOOKS:
        return 0.0
    steps = np.diff(places, axis=0)
    steps -= np.median(steps, axis=0)
    return float(np.median(np.hypot(steps[:, 0], steps[:, 1])))
