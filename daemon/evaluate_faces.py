"""Reads a folder of real and fake faces, as pictures or as videos, for an evaluation."""

import re
from collections.abc import AsyncGenerator, Container
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.evaluate_footage import SUFFIXES, FootageError, frames
from detectors.deepfake.examples import Part, part_of
from streams.frame import Frame, StreamError

PICTURES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")
LAYOUT: Final = "wanted are two folders, real/ and fake/, with pictures or videos (see docs/deepfake.md)"
_FRAME: Final = re.compile(r"(.+)_(\d+)")
_STREAM: Final = "evaluate"
_NEVER: Final = datetime(2026, 1, 1, tzinfo=UTC)

Split = Literal["all", "train", "test"]


@dataclass(frozen=True, slots=True)
class Clip:
    """Pictures that belong together, in their order, or one video."""

    name: str  # with the folders under its half
    source: str  # the folder under its half that it lies in; empty where it lies in none
    fake: bool
    files: tuple[Path, ...]

    @property
    def kind(self) -> str:
        """Of file: 'jpg', 'mp4'."""
        return self.files[0].suffix.lower().removeprefix(".")

    @property
    def is_video(self) -> bool:
        return self.files[0].suffix.lower() in SUFFIXES


def clips_of(data: Path, split: Split = "all", every: int = 1) -> list[Clip]:
    """All clips, real ones first, of pictures every so many one. Raises FootageError."""
    if not data.is_dir():
        raise FootageError(f"{data} is not a folder: {LAYOUT}")
    clips = []
    for half in ("real", "fake"):
        if not (data / half).is_dir():
            raise FootageError(f"{data} has no folder {half}/: {LAYOUT}")
        found = _half(data / half, half == "fake", every)
        if not found:
            raise FootageError(f"{data / half} holds no pictures and no videos: {LAYOUT}")
        kept = [one for one in found if split == "all" or _held_out(one) == (split == "test")]
        if not kept:
            raise FootageError(f"{data / half} has no clip in the split '{split}': use --split all")
        clips += kept
    return clips


def _half(folder: Path, fake: bool, every: int) -> list[Clip]:
    """`<clip>_<frame>.jpg` are pictures of one clip; any other picture and each video is one of its own."""
    grouped: dict[tuple[str, str], list[tuple[int, Path]]] = {}
    for path in sorted(folder.rglob("*")):
        suffix, within = path.suffix.lower(), path.relative_to(folder)
        if suffix not in PICTURES + SUFFIXES or any(part.startswith(".") for part in within.parts):
            continue
        parent = "" if within.parent == Path() else within.parent.as_posix()
        numbered = _FRAME.fullmatch(path.stem) if suffix in PICTURES else None
        name, number = (numbered[1], int(numbered[2])) if numbered else (path.stem, 0)
        grouped.setdefault((parent, name if numbered else path.name), []).append((number, path))
    return [
        Clip(
            name=f"{parent}/{name}" if parent else name,
            source=parent,
            fake=fake,
            files=tuple(path for _, path in sorted(files)[::every]),
        )
        for (parent, name), files in grouped.items()
    ]


def _held_out(clip: Clip) -> bool:
    """As the script that makes the weights has it."""
    return part_of(Path(clip.name).stem) is Part.TEST


async def look_through(
    clip: Clip, fps: float, width: int, wanted: Container[int] | None = None
) -> AsyncGenerator[tuple[int, Frame | None], None]:
    """The clip's pictures with their numbers, or only those wanted; None for one that cannot be read.

    At most `width` px wide, as the daemon's decoder makes them.
    """
    if clip.is_video:
        try:
            async for frame, _ in frames(clip.files[0], fps, width):
                if wanted is None or frame.number in wanted:
                    yield frame.number, frame
        except StreamError:
            yield -1, None
        return
    for number, path in enumerate(clip.files):
        if wanted is None or number in wanted:
            picture = _read(path, width)
            yield number, None if picture is None else as_frame(picture)


def as_frame(picture: NDArray[np.uint8]) -> Frame:
    """One picture (H, W, 3) BGR with nothing before it."""
    return Frame(_STREAM, 0, picture, _NEVER, 0.0, 0.0, live=False, keyframe=True, fresh=True)


def _read(path: Path, width: int) -> NDArray[np.uint8] | None:
    try:
        blob = np.fromfile(path, np.uint8)
        picture = cv2.imdecode(blob, cv2.IMREAD_COLOR) if len(blob) else None
    except (OSError, cv2.error):
        return None
    if picture is None:
        return None
    if picture.shape[1] > width:
        height = max(1, round(picture.shape[0] * width / picture.shape[1]))
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(picture, np.uint8)
