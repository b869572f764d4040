"""Where the pairs come from that a head learns from: each maker draws a real face and a fake one."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from detectors.deepfake.blending import blend, face_mask, self_blend, swap
from detectors.deepfake.training import Maker, Pair

PASTED = 0.3  # share of the redrawn faces of which only the face is pasted

Faces = NDArray[np.uint8]  # (N, S, S, 3) BGR


def known(real: Faces, fake: Faces) -> Maker:
    """Fakes that somebody else made."""

    def make(chance: Generator) -> Pair:
        return Pair(_one(real, chance), _one(fake, chance))

    return make


def blended(real: Faces) -> Maker:
    """Real faces blended with themselves."""

    def make(chance: Generator) -> Pair:
        face = _one(real, chance)
        return Pair(face, self_blend(face, chance))

    return make


def swapped(real: Faces) -> Maker:
    """Real faces with others put onto them."""

    def make(chance: Generator) -> Pair:
        face = _one(real, chance)
        return Pair(face, swap(face, _one(real, chance), chance))

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


def _one(faces: Faces, chance: Generator) -> Faces:
    return np.asarray(faces[chance.integers(len(faces))], np.uint8)
