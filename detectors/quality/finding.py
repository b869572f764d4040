"""What one check says of one picture, and which faults hide which others."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from detectors.detection import Doubt, Region


class Fault(StrEnum):
    """What can be wrong with a picture: the labels of quality detections."""

    BLACK = "black"
    SMEARED = "smeared"
    OVEREXPOSED = "overexposed"
    UNDEREXPOSED = "underexposed"
    COVERED = "covered"
    FROZEN = "frozen"
    BLURRED = "blurred"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Finding:
    """A Detection in the making: the same words, without who made it."""

    score: float
    threshold: float
    reason: str
    doubt: Doubt | None = None
    regions: tuple[Region, ...] = ()
    heatmap: NDArray[np.float32] | None = None
    provisional: bool = False
    progress: float | None = None

    @property
    def alarming(self) -> bool:
        """True where the check can tell, and what it tells is not fine."""
        return self.doubt is None and self.score >= self.threshold


# One cause, one alert: a fault that leaves nothing to see of another hides it, and the hidden one cannot be
# told. A black picture is black, whatever else it is. Where the decoder lost the picture, where light is
# clipped, and behind a hand there is nothing to be sharp, in its place, or (but for decoder damage) moving.
# A blurred picture has lost the detail that places are known by. Frozen hides nothing: it says when.
HIDES: dict[Fault, frozenset[Fault]] = {
    Fault.BLACK: frozenset(Fault) - {Fault.BLACK},
    Fault.SMEARED: frozenset(
        {Fault.OVEREXPOSED, Fault.UNDEREXPOSED, Fault.COVERED, Fault.BLURRED, Fault.MOVED}
    ),
    Fault.OVEREXPOSED: frozenset(
        {Fault.UNDEREXPOSED, Fault.COVERED, Fault.FROZEN, Fault.BLURRED, Fault.MOVED}
    ),
    Fault.UNDEREXPOSED: frozenset({Fault.COVERED, Fault.BLURRED, Fault.MOVED}),
    Fault.COVERED: frozenset({Fault.FROZEN, Fault.BLURRED, Fault.MOVED}),
    Fault.BLURRED: frozenset({Fault.MOVED}),
}


def settle(findings: dict[Fault, Finding]) -> dict[Fault, Finding]:
    """Turns the findings that an alarming fault hides into 'cannot tell'."""
    settled = dict(findings)
    for fault, hidden in HIDES.items():
        if not settled[fault].alarming:
            continue
        for other in hidden:
            words = f"cannot be told: the picture is {fault}"
            settled[other] = Finding(0.0, settled[other].threshold, words, Doubt.HIDDEN)
    return settled
