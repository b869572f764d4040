"""Asks a detector about frames, on the device thread; gives one that fails a growing pause."""

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from detectors.detection import Detection, Detector, DetectorCard, DetectorError, Doubt
from streams.frame import Frame

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0  # seconds until a detector that failed is tried again; twice as long each time
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class _Trouble:
    """A detector that cannot work now."""

    words: str
    pause: float  # seconds
    retry_at: float  # by the clock


class Panel:
    """All detectors by name; the mapping is read at every question, and may change."""

    def __init__(self, detectors: Mapping[str, Detector], clock: Callable[[], float]) -> None:
        self.counts: Counter[str] = Counter()  # degraded_<name>: frames that it could not judge
        self.seconds: defaultdict[str, float] = defaultdict(float)  # spent by each detector
        self.frames: Counter[str] = Counter()  # looked at by each detector
        self._detectors = detectors
        self._clock = clock
        self._troubles: dict[str, _Trouble] = {}

    def ask(self, name: str, frames: Sequence[Frame]) -> list[tuple[Detection, ...] | None]:
        """What one detector says of each frame, None: not yet. Its DetectorError becomes a doubt.

        Other errors come out.
        """
        trouble = self._troubles.get(name)
        if trouble is not None and self._clock() < trouble.retry_at:
            return [self._doubt(name, trouble.words) for _ in frames]
        began = time.perf_counter()
        said = _examined(self._detectors[name], frames)
        self.seconds[name] += time.perf_counter() - began
        self.frames[name] += sum(answer is not None for answer in said)
        errors = [answer for answer in said if isinstance(answer, DetectorError)]
        if len(errors) < len(frames):
            if self._troubles.pop(name, None) is not None:
                log.info("%s can judge again", name)
        else:
            pause = FIRST_PAUSE if trouble is None else min(2 * trouble.pause, LONGEST_PAUSE)
            words = str(errors[-1])
            if trouble is None or trouble.words != words:
                log.warning("%s cannot judge: %s", name, words)
            self._troubles[name] = _Trouble(words, pause, self._clock() + pause)
        return [self._doubt(name, str(each)) if isinstance(each, DetectorError) else each for each in said]

    @property
    def troubles(self) -> Mapping[str, str]:
        """By detector, why it cannot judge now."""
        return {name: trouble.words for name, trouble in list(self._troubles.items())}

    def forget(self, stream: str) -> None:
        """Has every detector drop what it remembers of a stream."""
        for detector in list(self._detectors.values()):
            detector.forget(stream)

    def close(self) -> None:
        """Closes every detector."""
        for detector in list(self._detectors.values()):
            detector.close()

    def _doubt(self, name: str, words: str) -> tuple[Detection, ...]:
        self.counts[f"degraded_{name}"] += 1
        card = DetectorCard(name=name, model="")
        kind = self._detectors[name].kind
        return (Detection(kind, "", 0.0, 1.0, card, doubt=Doubt.DETECTOR_DEGRADED, reason=words),)


def _examined(
    detector: Detector, frames: Sequence[Frame]
) -> list[tuple[Detection, ...] | DetectorError | None]:
    """One answer for each frame: what was said of it, or why nothing could be."""
    try:
        said = detector.examine(frames)
    except DetectorError as error:
        if len(frames) == 1:
            return [error]
        # One bad frame must not blind the detector to the others: each has its own chance.
        return [answer for frame in frames for answer in _examined(detector, [frame])]
    return [answer if answer is None else tuple(answer) for _, answer in zip(frames, said, strict=True)]
