"""Whether, and how, one camera's pictures are restored before objects are looked for. Pure, without a clock.

The pictures say whether they are noisy; what is found in them says what to do about it. Now and then the
finder looks at the same picture plain and restored in each way. The way in which it is surest of what it
finds is kept, and where that is the plain picture, nothing is restored, however noisy it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

OPENS: Final = 1.0  # log odds of being noisy from which pictures are restored,
SHUTS: Final = -1.0  # and below which they are not any more
REMEMBERS: Final = 3.0  # seconds over which they are averaged: one flash is no noise
FIRST: Final = 2.0  # seconds between the first comparisons,
EVERY: Final = 60.0  # and between later ones
EARLY: Final = 6  # comparisons that come quickly
BELIEVED: Final = 5.0  # sure objects in all comparisons before another way than the first is taken
FORGETS: Final = 0.95  # of what earlier comparisons said, with each that comes
BETTER: Final = 1.05  # times as sure must a way be to take the place of the one in force


class Way(StrEnum):
    """What is done to a picture."""

    PLAIN = "plain"
    CLASSICAL = "classical"
    DENOISER = "denoiser"


@dataclass(slots=True)
class Gate:
    """One camera's. Times are seconds of its stream."""

    noisy: bool = False
    best: Way = Way.DENOISER  # where it is noisy, and nothing else is known yet
    likely: float | None = None  # log odds of being noisy, lately
    comparisons: int = 0
    _at: float = 0.0
    _compared_at: float | None = None
    _sure: dict[Way, float] = field(default_factory=lambda: dict.fromkeys(Way, 0.0))

    @property
    def way(self) -> Way:
        """What is to be done now."""
        return self.best if self.noisy else Way.PLAIN

    def see(self, logit: float, at: float) -> Way:
        """One more picture, by the log odds of its being noisy; what is to be done to it."""
        if self.likely is None:
            self.likely = logit
            self.noisy = logit >= OPENS
        else:
            share = min(1.0, max(0.0, at - self._at) / REMEMBERS)
            self.likely += share * (logit - self.likely)
            self.noisy = self.likely >= (SHUTS if self.noisy else OPENS)
        self._at = at
        return self.way

    def due(self) -> bool:
        """Whether this picture should be looked at in every way."""
        if not self.noisy:
            return False
        wait = FIRST if self.comparisons < EARLY else EVERY
        return self._compared_at is None or not 0 <= self._at - self._compared_at < wait

    def compare(self, sure: Mapping[Way, float]) -> None:
        """How sure the finder was of all that it found in the same picture, in every way: a sum."""
        self._compared_at = self._at
        self.comparisons += 1
        for way, much in sure.items():
            self._sure[way] = FORGETS * self._sure[way] + much
        if max(self._sure.values()) < BELIEVED:
            return
        first = max(Way, key=lambda way: (self._sure[way], way is self.best))
        if self._sure[first] > BETTER * self._sure[self.best]:
            self.best = first

    def forget(self) -> None:
        """Connected anew: what is noisy is told anew; what helps there is still known."""
        self.likely = None
