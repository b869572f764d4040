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
AT_REST = 0.7  # mean correlation with the last second
STEADY = 0.7  # mean correlation of a cell that usually looks as the reference does
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
        self._covered_at = 0.5**sensitivity  # share of the steady cells
        self._elsewhere_at = 0.75**sensitivity  # of the likeness that is usual
        self._shift = SHIFTED / sensitivity
        self._reference: NDArray[np.float32] | None = None  # (H, W) small picture
        self._recent: NDArray[np.float32] | None = None  # the same, of the last seconds
        self._steadiness: NDArray[np.float32] | None = None  # usual correlation of each cell
        self._learned = 0.0
        self._at_rest = self._unmoved = Finding(0.0, self._elsewhere_at, "the view has not been at rest yet")
        self._elsewhere = 0.0  # seconds on another view
        self._suspicious = False  # half covered or half moved: learned, but far more slowly

    def examine(self, look: Look, gap: float) -> dict[Fault, Finding]:
        """Judges a picture seen `gap` seconds after the last; `learn` follows if nothing is wrong with it."""
        small = look.small.astype(np.float32)
        reference = small if self._reference is None else self._reference
        recent = small if self._recent is None else self._recent
        self._recent = recent + min(1.0, gap / RECENT) * (small - recent)
        like = likeness(small, reference, look.cells)
        usual = like.correlation if self._steadiness is None else self._steadiness
        steady = (like.reference >= TEXTURED) & (usual >= STEADY)
        faded = steady & (like.correlation < ALIKE) & (like.deviation < FADED * like.reference)
        covered = self._covered(like, steady, faded)
        if self._learned < LEARNED:
            progress = self._learned / LEARNED
            words = f"learning the view, {progress:.0%}"
            moved = Finding(0.0, self._elsewhere_at, words, Doubt.LEARNING, progress=progress)
        elif not enough(steady):
            words = "too little steady structure to know the place by"
            moved = Finding(0.0, self._elsewhere_at, words, Doubt.TOO_PLAIN)
        else:
            if at_rest(small, recent, look.cells):
                self._at_rest = self._moved(small, reference, like, usual, steady, faded)
            moved = self._at_rest  # while most of the picture is in motion, what was last said holds
        lost = 1 - agreement(like, usual, steady)
        self._suspicious = covered.score >= self._covered_at / 2 or lost >= self._elsewhere_at / 2
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
            self._reference, self._steadiness, self._at_rest = self._recent, None, self._unmoved
            self._elsewhere = 0.0

    def _covered(self, like: Likeness, steady: NDArray[np.bool_], faded: NDArray[np.bool_]) -> Finding:
        bare = float((like.deviation < BARE).mean())
        unsure = self._learned < LEARNED
        if bare >= 0.97:
            reason = f"{bare:.0%} of the picture shows nothing"
            return Finding(bare, self._covered_at, reason, provisional=unsure)
        share = hidden(like, steady, faded) if enough(steady) else 0.0
        reason = f"{share:.0%} of what the camera usually shows is hidden"
        if share < self._covered_at:
            return Finding(share, self._covered_at, reason, provisional=unsure)
        regions, heatmap = (around(faded),), as_heat(faded)
        return Finding(share, self._covered_at, reason, None, regions, heatmap, provisional=unsure)

    def _moved(
        self,
        small: NDArray[np.float32],
        reference: NDArray[np.float32],
        like: Likeness,
        usual: NDArray[np.float32],
        steady: NDArray[np.bool_],
        faded: NDArray[np.bool_],
    ) -> Finding:
        agrees = agreement(like, usual, steady)
        score = max(0.0, 1 - agrees - hidden(like, steady, faded))
        reason = f"the view agrees with the usual one to {agrees:.0%}"
        if score >= 0.2:
            right, down, again = best_shift(reference, small, like.correlation.shape)
            found = float((again & steady).sum() / steady.sum())
            before = float((steady & (like.correlation >= ALIKE)).sum() / steady.sum())
            across, along = right / small.shape[1], down / small.shape[0]
            if np.hypot(across, along) >= self._shift and found >= max(0.75, before + 0.25):
                score = max(score, found)
                reason += f"; the picture shifted by {across:+.0%} across and {along:+.0%} down"
        if score < self._elsewhere_at:
            return Finding(score, self._elsewhere_at, reason)
        return Finding(
            score, self._elsewhere_at, reason, heatmap=as_heat(steady & (like.correlation < ALIKE))
        )


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
    return int(steady.sum()) >= steady.size // 8


def agreement(like: Likeness, usual: NDArray[np.float32], steady: NDArray[np.bool_]) -> float:
    """Correlation of the steady cells as a share of what is usual, 0..1; 1 where there are none."""
    if not steady.any():
        return 1.0
    return float(np.clip(like.correlation[steady].sum() / usual[steady].sum(), 0, 1))


def hidden(like: Likeness, steady: NDArray[np.bool_], faded: NDArray[np.bool_]) -> float:
    """Share of the steady cells, of which there are some, whose structure is gone from the picture.

    Where a camera looks elsewhere, structure that fades here appears there; behind a hand little does.
    """
    appeared = int(((like.deviation >= TEXTURED) & (FADED * like.deviation > like.reference)).sum())
    gone = int(faded.sum())
    return (gone if 2 * appeared < gone else max(0, gone - appeared)) / int(steady.sum())


def at_rest(small: NDArray[np.float32], recent: NDArray[np.float32], cells: tuple[int, int]) -> bool:
    """A lorry that fills the picture passes on; a camera that was turned then looks at the same."""
    like = likeness(small, recent, cells)
    textured = like.deviation >= TEXTURED
    return bool(textured.any() and like.correlation[textured].mean() >= AT_REST)


def best_shift(
    reference: NDArray[np.float32], picture: NDArray[np.float32], cells: tuple[int, int]
) -> tuple[float, float, NDArray[np.bool_]]:
    """Pixels right and down by which `picture` lies off `reference`, and which cells are alike once undone.

    Phase correlation: Kuglin and Hines, "The phase correlation image alignment method", 1975.
    """
    height, width = reference.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # OpenCV windows its arguments in place where they need no padding: hand it copies.
    (right, down), _ = cv2.phaseCorrelate(reference.copy(), picture.copy(), window)
    undo = np.array([[1, 0, -right], [0, 1, -down]], np.float32)
    undone = cv2.warpAffine(picture, undo, (width, height), borderMode=cv2.BORDER_REPLICATE)
    alike = likeness(np.asarray(undone, np.float32), reference, cells).correlation >= ALIKE
    return right, down, alike
