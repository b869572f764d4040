"""One stream's checks, in the order in which they need one another, and when they may learn."""

from config.settings import QualitySettings
from detectors.quality.finding import Fault, Finding, settle
from detectors.quality.light import Light
from detectors.quality.look import look_at
from detectors.quality.sharpness import Sharpness
from detectors.quality.smear import Smear
from detectors.quality.stillness import Stillness
from detectors.quality.view import View
from streams.frame import Frame


class Checks:
    """All checks of one stream, with what each remembers of it."""

    def __init__(self, settings: QualitySettings) -> None:
        self._settings = settings
        self._shape: tuple[int, ...] = ()
        self._at: float | None = None  # position of the last frame, seconds
        self._start_over()

    def _start_over(self) -> None:
        sensitivity = self._settings.sensitivity
        self._light = Light(sensitivity)
        self._sharpness = Sharpness(sensitivity)
        self._smear = Smear(sensitivity)
        self._stillness = Stillness(self._settings.frozen_after)
        self._view = View(sensitivity)

    def examine(self, frame: Frame) -> dict[Fault, Finding]:
        """One finding for every fault."""
        look = look_at(frame.picture)
        if look.grey.shape != self._shape:  # another shape of picture: nothing learned compares
            self._shape = look.grey.shape
            self._start_over()
        gap = self._since_last(frame)
        findings = self._light.examine(look, gap)
        findings[Fault.FROZEN] = self._stillness.examine(look, gap, frame.fresh)
        findings[Fault.SMEARED] = self._smear.examine(look, gap, frame.damaged)
        findings[Fault.BLURRED] = self._sharpness.examine(look)
        findings |= self._view.examine(look, gap)
        findings = settle(findings)
        self._view.settle(findings[Fault.MOVED].alarming, gap)
        if not frame.damaged and not any(finding.alarming for finding in findings.values()):
            self._smear.learn(gap)
            self._sharpness.learn(gap)
            self._view.learn(look, gap)
        return findings

    def _since_last(self, frame: Frame) -> float:
        """Seconds of footage since the last frame: by position, which a busy machine does not stretch."""
        before, self._at = self._at, frame.position
        if before is None or frame.fresh or frame.position <= before:
            return 0.0
        return frame.position - before
