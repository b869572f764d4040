"""Reads recordings for an evaluation, as the daemon reads them."""

import csv
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.address import source_address
from config.settings import StreamSettings
from streams.frame import Frame
from streams.source import source_for
from streams.stretch import Stretch

SUFFIXES = (".mp4", ".mkv", ".avi", ".mov", ".ts", ".m4v", ".webm")
ALL = 60.0  # pictures a second: every one
Flags = NDArray[np.bool_]


class FootageError(Exception):
    """What was named cannot be evaluated; the text says what is wrong and what is wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A clip, and what is abnormal in it."""

    name: str
    stretch: Stretch
    abnormal: Flags  # (N,)
    masks: Flags | None  # (N, H, W) where; None: nobody said


def is_labelled(data: Path) -> bool:
    """Whether a folder has clips to learn from, and labelled ones to test on."""
    return (data / "train").is_dir() and (data / "test").is_dir()


def recordings(data: Path) -> list[Path]:
    """The recordings in a folder, by their names, or the one that is named. Raises FootageError."""
    if data.is_file():
        return [data]
    if not data.exists():
        raise FootageError(f"{data} is not there: name a recording, or a folder of recordings")
    found = sorted(path for path in data.iterdir() if path.suffix.lower() in SUFFIXES)
    if not found:
        raise FootageError(f"{data} holds no recording ({', '.join(SUFFIXES)})")
    return found


async def frames(path: Path, fps: float, width: int) -> AsyncGenerator[tuple[Frame, float], None]:
    """A recording's frames, and the share 0..1 of it that is read. Raises StreamError where it cannot be."""
    source = source_for(StreamSettings(name="evaluate", url=source_address(str(path))), fps, width)
    try:
        async for sight in source.sights():
            if isinstance(sight, Frame):
                length = source.opened.duration if source.opened else None
                yield sight, min(1.0, sight.position / length) if length else 0.0
    finally:
        await source.close()


async def stretch(path: Path, every: int, width: int) -> Stretch:
    """Every so many pictures of a recording, kept in memory."""
    pictures, positions = [], []
    async for frame, _ in frames(path, ALL, width):
        if frame.number % every == 0:
            pictures.append(frame.picture.copy())
            positions.append(frame.position)
    if len(pictures) < 2:
        raise FootageError(f"{path} has fewer than two pictures")
    return Stretch(pictures, (len(pictures) - 1) / (positions[-1] - positions[0]))


async def labelled(path: Path, spans: dict[str, list[tuple[int, int]]], every: int, width: int) -> Labelled:
    """A test clip with its labels: `spans` as read_spans gives them, NN_masks.npz if it lies beside it."""
    footage = await stretch(path, every, width)
    numbers = np.arange(len(footage.pictures)) * every
    abnormal = np.zeros(len(numbers), bool)
    for first, last in spans.get(path.stem, []):
        abnormal |= (numbers + 1 >= first) & (numbers + 1 <= last)
    masks, beside = None, path.with_name(f"{path.stem}_masks.npz")
    if beside.exists():
        try:
            with np.load(beside) as packed:
                bits = np.unpackbits(packed["masks"], axis=-1)[..., : int(packed["width"])]
        except (ValueError, KeyError, OSError) as error:
            raise FootageError(f"{beside} cannot be read as masks: {error}") from error
        masks = bits.astype(bool)[::every]
        if len(masks) != len(numbers):
            raise FootageError(f"{beside} has {len(bits)} masks, {path.name} has other pictures")
    return Labelled(path.stem, footage, abnormal, masks)


def read_spans(file: Path) -> dict[str, list[tuple[int, int]]]:
    """{clip: [(first, last)]}, counted from 1, both included. Raises FootageError."""
    wanted = ("clip", "first_abnormal_frame", "last_abnormal_frame")
    spans: dict[str, list[tuple[int, int]]] = {}
    try:
        with file.open(newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                try:
                    span = int(row[wanted[1]]), int(row[wanted[2]])
                    spans.setdefault(row[wanted[0]], []).append(span)
                except (KeyError, TypeError, ValueError):
                    raise FootageError(f"{file}, line {number}: wanted are {', '.join(wanted)}") from None
    except OSError as error:
        raise FootageError(f"{file} cannot be read: {error.strerror}") from error
    return spans
