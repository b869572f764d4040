"""How much each camera is being watched: of the pictures that were due, how many were judged."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alerts.rules import DEGRADED
from alerts.utc import utc_now

WINDOW = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a stream had come."""

    at: float  # seconds, by a clock that never goes back
    judged: int
    lost: int
    seen: float  # seconds with a picture


class Attention:
    """Of one stream, over the last minute."""

    def __init__(self, utc_now: Callable[[], datetime] = utc_now) -> None:
        self.state = ""
        self.since = utc_now()  # it is in that state
        self._utc_now = utc_now
        self._marks: deque[_Mark] = deque()

    def note(self, at: float, judged: int, lost: int, state: str) -> None:
        """To be told about once a second: pictures judged and lost so far, and the state of the stream.

        Lost is every picture that was due and nobody judged: left out, replaced by a newer one, or too old.
        """
        if state != self.state:
            self.state, self.since = state, self._utc_now()
        online = state in ("online", DEGRADED)
        seen = 0.0
        if self._marks:
            last = self._marks[-1]
            seen = last.seen + (at - last.at if online else 0.0)
        self._marks.append(_Mark(at, judged, lost, seen))
        while len(self._marks) > 2 and self._marks[1].at <= at - WINDOW:
            self._marks.popleft()

    @property
    def judged_fps(self) -> float:
        """Pictures a second."""
        if len(self._marks) < 2:
            return 0.0
        first, last = self._marks[0], self._marks[-1]
        return (last.judged - first.judged) / (last.at - first.at)

    @property
    def share(self) -> float:
        """0..1: the share of the time with a picture, times the share of the pictures that were judged."""
        if len(self._marks) < 2:
            return 0.0
        first, last = self._marks[0], self._marks[-1]
        judged, lost = last.judged - first.judged, last.lost - first.lost
        online = (last.seen - first.seen) / (last.at - first.at)
        return online * (judged / (judged + lost) if judged + lost else 1.0)
