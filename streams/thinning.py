"""Which of the pictures that are due are left out, where there is room for only a share of them."""

import random

RUN = 2.0  # pictures that are kept together, at least


class Thinning:
    """Keeps a share of the pictures, at least two in a row.

    Detectors compare a picture with the one before, and only at the pace that they know: one picture in five,
    evenly spread, would tell them nothing of what moves; two in ten do.
    """

    def __init__(self) -> None:
        self.share = 1.0  # 0..1, may change at any time
        self._first = RUN * random.random()  # cameras that begin together must not keep the same moments
        self._saved = self._first  # pictures that may be kept
        self._in_run = False

    def keep(self) -> bool:
        """Whether the picture that is due now is kept."""
        if self.share >= 1:
            self._saved, self._in_run = self._first, False
            return True
        self._saved += self.share
        self._in_run = self._saved >= (1.0 if self._in_run else RUN)
        if self._in_run:
            self._saved -= 1.0
        return self._in_run
