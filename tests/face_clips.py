"""Videos of faces made of single pictures of them, and the alerts that the real watch opens on a video."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from alerts.judge import Judge
from alerts.rules import Rules
from alerts.verdict import Change, Verdict
from config.settings import StreamSettings
from daemon.watch import Watch
from detectors.deepfake.detector import DeepfakeDetector
from detectors.detection import Kind
from detectors.examiner import Examiner
from streams.frame import Frame
from streams.recoding import encoded
from streams.source import source_for

HIGH, WIDE = 480, 640  # px of the videos
RATE = 5.0  # pictures a second: about what the pictures of one clip were taken at

STREAM = "video"

Picture = NDArray[np.uint8]


@dataclass
class Told:
    """Remembers the alerts that were opened, and after how many seconds."""

    opened: list[tuple[float, Verdict]] = field(default_factory=list)
    pictures: int = 0
    _began: datetime | None = None

    async def announce_all(
        self, stream: str, verdicts: Sequence[Verdict], at: datetime, frame: Frame | None
    ) -> None:
        """As the watch wants it."""
        self._began = self._began or at
        self.pictures += frame is not None
        seconds = (at - self._began).total_seconds()
        self.opened += [(seconds, one) for one in verdicts if one.change is Change.OPENED]


def read(path: Path) -> Picture:
    """(H, W, 3) BGR."""
    picture = cv2.imread(str(path))
    assert picture is not None, path
    return np.asarray(picture, np.uint8)


def in_a_room(face: Picture) -> Picture:
    """A picture of a face in the middle of a larger one, as a camera sees somebody."""
    ground = np.linspace(90, 150, WIDE)[None, :, None] + np.linspace(-20, 20, HIGH)[:, None, None]
    grain = np.random.default_rng(0).normal(0, 2, (HIGH, WIDE, 3))
    room = np.clip(ground + grain, 0, 255).astype(np.uint8)
    scale = min(1.0, (HIGH - 40) / face.shape[0], (WIDE - 40) / face.shape[1])
    if scale < 1:
        face = np.asarray(cv2.resize(face, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    high, wide = face.shape[:2]
    top, left = (HIGH - high) // 2, (WIDE - wide) // 2
    room[top : top + high, left : left + wide] = face
    return room


def film(path: Path, faces: Sequence[Picture]) -> Path:
    """A video of these pictures in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded([in_a_room(face) for face in faces], RATE))
    return path


async def watched(path: Path, detector: DeepfakeDetector) -> Told:
    """What the real watch of a recording tells, with the deepfake detector and the rules as they come."""
    stream, told = StreamSettings(name=STREAM, url=str(path)), Told()
    detector.forget(STREAM)
    async with Examiner({"deepfake": detector}, {STREAM: ("deepfake",)}, stale_after=2) as examiner:
        await Watch(
            source=source_for(stream, RATE, detector.width),
            examiner=examiner,
            judge=Judge(STREAM, Rules()),
            gatekeeper=told,
            judged=lambda _: None,
            live=False,
        ).run()
    assert all(one.kind is Kind.DEEPFAKE for _, one in told.opened)
    return told
