"""A network that finds objects, as its file describes it, and the promise of whatever runs it."""

from ast import literal_eval
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.detection import DetectorError
from detectors.offline import ultralytics_offline

MOST_ENDED: Final = 300  # objects that such a network answers; a grid has thousands of boxes


class Answer(StrEnum):
    """How the boxes stand in what a network answers for one picture; K labels, N boxes."""

    GRID = "grid"  # (4 + K, N): centre and size in pixels, how sure of each label; many boxes of one object
    ENDED = "ended"  # (N, 6): corners in pixels, confidence, label; each object once (YOLO from v10 on)
    SHARES = "shares"  # (N, 6): centre and size as shares, confidence, label; each object once (RT-DETR)
    SHARES_OF_EACH = "shares_of_each"  # (N, 4 + K): the same, and how sure of each label (older RT-DETR)


@dataclass(frozen=True, slots=True)
class Network:
    """What has to be known to show it pictures and to read its answers."""

    labels: tuple[str, ...]
    height: int  # pixels that it was exported for
    width: int
    step: int  # pixels: sides are multiples of it
    flexible: bool  # takes any such sides, and not only its own
    answer: Answer

    @property
    def stretches(self) -> bool:
        """Pictures fill its square, whatever their shape (RT-DETR), instead of lying between grey bars."""
        return self.answer in (Answer.SHARES, Answer.SHARES_OF_EACH)


class Runtime(Protocol):
    """Runs a network."""

    network: Network
    form: str  # for people: 'OpenVINO'
    side_by_side: bool  # several pictures at once are quicker than one by one

    def run(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(B, H, W, 3) BGR to (B, ...) as `network.answer` says; the next call may overwrite what it gave.

        Raises DetectorError.
        """
        ...


def describe(file: Path, flexible: bool, last: tuple[int, ...]) -> Network:
    """From what ultralytics wrote into its export, and `last`: the last two sides of the answer, -1 unknown.

    Raises DetectorError for what finds no objects, or says too little.
    """
    ultralytics_offline()
    from ultralytics.nn.backends.base import BaseBackend

    told = {key: _parsed(key, value) for key, value in BaseBackend.read_metadata(file).items()}
    if not told.get("names") or not told.get("imgsz"):
        raise DetectorError(
            f"{file} does not say which labels it tells and how large its pictures are: export it with "
            "`yolo export`, and keep metadata.yaml beside it"
        )
    if told.get("task", "detect") != "detect":
        raise DetectorError(f"{file} is for the task '{told['task']}': name a model that detects objects")
    labels = tuple(str(told["names"][number]) for number in range(len(told["names"])))
    height, width = (int(side) for side in told["imgsz"])
    ended = bool(told.get("end2end")) or bool((told.get("args") or {}).get("nms"))
    detr = told.get("head") == "RTDETRDecoder" or "rtdetr" in str(told.get("description", "")).lower()
    answer = answer_of(len(labels), last, ended, detr)
    return Network(labels, height, width, int(told.get("stride", 32)), flexible, answer)


def answer_of(labels: int, last: tuple[int, ...], ended: bool, detr: bool) -> Answer:
    """By the last two sides of an answer, -1 unknown, and what is known of the network."""
    if detr:
        return Answer.SHARES_OF_EACH if last[-1] == 4 + labels != 6 else Answer.SHARES
    return Answer.ENDED if ended or last == (MOST_ENDED, 6) else Answer.GRID


def _parsed(key: str, value: Any) -> Any:
    """Some formats keep all as text."""
    if key not in ("names", "imgsz", "args", "end2end") or not isinstance(value, str):
        return value
    try:
        return literal_eval(value)
    except (ValueError, SyntaxError):
        return None


def short(error: Exception) -> str:
    """The text of a library's error, in one line."""
    return " ".join(str(error).split())[:200] or type(error).__name__
