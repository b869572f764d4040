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
    GLARE = "glare"
    COVERED = "covered"
    FROZEN = "frozen"
    LOOPED = "looped"
    SHAKEN = "shaken"
    BLURRED = "blurred"
    DEFOCUSED = "defocused"
    NOISY = "noisy"
    TINTED = "tinted"
    COMBED = "combed"
    MOVED = "moved"


NAMED = {Fault.GLARE: "full of glare"}  # where 'the picture is ...' takes another word

# What a person can do about it.
ADVICE: dict[Fault, str] = {
    Fault.BLACK: "see whether the lens is capped, the light out, or the camera broken",
    Fault.SMEARED: "packets are lost on the way: look at the network, the cable, and the camera's bitrate",
    Fault.OVEREXPOSED: "see what shines into the lens, and at the camera's exposure",
    Fault.UNDEREXPOSED: "light the place, or see to the camera's exposure and infrared lamps",
    Fault.GLARE: "shade the lens or turn it away from the light; a dirty lens makes it worse",
    Fault.COVERED: "look at the camera: something hangs, sticks or was sprayed before the lens",
    Fault.FROZEN: "the camera or its encoder hangs: restart it",
    Fault.LOOPED: "old pictures may be played in place of live ones: go and look, and check the line",
    Fault.SHAKEN: "fasten the mount, or find what shakes it",
    Fault.BLURRED: "the exposure is too long for how the camera moves: more light, or a steadier mount",
    Fault.DEFOCUSED: "focus the lens, or clean it of water, grease and webs",
    Fault.NOISY: "the camera runs at a high gain: light the place, or see to its sensor",
    Fault.TINTED: "see to the camera's white balance and infrared filter, or who changed the light",
    Fault.COMBED: "let the camera or its encoder send progressive pictures",
    Fault.MOVED: "look at where the camera points now; after a minute this view counts as the usual one",
}


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
# A picture that shakes is drawn out and out of its place; a blurred one has lost the detail that places are
# known by, and its blur has one cause. Frozen hides nothing but the loop: it says when, not what.
_DETAIL = frozenset({Fault.SHAKEN, Fault.BLURRED, Fault.DEFOCUSED, Fault.NOISY, Fault.COMBED, Fault.MOVED})
_LIGHT = frozenset({Fault.OVEREXPOSED, Fault.UNDEREXPOSED, Fault.GLARE, Fault.TINTED})
_TIME = frozenset({Fault.FROZEN, Fault.LOOPED})
HIDES: dict[Fault, frozenset[Fault]] = {
    Fault.BLACK: frozenset(Fault) - {Fault.BLACK},
    Fault.SMEARED: _DETAIL | _LIGHT | {Fault.COVERED},
    Fault.OVEREXPOSED: _DETAIL | _TIME | _LIGHT - {Fault.OVEREXPOSED} | {Fault.COVERED},
    Fault.UNDEREXPOSED: _DETAIL | {Fault.COVERED, Fault.GLARE, Fault.TINTED},
    Fault.COVERED: _DETAIL | _TIME | {Fault.GLARE, Fault.TINTED},
    Fault.GLARE: _DETAIL | {Fault.TINTED},
    Fault.FROZEN: frozenset({Fault.LOOPED}),
    Fault.SHAKEN: frozenset({Fault.BLURRED, Fault.DEFOCUSED, Fault.MOVED}),
    Fault.BLURRED: frozenset({Fault.DEFOCUSED, Fault.MOVED}),
    Fault.DEFOCUSED: frozenset({Fault.MOVED}),
}


def settle(findings: dict[Fault, Finding]) -> dict[Fault, Finding]:
    """Turns the findings that an alarming fault hides into 'cannot tell'."""
    settled = dict(findings)
    for fault, hidden in HIDES.items():
        if not settled[fault].alarming:
            continue
        for other in hidden:
            words = f"cannot be told: the picture is {NAMED.get(fault, fault)}"
            settled[other] = Finding(0.0, settled[other].threshold, words, Doubt.HIDDEN)
    return settled
