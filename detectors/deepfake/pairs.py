"""Where the pairs come from that a head learns from: each maker draws a real face and a fake one."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.deepfake.blending import blend, face_mask, in_colours_of, self_blend, swap
from detectors.deepfake.training import Maker, Pair, Picture

MATCHED = 0.6  # share of the known pairs of which one takes the colours of the other
PASTED = 0.3  # share of the redrawn faces of which only the face is pasted

Faces = NDArray[np.uint8]  # (N, S, S, 3) BGR
Draw = Callable[[Generator], Picture]


def drawn(*sources: tuple[float, Faces]) -> Draw:
    """Faces of several sources, each with its share."""
    given = [(share, faces) for share, faces in sources if len(faces)]
    shares = np.array([share for share, _ in given])

    def draw(chance: Generator) -> Picture:
        _, faces = given[chance.choice(len(given), p=shares / shares.sum())]
        return np.asarray(faces[chance.integers(len(faces))], np.uint8)

    return draw


def known(real: Draw, fake: Draw, matched: float = MATCHED) -> Maker:
    """Fakes that somebody else made.

    Most of these pairs have their colours in common, taken from either: a few dozen films are told apart by
    their colours alone. `matched` is the share of these pairs.
    """

    def make(chance: Generator) -> Pair:
        a, b = real(chance), fake(chance)
        if chance.random() < matched:
            a, b = (in_colours_of(b, a), b) if chance.random() < 0.5 else (a, in_colours_of(a, b))
        return Pair(a, b)

    return make


def blended(real: Draw) -> Maker:
    """Real faces blended with themselves."""

    def make(chance: Generator) -> Pair:
        face = real(chance)
        return Pair(face, self_blend(face, chance))

    return make


def swapped(real: Draw) -> Maker:
    """Real faces with others put onto them."""

    def make(chance: Generator) -> Pair:
        face = real(chance)
        return Pair(face, swap(face, real(chance), chance))

    return make


def redrawn(originals: Faces, copies: Faces) -> Maker:
    """Real faces drawn anew, whole or only the face: `copies` are of `originals`, in their order."""

    def make(chance: Generator) -> Pair:
        index = chance.integers(len(originals))
        real, copy = originals[index], copies[index]
        if chance.random() < PASTED:
            copy = blend(copy, real, face_mask(len(real), chance))
        return Pair(real, copy)

    return make
