"""The anomaly detector: the Detector promise over one Camera per stream."""

import hashlib
import os
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from config.settings import AnomalySettings
from detectors.anomaly.camera import Camera
from detectors.anomaly.features import WIDTH
from detectors.detection import Detection, Kind
from detectors.device import limit_torch_threads
from streams.frame import Frame

NICENESS = 10


class AnomalyDetector:
    """Learns each camera's normal by itself, keeps it in `state_dir`/<stream>, says what is not normal."""

    name = "anomaly"
    kind = Kind.ANOMALY
    width = WIDTH

    def __init__(self, settings: AnomalySettings, state_dir: Path, device: str = "cpu") -> None:
        """`device` is not used yet: cells are so few that sending them elsewhere would take longer."""
        limit_torch_threads()
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._state_dir = state_dir
        self._config_sha256 = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
        self._cameras: dict[str, Camera] = {}
        self._school = ThreadPoolExecutor(1, "anomaly-learning", initializer=_step_back)

    def examine(self, frames: Sequence[Frame]) -> Sequence[Sequence[Detection] | None]:
        """One Detection for each frame; None for a recording's frame while its normal is being computed."""
        said = [self._camera(frame.stream).examine(frame) for frame in frames]
        return [None if one is None else (one,) for one in said]

    def forget(self, stream: str) -> None:
        """Drops what is remembered of a stream in memory; what was learned stays on disk."""
        camera = self._cameras.pop(stream, None)
        if camera:
            camera.close()

    def close(self) -> None:
        """Stops learning, and writes down what was learned."""
        for stream in list(self._cameras):
            self.forget(stream)
        self._school.shutdown(wait=True, cancel_futures=True)

    def _camera(self, stream: str) -> Camera:
        camera = self._cameras.get(stream)
        if camera is None:
            camera = self._cameras[stream] = Camera(
                stream,
                self._state_dir / stream,
                self._settings,
                self._config_sha256,
                self._school,
                self.counts,
            )
        return camera


def _step_back() -> None:
    """The learning thread: behind everything else that wants a processor core."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    limit_torch_threads()
