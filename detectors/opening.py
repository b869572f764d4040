"""Opens what needs weights, and while they are missing tries again from time to time."""

import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from detectors.detection import DetectorError

T = TypeVar("T")
AGAIN: Final = 30.0  # seconds between two attempts at weights that cannot be used: to read them may take long


class Opening(Generic[T]):
    """Tried at once, so that weights that are there are read before the first frame comes."""

    def __init__(self, attempt: Callable[[], T], clock: Callable[[], float] = time.monotonic) -> None:
        """`attempt` raises DetectorError while it cannot be."""
        self._attempt = attempt
        self._clock = clock
        self._opened: T | None = None
        self._trouble = ""
        self._again = -float("inf")  # when the next attempt is due
        self._try()

    @property
    def opened(self) -> T | None:
        """None while it cannot be."""
        return self._opened

    def get(self) -> T:
        """What was opened, now if need be. Raises DetectorError, with what the last attempt met."""
        if self._opened is None and self._clock() >= self._again:
            self._try()
        if self._opened is None:
            raise DetectorError(self._trouble)
        return self._opened

    def _try(self) -> None:
        try:
            self._opened = self._attempt()
        except DetectorError as error:
            self._trouble = str(error)
            self._again = self._clock() + AGAIN
