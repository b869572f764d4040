"""Covered and moved: is what this camera steadily shows still there, and in its place."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt
from detectors.quality.finding import Fault, Finding
from detectors.quality.look import Look, cell_means
from detectors.quality.smear import around, as_heat

LEARNED = 10.0  # seconds until the place is known
SETTLES = 60.0  # seconds in which the reference follows what changes slowly, and steadiness is judged
ACCEPTED = 60.0  # seconds until a new view becomes the reference
TEXTURED = 3.0  # grey levels: a cell of the reference that deviates more can be known again
BARE = 1.5  # grey levels: a cell that deviates less shows nothing
RECENT = 1.0  # seconds: what is alike for so long is at rest
ALIKE = 0.5  # correlation with the reference
AT_REST = 0.8  # correlation with the last second
FADED = 0.35  # of the reference's deviation
SHIFTED = 0.02  # of the picture's width: a knock worth telling


@dataclass(frozen=True, slots=True)
class Likeness:
    """A picture against the reference, by cells (rows, columns)."""

    correlation: NDArray[np.float32]  # -1..1: blind to brightness and contrast, so to lamps and clouds
    deviation: NDArray[np.float32]  # grey levels, of the picture
    reference: NDArray[np.float32]  # grey levels, of the reference


class View:
    """Against a slowly learned mean picture, in the cells where the camera is usually steady.

    Covered: structure is gone and nothing came instead. Moved: other structure came instead.
    """

    def __init__(self, sensitivity: float) -> None:
        self._threshold = 0.6**sensitivity  # share of the steady cells
        self._shift = SHIFTED / sensitivity
        self._reference: NDArray[np.float32] | None = None  # (H, W) small picture
        self._recent: NDArray[np.float32] | None = None  # the same, of the last seconds
        self._steadiness: NDArray[np.float32] | None = None  # usual correlation of each cell
        self._learned = 0.0
        self._elsewhere = 0.0  # seconds on another view
        self._suspicious = False  # half covered or half moved: learned, but far more slowly

    def examine(self, look: Look, gap: float) -> dict[Fault, Finding]:
        """Judges a picture seen `gap` seconds after the last; `learn` follows if nothing is wrong with it."""
        small = look.small.astype(np.float32)
        reference = small if self._reference is None else self._reference
        recent = small if self._recent is None else self._recent
        self._recent = recent + min(1.0, gap / RECENT) * (small - recent)
        like = likeness(small, reference, look.cells)
        steady = like.reference >= TEXTURED
        if self._steadiness is not None:
            steady &= self._steadiness >= 0.7
        unlike = steady & (like.correlation < ALIKE)
        faded = unlike & (like.deviation < FADED * like.reference)
        # A lorry that fills the picture passes on; a camera that was turned then looks at the same.
        rests = likeness(small, recent, look.cells).correlation >= AT_REST
        covered = self._covered(like, steady, faded)
        if self._learned < LEARNED:
            progress = self._learned / LEARNED
            words = f"learning the view, {progress:.0%}"
            return {
                Fault.COVERED: covered,
                Fault.MOVED: Finding(0.0, self._threshold, words, Doubt.LEARNING, progress=progress),
            }
        moved = self._moved(small, reference, like, steady, (unlike & ~faded & rests, faded))
        self._suspicious = max(covered.score, moved.score) >= self._threshold / 2
        return {Fault.COVERED: covered, Fault.MOVED: moved}

    def learn(self, look: Look, gap: float) -> None:
        """Takes the picture just examined as an ordinary one."""
        small = look.small.astype(np.float32)
        if self._reference is None:
            self._reference = small
        self._learned += gap
        # The first minute is averaged plainly, then forgotten slowly.
        part = min(1.0, gap / min(self._learned, SETTLES)) if gap else 0.0
        if self._suspicious:
            part /= 10
        like = likeness(small, self._reference, look.cells).correlation
        if self._steadiness is None:
            self._steadiness = like
        self._steadiness = self._steadiness + part * (like - self._steadiness)
        self._reference = self._reference + part * (small - self._reference)

    def settle(self, moved: bool, gap: float) -> None:
        """A new view that lasts becomes the reference."""
        self._elsewhere = self._elsewhere + gap if moved else 0.0
        if self._elsewhere >= ACCEPTED:
            self._reference, self._steadiness = self._recent, None
            self._elsewhere = 0.0

    def _covered(self, like: Likeness, steady: NDArray[np.bool_], faded: NDArray[np.bool_]) -> Finding:
        bare = float((like.deviation < BARE).mean())
        known = self._learned >= LEARNED
        if bare >= 0.97:
            return Finding(
                bare, self._threshold, f"{bare:.0%} of the picture shows nothing", provisional=not known
            )
        share = float(faded.sum() / max(1, steady.sum())) if enough(steady) else 0.0
        reason = f"{share:.0%} of what the camera usually shows is hidden"
        if share < self._threshold:
            return Finding(share, self._threshold, reason, provisional=not known)
        return Finding(share, self._threshold, reason, regions=(around(faded),), heatmap=as_heat(faded))

    def _moved(
        self,
        small: NDArray[np.float32],
        reference: NDArray[np.float32],
        like: Likeness,
        steady: NDArray[np.bool_],
        gone: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    ) -> Finding:
        replaced, faded = gone
        if not enough(steady):
            words = "too little steady structure to know the place by"
            return Finding(0.0, self._threshold, words, Doubt.TOO_BLURRED)
        # Where a camera looks elsewhere, structure that fades here appears there; behind a hand it does not.
        appeared = (like.deviation >= TEXTURED) & (FADED * like.deviation > like.reference)
        share = float((replaced.sum() + min(faded.sum(), appeared.sum())) / steady.sum())
        reason = f"{share:.0%} of what the camera usually shows is not in its place"
        if share >= self._threshold / 2:
            right, down, again = best_shift(reference, small, like.correlation.shape)
            found = float((again & steady).sum() / steady.sum())
            across, along = right / small.shape[1], down / small.shape[0]
            if np.hypot(across, along) >= self._shift and found >= max(0.75, 1 - share):
                share = max(share, found)
                reason += f"; the picture shifted by {across:+.0%} across and {along:+.0%} down"
        if share < self._threshold:
            return Finding(share, self._threshold, reason)
        return Finding(share, self._threshold, reason, heatmap=as_heat(replaced | faded))


def likeness(
    picture: NDArray[np.float32], reference: NDArray[np.float32], cells: tuple[int, int]
) -> Likeness:
    """Normalised cross-correlation in each cell of two (H, W) pictures."""
    mean, other = cell_means(picture, cells), cell_means(reference, cells)
    deviation = np.sqrt(np.maximum(cell_means(picture * picture, cells) - mean * mean, 0))
    usual = np.sqrt(np.maximum(cell_means(reference * reference, cells) - other * other, 0))
    together = cell_means(picture * reference, cells) - mean * other
    return Likeness(together / np.maximum(deviation * usual, 1e-3), deviation, usual)


def enough(steady: NDArray[np.bool_]) -> bool:
    """Whether there are cells enough to know a place by."""
    return int(steady.sum()) >= max(6, steady.size // 16)


def best_shift(
    reference: NDArray[np.float32], picture: NDArray[np.float32], cells: tuple[int, int]
) -> tuple[float, float, NDArray[np.bool_]]:
    """Pixels right and down by which `picture` lies off `reference`, and which cells are alike once undone.

    Phase correlation: Kuglin and Hines, "The phase correlation image alignment method", 1975.
    """
    height, width = reference.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(reference, picture, window)
    undo = np.array([[1, 0, -right], [0, 1, -down]], np.float32)
    undone = cv2.warpAffine(picture, undo, (width, height), borderMode=cv2.BORDER_REPLICATE)
    alike = likeness(np.asarray(undone, np.float32), reference, cells).correlation >= ALIKE
    return right, down, alike
