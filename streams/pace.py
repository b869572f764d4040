"""What comes in bursts passes at the pace at which it was filmed: HLS sends seconds of pictures at once."""

LONGEST = 12.0  # seconds ahead of the clock beyond which the timestamps have jumped


class Pace:
    """Tells how long to wait. Starts anew where it falls behind, or where the stream's clock jumps."""

    def __init__(self) -> None:
        self._began: tuple[float, float] | None = None  # by the stream's clock, and by ours

    def ahead(self, stamp: float | None, now: float) -> float:
        """Seconds by which a packet comes too early."""
        if stamp is None:
            return 0.0
        if self._began is not None:
            ahead = (stamp - self._began[0]) - (now - self._began[1])
            if 0 < ahead <= LONGEST:
                return ahead
        self._began = stamp, now
        return 0.0
