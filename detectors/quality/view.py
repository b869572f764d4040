"""Covered and moved: is what this camera steadily shows still there, and in its place."""

import cv2
import numpy as np

from detectors.detection import Doubt
from detectors.quality.finding import Fault, Finding
from detectors.quality.likeness import FADED, TEXTURED, Likeness, at_rest, best_shift, correlated, enough
from detectors.quality.look import Cells, Floats, Look, cell_means, cell_statistics
from detectors.quality.memory import Kept, kept
from detectors.quality.smear import around, as_heat

LEARNED = 10.0  # seconds until the place is known
SETTLES = 60.0  # seconds in which the reference follows what changes slowly, and steadiness is judged
ACCEPTED = 60.0  # seconds until a new view becomes the reference
BARE = 1.5  # grey levels: a cell that deviates less shows nothing
RECENT = 1.0  # seconds: what is alike for so long is at rest
ALIKE = 0.5  # correlation with the reference
STEADY = 0.7  # mean correlation of a cell that usually looks as the reference does
SHIFTED = 0.02  # of the picture's width: a knock worth telling
PARTLY = 0.24  # of the share of cells at which a picture is covered: enough for a part of it, hidden for long
WITNESSES = 3  # cells of it at least must have shown something before
LIFTED = 15.0  # grey levels by which a cell that shows nothing must have changed to be part of it
NEIGHBOURS = np.ones((3, 3), np.uint8)  # cells
EDGE = 6.0  # grey levels in a small pixel: steeper than anything out of focus
CROSSED = 0.04  # of a cell's pixels lie on an edge that crosses it
EDGED = 0.3  # of the cells around a patch
STAYS = 6.0  # seconds that a part must be hidden: who passes by is gone by then


