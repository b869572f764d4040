"""What waits to be taken of a live source: the newest picture alone, unless it had to be kept back."""

from collections import Counter, deque
from dataclasses import replace

from streams.frame import Frame

BACKLOG = 50  # pictures


class Waiting:
    """Hands over in order. Counts dropped_replaced: pictures that nobody took before a newer one came."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._late: deque[Frame] = deque()
        self._newest: Frame | None = None

    def put(self, frame: Frame, *, late: bool = False) -> None:
        """One more. It replaces the one before; late ones come all at once, and wait for their turn."""
        if not late:
            if self._newest is not None:
                frame = self._instead_of(self._newest, frame)
            self._newest = frame
            return
        if self._newest is not None:
            self._late.append(self._newest)
            self._newest = None
        self._late.append(frame)
        if len(self._late) > BACKLOG:
            dropped = self._late.popleft()
            self._late[0] = self._instead_of(dropped, self._late[0])

    def take(self) -> Frame | None:
        """The next one; None where nothing waits."""
        if self._late:
            return self._late.popleft()
        frame, self._newest = self._newest, None
        return frame

    def _instead_of(self, dropped: Frame, frame: Frame) -> Frame:
        self._counts["dropped_replaced"] += 1
        return replace(frame, fresh=frame.fresh or dropped.fresh)
