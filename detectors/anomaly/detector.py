"""The anomaly detector: the Detector promise over one Pupil per stream."""

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config.detectors import AnomalySettings
from detectors.anomaly.cells import Cells
from detectors.anomaly.life import Life
from detectors.anomaly.method import Method
from detectors.anomaly.pupil import Pupil
from detectors.detection import Detection, Kind
from detectors.device import Device, limit_torch_threads
from streams.frame import Frame

NICENESS = 10
NO_SOURCES: Mapping[str, str] = {}


class AnomalyDetector:
    """Learns each camera's normal by itself, keeps it in `state_dir`/<stream>, says what is not normal."""

    name = "anomaly"
    kind = Kind.ANOMALY

    def __init__(
        self,
        settings: AnomalySettings,
        state_dir: Path,
        device: Device = "cpu",
        sources: Mapping[str, str] = NO_SOURCES,
        method: Method | None = None,
    ) -> None:
        """`sources`: a hash of each stream's address, read at its first frame; another one is learned anew.

        `method`: Cells unless another is given. Cells compute on the processor, whatever `device` says: their
        network needs a third of a millisecond for the hundred cells of a busy picture, less than the way to
        a card and back is likely to cost.
        """
        limit_torch_threads()
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._method: Method = method or Cells()
        self._sources = sources
        self.width = self._method.width
        self._state_dir = state_dir
        self._config_sha256 = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
        self._pupils: dict[str, Pupil] = {}
        self._school = ThreadPoolExecutor(1, "anomaly-learning", initializer=_step_back)

    def examine(self, frames: Sequence[Frame]) -> Sequence[Sequence[Detection] | None]:
        """One Detection for each frame; None for a recording's frame while its normal is being computed."""
        said = [self._pupil(frame.stream).examine(frame) for frame in frames]
        return [None if one is None else (one,) for one in said]

    @property
    def lives(self) -> dict[str, Life]:
        """What is known of each stream's normal. May be asked from any thread."""
        return {stream: pupil.life for stream, pupil in list(self._pupils.items())}

    def hold(self, stream: str, held: bool) -> None:
        """Learns nothing from a stream while something is wrong with it. May be said from any thread."""
        pupil = self._pupils.get(stream)
        if pupil:
            pupil.held = held

    def forget(self, stream: str) -> None:
        """Drops what is remembered of a stream in memory; what was learned stays on disk."""
        pupil = self._pupils.pop(stream, None)
        if pupil:
            pupil.close()

    def close(self) -> None:
        """Stops learning, and writes down what was learned."""
        for stream in list(self._pupils):
            self.forget(stream)
        self._school.shutdown(wait=True, cancel_futures=True)

    def _pupil(self, stream: str) -> Pupil:
        pupil = self._pupils.get(stream)
        if pupil is None:
            pupil = self._pupils[stream] = Pupil(
                self._method,
                stream,
                self._state_dir / stream,
                self._settings,
                self._config_sha256,
                self._school,
                self.counts,
                self._sources.get(stream, ""),
            )
        return pupil


def _step_back() -> None:
    """The learning thread: behind everything else that wants a processor core."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    limit_torch_threads()
