"""Finds objects by a YOLO or an RT-DETR, in whatever form it runs."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.detection import DetectorError, Region
from detectors.objects.boxes import read
from detectors.objects.found import Found
from detectors.objects.network import Network, Runtime
from detectors.objects.pictures import check
from streams.frame import Frame

FLOOR = 0.1  # confidence below which nothing is said
GREY = 114  # of the bars beside a picture, as networks are trained with
AT_ONCE = 16  # pictures, where several at once are quicker


class YoloFinder:
    """Remembers nothing of a stream."""

    def __init__(self, runtime: Runtime, name: str, sha256: str, floor: float = FLOOR) -> None:
        """`name` and `sha256`: of the weights."""
        self._runtime = runtime
        self._floor = floor
        self.name = f"{name}, {runtime.form}"
        self.sha256 = sha256
        self.labels = runtime.network.labels
        self.width = runtime.network.width

    def find(self, frames: Sequence[Frame]) -> Sequence[Sequence[Found]]:
        """As ObjectFinder."""
        check(frames)
        answers: list[list[Found]] = [[] for _ in frames]
        network, together = self._runtime.network, defaultdict[tuple[int, int], list[int]](list)
        for number, frame in enumerate(frames):
            together[sides(network, *frame.picture.shape[:2])].append(number)
        for (height, width), numbers in together.items():
            for some in _parts(numbers, AT_ONCE if self._runtime.side_by_side else 1):
                places = [Placed(network, frames[number].picture, height, width) for number in some]
                shown = np.stack([place.shown for place in places]).astype(np.uint8, copy=False)
                told = self._runtime.run(shown)
                for number, place, answer in zip(some, places, told, strict=True):
                    boxes = read(answer, network.answer, len(self.labels), width, height, self._floor)
                    if not np.isfinite(boxes).all():
                        raise DetectorError(
                            f"{self.name} answers with what is no number: its weights are damaged"
                        )
                    answers[number] = list(self._found(place, boxes))
        return answers

    def forget(self, stream: str) -> None:
        """Nothing to forget."""

    def _found(self, place: "Placed", boxes: NDArray[np.float32]) -> Iterator[Found]:
        for *corners, confidence, label in boxes.tolist():
            region = place.region(*corners)
            if region.width > 0 and region.height > 0:
                yield Found(self.labels[int(label)], min(confidence, 1.0), region)


def sides(network: Network, height: int, width: int) -> tuple[int, int]:
    """Height and width at which a picture of this shape is shown: as few pixels as the network takes."""
    if network.stretches or not network.flexible:
        return network.height, network.width
    scale = min(network.height / height, network.width / width)
    step = network.step
    return (
        max(step, math.ceil(round(height * scale) / step) * step),
        max(step, math.ceil(round(width * scale) / step) * step),
    )


class Placed:
    """A picture as it is shown, and the way back to it."""

    def __init__(self, network: Network, picture: NDArray[np.uint8], height: int, width: int) -> None:
        own_height, own_width = picture.shape[:2]
        scale = min(height / own_height, width / own_width)
        if network.stretches:
            self._width, self._height = width, height
        else:
            self._width = min(width, max(1, round(own_width * scale)))
            self._height = min(height, max(1, round(own_height * scale)))
        self._left, self._top = (width - self._width) // 2, (height - self._height) // 2
        smaller = cv2.resize(picture, (self._width, self._height), interpolation=cv2.INTER_LINEAR)
        if (self._height, self._width) == (height, width):
            self.shown = smaller
        else:
            self.shown = np.full((height, width, 3), GREY, np.uint8)
            self.shown[self._top : self._top + self._height, self._left : self._left + self._width] = smaller

    def region(self, left: float, top: float, right: float, bottom: float) -> Region:
        """From pixels as shown to shares of the picture."""
        left, right = (min(max((x - self._left) / self._width, 0.0), 1.0) for x in (left, right))
        top, bottom = (min(max((y - self._top) / self._height, 0.0), 1.0) for y in (top, bottom))
        return Region(left, top, right - left, bottom - top)


def _parts(numbers: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    for first in range(0, len(numbers), most):
        yield numbers[first : first + most]
