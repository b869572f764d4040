"""Whose frame is looked at next, where more wait than a batch holds: streams in turn, by their weight."""

from collections.abc import Mapping, Sequence


class FairOrder:
    """Stride scheduling: a turn sets a stream back by one over its weight; the least set back is next.

    So of two streams that always wait, one of twice the weight has twice the turns, and none waits for ever.
    Who had nothing to show gains a turn by it at most. Waldspurger and Weihl, "Stride scheduling", 1995.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        """`weights` is read at every turn, and may change; a stream that it does not name has weight 1."""
        self._weights = weights
        self._passed: dict[str, float] = {}
        self._now = 0.0  # how far those have come whose turn it was

    def take(self, waiting: Sequence[str], most: int) -> list[str]:
        """At most so many of those that wait, in the order in which they do; each of them once."""
        begin = {stream: self._begin(stream) for stream in waiting}
        taken = sorted(begin, key=lambda stream: begin[stream])[:most]
        if taken:
            self._now = begin[taken[0]]
        for stream in taken:
            self._passed[stream] = begin[stream] + self._stride(stream)
        return [stream for stream in begin if stream in taken]

    def _begin(self, stream: str) -> float:
        # A turn is allowed for: who was looked at just now could not wait for the next batch.
        return max(self._passed.get(stream, 0.0), self._now - self._stride(stream))

    def _stride(self, stream: str) -> float:
        return 1 / self._weights.get(stream, 1.0)

    def forget(self, stream: str) -> None:
        """It is not watched any more."""
        self._passed.pop(stream, None)