class View:
    """Against a slowly learned mean picture, in the cells where the camera is usually steady.

    Covered: structure is gone and nothing came instead. Moved: other structure came instead.
    """

    def __init__(self, sensitivity: float) -> None:
        self._covered_at = 0.5**sensitivity  # share of the steady cells
        self._elsewhere_at = 0.75**sensitivity  # of the likeness that is usual
        self._shift = SHIFTED / sensitivity
        self._reference: Floats | None = None  # (H, W) small picture
        self._statistics: tuple[Floats, Floats] | None = None  # of the reference's cells
        self._recent: Floats | None = None  # the same, of the last seconds
        self._steadiness: Floats | None = None  # usual correlation of each cell
        self._hidden_for: Floats | None = None  # seconds, for each cell
        self._like: Likeness  # of the picture just examined
        self._steady: Cells = np.zeros((0, 0), np.bool_)  # what bears witness in it
        self._learned = 0.0
        self._at_rest = self._unmoved = Finding(0.0, self._elsewhere_at, "the view has not been at rest yet")
        self._elsewhere = 0.0  # seconds on another view
        self._suspicious = False  # half covered or half moved: learned, but far more slowly

    def examine(self, look: Look, gap: float, still: bool = False) -> dict[Fault, Finding]:
        """Judges a picture seen `gap` seconds after the last; `learn` follows if nothing is wrong with it.

        `still`: it is an old picture again, and so no proof that anything stays where it is.
        """
        recent = look.small if self._recent is None else self._recent
        self._recent = recent + min(1.0, gap / RECENT) * (look.small - recent)
        like = self._like = self._likeness(look)
        usual = like.correlation if self._steadiness is None else self._steadiness
        steady = self._steady = (like.reference >= TEXTURED) & (usual >= STEADY)
        faded = steady & (like.correlation < ALIKE) & (like.deviation < FADED * like.reference)
        covered = self._covered(like, steady, faded, 0.0 if still else gap)
        if self._learned < LEARNED:
            progress = self._learned / LEARNED
            words = f"learning the view, {progress:.0%}"
            moved = Finding(0.0, self._elsewhere_at, words, Doubt.LEARNING, progress=progress)
        elif not enough(steady):
            words = "too little steady structure to know the place by"
            moved = Finding(0.0, self._elsewhere_at, words, Doubt.TOO_PLAIN)
        else:
            if at_rest(look, recent):
                reference = look.small if self._reference is None else self._reference
                self._at_rest = self._moved(look.small, reference, like, usual, steady, faded)
            moved = self._at_rest  # while most of the picture is in motion, what was last said holds
        lost = 1 - like.agreement(usual, steady)
        self._suspicious = covered.score >= self._covered_at / 2 or lost >= self._elsewhere_at / 2
        return {Fault.COVERED: covered, Fault.MOVED: moved}

    def learn(self, look: Look, gap: float) -> None:
        """Takes the picture just examined as an ordinary one, `gap` seconds after the last that was."""
        if self._reference is None:
            self._reference = look.small
        self._learned += gap
        # The first minute is averaged plainly, then forgotten slowly.
        part = min(1.0, gap / min(self._learned, SETTLES)) if gap else 0.0
        if self._suspicious:
            part /= 10
        like = self._like.correlation
        if self._steadiness is None:
            self._steadiness = like
        parts: Floats | float = part
        pixels: Floats | float = part
        if self._hidden_for is not None and self._hidden_for.any():
            # What hides part of the view for a while is not what this camera usually shows.
            parts = np.where((self._hidden_for > 0) & (self._hidden_for < ACCEPTED), 0, part).astype(
                np.float32
            )
            height, width = look.small.shape
            nearest = cv2.resize(parts, (width, height), interpolation=cv2.INTER_NEAREST)
            pixels = np.asarray(nearest, np.float32)
        self._steadiness = self._steadiness + parts * (like - self._steadiness)
        self._reference = self._reference + pixels * (look.small - self._reference)
        self._statistics = None

    def settle(self, moved: bool, gap: float) -> bool:
        """A new view that lasts becomes the reference; true when it does."""
        self._elsewhere = self._elsewhere + gap if moved else 0.0
        if self._elsewhere < ACCEPTED:
            return False
        self._reference, self._statistics, self._steadiness = self._recent, None, None
        self._at_rest, self._elsewhere, self._hidden_for = self._unmoved, 0.0, None
        return True

    @property
    def known(self) -> bool:
        """Whether the place is known, and has structure enough to be known again."""
        return self._learned >= LEARNED and enough(self._steady)

    def agreement(self) -> float:
        """How alike the picture just examined is to the reference, as a share of what is usual."""
        usual = self._like.correlation if self._steadiness is None else self._steadiness
        return self._like.agreement(usual, self._steady)

    def undone(self, look: Look) -> tuple[float, float, float, float]:
        """Small pixels right and down by which the picture just examined lies off the reference, and the mean
        correlation of the steady cells, of which there are some: as they are, and once this is undone."""
        reference = look.small if self._reference is None else self._reference
        right, down, again = best_shift(reference, look.small, look.cells)
        before, after = self._like.correlation[self._steady], again[self._steady]
        return right, down, float(before.mean()), float(after.mean())

    def keep(self) -> Kept:
        """The reference and what of it is steady."""
        if self._reference is None or self._steadiness is None:
            return {}
        return {
            "reference": self._reference,
            "steadiness": self._steadiness,
            "learned": kept(self._learned),
        }

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        if memory:
            self._reference, self._steadiness = memory["reference"], memory["steadiness"]
            self._learned = float(memory["learned"])

    def _likeness(self, look: Look) -> Likeness:
        if self._reference is None:
            return Likeness(np.ones_like(look.mean), look.deviation, look.deviation, 0 * look.mean)
        if self._statistics is None:
            self._statistics = cell_statistics(self._reference, look.cells)
        return correlated(look.small, (look.mean, look.deviation), self._reference, self._statistics)

    def _covered(self, like: Likeness, steady: Cells, faded: Cells, gap: float) -> Finding:
        bare = float((like.deviation < BARE).mean())
        unsure = self._learned < LEARNED
        if bare >= 0.97:
            reason = f"{bare:.0%} of the picture shows nothing"
            return Finding(bare, self._covered_at, reason, provisional=unsure)
        share = like.hidden(steady, faded) if enough(steady) else 0.0
        reason = f"{share:.0%} of what the camera usually shows is hidden"
        if share >= self._covered_at:
            return Finding(share, self._covered_at, reason, None, (around(faded),), as_heat(faded), unsure)
        since = np.zeros_like(like.deviation) if self._hidden_for is None else self._hidden_for
        plain = ~steady & (like.deviation < TEXTURED) & (like.lifted >= LIFTED)  # where it hides nothing
        self._hidden_for = np.where(faded | plain, since + gap, 0).astype(np.float32)
        partly = None if unsure or not faded.any() else self._partly_covered(self._hidden_for, steady)
        return partly or Finding(share, self._covered_at, reason, provisional=unsure)

    def _partly_covered(self, hidden_for: Floats, steady: Cells) -> Finding | None:
        """A soft patch that stays. What stands in the scene is in focus and ends in edges of its own; what is
        close to the lens ends in none."""
        stays = largest(hidden_for >= STAYS)
        share = max(float((stays & steady).sum() / steady.sum()), float(stays.mean()))
        threshold = PARTLY * self._covered_at
        if share < threshold or (stays & steady).sum() < WITNESSES:
            return None
        if self._edged(stays):
            return None
        lasts = float(hidden_for[stays].min())
        reason = f"{share:.0%} of the usual view has been hidden for {lasts:.0f} s by something close"
        return Finding(share, threshold, reason, None, (around(stays),), as_heat(stays))

    def _edged(self, patch: Cells) -> bool:
        """Whether there are edges around a patch that the reference does not have."""
        if self._recent is None or self._reference is None:
            return False
        whole = patch.astype(np.uint8)
        rim = (cv2.dilate(whole, NEIGHBOURS) > 0) & (cv2.erode(whole, NEIGHBOURS, borderValue=1) == 0)
        before = cv2.dilate(slopes(self._reference), np.ones((5, 5), np.uint8))
        fresh = (slopes(self._recent) >= 1.5 * before + EDGE).astype(np.float32)
        crossed = cell_means(fresh, (patch.shape[0], patch.shape[1])) >= CROSSED
        return bool(crossed[rim].mean() >= EDGED)

    def _moved(
        self,
        small: Floats,
        reference: Floats,
        like: Likeness,
        usual: Floats,
        steady: Cells,
        faded: Cells,
    ) -> Finding:
        agrees = like.agreement(usual, steady)
        score = max(0.0, 1 - agrees - like.hidden(steady, faded))
        reason = f"the view agrees with the usual one to {agrees:.0%}"
        if score >= 0.2:
            right, down, again = best_shift(reference, small, like.correlation.shape)
            found = float((steady & (again >= ALIKE)).sum() / steady.sum())
            before = float((steady & (like.correlation >= ALIKE)).sum() / steady.sum())
            across, along = right / small.shape[1], down / small.shape[0]
            if np.hypot(across, along) >= self._shift and found >= max(0.75, before + 0.25):
                score = max(score, found)
                reason += f"; the picture shifted by {across:+.0%} across and {along:+.0%} down"
        if score < self._elsewhere_at:
            return Finding(score, self._elsewhere_at, reason)
        unlike = steady & (like.correlation < ALIKE)
        return Finding(score, self._elsewhere_at, reason, heatmap=as_heat(unlike))


def slopes(picture: Floats) -> Floats:
    """How steep an (H, W) picture is at each pixel, grey levels a pixel."""
    across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    return np.asarray(cv2.magnitude(across, down) / 8, np.float32)


def largest(cells: Cells) -> Cells:
    """The largest patch of cells that touch."""
    count, labels, figures, _ = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros_like(cells)
    return np.asarray(labels == 1 + int(figures[1:, cv2.CC_STAT_AREA].argmax()), np.bool_)
