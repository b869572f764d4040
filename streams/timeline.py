"""Where in its stream a picture stands, whatever its timestamps say."""


class Timeline:
    """Turns timestamps that are absent, wrap around or jump into seconds since the first picture.

    Positions never fall. A live source that leaps by more than `longest_step` seconds has set its clock
    anew, and time goes on by what passed here. A recording may truly hold long gaps, but where one is longer
    than `longest_gap` the timestamps are at fault, and the usual step is taken.
    """

    longest_step = 10.0
    longest_gap = 86_400.0

    def __init__(self, live: bool) -> None:
        self._live = live
        self._leap = self.longest_step if live else self.longest_gap
        self._position = -1.0
        self._stamp: float | None = None
        self._now = 0.0

    def at(self, stamp: float | None, now: float, usual_step: float) -> float:
        """The position, in seconds, of a picture with this timestamp, decoded at `now` (seconds).

        `usual_step` is the time between two pictures where nothing better is known.
        """
        if self._position < 0:
            self._position = 0.0
        else:
            self._position += self._step(stamp, now, usual_step)
        self._stamp, self._now = stamp, now
        return self._position

    def _step(self, stamp: float | None, now: float, usual_step: float) -> float:
        if stamp is not None and self._stamp is not None:
            step = stamp - self._stamp
            if 0 <= step <= self._leap:
                return step
            return max(0.0, now - self._now) if self._live else usual_step
        return usual_step
