"""Faces found by MTCNN, whose weights come with pip: what every machine has."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detectors.device import Device, limit_torch_threads
from detectors.faces.face import Face
from detectors.faces.mtcnn_networks import DECIDED, PROPOSED, REFINED, Decider, Proposer, Refiner
from detectors.faces.mtcnn_weights import SHA256, read_arrays, weights_folder

NEXT = 0.709  # times: from one scale of the picture to the next
STEP = 2  # px between two places that the first network looks at
SURE = (0.6, 0.7, 0.9)  # chance of a face, of each network
ALIKE = 0.5, 0.7  # of overlap: two proposals of one scale, and of all, that are one
NESTED = 0.7  # of the smaller box: two faces that are one
MOST = 128  # proposals that are looked at again, the surest; a picture full of faces has fewer

Boxes = NDArray[np.float32]  # (N, 5): left, top, right, bottom in px, chance


class Mtcnn:
    """Three networks, each looking at what the one before it left."""

    name = "mtcnn"
    sha256 = SHA256

    def __init__(self, device: Device = "cpu") -> None:
        """Raises DetectorError where the weights are not there or not what they should be."""
        limit_torch_threads()
        folder = weights_folder()
        self._device = torch.device(device)
        self._proposer = Proposer(read_arrays(folder / "pnet.lz4")).eval().requires_grad_(False)
        self._refiner = Refiner(read_arrays(folder / "rnet.lz4")).eval().requires_grad_(False)
        self._decider = Decider(read_arrays(folder / "onet.lz4")).eval().requires_grad_(False)
        for each in (self._proposer, self._refiner, self._decider):
            each.to(self._device)

    def find(self, picture: NDArray[np.uint8], smallest: int) -> list[Face]:
        """The faces of a picture (H, W, 3) BGR, the surest first; those below `smallest` px are left out."""
        with torch.inference_mode():
            boxes = self._refined(picture, self._proposed(picture, max(PROPOSED, smallest)))
            return self._decided(picture, boxes, smallest)

    def _proposed(self, picture: NDArray[np.uint8], smallest: int) -> Boxes:
        found = [np.zeros((0, 5), np.float32)]
        height, width = picture.shape[:2]
        scale = PROPOSED / smallest
        while min(height, width) * scale >= PROPOSED:
            while picture.shape[0] >= 4 * height * scale:  # halves first: from there it is quicker
                picture = _half(picture)
            size = round(width * scale), round(height * scale)
            small = np.asarray(cv2.resize(picture, size, interpolation=_way(scale)), np.uint8)
            moves, chances = self._proposer(self._values(small[None]))
            chance, moved = chances[0, 1].cpu().numpy(), moves[0].cpu().numpy()
            rows, columns = np.nonzero(chance >= SURE[0])
            corner = np.stack([columns, rows], axis=1).astype(np.float32) * STEP
            sides = np.concatenate([corner, corner + PROPOSED], axis=1)
            sides = (sides + moved[:, rows, columns].T * PROPOSED) / scale
            boxes = np.concatenate([sides, chance[rows, columns, None]], axis=1).astype(np.float32)
            found.append(_apart(boxes, ALIKE[0]))
            scale *= NEXT
        return _apart(np.concatenate(found), ALIKE[1])[:MOST]

    def _refined(self, picture: NDArray[np.uint8], boxes: Boxes) -> Boxes:
        if not len(boxes):
            return boxes
        square = _square(boxes)
        moves, chances = self._refiner(self._patches(picture, square, REFINED))
        return _apart(_moved(square, moves, chances, SURE[1])[0], ALIKE[1])

    def _decided(self, picture: NDArray[np.uint8], boxes: Boxes, smallest: int) -> list[Face]:
        if not len(boxes):
            return []
        square = _square(boxes)
        moves, marks, chances = self._decider(self._patches(picture, square, DECIDED))
        final, kept = _moved(square, moves, chances, SURE[2])
        square = square[kept]
        places = marks.cpu().numpy()[kept].reshape(-1, 2, 5).transpose(0, 2, 1)  # (N, 5, 2)
        places = square[:, None, :2] + places * (square[:, None, 2:4] - square[:, None, :2])
        faces = []
        for index in _one_each(final, NESTED, nested=True):
            left, top, right, bottom, chance = (float(each) for each in final[index])
            if bottom - top >= smallest:
                landmarks = places[index].astype(np.float32)
                faces.append(Face(left, top, right - left, bottom - top, landmarks, chance))
        return faces

    def _patches(self, picture: NDArray[np.uint8], square: Boxes, side: int) -> Tensor:
        """What is in the boxes, (N, 3, side, side); grey where a box reaches beyond the picture."""
        patches = np.full((len(square), side, side, 3), 127, np.uint8)
        height, width = picture.shape[:2]
        for patch, box in zip(patches, square, strict=True):
            left, top, right, bottom = (round(float(each)) for each in box[:4])
            right, bottom = max(right, left + 1), max(bottom, top + 1)
            inside = picture[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
            if not inside.size:
                continue
            if inside.shape[:2] != (bottom - top, right - left):
                above, before = max(0, -top), max(0, -left)
                below, after = max(0, bottom - height), max(0, right - width)
                inside = cv2.copyMakeBorder(  # type: ignore[assignment]
                    inside, above, below, before, after, cv2.BORDER_CONSTANT, value=(127, 127, 127)
                )
            cv2.resize(inside, (side, side), dst=patch, interpolation=_way(side / inside.shape[0]))
        return self._values(patches)

    def _values(self, pictures: NDArray[np.uint8]) -> Tensor:
        """(N, H, W, 3) BGR to what the networks take: (N, 3, H, W) RGB, about -1..1."""
        held = torch.from_numpy(np.ascontiguousarray(pictures[..., ::-1])).to(self._device)
        return (held.permute(0, 3, 1, 2).float() - 127.5) / 128


def _half(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def _way(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR


def _square(boxes: Boxes) -> Boxes:
    """As high as wide, about the same middle."""
    half = (boxes[:, 2:4] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    middle = (boxes[:, :2] + boxes[:, 2:4]) / 2
    return np.concatenate([middle - half, middle + half, boxes[:, 4:]], axis=1)


def _moved(square: Boxes, moves: Tensor, chances: Tensor, sure: float) -> tuple[Boxes, NDArray[np.intp]]:
    """The boxes that are sure enough, moved, and which of all they are."""
    chance = chances[:, 1].cpu().numpy()
    kept = np.nonzero(chance >= sure)[0]
    size = np.tile(square[kept, 2:4] - square[kept, :2], 2)
    sides = square[kept, :4] + moves.cpu().numpy()[kept] * size
    return np.concatenate([sides, chance[kept, None]], axis=1), kept


def _apart(boxes: Boxes, alike: float) -> Boxes:
    return boxes[_one_each(boxes, alike)]


def _one_each(boxes: Boxes, alike: float, *, nested: bool = False) -> list[int]:
    """Of boxes that overlap the surest, as indices, the surest first.

    `alike`: of what two cover together; where `nested`, of the smaller one.
    """
    order = np.argsort(-boxes[:, 4], kind="stable")
    area = np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    kept = []
    while order.size:
        first, rest = int(order[0]), order[1:]
        kept.append(first)
        low = np.maximum(boxes[first, :2], boxes[rest, :2])
        high = np.minimum(boxes[first, 2:4], boxes[rest, 2:4])
        shared = np.prod(np.maximum(0, high - low), axis=1)
        both = np.minimum(area[first], area[rest]) if nested else area[first] + area[rest] - shared
        order = rest[shared <= alike * both]
    return kept
