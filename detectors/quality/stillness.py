"""Frozen: nothing new for some seconds, where 'new' means unlike every picture remembered.

Comparing only with the picture before is not enough. A frozen picture that is encoded again jumps a little at
every keyframe, but to a picture that was seen at the last keyframe already. A living scene without motion,
encoded at a low bitrate, repeats exactly between keyframes, but each keyframe brings sensor noise never seen
before.

An encoder that is starved of bits stirs a frozen picture for ever, and crushes the noise of a living one:
nothing but motion tells them apart. Where something usually moves, its absence is told, but late.
"""

from collections import deque

import cv2
import numpy as np

from detectors.quality.finding import Finding
from detectors.quality.look import Floats, Look, cell_means
from detectors.quality.memory import Kept, kept

REMEMBERED = 16  # pictures
GENTLE = 8.0  # grey levels: a keyframe refreshes a still scene by less, in any cell
STILL_STREAM = 3.0  # times frozen_after, for a camera whose ordinary pictures repeat
LIVELY_OVER = 30.0  # seconds
PATIENCE = 12.0  # times frozen_after, at most
MOTION = 12.0  # grey levels in a cell: no encoder stirs so much in one place
STIRRED = 6.0  # times frozen_after without motion, at least, until a picture that is stirred is frozen
UNHEARD_OF = 3.0  # times the longest time without motion that this camera has had
JUMP = 0.5  # of the cells change at once where a freeze ends; a calm ends in one place
WATCHED = 60.0  # seconds until this camera's calms are known
LIVELY = 0.5  # share of the time in which something moves, where its absence means anything
LIVED = 600.0  # seconds over which that is counted
PULSE = 0.35  # between keyframes an encoder's stir falls below this part of its height; noise does not


class Stillness:
    """Waits `frozen_after` seconds, and longer for a camera that is known to repeat its ordinary pictures."""

    def __init__(self, frozen_after: float) -> None:
        self._after = frozen_after
        self._pictures: deque[Floats] = deque(maxlen=REMEMBERED)
        self._still = 0.0  # seconds without anything new
        self._usual_news = 0.0  # mean difference in grey levels that is ordinary from picture to picture
        self._watched = 0.0  # seconds
        self._liveliness = 0.0  # share of recent pictures with news, 0..1
        self._longest_calm = 0.0  # seconds without news that ended as a still scene's keyframe does
        self._motionless = 0.0  # seconds
        self._moving = 0.0  # share of the time in which something moves
        self._stir: list[float] = [np.inf, 0.0]  # least and greatest difference since something moved
        self._longest_motionless = 0.0  # seconds, that ended as ordinary motion begins

    def examine(self, look: Look, gap: float, fresh: bool) -> Finding:
        """Judges a picture seen `gap` seconds after the last; a fresh one is new by definition."""
        if fresh:
            self._pictures.clear()
            self._still = self._motionless = 0.0
        else:
            self._still += gap
            self._motionless += gap
        difference, worst, changed = self._unlike_all(look)
        # A starved encoder stirs a frozen picture: overlooked where the camera is usually far livelier.
        new = difference > np.clip(self._usual_news / 2, 0.2, 0.6) or worst > 2.0
        patient = self._patience()
        finding = Finding(
            self._still if not new else 0.0,
            patient,
            "the picture changes" if new else f"nothing new for {self._still:.1f} s",
            provisional=self._liveliness < 0.5 and self._longest_calm == 0.0,
        )
        if not finding.alarming:
            finding = self._without_motion(finding, gap, (difference, worst, changed))
        if new:
            self._learn(difference, worst)
            self._pictures.append(look.small)
            self._still = 0.0
        if not finding.alarming:
            self._watched += gap
            part = gap / min(self._watched, LIVELY_OVER) if self._watched else 1.0
            self._liveliness += part * (float(new) - self._liveliness)
        return finding

    def keep(self) -> Kept:
        """How lively this camera usually is."""
        return {
            "usual": kept((self._usual_news, self._watched, self._liveliness)),
            "longest": kept((self._longest_calm, self._longest_motionless, self._moving)),
        }

    def recall(self, memory: Kept) -> None:
        """Takes up what `keep` gave."""
        if memory:
            self._usual_news, self._watched, self._liveliness = map(float, memory["usual"])
            self._longest_calm, self._longest_motionless, self._moving = map(float, memory["longest"])

    def _unlike_all(self, look: Look) -> tuple[float, float, float]:
        """Mean and greatest cell's difference from the most similar remembered picture, in grey levels, and
        the share of cells that differ."""
        if not self._pictures:
            return 255.0, 255.0, 1.0
        nearest = min(self._pictures, key=lambda p: cv2.norm(p, look.small, cv2.NORM_L1))
        difference = cell_means(np.asarray(cv2.absdiff(nearest, look.small), np.float32), look.cells)
        return float(difference.mean()), float(difference.max()), float((difference > 2.0).mean())

    def _without_motion(self, finding: Finding, gap: float, news: tuple[float, float, float]) -> Finding:
        """The same finding, or that a picture which the encoder stirs has not moved for longer than ever."""
        difference, worst, changed = news
        moves = worst > MOTION
        self._stir = [min(self._stir[0], difference), max(self._stir[1], difference)]
        if moves:
            if changed < JUMP:
                self._longest_motionless = max(self._longest_motionless, self._motionless)
            self._motionless, self._stir = 0.0, [np.inf, 0.0]
        patience = max(STIRRED * self._after, UNHEARD_OF * self._longest_motionless)
        pulses = self._stir[0] < PULSE * self._stir[1]
        if self._moving >= LIVELY and self._watched >= WATCHED and self._motionless >= patience and pulses:
            words = f"nothing has moved for {self._motionless:.0f} s, unheard of here; the encoder stirs it"
            return Finding(self._motionless, patience, words, provisional=True)
        self._moving += (
            gap / max(gap, min(self._watched + gap, LIVED)) * (moves - self._moving) if gap else 0.0
        )
        return finding

    def _patience(self) -> float:
        """Seconds without news that make a picture frozen on this camera."""
        if self._liveliness >= 0.5:
            return self._after
        calm = max(STILL_STREAM * self._after, 1.5 * self._longest_calm)
        return min(calm, PATIENCE * self._after)

    def _learn(self, difference: float, worst: float) -> None:
        """A stillness that ends gently, as with a keyframe, was an ordinary one."""
        if self._still > 1.0 and worst < GENTLE:
            self._longest_calm = max(self._still, self._longest_calm)
        if difference < 255.0:
            # Falls fast and rises slowly: settles near the quiet end of what is ordinary.
            part = 0.1 if difference < self._usual_news else 0.01
            self._usual_news += part * (difference - self._usual_news)
