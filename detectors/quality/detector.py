"""The quality detector: the Detector promise over the Checks of each stream."""

import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from config.detectors import QualitySettings
from detectors.detection import Detection, DetectorCard, Kind
from detectors.quality.before import Before
from detectors.quality.checks import Checks
from detectors.quality.finding import ADVICE, Fault, Finding
from detectors.quality.memory import KeptError, load
from detectors.quality.writer import Writer
from streams.frame import Frame

SAVED_EVERY = 300.0  # seconds of footage
WARY = 30  # pictures after an alarming one before which what is known is copied, as evidence
log = logging.getLogger(__name__)


class QualityDetector:
    """Says of every frame whether the picture is fit to be looked at: one Detection for each Fault.

    What it learns of a live camera is kept in `state_dir`/<stream>.quality and taken up after a restart; a
    recording is always judged from scratch, so that the same footage gives the same alerts. `counts`:
    remembered, refused (kept figures that cannot be used), unsaved, views_accepted (of moved cameras),
    unchanged (pictures that the gate did not decode: what was said last holds).
    """

    name = "quality"
    kind = Kind.QUALITY
    width = 640

    def __init__(
        self, settings: QualitySettings, state_dir: Path | None = None, writer: Writer | None = None
    ) -> None:
        """Keeps nothing without a `state_dir`."""
        self.counts: Counter[str] = Counter()
        self._settings = settings
        self._state_dir = state_dir
        self._checks: dict[str, Checks] = {}
        self._said: dict[str, tuple[Detection, ...]] = {}  # of the last picture
        self._wary: Counter[str] = Counter()  # pictures of each stream
        self._saved: dict[str, float] = {}  # position when a live stream was last saved, seconds
        self._writer = writer or Writer(self.counts)
        config = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()
        self._card = DetectorCard(name=self.name, model="picture-statistics-2", config_sha256=config)

    def examine(self, frames: Sequence[Frame]) -> list[tuple[Detection, ...]]:
        """One Detection per label for each frame."""
        return [self._examine(frame) for frame in frames]

    def _examine(self, frame: Frame) -> tuple[Detection, ...]:
        """Of a picture that was not decoded nothing is learned: how long it was so, the next one tells."""
        if frame.unchanged and frame.stream in self._said:
            self.counts["unchanged"] += 1
            return self._said[frame.stream]
        said = self._look(frame)
        self._said[frame.stream] = tuple(replace(each, before=None) for each in said)
        return said

    def _look(self, frame: Frame) -> tuple[Detection, ...]:
        checks = self._checks.get(frame.stream)
        if checks is None:
            known = self._recall(frame.stream) if frame.live else None
            checks = self._checks[frame.stream] = known or Checks(self._settings)
        accepted = checks.views_accepted
        wary = self._wary[frame.stream]
        before = Before.of(checks, self._settings) if wary else None
        findings = checks.examine(frame)
        alarming = any(finding.alarming for finding in findings.values())
        self._wary[frame.stream] = WARY if alarming else max(0, wary - 1)
        self.counts["views_accepted"] += checks.views_accepted - accepted
        if frame.live:
            self._save_sometimes(frame, checks)
        return tuple(self._detection(fault, finding, before) for fault, finding in findings.items())

    def _detection(self, fault: Fault, finding: Finding, before: Before | None) -> Detection:
        reason = f"{finding.reason}: {ADVICE[fault]}" if finding.alarming else finding.reason
        return Detection(
            self.kind,
            str(fault),
            finding.score,
            finding.threshold,
            self._card,
            doubt=finding.doubt,
            reason=reason,
            regions=finding.regions,
            heatmap=finding.heatmap,
            provisional=finding.provisional,
            progress=finding.progress,
            before=before,
        )

    def forget(self, stream: str) -> None:
        """Frees what was learned of a stream; of a live one it is written down."""
        self._wary.pop(stream, None)
        self._said.pop(stream, None)
        checks = self._checks.pop(stream, None)
        if checks is not None and self._saved.pop(stream, None) is not None:
            self._save(stream, checks)

    def close(self) -> None:
        """Writes down what was learned."""
        for stream in list(self._checks):
            self.forget(stream)
        self._writer.close()

    def _save_sometimes(self, frame: Frame, checks: Checks) -> None:
        since = frame.position - self._saved.setdefault(frame.stream, frame.position)
        if since < 0:  # connected anew
            self._saved[frame.stream] = frame.position
        elif since >= SAVED_EVERY:
            self._saved[frame.stream] = frame.position
            self._save(frame.stream, checks)

    def _save(self, stream: str, checks: Checks) -> None:
        if self._state_dir is not None and (memory := checks.keep()):
            self._writer.put(memory, path_of(self._state_dir, stream))

    def _recall(self, stream: str) -> Checks | None:
        if self._state_dir is None:
            return None
        path = path_of(self._state_dir, stream)
        try:
            memory = self._writer.waiting(path) or load(path)
            checks = Checks(self._settings, memory)
        except KeptError as error:
            self.counts["refused"] += 1
            log.warning(
                "what the pictures of %s usually look like is learned anew, %s cannot be used: %s",
                stream,
                path,
                error,
            )
            return None
        self.counts["remembered"] += memory is not None
        return checks


def path_of(state_dir: Path, stream: str) -> Path:
    """Where it is kept what the pictures of a stream usually look like."""
    return state_dir / f"{stream}.quality"
