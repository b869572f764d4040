"""Finds objects in pictures that noise was taken out of, where that helps: a finder around another one.

Only the finder inside sees such pictures. A clean camera costs a look at its flattest places, no more.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from detectors.denoising.estimate import estimate
from detectors.denoising.gate import Gate, Way
from detectors.denoising.noise import Picture, Restorer
from detectors.objects.found import Found, ObjectFinder
from streams.frame import Frame

COUNTS: Final = 0.25  # confidence from which a found object counts in a comparison


class Denoised:
    """`counts`: plain, classical, denoiser (pictures, by what was done to them), compared, switched."""

    def __init__(
        self,
        inner: ObjectFinder,
        noisy: Callable[[Picture], float],
        restorers: Mapping[Way, Restorer],
        always: bool = False,
    ) -> None:
        """`noisy`: log odds of a picture being noisy. `restorers`: of all ways but the plain one.

        `always`: every picture goes through the denoiser, and nothing is compared.
        """
        self.counts: Counter[str] = Counter()
        self.name = inner.name
        self.sha256 = inner.sha256
        self.labels = inner.labels
        self.width = inner.width
        self._inner = inner
        self._noisy = noisy
        self._restorers = restorers
        self._always = always
        self._gates: dict[str, Gate] = {}

    @property
    def ways(self) -> Mapping[str, Way]:
        """By stream, what is done to its pictures now."""
        return {stream: gate.way for stream, gate in list(self._gates.items())}

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """As ObjectFinder."""
        fitting = [_fitting(frame.picture, self.width) for frame in frames]
        ways = [self._way(frame, picture) for frame, picture in zip(frames, fitting, strict=True)]
        shown = [self._shown(*each) for each in zip(frames, fitting, ways, strict=True)]
        found = self._inner.find(shown)
        self.counts.update(ways)
        return [self._compared(*each) for each in zip(frames, fitting, ways, found, strict=True)]

    def forget(self, stream: str) -> None:
        """Drops what is known of a stream."""
        self._gates.pop(stream, None)
        self._inner.forget(stream)

    def _way(self, frame: Frame, picture: Picture) -> Way:
        if self._always:
            return Way.DENOISER
        gate = self._gates.setdefault(frame.stream, Gate())
        if frame.fresh:
            gate.forget()
        return gate.see(self._noisy(picture), frame.captured_at.timestamp())

    def _shown(self, frame: Frame, picture: Picture, way: Way) -> Frame:
        if way is Way.PLAIN:
            return frame
        return replace(frame, picture=self._restorers[way].restore(picture, estimate(picture)))

    def _compared(self, frame: Frame, picture: Picture, way: Way, found: Sequence[Found]) -> Sequence[Found]:
        """What was found, or, when a comparison is due and another way proves better, what was found so."""
        gate = self._gates.get(frame.stream)
        if gate is None or not gate.due():
            return found
        told = {way: found}
        for other in set(Way) - {way}:
            (told[other],) = self._inner.find([self._shown(frame, picture, other)])
        gate.compare({each: sure(one.confidence for one in objects) for each, objects in told.items()})
        self.counts["compared"] += 1
        self.counts["switched"] += gate.way is not way
        return told[gate.way]


def sure(confidences: Iterable[float]) -> float:
    """What a comparison counts: the sum of those that say something."""
    return sum(each for each in confidences if each >= COUNTS)


def _fitting(picture: Picture, width: int) -> Picture:
    """No wider nor higher than what the finder shrinks it to anyway: fewer pixels to restore."""
    times = width / max(picture.shape[:2])
    if times >= 1:
        return picture
    size = max(1, round(picture.shape[1] * times)), max(1, round(picture.shape[0] * times))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
