"""Finds objects in pictures that noise was taken out of, where that helps: a finder around another one.

Only the finder inside sees such pictures. A clean camera costs a look at its flattest places, no more.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
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
        ways = [self._way(frame) for frame in frames]
        shown = [self._shown(frame, way) for frame, way in zip(frames, ways, strict=True)]
        found = list(self._inner.find(shown))
        for number, (frame, way) in enumerate(zip(frames, ways, strict=True)):
            self.counts[way] += 1
            gate = self._gates.get(frame.stream)
            if gate is not None and gate.due():
                told = {way: found[number]}
                for other in set(Way) - {way}:
                    (told[other],) = self._inner.find([self._shown(frame, other)])
                self.counts["compared"] += 1
                gate.compare({each: _sure(objects) for each, objects in told.items()})
                if gate.way is not way:
                    self.counts["switched"] += 1
                    found[number] = told[gate.way]
        return found

    def forget(self, stream: str) -> None:
        """Drops what is known of a stream."""
        self._gates.pop(stream, None)
        self._inner.forget(stream)

    def _way(self, frame: Frame) -> Way:
        if self._always:
            return Way.DENOISER
        gate = self._gates.setdefault(frame.stream, Gate())
        if frame.fresh:
            gate.forget()
        return gate.see(self._noisy(_fitting(frame.picture, self.width)), frame.captured_at.timestamp())

    def _shown(self, frame: Frame, way: Way) -> Frame:
        if way is Way.PLAIN:
            return frame
        picture = _fitting(frame.picture, self.width)  # the finder shrinks it anyway: fewer pixels to restore
        return replace(frame, picture=self._restorers[way].restore(picture, estimate(picture)))


def _sure(found: Sequence[Found]) -> float:
    """Of all that was found with some confidence together."""
    return sum(each.confidence for each in found if each.confidence >= COUNTS)


def _fitting(picture: Picture, width: int) -> Picture:
    """No wider nor higher than what the finder looks at."""
    times = width / max(picture.shape[:2])
    if times >= 1:
        return picture
    size = max(1, round(picture.shape[1] * times)), max(1, round(picture.shape[0] * times))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
