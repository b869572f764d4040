"""The quality detector: the Detector promise over the Checks of each stream."""

import hashlib
from collections.abc import Sequence

from config.settings import QualitySettings
from detectors.detection import Detection, DetectorCard, Kind
from detectors.quality.checks import Checks
from streams.frame import Frame


class QualityDetector:
    """Says of every frame whether it is black, frozen, blurred, covered, badly exposed, smeared or moved."""

    name = "quality"
    kind = Kind.QUALITY
    width = 640

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings
        self._checks: dict[str, Checks] = {}
        config = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
        self._card = DetectorCard(name=self.name, model="picture-statistics-1", config_sha256=config)

    def examine(self, frames: Sequence[Frame]) -> list[tuple[Detection, ...]]:
        """One Detection per label for each frame."""
        return [self._examine(frame) for frame in frames]

    def _examine(self, frame: Frame) -> tuple[Detection, ...]:
        checks = self._checks.get(frame.stream)
        if checks is None:
            checks = self._checks[frame.stream] = Checks(self._settings)
        return tuple(
            Detection(
                self.kind,
                str(fault),
                finding.score,
                finding.threshold,
                self._card,
                doubt=finding.doubt,
                reason=finding.reason,
                regions=finding.regions,
                heatmap=finding.heatmap,
                provisional=finding.provisional,
                progress=finding.progress,
            )
            for fault, finding in checks.examine(frame).items()
        )

    def forget(self, stream: str) -> None:
        """Drops what was learned of a stream."""
        self._checks.pop(stream, None)

    def close(self) -> None:
        """Nothing runs in the background, and nothing is written down."""
