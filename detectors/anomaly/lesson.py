"""Learning under way in another thread, and what all that learns of one camera shares."""

import logging
import threading
import time
from collections import Counter
from concurrent.futures import Executor, Future
from dataclasses import dataclass

from config.detectors import AnomalySettings
from detectors.anomaly.footage import Footage
from detectors.anomaly.method import Learned, Method

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """One stream, and what it is learned with."""

    stream: str
    method: Method
    settings: AnomalySettings
    school: Executor
    counts: Counter[str]


class Lesson:
    """A normal from footage; `start` is what was learned before, and not from this footage."""

    def __init__(self, camera: Camera, footage: Footage, start: Learned | None) -> None:
        self.progress = 0.0
        self.footage = footage
        self._camera = camera
        self._start = start
        self._stop = threading.Event()
        self._result: Future[Learned] = camera.school.submit(self._learn)

    @property
    def done(self) -> bool:
        """It ended, one way or the other."""
        return self._result.done()

    def learned(self) -> Learned:
        """What was learned, once it is done. Raises ValueError where the footage was no use, Stopped."""
        return self._result.result()

    def stop(self) -> None:
        """Ends it soon. The footage stays, to be learned from another time."""
        self._stop.set()
        if self._result.cancel():  # it had not begun
            self.footage.close()

    def _learn(self) -> Learned:
        began = time.thread_time()
        try:
            learned: Learned = self._camera.method.learn(
                self.footage.pictures(), self._start, self._tell, self._stop.is_set
            )
        finally:
            self.footage.close()
        took = time.thread_time() - began
        log.info("%s: learned from %d pictures in %.1f s", self._camera.stream, len(self.footage), took)
        return learned

    def _tell(self, share: float) -> None:
        self.progress = share
