"""One stream's checks, in the order in which they need one another, and when they may learn."""

from collections.abc import Mapping
from typing import Protocol

from config.detectors import QualitySettings
from detectors.quality.comb import Comb
from detectors.quality.finding import Fault, Finding, settle
from detectors.quality.glare import Glare
from detectors.quality.grain import Grain
from detectors.quality.light import Light
from detectors.quality.look import Floats, Look, look_at
from detectors.quality.loop import Loop
from detectors.quality.memory import Kept, KeptError, kept
from detectors.quality.sharpness import Sharpness
from detectors.quality.smear import Smear
from detectors.quality.stillness import Stillness
from detectors.quality.tint import Tint
from detectors.quality.tremor import Tremor
from detectors.quality.view import View
from streams.frame import Frame

SELDOM = 0.39  # seconds: the dear checks look so often while nothing is wrong
RARELY = 0.95  # seconds: those of what changes slowly
LEARNS = 0.39  # seconds between two lessons


class Remembers(Protocol):
    """A check that knows this camera."""

    def keep(self) -> Kept: ...
    def recall(self, memory: Kept) -> None: ...


class Checks:
    """All checks of one stream, with what each remembers of it."""

    def __init__(self, settings: QualitySettings, memory: Kept | None = None) -> None:
        """`memory` is what `keep` gave: of use for pictures of the same shape. Raises KeptError."""
        self._settings = settings
        self._shape: tuple[int, ...] = ()
        self._at: float | None = None  # position of the last frame, seconds
        self.views_accepted = 0
        self._start_over()
        if memory:
            self._recall(memory)

    def _start_over(self) -> None:
        sensitivity = self._settings.sensitivity
        self._light = Light(sensitivity)
        self._glare = Glare(sensitivity)
        self._sharpness = Sharpness(sensitivity)
        self._grain = Grain(sensitivity)
        self._tint = Tint(sensitivity)
        self._comb = Comb(sensitivity)
        self._smear = Smear(sensitivity)
        self._stillness = Stillness(self._settings.frozen_after)
        self._loop = Loop(self._settings.loop_minutes, sensitivity)
        self._tremor = Tremor(sensitivity)
        self._view = View(sensitivity)
        self._seldom = self._rarely = self._lesson = 0.0  # seconds since they were last due
        self._held: dict[Fault, Finding] = {}  # what the dear checks said last
        self._before: Floats | None = None  # the small picture before
        self._alarming = False

    def examine(self, frame: Frame) -> dict[Fault, Finding]:
        """One finding for every fault."""
        look = look_at(frame.picture)
        if look.grey.shape != self._shape:  # another shape of picture: nothing learned compares
            self._shape = look.grey.shape
            self._start_over()
        gap = self._since_last(frame)
        findings = self._light.examine(look, gap)
        findings[Fault.FROZEN] = self._stillness.examine(look, gap, frame.fresh)
        findings |= self._view.examine(look, gap, still=findings[Fault.FROZEN].score > 0)
        findings[Fault.LOOPED] = self._loop.examine(look, gap)
        findings[Fault.GLARE] = self._glare.examine(look, gap)
        findings[Fault.SHAKEN] = self._tremor.examine(look, gap, frame.fresh, self._view)
        findings |= self._dear(look, gap, frame, findings)
        self._before = look.small
        findings = settle(findings)
        if self._view.settle(findings[Fault.MOVED].alarming, gap):
            self.views_accepted += 1
        self._alarming = any(finding.alarming for finding in findings.values())
        self._lesson += gap
        if not frame.damaged and not self._alarming and (self._lesson >= LEARNS or not gap):
            self._learn(look, self._lesson)
            self._lesson = 0.0
        return findings

    def keep(self) -> Kept:
        """What was learned of this camera, to be handed to the Checks after the next start."""
        if not self._view.keep():
            return {}
        memory = {
            f"{name}.{figure}": value
            for name, check in self._remembering().items()
            for figure, value in check.keep().items()
        }
        return memory | {"shape": kept(self._shape)}

    def _recall(self, memory: Kept) -> None:
        try:
            self._shape = tuple(map(int, memory["shape"]))
            for name, check in self._remembering().items():
                part = name + "."
                check.recall(
                    {key.removeprefix(part): value for key, value in memory.items() if key.startswith(part)}
                )
        except (KeyError, ValueError, TypeError) as error:
            raise KeptError(f"it is damaged: what it holds is not all there ({error})") from error

    def _remembering(self) -> Mapping[str, Remembers]:
        return {
            "light": self._light,
            "glare": self._glare,
            "sharpness": self._sharpness,
            "grain": self._grain,
            "tint": self._tint,
            "smear": self._smear,
            "stillness": self._stillness,
            "view": self._view,
        }

    def _dear(
        self, look: Look, gap: float, frame: Frame, cheap: Mapping[Fault, Finding]
    ) -> dict[Fault, Finding]:
        """The dear checks: in turns while nothing is wrong, all of them as soon as something is."""
        self._seldom += gap
        self._rarely += gap
        at_once = self._alarming or not gap or any(finding.alarming for finding in cheap.values())
        seldom, rarely = at_once or self._seldom >= SELDOM, at_once or self._rarely >= RARELY
        self._held[Fault.SMEARED] = self._smear.examine(look, gap, frame.damaged, anew=seldom)
        if seldom:
            self._held |= self._sharpness.examine(look)
            self._seldom = 0.0
        if rarely:
            self._held[Fault.NOISY] = self._grain.examine(look)
            self._held[Fault.TINTED] = self._tint.examine(look, self._rarely)
            self._held[Fault.COMBED] = self._comb.examine(look, self._before, self._rarely)
            self._rarely = 0.0
        return self._held

    def _learn(self, look: Look, gap: float) -> None:
        self._smear.learn(gap)
        self._sharpness.learn(gap)
        self._grain.learn(gap)
        self._glare.learn(look, gap)
        self._view.learn(look, gap)

    def _since_last(self, frame: Frame) -> float:
        """Seconds of footage since the last frame: by position, which a busy machine does not stretch."""
        before, self._at = self._at, frame.position
        if before is None or frame.fresh or frame.position <= before:
            return 0.0
        return frame.position - before
