"""How a camera delivers: steadily, or slower than it did, damaged, or with connections that do not last."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from alerts.rules import DEGRADED
from detectors.detection import Detection, DetectorCard, Kind

LOOK_EVERY: Final = 1.0  # seconds
WINDOW: Final = 60.0  # seconds over which rate and damage are counted
ENOUGH: Final = 20.0  # seconds connected, until a rate or a share of damage says anything
SLOW: Final = 0.5  # of what is needed, and of what the camera was known to give
USUAL_LASTS: Final = 3600.0  # seconds in which a rate that is no longer reached stops being usual
DAMAGED: Final = 0.25  # of the pictures: so much of the time they cannot be relied on
FLAPS: Final = 4  # connections lost
FLAPS_WITHIN: Final = 300.0  # seconds
WORST: Final = 10.0  # times the threshold
_CARD: Final = DetectorCard(name="watch", model="flow")


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a camera had come."""

    at: float  # seconds since the first sight
    connected: float  # of them
    packets: int
    pictures: int
    damaged: int
    lost: int  # connections


class Flow:
    """One camera's. Pure, and by the times of its sights alone."""

    def __init__(self, sample_fps: float) -> None:
        """`sample_fps`: pictures a second that are needed; more than that need not come."""
        self._needed = sample_fps
        self._last: datetime | None = None
        self._now = _Mark(0.0, 0.0, 0, 0, 0, 0)
        self._marks: deque[_Mark] = deque()
        self._losses: deque[float] = deque()  # when
        self._usual = 0.0  # packets a second
        self._said = _say(0.0, "Nothing is known yet.")

    def weigh(self, at: datetime, counts: Mapping[str, int], *, damaged: bool | None) -> Detection:
        """How it does, after each sight. `damaged`: of the picture; None where there is none.

        `counts` are those of the source: packets, connects, and lost_<fault> for each connection that ended.
        """
        passed = 0.0 if self._last is None else max(0.0, (at - self._last).total_seconds())
        self._last = at
        lost = sum(count for what, count in counts.items() if what.startswith("lost_"))
        before = self._now
        self._losses.extend([before.at + passed] * (lost - before.lost))
        self._now = _Mark(
            before.at + passed,
            before.connected + (passed if counts.get("connects", 0) > before.lost else 0.0),
            counts.get("packets", 0),
            before.pictures + (damaged is not None),
            before.damaged + bool(damaged),
            lost,
        )
        if not self._marks or self._now.at - self._marks[-1].at >= LOOK_EVERY:
            self._marks.append(self._now)
            self._said = self._look()
        return self._said

    def _look(self) -> Detection:
        while len(self._marks) > 2 and self._marks[1].at <= self._now.at - WINDOW:
            self._marks.popleft()
        while self._losses and self._losses[0] <= self._now.at - FLAPS_WITHIN:
            self._losses.popleft()
        first, last = self._marks[0], self._marks[-1]
        found = (self._flapping(), self._slow(first, last), self._hurt(first, last))
        return max(found, key=lambda said: said.score)

    def _flapping(self) -> Detection:
        times = len(self._losses)
        words = f"The connection was lost {times} times in {FLAPS_WITHIN / 60:.0f} minutes"
        return _say(
            times / FLAPS, f"{words}: see to the camera's power and network, and who else watches it."
        )

    def _slow(self, first: _Mark, last: _Mark) -> Detection:
        connected = last.connected - first.connected
        if connected < ENOUGH:
            return _say(0.0, "It is not connected for long enough to tell.")
        rate = (last.packets - first.packets) / connected
        self._usual = max(rate, self._usual * (1 - LOOK_EVERY / USUAL_LASTS))
        should = SLOW * min(self._usual, self._needed)
        words = f"{rate:.1f} pictures a second come, {self._usual:.0f} are usual"
        return _say(
            should / max(rate, should / WORST) if should else 0.0,
            f"{words}: see whether the camera, its network or this machine has too much to do.",
        )

    def _hurt(self, first: _Mark, last: _Mark) -> Detection:
        pictures = last.pictures - first.pictures
        share = (last.damaged - first.damaged) / max(pictures, ENOUGH * self._needed, 1.0)
        words = f"{share:.0%} of the pictures of the last minute are damaged"
        return _say(share / DAMAGED, f"{words}: packets are lost on the way; see to the network, or use TCP.")


def _say(score: float, reason: str) -> Detection:
    return Detection(Kind.STREAM, DEGRADED, min(score, WORST), 1.0, _CARD, reason=reason)
