"""When too many alerts open at once: from then on they are gathered, and one alert speaks for them."""

from collections import deque
from typing import Final

STORM: Final = "storm"


class Storm:
    """Pure. Counts what opens, on all streams together."""

    def __init__(self, more_than: int, within: float) -> None:
        """It storms when `more_than` alerts, and one more, open within so many seconds."""
        self.more_than = more_than
        self.within = within
        self.raging = False
        self._opened: deque[float] = deque(maxlen=more_than + 1)

    @property
    def few(self) -> int:
        """So many alerts are no storm any more."""
        return self.more_than // 2

    def admit(self, now: float) -> bool:
        """Whether an alert that opens now may be told; it is counted either way. `now` never goes back."""
        self._opened.append(now)
        if len(self._opened) > self.more_than and now - self._opened[0] <= self.within:
            self.raging = True
        return not self.raging

    def calm(self, now: float) -> None:
        """It is over when only few alerts opened within the last `within` seconds."""
        if sum(now - at <= self.within for at in self._opened) <= self.few:
            self.raging = False

    def resume(self, now: float) -> None:
        """Goes on with a storm that raged when the daemon ended: as if it were at its height."""
        self._opened.extend([now] * (self.more_than + 1))
        self.raging = True
