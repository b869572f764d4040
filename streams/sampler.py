"""Which of a stream's pictures are kept for a wanted rate."""


class Sampler:
    """Keeps pictures `fps` times a second of stream time; all of them where the stream has fewer."""

    def __init__(self, fps: float) -> None:
        self._interval = 1 / fps
        self._due = 0.0

    def keep(self, position: float) -> bool:
        """Whether the picture at `position` (seconds, never falling) is kept.

        A picture may come a tenth of the interval early: timestamps are rounded, and a picture lost to
        rounding would cost a whole picture's time. Early ones do not raise the rate, because what is due
        moves on by whole intervals.
        """
        if position < self._due - self._interval / 10:
            return False
        self._due += self._interval
        if self._due <= position:  # a gap: nothing is made up for
            self._due = position + self._interval
        return True

    def take(self, position: float) -> None:
        """The picture at `position` is kept though none was due: the next one is due an interval later."""
        self._due = position + self._interval
