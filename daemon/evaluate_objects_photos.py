"""Reads photos with the objects in them, as COCO lays them out, also several small ones in one frame."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.evaluate_footage import FootageError

FRAME: Final = (720, 1280)  # height and width of a frame that is put together
GREY: Final = 114

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One picture to find objects in."""

    name: str
    labels: tuple[str, ...]  # of the objects, (N)
    boxes: NDArray[np.float64]  # (N, 4) left, top, width, height in px
    read: Callable[[], Picture]  # (H, W, 3) BGR. Raises FootageError


def photos_of(folder: Path, many: int | None) -> list[Photo]:
    """The first so many, by their names; None: all. Raises FootageError."""
    files = sorted(folder.glob("instances_*.json")) if folder.is_dir() else []
    if len(files) != 1:
        raise FootageError(
            f"{folder} holds {len(files)} instances_*.json: name a folder with one, as COCO lays it out, and "
            "the photos beside it or in a folder of its name (instances_val.json: val/)"
        )
    try:
        told = json.loads(files[0].read_text("utf-8"))
        labels = {one["id"]: str(one["name"]) for one in told["categories"]}
        images = sorted(told["images"], key=lambda one: str(one["file_name"]))[:many]
        known = {one["id"]: list[dict[str, Any]]() for one in images}
        for one in told["annotations"]:
            if one["image_id"] in known and not one.get("iscrowd"):
                known[one["image_id"]].append(one)
        beside = folder / files[0].stem.removeprefix("instances_")
        there = beside if beside.is_dir() else folder
        return [
            Photo(
                str(image["file_name"]),
                tuple(labels[one["category_id"]] for one in known[image["id"]]),
                np.array([one["bbox"] for one in known[image["id"]]], np.float64).reshape(-1, 4),
                partial(_read, there / str(image["file_name"])),
            )
            for image in images
        ]
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise FootageError(f"{files[0]} cannot be read as COCO's annotations ({error!r})") from error


def shrunk(photos: Sequence[Photo], across: int) -> list[Photo]:
    """Frames of `FRAME` pixels with across x across photos in each, so that objects are small."""
    groups = [photos[first : first + across**2] for first in range(0, len(photos), across**2)]
    return [_together(group, across) for group in groups if len(group) == across**2]


def _together(photos: Sequence[Photo], across: int) -> Photo:
    pictures = [photo.read() for photo in photos]
    places = [_place(picture.shape, number, across) for number, picture in enumerate(pictures)]
    boxes = [
        photo.boxes * scale + (left, top, 0, 0)
        for photo, (left, top, scale) in zip(photos, places, strict=True)
    ]
    return Photo(
        "+".join(photo.name for photo in photos),
        tuple(label for photo in photos for label in photo.labels),
        np.concatenate(boxes),
        partial(_drawn, photos, places),
    )


def _place(shape: tuple[int, ...], number: int, across: int) -> tuple[int, int, float]:
    """Left, top and scale of a photo in its part of the frame."""
    high, wide = FRAME[0] // across, FRAME[1] // across
    scale = min(high / shape[0], wide / shape[1])
    return number % across * wide, number // across * high, scale


def _drawn(photos: Sequence[Photo], places: Sequence[tuple[int, int, float]]) -> Picture:
    frame = np.full((*FRAME, 3), GREY, np.uint8)
    for photo, (left, top, scale) in zip(photos, places, strict=True):
        picture = photo.read()
        height, width = (max(1, int(side * scale)) for side in picture.shape[:2])
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        frame[top : top + height, left : left + width] = cv2.resize(
            picture, (width, height), interpolation=how
        )
    return frame


def _read(path: Path) -> Picture:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise FootageError(f"{path} cannot be read as a picture, and the annotations name it")
    return np.asarray(picture, np.uint8)
