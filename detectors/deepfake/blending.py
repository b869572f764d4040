"""Fakes made on the spot from real faces, to train on: blends of a face with itself, and with another one.

Self-blended images (Shiohara and Yamasaki, CVPR 2022) have what every swap has, a border between two pictures
that were treated differently, and nothing of any one generator.
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Picture = NDArray[np.uint8]  # (S, S, 3) BGR: a face that fills it
Mask = NDArray[np.float32]  # (S, S, 1) 0..1

HALF_FACE: Final = 0.3  # share of the masks that leave the eyes alone


def face_mask(side: int, chance: Generator) -> Mask:
    """Where a face is that fills its picture: an ellipse, a polygon or its lower half, with a soft border."""
    mask = np.zeros((side, side), np.float32)
    x, y = side * chance.uniform(0.42, 0.58), side * chance.uniform(0.45, 0.62)
    if chance.random() < 0.5:
        size = side * chance.uniform(0.4, 0.75), side * chance.uniform(0.5, 0.9)
        cv2.ellipse(mask, ((x, y), size, chance.uniform(-15, 15)), (1.0,), -1)
    else:
        corners = int(chance.integers(8, 14))
        angles = np.sort(chance.uniform(0, 2 * np.pi, corners))
        reach = side * chance.uniform(0.75, 1.1, corners)
        across, down = chance.uniform(0.22, 0.36), chance.uniform(0.28, 0.42)
        outline = np.stack([x + np.cos(angles) * reach * across, y + np.sin(angles) * reach * down], axis=1)
        cv2.fillPoly(mask, [outline.astype(np.int32)], (1.0,))
    if chance.random() < HALF_FACE:
        mask[: int(side * chance.uniform(0.3, 0.55))] = 0
    border = int(side * chance.uniform(0.02, 0.15)) | 1
    strength = chance.choice([0.5, 0.75, 1, 1, 1])
    return np.asarray(cv2.GaussianBlur(mask, (border, border), 0)[..., None] * strength, np.float32)


def self_blend(real: Picture, chance: Generator) -> Picture:
    """A face blended with itself, treated otherwise: tone, sharpness, size and place."""
    side = len(real)
    treated: NDArray[Any] = real.astype(np.float32)
    gain = chance.uniform(0.85, 1.15, 3 if chance.random() < 0.5 else 1)
    treated = np.clip(treated * gain + chance.uniform(-15, 15), 0, 255).astype(np.float32)
    if chance.random() < 0.5:
        if chance.random() < 0.5:
            treated = cv2.GaussianBlur(treated, (0, 0), chance.uniform(0.4, 1.6))
        else:
            detail = treated - cv2.GaussianBlur(treated, (0, 0), 1.2)
            treated = np.clip(treated + chance.uniform(0.3, 1.2) * detail, 0, 255)
    if chance.random() < 0.4:
        share = chance.uniform(0.4, 0.9)
        small = cv2.resize(treated, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        treated = cv2.resize(small, (side, side))
    moved = cv2.getRotationMatrix2D((side / 2, side / 2), chance.uniform(-3, 3), chance.uniform(0.95, 1.05))
    moved[:, 2] = moved[:, 2] + chance.uniform(-0.03, 0.03, 2) * side
    treated = cv2.warpAffine(treated, moved, (side, side), borderMode=cv2.BORDER_REFLECT)
    mask = face_mask(side, chance)
    return blend(treated, real, mask) if chance.random() < 0.5 else blend(real, treated, mask)


def swap(onto: Picture, face: Picture, chance: Generator) -> Picture:
    """Another face in the colours of the one that it is put onto."""
    return blend(in_colours_of(onto, face), onto, face_mask(len(onto), chance))


def blend(inner: NDArray[np.generic], outer: NDArray[np.generic], mask: Mask) -> Picture:
    """The inner picture where the mask is 1, the outer one where it is 0."""
    mixed = inner.astype(np.float32) * mask + outer.astype(np.float32) * (1 - mask)
    return np.clip(mixed, 0, 255).astype(np.uint8)


def in_colours_of(model: Picture, picture: Picture) -> Picture:
    """A picture with the mean and spread of another one's middle, in Lab (Reinhard et al., 2001)."""
    side = len(model)
    middle = slice(side // 4, -(side // 4))
    own, wanted = (cv2.cvtColor(one, cv2.COLOR_BGR2LAB).astype(np.float32) for one in (picture, model))
    mean, spread = own[middle, middle].mean(axis=(0, 1)), own[middle, middle].std(axis=(0, 1)) + 1e-3
    to_mean, to_spread = wanted[middle, middle].mean(axis=(0, 1)), wanted[middle, middle].std(axis=(0, 1))
    told = np.clip((own - mean) / spread * to_spread + to_mean, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(told, cv2.COLOR_LAB2BGR), np.uint8)
