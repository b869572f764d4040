"""The newest messages of the outbox, in memory: a channel that keeps up gets them without the disk."""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Final

from alerts.outbox_put import Waiting

_MOST: Final = 1_000


class Tail:
    """Without a gap; what is older, or was dropped, is on the disk or nowhere."""

    def __init__(self) -> None:
        self._newest: deque[Waiting] = deque(maxlen=_MOST)

    def note(self, stored: Iterable[Waiting]) -> None:
        """What was stored just now, in order."""
        for waiting in stored:
            if self._newest and waiting.position != self._newest[-1].position + 1:
                self._newest.clear()
            self._newest.append(waiting)

    def after(self, position: int, limit: int) -> list[Waiting] | None:
        """What comes right after a position, at most `limit`; None where only the disk knows."""
        if not self._newest or position + 1 < self._newest[0].position:
            return None
        first = position + 1 - self._newest[0].position
        return list(islice(self._newest, first, first + limit))

    def forget(self) -> None:
        """Some of it was dropped."""
        self._newest.clear()
